"""``stanchion what-if``: sentences and a table, the same as JSON, and the picture of any one loss."""

import pytest
from shell import Shell

from stanchion.model.state import State


@pytest.fixture
def lived(shell: Shell) -> Shell:
    """Give a cluster in which node1 runs web and node2 runs db."""
    shell.prepare(shell.world.resource("web", State.RUNNING, node="node1"))
    shell.prepare(shell.world.resource("db", State.RUNNING, node="node2"))
    return shell


def test_the_loss_of_a_node_is_told_in_sentences_and_a_table(lived: Shell) -> None:
    assert lived("what-if", "node-dies", "node1") == 0

    assert "web starts on node2." in lived.out
    row = next(line for line in lived.out.splitlines() if line.startswith("1 "))
    assert row.split() == ["1", "web", "node1", "node2", "is", "interrupted", "Running"]


def test_a_drain_and_a_move_can_be_asked_about(lived: Shell) -> None:
    assert lived("what-if", "drain", "node2") == 0
    assert "db is unloaded, then loaded on node1: that interrupts it." in lived.out
    assert lived("what-if", "migrate", "web", "--to", "node2") == 0
    assert "web is unloaded, then loaded on node2" in lived.out
    assert lived("what-if", "migrate", "web", "--to", "node1") == 0
    assert lived.out.strip() == "That is not possible now: it already runs on node1; name another node."


def test_machines_get_the_answer_of_the_api(lived: Shell) -> None:
    assert lived("what-if", "node-dies", "node1", "--output", "json") == 0
    assert lived.json["resources"][0]["how"] == "restarts"


def test_the_loss_of_any_node_is_one_table(lived: Shell) -> None:
    assert lived("what-if", "any-node-dies") == 0

    assert "The one on node1, web, would start elsewhere." in " ".join(lived.out.split())


def test_an_unknown_node_is_exit_code_4(lived: Shell) -> None:
    assert lived("what-if", "drain", "nope") == 4
    assert "there is no node nope" in lived.err


def test_an_edit_can_be_told_in_words_before_it_is_saved(lived: Shell) -> None:
    edit = ("resource", "edit", "web", "--dry", "--monitoring", "--interval", "30s", "--max-failures", "3")
    assert lived(*edit, "--window", "10m", "--action", "migrate") == 0
    assert " ".join(lived.out.split()).startswith("Every 30 s the monitor script runs. The 3rd failure within 10 min")

    assert lived("resource", "edit", "web", "--dry", "--max-failures", "0") == 2
    assert "the maximum of local failures is 0" in lived.err
    assert lived("resource", "show", "web") == 0
    assert "Monitoring is off: the monitor script is not run" in " ".join(lived.out.split())


def test_the_overview_says_how_well_it_is_and_what_can_be_done(lived: Shell) -> None:
    lived.prepare(lived.world.resource("mail", State.COMATOSE, node="node1"))
    lived.world.silent = frozenset({"node2-session"})
    assert lived("overview") == 0

    said = " ".join(lived.out.split())
    assert said.startswith("Not everything that should run does: 2 of 3 resources, on 2 nodes.")
    assert "mail is comatose: created from template Generic_FS. stanchion offline mail" in said
    assert "stanchion node confirm-down node3" in said
    assert "node2 silent 1 node2 stops itself by its watchdog." in said
    assert lived("status") == 0
    assert "up, silent" in lived.out
