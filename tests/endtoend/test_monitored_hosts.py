"""Monitoring and failback with real processes: scripts that fail, hang and ignore TERM, hosts that go and come back.

The same stories as ``tests/agent/test_monitors.py`` tells on virtual time.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from realhosts import MONITOR, Cluster, Sleeper, cluster, until
from stanchion.lab import processes
from stanchion.model.orders import Outcome
from stanchion.model.reasons import Why
from stanchion.model.resource import FailbackMode, FailureAction, ScriptKind
from stanchion.model.state import Mark, State
from stanchion.wire.requests import MonitoringChange, PoliciesChange, ResourceChange, ScriptChange

pytestmark = pytest.mark.slow

WATCHED = r"""
if [ -e @PLACE@/@NAME@.hang ]; then
    trap '' TERM
    echo $$ >@PLACE@/@NAME@.hung
    while :; do sleep 0.2; done
fi
[ ! -e @PLACE@/@NAME@.fail ] || exit 1
"""
"""What comes first in the monitor script: it hangs and ignores TERM, or it fails, while a file says so."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Cluster]:
    with cluster(profile="fast") as made:
        yield made


def watched(sleeper: Sleeper, action: FailureAction, most: int, *,
            preferred: tuple[str, ...] = ("node1", "node2", "node3")) -> ResourceChange:
    """Give the configuration of a machine whose monitor does as it is told; it fails back by itself."""
    text = (WATCHED + MONITOR).replace("@NAME@", sleeper.name).replace("@PLACE@", str(sleeper.place))
    plain = sleeper.change(preferred=preferred)
    return plain.model_copy(update={
        "scripts": dict(plain.scripts) | {ScriptKind.MONITOR: ScriptChange(text=text, timeout_s=1.5)},
        "monitoring": MonitoringChange(enabled=True, interval_s=0.5, max_failures=most, window_s=600.0, action=action),
        "policies": PoliciesChange(failback=FailbackMode.AUTO)})


def told(sleeper: Sleeper, what: str) -> Path:
    """Give the file that tells the monitor what to do, or by which it tells what it does."""
    return sleeper.place / f"{sleeper.name}.{what}"


def cycle(lab: Cluster, node: str) -> None:
    """Cut a host's power, and give it back when the others know."""
    lab.host(node).command("power off")
    until(lambda: next(each for each in lab.status().nodes if each.name == node).state == "down", f"{node} is down")
    lab.host(node).command("power on")
    lab.all_up()


def test_failures_restart_it_where_it_is_and_reaching_the_maximum_is_comatose(lab: Cluster) -> None:
    web = Sleeper("counted", lab.place)
    lab.make("counted", watched(web, FailureAction.COMATOSE, most=3, preferred=("node2", "node1")))

    told(web, "fail").touch()
    state = lab.wait_state("counted", State.COMATOSE, node="node2")

    assert state.reason.code == Why.MONITOR_COMATOSE
    assert state.reason.operands[:2] == ("3", "600")
    assert [line.split()[1] for line in web.lives()] == ["node2"] * 3
    assert web.second_copies() == []


def test_a_hung_monitor_is_waited_for_until_an_operator_ends_it_and_the_mark_keeps_it_from_failing_back(
        lab: Cluster) -> None:
    """Past its timeout the action starts, but the process is not ended by itself, and nothing else runs beside it."""
    web = Sleeper("hung", lab.place)
    lab.make("hung", watched(web, FailureAction.MIGRATE, most=3))
    machine = web.processes()

    told(web, "hang").touch()
    waiting = lab.wait_state("hung", State.UNLOADING, node="node1")
    assert waiting.reason.code == Why.MONITOR_MIGRATE
    assert "did not end in time" in waiting.reason.text
    monitor = int(told(web, "hung").read_text())
    assert web.processes() == machine, "the machine is left alone while its monitor hangs"
    assert lab.ask(lambda client: client.runs("hung", ScriptKind.UNLOAD)).runs == ()

    told(web, "hang").unlink()
    ended = lab.ended(lambda client: client.end_process("hung"))
    assert ended.outcome is Outcome.DONE
    assert processes.ended(monitor), "TERM was ignored, KILL was not"
    moved = lab.wait_state("hung", State.RUNNING, node="node2")
    assert moved.marks == (Mark.MOVED_BY_MONITOR,)

    cycle(lab, "node1")
    stays = lab.wait_state("hung", State.RUNNING)
    assert (stays.node, stays.marks) == ("node2", (Mark.MOVED_BY_MONITOR,))
    lab.ended(lambda client: client.migrate("hung", "node3"))
    assert lab.resource("hung").marks == ()
    assert web.second_copies() == []


def test_failback_is_to_the_first_node_only(lab: Cluster) -> None:
    """From the third node: the second one's return is nothing to it, the first one's is."""
    web = Sleeper("homing", lab.place)
    lab.make("homing", watched(web, FailureAction.COMATOSE, most=100))
    lab.ended(lambda client: client.migrate("homing", "node3"))

    cycle(lab, "node2")
    assert lab.wait_state("homing", State.RUNNING).node == "node3"
    cycle(lab, "node1")
    back = lab.wait_state("homing", State.RUNNING, node="node1")

    assert back.reason.code == Why.FAILBACK
    assert web.second_copies() == []
    assert lab.tracebacks() == []
