"""The store's file: made once, owner only, never touched when it is wrong, and patient with a full disk."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from store_benches import Listener, node, put

import stanchion
from stanchion.model.cluster import Kind
from stanchion.model.errors import AlreadyExists, InvalidInput, StoreUnavailable, StoreUnusable
from stanchion.model.ids import Revision
from stanchion.model.transaction import Committed, Conflict
from stanchion.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with a hundred records in it, closed."""
    path = tmp_path / "a b?#%.db"
    SqliteStore.create(path, "lab")

    async def fill(store: SqliteStore) -> None:
        await store.commit(put(*(node(f"n{number:03d}") for number in range(100))))

    using(path, fill)
    return path


def using(path: Path, story: Callable[[SqliteStore], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Tell a story with an open store."""
    async def tell() -> None:
        store = SqliteStore(path, **options)
        try:
            async with asyncio.timeout(20):
                await story(store)
        finally:
            await store.close()

    asyncio.run(tell())


def alter(path: Path, *statements: str) -> None:
    """Change the file behind the store's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def files(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Give all files with their content."""
    return ((file.name, file.read_bytes()) for file in sorted(directory.iterdir()))


def test_a_new_store_is_its_owners_alone_and_knows_its_cluster(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    SqliteStore.create(path, "lab")
    assert [name for name, _ in files(tmp_path)] == ["store.db"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    modes: list[set[int]] = []

    async def story(store: SqliteStore) -> None:
        assert store.cluster == "lab"
        assert (await store.snapshot()).revision == 0
        await store.commit(put(node("a")))
        modes.append({stat.S_IMODE(file.stat().st_mode) for file in os.scandir(tmp_path)})

    using(path, story)
    assert modes == [{0o600}]


def test_making_a_store_never_touches_one_that_exists(path: Path) -> None:
    before = list(files(path.parent))
    with pytest.raises(AlreadyExists, match="exists already"):
        SqliteStore.create(path, "other")
    assert list(files(path.parent)) == before


def test_making_a_store_beside_the_journal_of_a_lost_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db-wal").write_bytes(b"transactions of the lost store")
    with pytest.raises(AlreadyExists, match=r"store\.db-wal exists already"):
        SqliteStore.create(tmp_path / "store.db", "lab")


@pytest.mark.parametrize("cluster", ["", "a/b"])
def test_a_cluster_needs_a_name_that_fits_into_a_path(tmp_path: Path, cluster: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        SqliteStore.create(tmp_path / "store.db", cluster)


def test_a_store_cannot_be_made_where_there_is_no_directory(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="cannot be made: No such file or directory"):
        SqliteStore.create(tmp_path / "missing" / "store.db", "lab")


def test_a_missing_store_tells_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="run `stanchion init`"):
        SqliteStore(tmp_path / "store.db")
    assert list(tmp_path.iterdir()) == []


def _garbage(path: Path) -> None:
    path.write_bytes(b"This was never a database." * 400)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _another_program(path: Path) -> None:
    path.unlink()
    alter(path, "CREATE TABLE photos(name TEXT)")


def _newer(path: Path) -> None:
    alter(path, "PRAGMA user_version=2")


def _truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _cut_in_the_first_page(path: Path) -> None:
    os.truncate(path, 1000)


def _overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * (path.stat().st_size - 4096))


def _table_lost(path: Path) -> None:
    alter(path, "DROP TABLE store")


@pytest.mark.parametrize(("harm", "says"), [
    (_garbage, "is not a Stanchion store: correct the path"),
    (_empty, "is not a Stanchion store"),
    (_another_program, "is not a Stanchion store"),
    (_newer, r"newer version of Stanchion \(schema 2, this one knows 1\): upgrade this node"),
    (_truncated, "is damaged: .*restore it from a backup"),
    (_cut_in_the_first_page, "is damaged: .*restore it from a backup"),
    (_overwritten, "is damaged: .*restore it from a backup"),
    (_table_lost, "is damaged: no such table: store"),
])
def test_a_file_that_cannot_be_used_is_named_with_what_to_do_and_left_as_it_is(
        path: Path, harm: Callable[[Path], None], says: str) -> None:
    harm(path)
    content = path.read_bytes()
    with pytest.raises(StoreUnusable, match=says) as caught:
        SqliteStore(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_record_that_was_damaged_behind_our_back_is_named(path: Path) -> None:
    alter(path, "UPDATE record SET value = '{' WHERE name = 'n007'")

    async def story(store: SqliteStore) -> None:
        with pytest.raises(StoreUnusable, match="node record 'n007' is damaged"):
            await store.snapshot()
        assert await store.commit(put(node("n007"))) == Committed(Revision(2))
        assert len((await store.snapshot()).changes) == 100

    using(path, story)


def test_a_store_that_is_replaced_while_in_use_is_not_written_any_more(path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        os.rename(path, f"{path}.moved")  # noqa: PTH104 - pathlib is not for async functions
        with pytest.raises(StoreUnavailable, match="moved or deleted while in use: put it back"):
            await store.commit(put(node("a")))
        for journal in ("-wal", "-shm"):
            os.rename(f"{path}{journal}", f"{path}.moved{journal}")  # noqa: PTH104 - as above
        SqliteStore.create(path, "another")
        with pytest.raises(StoreUnusable, match="was replaced while in use"):
            await store.commit(put(node("a")))
        with pytest.raises(StoreUnusable, match="was replaced while in use"):
            await anext(aiter(store.watch(Revision(0))))

    using(path, story)


READ_ONLY = """
import asyncio, os, sys
from pathlib import Path
from stanchion.model.errors import StoreUnusable
from stanchion.store.sqlite import SqliteStore

async def main(writable, *others):
    await SqliteStore(Path(writable)).close()
    if os.getuid() == 0:
        os.setuid(65534)
    for path in others:
        try:
            SqliteStore(Path(path))
        except StoreUnusable as error:
            print(error)

asyncio.run(main(*sys.argv[1:]))
"""


def test_a_read_only_file_or_directory_is_told(path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "file.db").write_bytes(path.read_bytes())
        (directory / "file.db").chmod(0o444)
        directory.chmod(0o777)
        closed = directory / "closed"
        closed.mkdir()
        (closed / "file.db").write_bytes(path.read_bytes())
        (closed / "file.db").chmod(0o666)
        closed.chmod(0o555)
        source = Path(next(iter(stanchion.__path__))).parent
        run = subprocess.run([sys.executable, "-c", READ_ONLY, path, directory / "file.db", closed / "file.db"],
                             env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True, text=True, check=True)
        closed.chmod(0o755)
    assert [line.split(" cannot be opened for writing: ")[0] for line in run.stdout.splitlines()] == [
        f"the store {directory / 'file.db'}", f"the store {closed / 'file.db'}"], run.stderr
    assert run.stdout.count("the right to write the file and its directory") == 2


def test_a_full_disk_refuses_whole_transactions_and_the_store_goes_on_when_there_is_room(path: Path) -> None:
    big = "x" * 50_000

    async def story(store: SqliteStore) -> None:
        before = await store.snapshot()
        full = put(node("a"), *(node(f"{big}{number}") for number in range(20)))
        with pytest.raises(StoreUnavailable, match=r"disk is full.*Nothing was changed; make room"):
            await store.commit(full)
        assert await store.snapshot() == before
        lease = await store.grant(5.0)
        assert await store.renew(lease)
        assert await store.trim(Kind.NODE, keep=10) == 90
        assert await store.commit(put(node("small"))) == Committed(Revision(3))

    with closing(sqlite3.connect(path)) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    using(path, story, max_pages=pages + 20)

    async def room(store: SqliteStore) -> None:
        assert await store.commit(put(node(big))) == Committed(Revision(4))

    using(path, room)


def test_a_restart_of_the_machine_ends_every_lease_and_a_restart_of_the_agent_none(path: Path) -> None:
    async def before(store: SqliteStore) -> None:
        await store.commit(put(node("leased"), lease=await store.grant(60.0)))

    async def restarted_agent(store: SqliteStore) -> None:
        assert "leased" in {change.key.name for change in (await store.snapshot()).changes}

    async def restarted_machine(store: SqliteStore) -> None:
        batches = await Listener(store, 2).reaching(3)
        assert [(change.key.name, change.value) for change in batches[0].changes] == [("leased", None)]

    using(path, before, boot="first", clock=lambda: 1000.0)
    using(path, restarted_agent, boot="first", clock=lambda: 1059.0)
    using(path, restarted_machine, boot="second", clock=lambda: 10.0)


def test_a_lease_is_measured_on_the_monotonic_clock_and_this_life_of_the_machine(path: Path) -> None:
    """So no jump of the wall clock can end a lease or lengthen it."""
    this_boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()

    async def story(store: SqliteStore) -> None:
        earliest = time.monotonic()
        await store.grant(60.0)
        latest = time.monotonic()
        with closing(sqlite3.connect(path)) as connection:
            (boot, deadline_s), = connection.execute("SELECT boot, deadline_s FROM lease").fetchall()
        assert earliest + 60 <= deadline_s <= latest + 60
        assert boot == this_boot

    using(path, story)


def test_a_lease_that_nobody_renews_ends_in_real_time_without_anybody_asking(path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        lease = await store.grant(0.2)
        await store.commit(put(node("leased"), lease=lease))
        batches = await Listener(store, 2).reaching(3)
        assert batches[0].changes[0].value is None
        assert isinstance(await store.commit(put(node("leased"), lease=lease)), Conflict)

    using(path, story)


def test_the_log_of_changes_stays_bounded(path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        for number in range(30):
            await store.commit(put(node("a", number), node("b", number)))

    using(path, story, log_kept=10)
    with closing(sqlite3.connect(path)) as connection:
        counted = connection.execute("SELECT count(*), min(revision), max(revision) FROM change").fetchone()
    assert counted == (20, 22, 31)
