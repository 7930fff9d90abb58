"""``stanchion resource files``, ``distribute`` and ``preflight``: tables, sentences and exit codes."""

from pathlib import Path

from shell import Shell

from stanchion.drivers.files import HostFiles
from stanchion.model.ids import NodeName
from stanchion.model.state import State
from surface import World

PATH = "/etc/web.cfg"


async def begun(place: Path) -> World:
    """Make a cluster in which ``web`` runs on node1, and node2 cannot be asked."""
    (place / "etc").mkdir()
    (place / PATH[1:]).write_text("memory = 32\n")
    world = World(files=HostFiles(place))
    await world.resource("web", State.RUNNING, node="node1", files=(PATH,), live=True,
                         preferred=(NodeName("node1"),))
    await world.resource("db", files=(PATH,), preferred=(NodeName("node1"), NodeName("node3")))
    return world


def shell_at(place: Path) -> Shell:
    """Give a shell in that cluster."""
    made = Shell()
    made.world = made.prepare(begun(place))
    return made


def test_files_tells_a_table_and_fails_unless_all_are_the_same(tmp_path: Path) -> None:
    run = shell_at(tmp_path)
    assert run("resource", "files", "web") == 0
    assert "The configuration files of web are the same on node1." in run.out
    assert run("resource", "files", "db") == 1
    words = " ".join(run.out.split())
    assert "cannot be asked" in words
    assert f"node3 cannot be asked about {PATH}" in words
    assert run("resource", "files", "db", "--output", "json") == 1
    assert run.json["same"] is False
    assert run("resource", "files", "nobody") == 4


def test_distribute_tells_what_became_of_each_file(tmp_path: Path) -> None:
    run = shell_at(tmp_path)
    assert run("resource", "distribute", "web") == 0
    assert "web has no other node to copy to from node1" in run.out
    assert run("resource", "distribute", "db", "--from", "node1", "--to", "node3", "--dry") == 1
    assert f"{PATH} on node3 is as it was: " in " ".join(run.out.split())
    assert run("resource", "distribute", "db", "--from", "node1", "--to", "node1") == 2
    assert "cannot be a target too" in run.err


def test_preflight_tells_each_check_and_fails_only_where_the_move_would(tmp_path: Path) -> None:
    run = shell_at(tmp_path)
    assert run("resource", "preflight", "web", "--node", "node2") == 0
    assert "web from node1 to node2, live: unknown" in run.out
    assert "node2 cannot be asked" in " ".join(run.out.split())
    assert run("resource", "preflight", "db", "--node", "node3") == 1
    assert "cannot move a running machine" in " ".join(run.out.split())
