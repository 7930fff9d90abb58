"""Fence devices with real agents, real hosts of the process lab, and its real fence agent.

The profile is *tolerant*: its lease is far longer than these tests wait, so whatever starts elsewhere does so because
a fence device reported a host off.
"""

import shutil
from collections.abc import Iterator

import pytest

from realhosts import Cluster, Sleeper, cluster, until
from stanchion.drivers.fence import SEARCHED, FenceAgents
from stanchion.lab.fencing import AGENT, device, equip
from stanchion.model.fencing import Attempt, Power, Protection
from stanchion.model.reasons import Why
from stanchion.model.state import State
from stanchion.wire.events import EventInfo
from stanchion.wire.replies import NodeInfo
from stanchion.wire.requests import FenceDeviceChange, NodeChange

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab() -> Iterator[Cluster]:
    with cluster(profile="tolerant") as made:
        made.ask(lambda client: equip(client, made.lab))
        yield made


def node(lab: Cluster, name: str) -> NodeInfo:
    return next(each for each in lab.status().nodes if each.name == name)


def events(lab: Cluster) -> list[EventInfo]:
    return list(lab.ask(lambda client: client.events(limit=1000)).events)


def follower(lab: Cluster) -> str:
    """Name a node that is not the master."""
    return next(each.name for each in lab.status().nodes if not each.master)


def back(lab: Cluster, name: str) -> None:
    """Give a host its power back and wait until it is a member."""
    lab.host(name).command("power on")
    lab.all_up()


def test_every_host_of_a_lab_is_protected_by_both(lab: Cluster) -> None:
    until(lambda: {each.protected_by for each in lab.status().nodes} == {Protection.BOTH}, "both protect every host")
    assert {each.fence[0].agent for each in lab.status().nodes} == {AGENT}


def test_a_host_that_hangs_is_switched_off_before_its_machine_starts_elsewhere(lab: Cluster) -> None:
    """Its agent is stopped, its machine runs on: only the supervisor's word OFF lets another node begin."""
    victim = follower(lab)
    other = next(each.name for each in lab.status().nodes if each.name != victim)
    web = Sleeper("web", lab.place)
    lab.make("web", web.change(preferred=(victim, other)))
    first = web.processes()

    lab.host(victim).command("pause agent")
    running = lab.wait_state("web", State.RUNNING, node=other)

    status = lab.host(victim).command("status")
    off_at = status["off_at"]
    assert status["power"] == "off"
    assert status["resets"] == 0
    assert isinstance(off_at, float)
    assert first
    assert not set(first) & set(web.processes())
    assert web.second_copies() == []
    ordered = next(event.at for event in events(lab) if event.resource == "web" and event.node == other
                   and event.after is State.LOADING)
    assert ordered is not None
    assert off_at < ordered.timestamp()
    assert running.reason.code == Why.FAILOVER
    assert running.reason.text.endswith(f"the fence device reports {victim} off")
    back(lab, victim)
    assert lab.tracebacks() == []


def test_a_device_that_fails_is_shown_and_the_corrected_one_is_used(lab: Cluster) -> None:
    victim = follower(lab)
    other = next(each.name for each in lab.status().nodes if each.name != victim)
    db = Sleeper("db", lab.place)
    lab.make("db", db.change(preferred=(victim, other)))
    broken = NodeChange(fence=(FenceDeviceChange(agent="fence_nowhere"),))
    lab.ask(lambda client: client.edit_node(victim, broken))

    lab.host(victim).command("power off")
    until(lambda: (now := node(lab, victim).fencing) and now.attempt is Attempt.FAILED, "the fencing failed")

    fencing = node(lab, victim).fencing
    assert fencing is not None
    assert fencing.text == (f"node {victim} could not be switched off: fence_nowhere: "
                            "there is no fence agent fence_nowhere on this host")
    assert lab.resource("db").node == victim
    right = NodeChange(fence=(device(lab.host(victim)),))
    lab.ask(lambda client: client.edit_node(victim, right))
    lab.wait_state("db", State.RUNNING, node=other)
    assert node(lab, victim).fencing is None
    assert db.second_copies() == []
    back(lab, victim)


def test_a_real_test_gives_an_empty_host_a_new_life(lab: Cluster) -> None:
    victim = next(each.name for each in lab.status().nodes if not each.master and not each.resources)
    before = lab.host(victim).command("status")["boot"]

    told = lab.ask(lambda client: client.fence_test(victim, really=True))

    assert told.by != victim
    assert (told.well, told.devices[0].steps) == (True, (Power.OFF, Power.ON))
    assert lab.host(victim).command("status")["boot"] not in {"", before}
    lab.all_up()


@pytest.mark.skipif(shutil.which("fence_dummy", path=SEARCHED) is None,
                    reason="no fence_dummy here: install fence-agents")
async def test_agents_of_the_distribution_say_what_they_are() -> None:
    found = await FenceAgents().agents()

    assert found["fence_dummy"]
