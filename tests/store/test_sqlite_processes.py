"""Several processes on one file: killed at any moment, they lose nothing committed and leave nothing half done."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from store_benches import Listener, node, put

import stanchion
from stanchion.model.cluster import Kind
from stanchion.model.errors import StoreUnavailable
from stanchion.model.history import Entry
from stanchion.model.ids import Revision
from stanchion.model.transaction import Committed
from stanchion.store.sqlite import SqliteStore

WRITER = Path(__file__).with_name("sqlite_writer.py")
SOURCE = Path(next(iter(stanchion.__path__))).parent


@contextmanager
def writer(path: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    """Start a writer; it is killed, and waited for, in the end."""
    with subprocess.Popen([sys.executable, WRITER, path, name], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": str(SOURCE)}) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def said(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Wait for the writer's next line: its number and revision."""
    assert process.stdout is not None
    number, revision = process.stdout.readline().split()
    return int(number), int(revision)


def last_words(process: subprocess.Popen[str]) -> list[tuple[int, int]]:
    """Give what a killed writer had said and nobody had read, without a line that the kill cut off."""
    assert process.stdout is not None
    lines = [line.split() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return [(int(number), int(revision)) for number, revision in lines]


async def _numbers(path: Path, name: str) -> tuple[set[float], list[float], int]:
    """Read the numbers of the three nodes, those in the history, and the revision."""
    store = SqliteStore(path)
    try:
        snapshot = await store.snapshot()
        nodes = {change.value.added_at_s for change in snapshot.changes if change.key.name.startswith(f"{name}-")}
        entries = [held.value for _, held in await store.records(Kind.HISTORY, limit=1_000_000)]
        mine = [entry.at_s for entry in entries if isinstance(entry, Entry) and entry.cause == name]
        return nodes, mine, snapshot.revision
    finally:
        await store.close()


def test_a_writer_killed_at_any_moment_leaves_all_it_committed_and_no_half_transaction(tmp_path: Path) -> None:
    path, chance, revision_before = tmp_path / "store.db", random.Random(7), 0
    SqliteStore.create(path, "lab")
    for life in range(4):
        name = f"life{life}"
        with writer(path, name) as process:
            committed = [said(process) for _ in range(chance.randint(1, 60))][-1]
            process.send_signal(signal.SIGKILL)
            process.wait()
            number, revision = [committed, *last_words(process)][-1]
        nodes, entries, revision_now = asyncio.run(_numbers(path, name))
        assert nodes in ({number}, {number + 1}), "the three records of one transaction differ, or one is lost"
        assert entries == [float(at) for at in range(1, int(nodes.pop()) + 1)]
        assert revision_before < revision <= revision_now
        revision_before = revision_now


def test_two_processes_write_at_once_and_a_third_sees_every_transaction_in_order(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    SqliteStore.create(path, "lab")

    async def story() -> None:
        store = SqliteStore(path, log_kept=100_000, busy_s=15.0)
        listener = Listener(store, 0)
        with writer(path, "left") as left, writer(path, "right") as right:
            spoken = [said(process)[1] for _ in range(30) for process in (left, right)]
            for _ in range(200):
                snapshot = await store.snapshot()
                assert snapshot.revision == max(change.revision for change in snapshot.changes)
            await store.commit(put(node("mine")))
            batches = await listener.reaching(max(spoken) + 1)
        await store.close()
        assert len(set(spoken)) == len(spoken), "two transactions share a revision"
        assert [batch.revision for batch in batches] == list(range(1, len(batches) + 1))
        for name in ("left", "right"):
            told = [[change.value.added_at_s for change in batch.changes] for batch in batches
                    if batch.changes[0].key.name.startswith(name)]
            assert told == [[float(number)] * 3 for number in range(1, len(told) + 1)]

    asyncio.run(story())


HOLDER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
held.execute("UPDATE store SET revision = 99")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that is in the middle of a transaction."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_a_process_that_holds_the_file_too_long_makes_the_store_unavailable_until_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    SqliteStore.create(path, "lab")

    async def story() -> None:
        store, patient = SqliteStore(path, busy_s=0.05), SqliteStore(path)
        with holder(path) as process:
            with pytest.raises(StoreUnavailable, match="held by another process"):
                await store.commit(put(node("a")))
            assert (await store.snapshot()).revision == 0, "readers do not wait, and see no half transaction"
            waiting = asyncio.create_task(patient.commit(put(node("b"))))
            process.kill()
            process.wait()
        assert await waiting == Committed(Revision(1))
        assert await store.commit(put(node("a"))) == Committed(Revision(2))
        await store.close()
        await patient.close()

    asyncio.run(story())
