"""The hashes of passwords: slow on purpose, so that a copy of the store does not give the passwords away.

Argon2id, each with its own salt and its parameters in the text; a later version may choose harder ones, and old hashes
stay good. The work is done beside the event loop, a few at once and a few more waiting: who floods the sign-in takes
neither the agent's memory nor its time. A user without a password costs the same work as one with, so that the answer's
time does not tell who exists. This is the only place that knows ``argon2``.
"""

import asyncio
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from stanchion.model.errors import TooSoon

AT_ONCE = 2
WAITING = 16
MEMORY_KIB = 32 * 1024
ROUNDS = 3
"""32 MiB and 3 rounds: some 50 ms, well above what OWASP asks (19 MiB, 2 rounds)."""


class Argon:
    """Hashes and checks passwords. ``memory_kib`` and ``rounds`` say how hard it is."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, rounds: int = ROUNDS) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def digest(self, password: str) -> str:
        """Give the hash of a password. Raises ``TooSoon`` where too many wait already."""
        return await self._work(password, "")

    async def fits(self, password: str, digest: str) -> bool:
        """Tell whether it is the password of that hash; an empty hash costs the same and fits nothing.

        Raises ``TooSoon`` where too many wait already.
        """
        return bool(await self._work(password, digest or self._nobody)) and bool(digest)

    @cached_property
    def _nobody(self) -> str:
        """The hash that stands in for a missing one."""
        return self._hasher.hash("nobody")

    async def _work(self, password: str, digest: str) -> str:
        if self._waiting >= AT_ONCE + WAITING:
            raise TooSoon("too many people sign in just now; try again in a moment")
        self._waiting += 1
        try:
            async with self._places:
                return await asyncio.to_thread(self._one, password, digest)
        finally:
            self._waiting -= 1

    def _one(self, password: str, digest: str) -> str:
        """Hash a password, or give the hash that it fits; empty: it does not."""
        if not digest:
            return self._hasher.hash(password)
        try:
            return digest if self._hasher.verify(digest, password) else ""
        except (VerificationError, InvalidHashError):
            return ""
