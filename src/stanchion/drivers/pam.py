"""The host's PAM, asked in a process of its own.

A PAM module is a library of somebody else that may hang on a dead directory server, or crash. In a child it costs one
sign-in and never the agent, which has a lease to renew. Name and password go to the child over a pipe, never in its
command line or environment; it (``pam_child``) answers with the person's groups. A few are asked at once, a few more
wait.

Needs the package ``python-pam`` (``stanchion[pam]``) and the service's file in ``/etc/pam.d``. Run as root, as the
agent is: others can only check their own password.
"""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path

from stanchion.model.errors import HostError, TooSoon
from stanchion.ports import Vouched

AT_ONCE = 4
WAITING = 16
CHILD = Path(__file__).with_name("pam_child.py")
PATIENCE_S = 20.0
"""PAM delays its refusals by some seconds, by design."""


class HostPam:
    """Asks the host's PAM for a service. ``command`` is the child, for tests."""

    def __init__(self, service: str, *, command: tuple[str, ...] = (sys.executable, "-I", str(CHILD)),
                 patience_s: float = PATIENCE_S) -> None:
        self._service = service
        self._command = command
        self._patience_s = patience_s
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def check(self, name: str, password: str) -> Vouched | None:
        """Tell who it is; None: that is not his password, or his account is closed.

        Raises ``TooSoon`` where too many wait already, ``HostError`` where PAM cannot be asked.
        """
        if self._waiting >= AT_ONCE + WAITING:
            raise TooSoon("too many people sign in just now; try again in a moment")
        self._waiting += 1
        try:
            async with self._places:
                groups = await self._ask(name, password)
        finally:
            self._waiting -= 1
        return None if groups is None else Vouched(name=name, groups=groups)

    async def _ask(self, name: str, password: str) -> tuple[str, ...] | None:
        asked = json.dumps({"service": self._service, "name": name, "password": password}).encode()
        child = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(self._patience_s):
                said, trouble = await child.communicate(asked)
        except TimeoutError:
            raise HostError(f"PAM did not answer within {self._patience_s:g} s; its journal says why") from None
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        try:
            told = json.loads(said)
            return None if told is None else tuple(map(str, told))
        except (ValueError, TypeError):
            last = trouble.decode(errors="replace").strip().rpartition("\n")[2] or f"exit code {child.returncode}"
            raise HostError(f"PAM cannot be asked ({last}); is stanchion[pam] installed, and does the agent run "
                            "as root?") from None
