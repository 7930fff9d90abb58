"""The commands for the time being: pause, resume, drain, undrain, handover, down, up."""

from datetime import datetime, timedelta

import pytest
from shell import Shell

from stanchion.cli.standing import instant
from stanchion.model.cluster import Kind, Node
from stanchion.model.errors import InvalidInput
from stanchion.model.ids import NodeName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.standing import Drained, Shutdown
from stanchion.model.state import State
from surface import NODES, NOW_S


def flat(text: str) -> str:
    """What was said, without the breaks of lines."""
    return " ".join(text.split())


def test_a_pause_stands_before_all_else_until_it_is_resumed(shell: Shell) -> None:
    assert shell("pause", "--for", "30m", "--why", "new switch") == 0
    assert flat(shell.out).startswith("PAUSED until ")
    assert shell("status") == 0
    assert flat(shell.out).startswith("PAUSED until ")
    assert "(new switch): the cluster is paused, by anna: it begins nothing by itself until `stanchion resume`." in (
        flat(shell.out))
    assert shell("resume") == 0
    assert shell.out == "Nothing holds the cluster back: it acts by itself.\n"
    assert shell("status") == 0
    assert "PAUSED" not in shell.out


def test_bad_pauses_are_refused_in_one_sentence(shell: Shell) -> None:
    assert shell("pause", "--for", "soon") == 2
    assert "'soon' is not a duration" in shell.err
    assert shell("pause", "--until", "tomorrow") == 2
    assert "'tomorrow' is not an instant" in shell.err
    assert shell("pause", "--why", "x" * 2000) == 2
    assert shell.err == "stanchion: why: string should have at most 1000 characters (see --help)\n"
    assert shell("pause", "--until", "2001-01-01 10:00") == 2
    assert "is past already" in shell.err
    assert shell("resume") == 5
    assert shell.err == "stanchion: the cluster is not paused\n"
    assert shell("pause") == 0
    assert shell("pause", "--for", "1h") == 5
    assert "paused already, by anna, until somebody resumes it" in shell.err


def test_an_hour_that_is_past_today_is_tomorrow_s() -> None:
    now = datetime.now().astimezone()
    past, ahead = now - timedelta(minutes=2), now + timedelta(minutes=2)
    assert timedelta(0) < instant(f"{past:%H:%M:%S}") - now <= timedelta(days=1)
    assert timedelta(0) < instant(f"{ahead:%H:%M:%S}") - now <= timedelta(days=1)
    assert instant("2030-05-01 14:30").tzinfo is not None
    with pytest.raises(InvalidInput, match="is not an instant"):
        instant("25:99")


def test_a_drain_waits_and_tells_that_it_is_safe_to_power_off(shell: Shell) -> None:
    shell.world.end_orders(Outcome.DONE, reason(Why.EMPTY, "node2"))
    assert shell("drain", "NODE2") == 0
    assert shell.out == "node2: nothing is left on node2: it is safe to power off\n"
    intent, = (held.value for held in shell.world.view().intents.values())
    assert (intent.verb, intent.node) == (Verb.DRAIN, "node2")


def test_a_drain_that_is_stuck_is_exit_code_1_and_says_what_cannot_go(shell: Shell) -> None:
    shell.world.end_orders(Outcome.FAILED, reason(Why.NOT_EMPTY, "node2", "web: no other node"))
    assert shell("drain", "node2") == 1
    assert shell.err == ("stanchion: drain of node2: failed: not everything can go from node2: web: no other node\n")


def test_a_drained_node_is_marked_in_every_list(shell: Shell) -> None:
    shell.prepare(shell.world.put(Node(name=NodeName("node2"), drained=Drained(by="anna", at_s=NOW_S))))
    assert shell("node", "list") == 0
    assert "node2 (drained)" in flat(shell.out)
    assert "Node node2 is being drained: nothing is left on node2: it is safe to power off." in flat(shell.out)
    assert shell("undrain", "node2", "--no-wait") == 0
    assert shell("undrain", "node1") == 5


def test_a_hand_over_names_its_node(shell: Shell) -> None:
    shell.world.end_orders(Outcome.DONE, reason(Why.NODE_GONE, "node1"))
    assert shell("handover", "node1") == 0
    assert shell.out == "node1: node node1 left\n"
    assert shell("handover", "node3") == 5
    assert shell("handover") == 2


def test_down_asks_first(shell: Shell) -> None:
    assert shell("down") == 2
    assert "add --yes" in shell.err
    assert shell("down", typed="other\n") == 1
    assert shell.err.endswith("stanchion: nothing was stopped\n")
    assert shell.world.view().standing is None
    assert shell("down", "--no-wait", typed="lab\n") == 0
    assert "DOWN: the whole cluster is stopped: `stanchion up` starts it." in flat(shell.out)
    assert shell("down", "--yes") == 5
    assert shell("up") == 0
    assert shell("up") == 5


def test_down_waits_until_all_have_left(shell: Shell) -> None:
    for node in NODES:
        shell.prepare(shell.world.drop(Kind.LIVE, node))
        shell.prepare(shell.world.drop(Kind.NODE, node))
    assert shell("down", "--yes", "--why", "power work") == 0
    assert shell.out == "the whole cluster is stopped; `stanchion up` starts it\n"


def test_down_ends_with_what_cannot_be_unloaded(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web", State.COMATOSE, node="node1"))
    assert shell("down", "--yes") == 1
    assert "not everything can be unloaded: web on node1: it is comatose" in shell.err


def test_the_policy_for_a_shutdown_is_shown_and_set(shell: Shell) -> None:
    assert shell("settings", "edit", "--shutdown", "freeze") == 0
    assert "freeze: unload, and load there again when the host is back" in flat(shell.out)
    settings = shell.world.view().settings
    assert settings is not None
    assert settings.value.shutdown is Shutdown.FREEZE
    assert shell("settings", "edit", "--shutdown", "explode") == 2
