"""A full disk: what cannot be written is refused in one sentence, nodes stay members, machines run on, all recovers.

The disk is a small one of its own: a memory file system, for which the tests must be allowed to mount.
"""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from realhosts import LoneNode, Sleeper, stanchion, until
from stanchion.model.cluster import Node
from stanchion.model.errors import StoreUnavailable
from stanchion.model.ids import NodeName
from stanchion.model.orders import Outcome
from stanchion.model.state import State
from stanchion.model.transaction import Committed, Put, Transaction
from stanchion.store.sqlite import SqliteStore


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk of 12 MiB."""
    with TemporaryDirectory(prefix="disk-", dir="/tmp") as place:
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", place], check=False,
                               capture_output=True)
        if mount.returncode != 0:
            pytest.skip("this test must mount a small disk: run it as root")
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path) -> Path:
    """Leave not one byte free; give the file to delete."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            pass
    return filler


def put(name: str) -> Transaction:
    return Transaction(puts=(Put(Node(name=NodeName(name))),))


async def test_leases_are_renewed_for_ever_on_a_full_disk(disk: Path) -> None:
    """So many renewals that the journal begins anew several times, with a reader that looks meanwhile."""
    path = disk / "store.db"
    SqliteStore.create(path, "lab")
    store, other = SqliteStore(path), SqliteStore(path)
    lease = await store.grant(60.0)
    for number in range(40):
        await store.commit(put(f"n{number}"))
    filler = fill(disk)
    before = await other.snapshot()

    for _ in range(60):
        assert all(await asyncio.gather(*(store.renew(lease) for _ in range(50))))
        with pytest.raises(StoreUnavailable, match=r"its disk is full \(0 KiB are left\)\. Nothing was changed; make"):
            await other.commit(put("more"))
    assert await other.snapshot() == before

    filler.unlink()
    assert isinstance(await other.commit(put("more")), Committed)
    await store.close()
    await other.close()


@pytest.mark.slow
def test_a_node_whose_disk_is_full_keeps_its_machine_and_recovers(disk: Path) -> None:
    node = LoneNode(disk / "n")
    sleeper = Sleeper("web", disk / "shared")
    try:
        assert node.init("--profile", "default").code == 0
        node.up()
        node.operator.make("web", sleeper.change(monitored=True))
        before = node.operator.resource("web")
        since = node.operator.status().nodes[0].since
        filler = fill(disk)

        stanchion("resource", "edit", "web", "--priority", "3", env=node.operator.said).refused(
            6, "its disk is full", "Nothing was changed; make room there")
        stanchion("offline", "web", env=node.operator.said).refused(6, "its disk is full")
        halt_s = node.operator.ask(lambda client: client.timing()).halt_s
        asyncio.run(asyncio.sleep(halt_s + 1))  # what is shown is that a node goes on which would have halted by now
        told = node.operator.status()
        assert (told.nodes[0].state, told.nodes[0].since) == ("up", since)
        assert node.operator.resource("web") == before
        assert len(sleeper.processes()) == 1

        filler.unlink()
        until(lambda: node.operator.ended(lambda client: client.offline("web")).outcome is Outcome.DONE, "orders work")
        assert node.operator.resource("web").state is State.OFFLINE
        assert len(sleeper.lives()) == 1, "the machine was started anew meanwhile"
        assert "Traceback" not in node.log
    finally:
        node.down()
