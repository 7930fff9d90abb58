"""Quarantine and strays on the screen and over the API: what people see, and what they can do about it."""

import asyncio

import pytest
from shell import Shell

from stanchion.model.cluster import Kind, Node
from stanchion.model.errors import NotNow
from stanchion.model.ids import NodeName, ResourceName, SessionId
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.state import State
from stanchion.model.stray import Sighting, Stray
from surface import NOW_S, World, held

SHAKY = Node(name=NodeName("node2"), quarantined_at_s=NOW_S - 60)


def astray(node: str) -> Stray:
    """Web runs there, where nobody sent it."""
    seen = Sighting(node=NodeName(node), session=SessionId(f"{node}-session"), since_s=NOW_S, text="QEMU: it runs")
    return Stray(resource=ResourceName("web"), sightings=(seen,))


def test_a_quarantine_is_shown_wherever_the_node_is(shell: Shell) -> None:
    shell.prepare(shell.world.put(SHAKY))
    for command in ("status", "node list", "node show node2"):
        assert shell(*command.split()) == 0
        told = " ".join(shell.out.split())
        assert "Node node2 left uncleanly again and again: it is given nothing to hold for two hours" in told
        assert "stanchion node release node2" in told
    assert "Quarantine" in shell.out


def test_a_resource_explains_why_it_does_not_go_to_a_node_in_quarantine(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web", State.RUNNING, node="node1"))
    shell.prepare(shell.world.put(SHAKY))
    assert shell("explain", "web") == 0
    assert "node2 is in quarantine" in " ".join(shell.out.split())
    assert shell("migrate", "web", "node2") != 0
    assert "stanchion node release node2" in shell.err


def test_a_release_is_an_order_of_its_own(shell: Shell) -> None:
    assert shell("node", "release", "node2") == 5
    assert "not in quarantine" in shell.err
    shell.prepare(shell.world.put(SHAKY))
    shell.world.end_orders(Outcome.DONE, reason(Why.RELEASE_ASKED, "anna", "node2"))
    assert shell("node", "release", "NODE2") == 0, shell.err
    (order,) = [record.value for record in shell.world.engine.records.values() if isinstance(record.value, Intent)]
    assert (order.verb, order.node) == (Verb.RELEASE, "node2")


def test_a_stray_is_shown_in_red_with_what_to_do(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web", State.RUNNING, node="node1"))
    shell.prepare(shell.world.put(astray("node2")))
    assert shell("status") == 0
    told = " ".join(shell.out.split())
    assert "web: it runs on node2, where nobody sent it: stop it there" in told
    assert "web (stray)" in told
    for command in ("resource show web", "explain web"):
        assert shell(*command.split()) == 0
        assert "runs on node2, where nobody sent it" in " ".join(shell.out.split())
    assert shell("node", "show", "node2") == 0
    assert "Strays" in shell.out
    assert shell("status", "-o", "json") == 0
    (web,) = shell.json["resources"]
    assert [stray["node"] for stray in web["strays"]] == ["node2"]


def test_a_stray_refuses_orders_and_tests_that_would_hurt(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web"))
    shell.prepare(shell.world.put(astray("node3")))
    assert shell("online", "web", "node1") == 5
    assert "while it runs on node3, where nobody sent it" in " ".join(shell.err.split())


def test_a_node_whose_stray_may_still_run_is_not_forgotten() -> None:
    async def story() -> None:
        world = World()
        await world.put(astray("node3"))
        async with world.client() as client:
            with pytest.raises(NotNow, match="web may still run on node3 as a stray"):
                await client.remove_node("node3")
        assert held(world, Kind.NODE, "node3") is not None

    asyncio.run(story())
