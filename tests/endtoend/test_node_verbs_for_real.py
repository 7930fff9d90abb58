"""Pause, drain, hand-over and the whole cluster down, by the real command against real agents on pretend hosts."""

import re
import time
from collections.abc import Iterator

import pytest

from realhosts import Cluster, Done, Sleeper, cluster, stanchion, until
from stanchion.model.resource import FailbackMode
from stanchion.model.state import State
from stanchion.wire.requests import PoliciesChange, ResourceChange

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


def command(lab: Cluster, *words: str) -> Done:
    """Run the real command; it must succeed."""
    done = stanchion(*words, env=lab.said)
    assert done.code == 0, done.err
    return done


def state_of(lab: Cluster, node: str) -> str:
    """How a node is shown."""
    return next(each.state for each in lab.status().nodes if each.name == node)


def prefers(sleeper: Sleeper, *nodes: str) -> ResourceChange:
    """A machine that is at home on the first of these nodes and fails back there."""
    return sleeper.change(preferred=nodes).model_copy(update={"policies": PoliciesChange(failback=FailbackMode.AUTO)})


def test_a_drained_node_is_empty_stays_and_gets_its_machines_back(lab: Cluster) -> None:
    web = Sleeper("drained", lab.place)
    lab.make("drained", prefers(web, "node2", "node3"))
    alone = Sleeper("alone", lab.place)
    lab.make("alone", prefers(alone, "node2"))

    stuck = stanchion("drain", "node2", env=lab.said)

    stuck.refused(1, "drain of node2: failed: not everything can go from node2: alone: no node can hold it")
    assert lab.resource("drained").node == "node3"
    assert alone.processes(), "what cannot go runs on"
    shown = command(lab, "status").out
    assert re.search(r"node2 (\(master\) )?\(drained\)", shown), shown
    assert "1 of 2 gone; alone cannot go" in shown
    command(lab, "offline", "alone")
    assert "it is safe to power off" in command(lab, "node", "show", "node2").out
    assert state_of(lab, "node2") == "up"
    command(lab, "undrain", "node2")
    lab.wait_state("drained", State.RUNNING, node="node2")
    assert web.second_copies() == []
    command(lab, "offline", "drained")


@pytest.mark.parametrize("policy", ["failover", "freeze"])
def test_a_host_that_shuts_down_hands_over_at_once_and_its_node_comes_back_by_itself(lab: Cluster, policy: str) -> None:
    """As the unit does it: the hand-over first, then the agent's end, then the power."""
    web = Sleeper(f"handed_{policy}", lab.place)
    lab.make(web.name, web.change(preferred=("node3", "node1")))
    command(lab, "settings", "edit", "--shutdown", policy)
    lease_s = lab.ask(lambda client: client.timing()).lease_s

    begun_s = time.monotonic()
    command(lab, "handover", "node3")
    assert state_of(lab, "node3") == "left"
    if policy == "failover":
        lab.wait_state(web.name, State.RUNNING, node="node1")
        assert [life.split()[1] for life in web.lives()] == ["node3", "node1"]
    else:
        assert time.monotonic() - begun_s < 10 * lease_s
        assert (lab.resource(web.name).state, web.processes()) == (State.UNASSIGNED, [])
    stanchion("handover", "node3", env=lab.said).refused(5, "node3 is not a member now")
    lab.host("node3").command("power off")
    lab.host("node3").command("power on")
    lab.all_up()
    lab.wait_state(web.name, State.RUNNING, node="node1" if policy == "failover" else "node3")
    assert web.second_copies() == []
    command(lab, "offline", web.name)


def test_a_pause_holds_the_failover_back_and_its_end_lets_it_go(lab: Cluster) -> None:
    web = Sleeper("paused", lab.place)
    lab.make("paused", web.change(preferred=("node2", "node3")))
    command(lab, "pause", "--for", "1h", "--why", "a new switch")
    stanchion("pause", "--for", "1h", env=lab.said).refused(5, "paused already")

    lab.host("node2").command("power off")
    until(lambda: state_of(lab, "node2") == "down", "node2 is down")
    until(lambda: next(each.proof for each in lab.status().nodes if each.name == "node2"), "its proof is written")
    assert (lab.resource("paused").state, lab.resource("paused").node) == (State.RUNNING, "node2")
    assert command(lab, "status").out.startswith("PAUSED until ")

    command(lab, "resume")
    lab.wait_state("paused", State.RUNNING, node="node3")
    lab.host("node2").command("power on")
    lab.all_up()
    assert [life.split()[1] for life in web.lives()] == ["node2", "node3"]
    assert web.second_copies() == []
    command(lab, "offline", "paused")


def test_a_pause_ends_by_itself(lab: Cluster) -> None:
    command(lab, "pause", "--for", "1s")
    until(lambda: lab.status().cluster.pause is None, "the pause ends")
    assert "the pause is over: the cluster acts by itself again" in command(lab, "events").out


def test_the_whole_cluster_goes_down_and_comes_up_with_what_ran(lab: Cluster) -> None:
    """Down, all power off, power on: nobody has to say `up`, and nothing runs that did not before."""
    first, second = Sleeper("first", lab.place), Sleeper("second", lab.place)
    lab.make("first", first.change(preferred=("node1", "node2")))
    lab.make("second", second.change(preferred=("node2", "node1")))
    command(lab, "priority", "set", "first", "second")

    assert "the whole cluster is stopped" in command(lab, "down", "--yes", "--why", "work on the power").out

    assert first.processes() + second.processes() == []
    assert {each.state for each in lab.status().nodes} == {"left"}
    stanchion("online", "first", env=lab.said).refused(5, "the whole cluster is stopped")
    unloads = {name: lab.ask(lambda client, name=name: client.runs(name)).runs for name in ("first", "second")}
    ended = {name: max(run.ended_at for run in runs if run.ended_at and run.script == "unload")
             for name, runs in unloads.items()}
    assert ended["second"] < ended["first"], "the last to load is unloaded first"
    for host in lab.lab.hosts:
        host.command("power off")
    for host in lab.lab.hosts:
        host.command("power on")
    lab.all_up()
    for name in ("first", "second"):
        lab.wait_state(name, State.RUNNING)
    assert lab.resource("drained").state is State.OFFLINE

    command(lab, "down", "--yes")
    command(lab, "up")
    lab.all_up()
    for name in ("first", "second"):
        lab.wait_state(name, State.RUNNING)
    assert [*first.second_copies(), *second.second_copies()] == []
    assert lab.tracebacks() == []
