"""Fence devices on the command line: giving, showing, taking away and trying them."""

import pytest
from shell import Shell

from stanchion.model.fencing import Attempt, Fencing, Power
from surface import LOST, NOW_S

IPMI = ("--agent", "fence_ipmilan", "ip=10.0.0.7", "username=fence", "password=s3cret", "--timeout", "15s")


def flat(text: str) -> str:
    return " ".join(text.split())


def test_an_unprotected_node_is_shown_with_what_that_means(shell: Shell) -> None:
    assert shell("node", "list") == 0
    assert "Protected by" in shell.out
    assert next(line for line in shell.out.splitlines() if line.startswith("node3")).split()[2] == "nothing"
    assert ("Nothing protects node3: if it is lost, what it holds stays down until node3 returns or an operator "
            "confirms that it is down.") in flat(shell.out)


def test_a_device_is_given_shown_and_taken_away(shell: Shell) -> None:
    assert shell("node", "fence", "node3", *IPMI) == 0, shell.err
    assert "Try it: stanchion fence test node3" in shell.out
    assert shell("node", "show", "node3") == 0
    assert "fence_ipmilan ip=10.0.0.7 username=fence password=******** (within 15 s)" in flat(shell.out)
    assert "s3cret" not in shell.out
    assert shell("node", "fence", "node3", "--agent", "fence_apc", "ip=10.0.0.8") == 0
    assert shell("node", "fence", "node3", "--agent", "fence_ipmilan", "--remove", "-o", "json") == 0
    assert [device["agent"] for device in shell.json["fence"]] == ["fence_apc"]
    assert shell("node", "fence", "node3", "--remove") == 0
    assert "Nothing protects node3" in flat(shell.out)


def test_a_second_device_leaves_the_secret_of_the_first_as_it_is(shell: Shell) -> None:
    assert shell("node", "fence", "node3", *IPMI) == 0
    assert shell("node", "fence", "node3", "--agent", "fence_apc", "ip=10.0.0.8") == 0
    first, second = shell.world.view().nodes[LOST].value.fence
    assert (first.parameters["password"], first.timeout_s, second.agent) == ("s3cret", 15.0, "fence_apc")


@pytest.mark.parametrize(("words", "sentence"), [
    (("ip=1",), "name the device's agent, like --agent fence_ipmilan"),
    (("--agent", "fence_x", "s3cret"), "a parameter is written NAME=VALUE"),
    (("--agent", "fence_x", "ip=1", "ip=2"), "a parameter is given twice"),
    (("--agent", "fence_x", "--timeout", "soon"), "'soon' is not a duration"),
    (("--agent", "sh"), "'sh' is not the name of a fence agent"),
    (("--remove", "ip=1"), "leave the parameters out"),
    (("--remove",), "node3 has no such fence device"),
])
def test_what_makes_no_sense_is_refused_in_one_sentence_without_secrets(shell: Shell, words: tuple[str, ...],
                                                                         sentence: str) -> None:
    assert shell("node", "fence", "node3", *words) == 2
    assert sentence in shell.err
    assert "s3cret" not in shell.err


def test_a_fencing_that_failed_stands_below_the_nodes(shell: Shell) -> None:
    session = shell.world.view().sessions[LOST].value.id
    shell.prepare(shell.world.put(Fencing(node=LOST, session=session, attempt=Attempt.FAILED, at_s=NOW_S,
                                          text="fence_apc: no route to host")))
    assert shell("status") == 0
    assert "Node node3 could not be switched off: fence_apc: no route to host." in flat(shell.out)


def test_trying_tells_what_each_device_said_and_fails_where_one_is_wrong(shell: Shell) -> None:
    shell.world.devices.power = {"10.0.0.7": Power.ON}
    assert shell("fence", "test", "node2") == 5
    assert shell("node", "fence", "node2", *IPMI) == 0
    assert shell("fence", "test", "node2") == 0
    assert "node2 was asked for its power state, from node1." in shell.out
    assert shell("fence", "test", "node2", "--really") == 0
    assert "node2 was switched off and on again, from node1." in shell.out
    assert "off, then on" in shell.out
    shell.world.devices.power = {}
    assert shell("fence", "test", "node2") == 1
    assert "no route to host" in shell.out
    assert shell.err == "stanchion: not every fence device of node2 did what it must\n"


def test_the_timers_are_told_with_suspicion_and_fencing(shell: Shell) -> None:
    assert shell("explain", "timing") == 0
    assert "2 s without one make a member suspect, and its fence device, where it has one, begins at once" in flat(
        shell.out)
    assert shell("explain", "timing", "-o", "json") == 0
    assert (shell.json["beat_s"], shell.json["suspect_s"]) == (0.5, 2.0)
