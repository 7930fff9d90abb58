"""The brake on guessing: after a few wrong passwords every further try costs a pause that grows.

Tries are counted by user and by address, and counted before the password is looked at, so that a hundred at once are
not a hundred tries. A user's pause stays short, because whoever knows his name could otherwise keep him out; an
address's grows long. A wrong try is forgotten every ten minutes; one right password of an address does not make its
wrong ones good, or else whoever has an account could guess others between his own sign-ins. Never more than
``REMEMBERED`` names are kept; each node counts for itself.
"""

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import ClassVar

from stanchion.model.errors import TooSoon

REMEMBERED = 4096
LEAK_S = 600.0
"""How long it takes until one wrong try is forgotten."""
FREE = {"user": 8, "address": 5}
"""So many wrong tries cost nothing; people mistype."""
LONGEST_S = {"user": 60.0, "address": 900.0}


@dataclass(slots=True)
class _Count:
    tries: float = 0.0
    last_s: float = 0.0
    until_s: float = 0.0


@dataclass(slots=True)
class Brake:
    """Counts tries. Instants are those of the host's monotonic clock."""

    _counts: OrderedDict[tuple[str, str], _Count] = field(default_factory=OrderedDict)

    def attempt(self, user: str, address: str, now_s: float) -> None:
        """Count a try before it is judged. Raises ``TooSoon`` where it may not be made yet."""
        keys = _keys(user, address)
        wait_s = max(self._wait_s(key, now_s) for key in keys)
        if wait_s > 0:
            fault = TooSoon(f"too many wrong tries; wait {_spoken(wait_s)} before the next")
            fault.retry_after_s = wait_s
            raise fault
        for key in keys:
            self._count(key, now_s)

    def forgive(self, user: str, address: str) -> None:
        """Forget the try that turned out to be right, and the user's wrong ones before it."""
        mine, theirs = _keys(user, address)
        self._counts.pop(mine, None)
        known = self._counts.get(theirs)
        if known is not None:
            known.tries, known.until_s = known.tries - 1, 0.0

    def _wait_s(self, key: tuple[str, str], now_s: float) -> float:
        known = self._counts.get(key)
        return 0.0 if known is None else known.until_s - now_s

    def _count(self, key: tuple[str, str], now_s: float) -> None:
        known = self._counts.pop(key, None)
        if known is None:
            known = _Count(last_s=now_s)
        known.tries = max(0.0, known.tries - (now_s - known.last_s) / LEAK_S) + 1
        known.last_s = now_s
        beyond = known.tries - FREE[key[0]]
        if beyond >= 0:
            known.until_s = now_s + min(2.0 ** min(beyond, 30), LONGEST_S[key[0]])
        self._counts[key] = known
        while len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)


def network(address: str) -> str:
    """Give what counts as one address: of IPv6 the network, since a host has as many addresses as it likes."""
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(read, ipaddress.IPv4Address):
        return str(read)
    return str(ipaddress.IPv6Network((read, 64), strict=False))


def _keys(user: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (("user", user), ("address", network(address)))


def _spoken(wait_s: float) -> str:
    return f"{max(1, round(wait_s))} s"


@dataclass(slots=True)
class _Period:
    begun_s: float
    written: int = 0
    left_out: int = 0


@dataclass(slots=True)
class Trickle:
    """Lets so many refusals of each address into the history in a period and counts the others: no flood fills it."""

    ROOM: ClassVar[int] = 20
    ROOM_OF_ALL: ClassVar[int] = 200
    PERIOD_S: ClassVar[float] = 600.0

    _periods: OrderedDict[str, _Period] = field(default_factory=OrderedDict)

    def passes(self, address: str, now_s: float) -> int | None:
        """Tell how many of the address were left out before this one; None: this one is left out as well."""
        mine, everybody = self._period(network(address), now_s), self._period("", now_s)
        if mine.written >= self.ROOM or everybody.written >= self.ROOM_OF_ALL:
            mine.left_out += 1
            return None
        mine.written += 1
        everybody.written += 1
        more, mine.left_out = mine.left_out, 0
        return more

    def _period(self, key: str, now_s: float) -> _Period:
        known = self._periods.pop(key, None)
        if known is None or now_s - known.begun_s > self.PERIOD_S:
            known = _Period(now_s, left_out=known.left_out if known else 0)
        self._periods[key] = known
        while len(self._periods) > REMEMBERED:
            self._periods.popitem(last=False)
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """A browser that was sent to an identity provider: what must be the same when it comes ``back``."""

    browser: str
    nonce: str
    verifier: str
    back: str
    until_s: float


@dataclass(frozen=True, slots=True)
class Vigil:
    """What one agent remembers of those who ask: tries, refusals, and what it writes about them just now."""

    brake: Brake = field(default_factory=Brake)
    trickle: Trickle = field(default_factory=Trickle)
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    touching: set[str] = field(default_factory=set)
    away: dict[str, Away] = field(default_factory=dict)

    def later(self, work: Coroutine[None, None, None]) -> None:
        """Do something that nobody waits for."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
