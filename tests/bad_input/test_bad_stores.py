"""A store that cannot be used: one sentence says why, its file is left as it is, and machines run on.

What is broken while agents run is told in their journal; once it is put right, the next agent finds its machine.
"""

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from realhosts import LoneNode, Sleeper, lone_node, stanchion
from stanchion.model.orders import Outcome
from stanchion.model.state import State

pytestmark = pytest.mark.slow


def journals(store: Path) -> list[Path]:
    return [store.with_name(f"{store.name}-wal"), store.with_name(f"{store.name}-shm")]


def cut(store: Path) -> None:
    """Make it end in the middle."""
    os.truncate(store, store.stat().st_size // 2)


def overwrite(store: Path) -> None:
    """Write nonsense over everything but its first page."""
    with store.open("r+b") as file:
        file.seek(4096)
        file.write(b"nonsense" * ((store.stat().st_size - 4096) // 8))


def upgrade(store: Path) -> None:
    """Mark it as written by a newer version."""
    with sqlite3.connect(store) as line:
        line.execute("PRAGMA user_version=99")
    line.close()


def replace_by_text(store: Path) -> None:
    """Put a text file in its place."""
    store.write_text("Dear diary,\n" * 1000)


def delete(store: Path) -> None:
    """Delete it."""
    store.unlink()


FAULTS: list[tuple[Callable[[Path], None], str]] = [
    (cut, "is damaged"),
    (overwrite, "is damaged"),
    (upgrade, "was written by a newer version of Stanchion (schema 99, this one knows"),
    (replace_by_text, "is not a Stanchion store"),
    (delete, "run `stanchion init` to make one, or correct the path"),
]


@pytest.fixture(scope="module")
def node() -> Iterator[LoneNode]:
    """A node with some history in its store; its agent has ended."""
    with lone_node() as made:
        made.up()
        sleeper = Sleeper("web", made.directory / "shared")
        made.operator.make("web", sleeper.change())
        made.operator.ended(lambda client: client.offline("web"))
        made.kill()
        yield made


@pytest.mark.parametrize(("fault", "sentence"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_an_agent_refuses_a_store_that_it_cannot_use(node: LoneNode, fault: Callable[[Path], None],
                                                     sentence: str) -> None:
    store = node.directory / "store.db"
    with sqlite3.connect(store) as line:
        line.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    line.close()
    good = store.read_bytes()
    try:
        fault(store)
        bad = store.read_bytes() if store.exists() else b""
        node.refuses(1, str(store), sentence)
        assert (store.read_bytes() if store.exists() else b"") == bad, "the agent wrote into it"
        if fault in {cut, delete}:
            stanchion("init", "lab", "--dir", node.directory.parent / fault.__name__, "--node", "other", "--store",
                      store).refused(1, str(store), sentence)
            assert (store.read_bytes() if store.exists() else b"") == bad, "init wrote into it"
    finally:
        for each in journals(store):
            each.unlink(missing_ok=True)
        store.write_bytes(good)


def test_an_agent_refuses_a_store_that_it_may_not_write(node: LoneNode) -> None:
    """Where root is asked, a mount namespace makes the file read-only."""
    store = node.directory / "store.db"
    before = store.read_bytes()
    bind = f"mount --bind {store} {store} && mount -o remount,ro,bind {store} && "
    words = ["unshare", "-rm" if os.getuid() else "-m", "sh", "-c", bind + 'exec "$0" "$@"']
    if subprocess.run([*words, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("this host does not allow mount namespaces: `unshare -m` failed")
    node.start(*words)
    node.ended().refused(1, f"the store {store} cannot be opened for writing", "Give the agent's user the right")
    assert store.read_bytes() == before


def replace(store: Path) -> None:
    """Put another file in its place, as somebody does who restores an old copy under a running agent."""
    copy = store.with_name("copy")
    copy.write_bytes(store.read_bytes())
    copy.replace(store)


@pytest.mark.parametrize(("fault", "agent_lives"), [(replace, True), (cut, False)])
def test_a_store_that_breaks_costs_no_machine(fault: Callable[[Path], None], *, agent_lives: bool) -> None:
    """Its agent sees it while it runs, or when it is started next; either way the machine is found again."""
    with lone_node() as node:
        node.up()
        sleeper = Sleeper("web", node.directory / "shared")
        node.operator.make("web", sleeper.change(monitored=True))
        store, spec = node.directory / "store.db", node.operator.resource("web")
        if not agent_lives:
            node.kill()
        kept = {each: each.read_bytes() for each in (store, *journals(store)) if each.exists()}

        fault(store)

        if not agent_lives:
            journals(store)[0].unlink()
            node.start()
        node.ended().refused(1, f"the store {store} ")
        assert len(sleeper.processes()) == 1, "the machine was ended"
        for each in (store, *journals(store)):
            each.unlink(missing_ok=True)
        for path, content in kept.items():
            path.write_bytes(content)
        node.up()
        after = node.operator.wait_state("web", State.RUNNING)
        assert (after.scripts, after.lives) == (spec.scripts, spec.lives)
        assert len(sleeper.lives()) == 1, "the machine was started anew"
        assert node.operator.ended(lambda client: client.offline("web")).outcome is Outcome.DONE
        assert sleeper.processes() == []
