"""The embedded store: one SQLite file that the agents of one machine share.

``SqliteStore`` is the ``Store`` port for asyncio: every call becomes a job of one worker thread, which alone touches
the ``Ledger``. So the event loop never waits for a disk, jobs never interleave, and a caller that is cancelled leaves
behind either nothing or a whole transaction.

A watch asks for news twenty times a second (about 1 % of one processor), and at once after this process has
written. Asking also sweeps leases that ran out: as long as anybody watches, a dead node's lease ends on time.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from stanchion.model.cluster import Held, Kind, Record
from stanchion.model.errors import StoreUnavailable
from stanchion.model.ids import LeaseId, Revision
from stanchion.model.transaction import Committed, Conflict, Transaction
from stanchion.ports import Batch, Resync, Snapshot
from stanchion.store.sqlite_ledger import Ledger
from stanchion.store.sqlite_schema import create_file

T = TypeVar("T")

DISK_S = 1.0
"""How long the disk may take for a transaction, beyond the wait for other processes."""
POLL_S = 0.05
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SqliteStore:
    """The store in the file at ``path``; see ``Ledger`` for the options. Opening blocks, for milliseconds as a rule.

    Raises ``StoreUnusable`` where there is no such file or it cannot be used, ``StoreUnavailable`` where it is held.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic, boot: str | None = None,
                 busy_s: float = 2.0, log_kept: int = 1000, max_pages: int | None = None) -> None:
        self._path = path
        self._patience_s = busy_s + DISK_S
        self._closed = False
        self._watches: list[asyncio.Event] = []
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        boot = boot or BOOT_ID.read_text(encoding="utf-8").strip()
        try:
            self._ledger = self._worker.submit(
                Ledger, path, clock=clock, boot=boot, busy_s=busy_s, log_kept=log_kept, max_pages=max_pages).result()
        except BaseException:
            self._worker.shutdown()
            raise

    @staticmethod
    def create(path: Path, cluster: str, *, first: int = 0) -> None:
        """Make a new store, mode 0600. Raises ``AlreadyExists``, ``InvalidInput`` or ``StoreError``.

        ``first`` is its revision while it is empty.
        """
        create_file(path, cluster, first=first)

    @property
    def cluster(self) -> str:
        """The cluster that the file belongs to."""
        return self._ledger.cluster

    async def snapshot(self) -> Snapshot:
        """Read everything but history and runs, at one revision."""
        return await self._call(self._ledger.snapshot)

    async def commit(self, transaction: Transaction) -> Committed | Conflict:
        """Write all of it if every guard holds, else nothing."""
        return await self._call(partial(self._ledger.commit, transaction), tell=True)

    async def records(self, kind: Kind, *, after: str = "", prefix: str = "", limit: int = 500,
                      newest_first: bool = False) -> list[tuple[str, Held[Record]]]:
        """List records of a kind by name; with ``newest_first`` from the last name down."""
        return await self._call(partial(self._ledger.records, kind, after=after, prefix=prefix, limit=limit,
                                        newest_first=newest_first))

    async def trim(self, kind: Kind, *, prefix: str = "", keep: int) -> int:
        """Delete the oldest records of a kind but ``keep``; give how many went."""
        return await self._call(partial(self._ledger.trim, kind, prefix=prefix, keep=keep), tell=True)

    async def grant(self, ttl_s: float) -> LeaseId:
        """Begin a lease of that many seconds."""
        return await self._call(partial(self._ledger.grant, ttl_s))

    async def renew(self, lease: LeaseId) -> bool:
        """Begin the lease's time anew; False: it has ended."""
        return await self._call(partial(self._ledger.renew, lease))

    async def revoke(self, lease: LeaseId) -> None:
        """End a lease and delete every record put with it."""
        await self._call(partial(self._ledger.revoke, lease), tell=True)

    async def watch(self, after: Revision) -> AsyncIterator[Batch | Resync]:
        """Deliver every batch beyond that revision; ends after ``Resync``, and when the store is closed.

        Silent while the store is unavailable: nothing is missed, as it goes on from the last revision delivered.
        """
        news = asyncio.Event()
        self._watches.append(news)
        try:
            while not self._closed:
                news.clear()
                batches: list[Batch] | None = []
                with suppress(StoreUnavailable):
                    batches = await self._call(partial(self._ledger.since, after))
                if batches is None:
                    yield Resync()
                    return
                for batch in batches:
                    yield batch
                    after = batch.revision
                if not batches:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(POLL_S):
                            await news.wait()
        finally:
            self._watches.remove(news)

    async def close(self) -> None:
        """Let go of the file; watches end, leases live on. Closing again does nothing."""
        if self._closed:
            return
        closing = self._worker.submit(self._ledger.close)
        self._closed = True
        self._tell()
        self._worker.shutdown(wait=False)
        await asyncio.wrap_future(closing)

    async def _call(self, job: Callable[[], T], *, tell: bool = False) -> T:
        """Have the worker do a job; ``tell`` wakes this process's watches afterwards."""
        if self._closed:
            raise StoreUnavailable(f"the store {self._path} was closed")
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await asyncio.get_running_loop().run_in_executor(self._worker, job)
        except TimeoutError as fault:
            raise StoreUnavailable(f"the store {self._path} did not answer within {self._patience_s:g} s: "
                                   "its disk is slow or hangs") from fault
        if tell:
            self._tell()
        return answer

    def _tell(self) -> None:
        for news in self._watches:
            news.set()
