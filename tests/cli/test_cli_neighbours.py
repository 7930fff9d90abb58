"""``stanchion neighbour``: add, look, remove; the token is read from a file and shown nowhere."""

from pathlib import Path

import pytest
from shell import Shell

from stanchion.drivers.clock import HostClock
from stanchion.model.errors import NoAnswer
from stanchion.neighbours import ClusterNeighbours


async def nobody(*_: object, **__: object) -> object:
    """Answer nothing."""
    raise NoAnswer("no connection to it can be made")


@pytest.fixture
def near(shell: Shell) -> Shell:
    """Give a cluster whose agents can look at others."""
    shell.world.neighbours = ClusterNeighbours(lambda: "secret", HostClock(), nobody)  # type: ignore[arg-type]
    return shell


def test_a_cluster_is_added_looked_at_and_removed(near: Shell, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    assert near("neighbour", "list") == 0
    assert "There is no other cluster yet" in near.out

    assert near("neighbour", "add", "harbour", "http://10.1.0.1:7423", "--api-token", str(token)) == 0
    assert near.out.strip().startswith("harbour is looked at, at http://10.1.0.1:7423, over plain HTTP")
    assert near("neighbour", "list") == 0
    assert "harbour unreachable - - harbour cannot be looked at" in " ".join(near.out.split())
    assert "s3cret" not in near.out
    assert near("neighbour", "add", "harbour", "http://10.1.0.1:7423", "--api-token", str(token)) == 5
    assert near("neighbour", "remove", "Harbour") == 0
    assert near("neighbour", "remove", "harbour") == 4


def test_files_that_cannot_be_used_are_said_in_a_sentence(near: Shell, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("")

    assert near("neighbour", "add", "x", "http://h:1", "--api-token", str(tmp_path / "none")) == 2
    assert "cannot be read: No such file" in near.err
    assert near("neighbour", "add", "x", "http://h:1", "--api-token", str(empty)) == 2
    assert "is empty" in near.err
    assert near("neighbour", "add", "x", "--api-token", str(empty)) == 2
    assert "no address was given" in near.err
