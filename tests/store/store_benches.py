"""The stores behind one door for the contract tests.

In memory on virtual time, SQLite on a clock set by hand, etcd as it is: real servers on real time, which count
revisions from wherever they stand.
"""

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from stanchion.model.cluster import Node
from stanchion.model.ids import NodeName, Revision
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.ports import Batch, Resync, Store
from stanchion.sim import loop as virtual
from stanchion.sim.store import MemoryEngine, MemoryStore
from stanchion.store.sqlite import SqliteStore

DEADLINE_S = 20.0


class Bench(ABC):
    """Makes clients of one store and moves its time.

    ``lease_s`` is a length for leases that costs little time; ``leases_write``: beginning and renewing are revisions.
    """

    lease_s = 4.0
    leases_write = False
    deadline_s = DEADLINE_S

    def __init__(self) -> None:
        self.base = 0
        self._clients: list[Store] = []

    def at(self, number: int) -> Revision:
        """Give the store's revision number so and so since the story began."""
        return Revision(self.base + number)

    def client(self) -> Store:
        """Give another client of the same store; it is closed at the story's end."""
        client = self._make()
        self._clients.append(client)
        return client

    @abstractmethod
    def _make(self) -> Store: ...

    @abstractmethod
    def run(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a story on the store's loop."""

    @abstractmethod
    async def pass_time(self, seconds: float) -> None:
        """Let the time of the store's leases pass."""

    async def outlast(self, seconds: float) -> None:
        """Let that time pass, at whose end every lease has ended that holds a record, and until the store sees it."""
        await self.pass_time(seconds)

    async def forget(self, revision: Revision) -> None:  # noqa: ARG002 - for stores that forget by order only
        """Have the store forget the changes up to that revision, unless it has done so by itself."""
        await asyncio.sleep(0)

    async def begin(self) -> None:
        """Do what is due before a story."""
        await asyncio.sleep(0)

    async def end(self) -> None:
        """Do what is due after a story."""
        await asyncio.sleep(0)

    async def tell(self, story: Callable[[], Awaitable[None]]) -> None:
        """Run the story to its end, within the deadline, and close all clients."""
        await self.begin()
        try:
            async with asyncio.timeout(self.deadline_s):
                await story()
        finally:
            for client in self._clients:
                await client.close()
            await self.end()


class MemoryBench(Bench):
    """The simulator's store."""

    def __init__(self, log_kept: int) -> None:
        super().__init__()
        self.engine = MemoryEngine(log_kept=log_kept)

    def _make(self) -> Store:
        return MemoryStore(self.engine)

    def run(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run it on virtual time."""
        virtual.run(lambda: self.tell(story))

    async def pass_time(self, seconds: float) -> None:
        """Sleep, which costs nothing here."""
        await asyncio.sleep(seconds)


class SqliteBench(Bench):
    """The embedded store; every client has a connection and a thread of its own, as agents have."""

    def __init__(self, path: Path, log_kept: int) -> None:
        super().__init__()
        self.path = path
        self.now_s = 5000.0
        self._log_kept = log_kept
        SqliteStore.create(path, "lab")

    def _make(self) -> Store:
        return SqliteStore(self.path, clock=lambda: self.now_s, boot="this boot", busy_s=15.0,
                           log_kept=self._log_kept)

    def run(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run it on the real loop."""
        asyncio.run(self.tell(story))

    async def pass_time(self, seconds: float) -> None:
        """Set the clock."""
        self.now_s += seconds


def story(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[[Bench], None]:
    """Let an async test run on its bench's own loop."""
    @functools.wraps(test)
    def run(bench: Bench) -> None:
        bench.run(lambda: test(bench))

    return run


def node(name: str, number: float = 0.0) -> Node:
    """Make a record to play with."""
    return Node(name=NodeName(name), added_at_s=number)


def put(*records: Any, guards: tuple[Guard, ...] = (), lease: Any = None) -> Transaction:
    """Make a transaction that writes records."""
    return Transaction(guards=guards, puts=tuple(Put(record, lease) for record in records))


class Listener:
    """Collects what a watch delivers, on a task of its own."""

    def __init__(self, store: Store, after: int) -> None:
        self.heard: list[Batch | Resync] = []
        self._news = asyncio.Event()
        self.task = asyncio.create_task(self._listen(store, after))

    async def _listen(self, store: Store, after: int) -> None:
        async for item in store.watch(Revision(after)):
            self.heard.append(item)
            self._news.set()

    async def begun(self) -> None:
        """Wait until something was heard; go on listening."""
        while not self.heard:
            self._news.clear()
            await self._news.wait()

    async def until(self, done: Callable[[list[Batch | Resync]], bool]) -> list[Batch | Resync]:
        """Wait until what was heard satisfies the condition, then stop listening."""
        while not done(self.heard):
            self._news.clear()
            await self._news.wait()
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        return self.heard

    async def reaching(self, revision: int) -> list[Batch]:
        """Wait until that revision is reached; give the batches."""
        heard = await self.until(lambda heard: bool(heard) and _reached(heard[-1]) >= revision)
        return [item for item in heard if isinstance(item, Batch)]


def _reached(item: Batch | Resync) -> int:
    assert isinstance(item, Batch), "the watch asks for a resync"
    return item.revision


def told(batches: list[Batch]) -> list[tuple[str, bool]]:
    """Give the names of the keys in the order in which they changed, and whether they stand."""
    return [(change.key.name, change.value is not None) for batch in batches for change in batch.changes]
