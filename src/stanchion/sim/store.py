"""The store in memory, on the event loop's own time: one engine for the cluster, one handle for each agent.

``MemoryEngine`` is what etcd or the SQLite file is in production: revisions, guarded transactions, leases that end
exactly on their deadline, and a bounded log for the watches. It keeps records as they are and speaks to nobody.
``MemoryStore`` is one client's line to it, and therefore where the weather is made: a line can be cut (``available``)
and slow (``latency_s``). A line that is cut while an answer travels loses the answer, not the write - which is
precisely what a client of a real store must reckon with.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from typing import TypeVar

from stanchion.model.cluster import UNWATCHED, Change, Held, Key, Kind, Record
from stanchion.model.errors import StoreUnavailable
from stanchion.model.ids import NOTHING, LeaseId, Revision
from stanchion.model.naming import history_key
from stanchion.model.transaction import Committed, Conflict, Transaction
from stanchion.ports import Batch, Resync, Snapshot
from stanchion.sim import loop

T = TypeVar("T")

WATCHED = sorted(set(Kind) - UNWATCHED)


@dataclass(slots=True)
class _Lease:
    """A living lease: its length, the timer that ends it, and the keys that end with it, oldest first."""

    ttl_s: float
    timer: asyncio.TimerHandle
    keys: dict[Key, None] = field(default_factory=dict)


class MemoryEngine:
    """The cluster's one truth. Every method is a single instant; only a running loop with a clock is needed.

    ``records`` may be read (the simulator's judges do), never written, from outside. ``judges`` are told every write
    in its instant.
    """

    def __init__(self, *, log_kept: int = 1000) -> None:
        self.revision = NOTHING
        self.judges: list[Callable[[Batch], None]] = []
        self.records: dict[Key, Held[Record]] = {}
        self._keys: dict[Kind, dict[str, Key]] = {kind: {} for kind in Kind}
        self._snapshot: Snapshot | None = None
        self._leases: dict[LeaseId, _Lease] = {}
        self._lease_of: dict[Key, LeaseId] = {}
        self._log: deque[Batch] = deque(maxlen=log_kept)
        self._serials = count(1)
        self._listeners: dict[int, asyncio.Event] = {}

    def snapshot(self) -> Snapshot:
        """Give everything but history and runs; the same for everybody who asks at one revision."""
        if self._snapshot is not None and self._snapshot.revision == self.revision:
            return self._snapshot
        held = ((key, self.records[key]) for kind in WATCHED for _, key in sorted(self._keys[kind].items()))
        self._snapshot = Snapshot(revision=self.revision,
                                  changes=tuple(Change(key, found.value, found.revision) for key, found in held))
        return self._snapshot

    def commit(self, transaction: Transaction) -> Committed | Conflict:
        """Write all or nothing."""
        for guard in transaction.guards:
            if self._revision_of(guard.key) != guard.revision:
                return Conflict(guard.key, self._revision_of(guard.key))
        for put in transaction.puts:
            if put.lease is not None and put.lease not in self._leases:
                return Conflict(put.key, self._revision_of(put.key))
        written: dict[Key, Record | None] = {key: None for key in transaction.deletes if key in self.records}
        leased: dict[Key, LeaseId | None] = {}
        for put in transaction.puts:
            written[put.key] = put.record
            leased[put.key] = put.lease
        for index, entry in enumerate(transaction.history):
            written[history_key(self.revision + 1, index)] = entry
        self._write(written, leased)
        return Committed(self.revision)

    def listing(self, kind: Kind, *, after: str, prefix: str, limit: int,
                newest_first: bool) -> list[tuple[str, Held[Record]]]:
        """List records of a kind by name."""
        names = sorted((name for name in self._keys[kind] if name.startswith(prefix)), reverse=newest_first)
        if after:
            names = [name for name in names if (name < after if newest_first else name > after)]
        return [(name, self.records[Key(kind, name)]) for name in names[:limit]]

    def trim(self, kind: Kind, *, prefix: str, keep: int) -> int:
        """Delete the oldest records of a kind but ``keep``."""
        keys = [key for name, key in self._keys[kind].items() if name.startswith(prefix)]
        keys.sort(key=lambda key: (self.records[key].revision, key.name), reverse=True)
        self._write(dict.fromkeys(keys[keep:]))
        return len(keys[keep:])

    def grant(self, ttl_s: float) -> LeaseId:
        """Begin a lease."""
        lease = LeaseId(f"lease-{next(self._serials)}")
        self._leases[lease] = _Lease(ttl_s, self._timer(lease, ttl_s))
        return lease

    def renew(self, lease: LeaseId) -> bool:
        """Begin a living lease's time anew."""
        held = self._leases.get(lease)
        if held is None:
            return False
        held.timer.cancel()
        held.timer = self._timer(lease, held.ttl_s)
        return True

    def revoke(self, lease: LeaseId) -> None:
        """End a lease; its records go in one revision."""
        held = self._leases.pop(lease, None)
        if held is not None:
            held.timer.cancel()
            self._write(dict.fromkeys(held.keys))

    def compact(self) -> None:
        """Forget what the watches were not told yet: whoever is behind must resync."""
        self._log.clear()

    def since(self, after: Revision) -> list[Batch] | None:
        """Give the batches beyond that revision, None when some of them are forgotten."""
        behind = self.revision - after
        if not 0 <= behind <= len(self._log):
            return None
        return list(islice(self._log, len(self._log) - behind, None))

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Lend an event that is set after every write."""
        serial, event = next(self._serials), asyncio.Event()
        self._listeners[serial] = event
        try:
            yield event
        finally:
            del self._listeners[serial]

    def _revision_of(self, key: Key) -> Revision:
        held = self.records.get(key)
        return NOTHING if held is None else held.revision

    def _timer(self, lease: LeaseId, ttl_s: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(ttl_s, self.revoke, lease, context=loop.apart())

    def _write(self, written: Mapping[Key, Record | None], leased: Mapping[Key, LeaseId | None] | None = None) -> None:
        """Write at the next revision; writing nothing is no revision."""
        if not written:
            return
        self.revision = Revision(self.revision + 1)
        for key, record in written.items():
            self._bind(key, None if leased is None else leased.get(key))
            if record is None:
                self.records.pop(key, None)
                self._keys[key.kind].pop(key.name, None)
            else:
                self._keys[key.kind][key.name] = key
                self.records[key] = Held(record, self.revision)
        self._log.append(Batch(self.revision, _visible(written, self.revision)))
        for judge in self.judges:
            judge(self._log[-1])
        for event in self._listeners.values():
            event.set()

    def _bind(self, key: Key, lease: LeaseId | None) -> None:
        """Let the key end with that lease and no other."""
        before = self._lease_of.pop(key, None)
        if before in self._leases:
            self._leases[before].keys.pop(key, None)
        if lease is not None:
            self._lease_of[key] = lease
            self._leases[lease].keys[key] = None


class MemoryStore:
    """One agent's line to the engine: the ``Store`` port, with weather.

    ``latency_s`` is the time of a round trip; half passes before the store acts, half before the answer is here.
    ``loses`` is asked twice for every call, once on each way: True loses the request, or the answer. ``kept_at_s`` is
    the instant before its last successful grant or renewal was sent: judges count the local deadline from it.
    """

    def __init__(self, engine: MemoryEngine, *, latency_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self.loses: Callable[[], bool] = lambda: False
        self.kept_at_s = float("-inf")
        self._engine = engine
        self._open = asyncio.Event()
        self._open.set()
        self._cuts = 0
        self._closed = False
        self._wakers: list[asyncio.Event] = []

    @property
    def available(self) -> bool:
        """Whether the line is up. Cut, calls raise ``StoreUnavailable`` and watches fall silent; then they resync."""
        return self._open.is_set()

    @available.setter
    def available(self, up: bool) -> None:
        """Cut the line or bring it back."""
        if up:
            self._open.set()
        else:
            self._open.clear()
            self._cuts += 1
        self._wake()

    async def snapshot(self) -> Snapshot:
        """Read everything but history and runs."""
        return await self._call(self._engine.snapshot)

    async def commit(self, transaction: Transaction) -> Committed | Conflict:
        """Write all of it if every guard holds."""
        return await self._call(lambda: self._engine.commit(transaction))

    async def records(self, kind: Kind, *, after: str = "", prefix: str = "", limit: int = 500,
                      newest_first: bool = False) -> list[tuple[str, Held[Record]]]:
        """List records of a kind by name."""
        return await self._call(lambda: self._engine.listing(
            kind, after=after, prefix=prefix, limit=limit, newest_first=newest_first))

    async def trim(self, kind: Kind, *, prefix: str = "", keep: int) -> int:
        """Delete the oldest records of a kind but ``keep``."""
        return await self._call(lambda: self._engine.trim(kind, prefix=prefix, keep=keep))

    async def grant(self, ttl_s: float) -> LeaseId:
        """Begin a lease."""
        sent_s = asyncio.get_running_loop().time()
        lease = await self._call(lambda: self._engine.grant(ttl_s))
        self.kept_at_s = sent_s
        return lease

    async def renew(self, lease: LeaseId) -> bool:
        """Begin a lease's time anew."""
        sent_s = asyncio.get_running_loop().time()
        if not await self._call(lambda: self._engine.renew(lease)):
            return False
        self.kept_at_s = sent_s
        return True

    async def revoke(self, lease: LeaseId) -> None:
        """End a lease."""
        await self._call(lambda: self._engine.revoke(lease))

    async def watch(self, after: Revision) -> AsyncIterator[Batch | Resync]:
        """Deliver every revision beyond that one; ends after ``Resync``, and when the handle is closed."""
        cuts = self._cuts
        with self._engine.listening() as news:
            self._wakers.append(news)
            try:
                while not self._closed:
                    news.clear()
                    if cuts != self._cuts:
                        await self._open.wait()
                    batches = None if cuts != self._cuts else self._engine.since(after)
                    if batches is None:
                        if not self._closed:
                            yield Resync()
                        return
                    for batch in batches:
                        await asyncio.sleep(self.latency_s / 2)
                        if cuts != self._cuts or self._closed:
                            break
                        yield batch
                        after = batch.revision
                    if not batches:
                        await news.wait()
            finally:
                self._wakers.remove(news)

    async def close(self) -> None:
        """Hang up; watches end, leases live on."""
        self._closed = True
        self._open.set()
        self._wake()

    async def _call(self, act: Callable[[], T]) -> T:
        """Travel there, act, travel back; both ways need the line."""
        cuts = self._cuts
        await asyncio.sleep(self.latency_s / 2)
        self._reach(cuts)
        answer = act()
        await asyncio.sleep(self.latency_s / 2)
        self._reach(cuts)
        return answer

    def _reach(self, cuts: int) -> None:
        if self._closed:
            raise StoreUnavailable("this line to the store was closed")
        if not self.available or cuts != self._cuts or self.loses():
            raise StoreUnavailable("the store does not answer")

    def _wake(self) -> None:
        for waker in self._wakers:
            waker.set()


def _visible(written: Mapping[Key, Record | None], revision: Revision) -> tuple[Change, ...]:
    return tuple(Change(key, record, revision) for key, record in written.items() if key.kind not in UNWATCHED)
