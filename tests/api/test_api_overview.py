"""One call for the overview: health with its reasons, what needs a person, who holds what and what protects it."""

from dataclasses import replace

from stanchion.model.cluster import Node
from stanchion.model.health import Answer, Health
from stanchion.model.ids import NodeName, SessionId
from stanchion.model.orders import Intent, Verb
from stanchion.model.standing import Pause, Standing
from stanchion.model.state import State
from surface import NOW_S, World


async def test_the_cluster_at_a_glance() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    await world.resource("db", State.COMATOSE, node="node2")
    await world.resource("mail", State.UNASSIGNED)
    await world.resource("off")
    await world.put(Intent(id="o1", verb=Verb.DRAIN, by="anna", at_s=NOW_S, node=NodeName("node2")))
    async with world.client() as client:
        told = await client.overview()

    assert (told.cluster.name, told.cluster.master, told.health) == ("lab", "node1", Health.CRITICAL)
    assert told.text == "Not everything that should run does: 1 of 3 resources, on 2 nodes."
    assert {one.state: one.count for one in told.counts} == {
        State.RUNNING: 1, State.COMATOSE: 1, State.UNASSIGNED: 1, State.OFFLINE: 1}
    assert [(one.resource or one.node, one.answers) for one in told.alerts] == [
        ("db", (Answer.OFFLINE,)), ("mail", (Answer.OFFLINE,)), ("node3", (Answer.CONFIRM_DOWN,))]
    assert len(told.reasons) == 3
    nodes = {node.name: node for node in told.nodes}
    assert [(one.name, one.lives) for one in nodes["node1"].resources] == [("web", 1)]
    assert nodes["node1"].protection == "node1 stops itself by its watchdog."
    assert (nodes["node3"].state, nodes["node3"].proven) == ("down", False)
    assert [one.name for one in told.homeless] == ["mail"]
    assert [(order.verb, order.node) for order in told.orders] == [("drain", "node2")]


async def test_a_member_that_nobody_hears_is_silent_also_during_a_pause() -> None:
    world = World(silent=frozenset({SessionId("node2-session")}))
    await world.put(Standing(pause=Pause(by="anna", since_s=NOW_S)))
    async with world.client() as client:
        told = await client.overview()
        node, status = await client.node("node2"), await client.status()

    (glance,) = (node for node in told.nodes if node.name == "node2")
    assert glance.state == "silent"
    assert "the cluster is paused, so nothing is done about that" in glance.text
    assert (node.state, node.silent) == ("up", True)
    assert [one.silent for one in status.nodes] == [False, True, False]


async def test_a_cluster_without_a_flaw_is_normal() -> None:
    world = World()
    await world.put(replace(Node(name=NodeName("node3")), wanted=False))
    async with world.client() as client:
        told = await client.overview()

    assert (told.health, told.reasons, told.alerts) == (Health.NORMAL, (), ())
    assert told.text == "All is well: 2 nodes up, and nothing is to run."
