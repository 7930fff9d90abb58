"""What if, over the API: told without a change, by whoever may look, and refused names are named."""

import asyncio
import threading

import pytest

from stanchion.model.cluster import Kind
from stanchion.model.errors import NotFound
from stanchion.model.foresight import Case, How
from stanchion.model.state import State
from surface import World


async def lived() -> World:
    """Make a world in which node1 runs web and node2 runs db."""
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    await world.resource("db", State.RUNNING, node="node2")
    return world


async def test_the_loss_of_a_node_is_told_in_words_and_resource_by_resource() -> None:
    world = await lived()
    before = world.engine.revision

    async with world.client() as client:
        told = await client.what_if(Case.NODE_DIES, "NODE1")

    assert (told.node, told.heir, told.proof) == ("node1", "node2", "expired")
    assert "web starts on node2." in told.sentences
    (web,) = told.resources
    assert (web.resource, web.source, web.node, web.how, web.turn) == ("web", "node1", "node2", How.RESTARTS, 1)
    assert [(turn.resource, turn.after) for turn in told.turns] == [("web", State.LOADING)]
    assert world.engine.revision == before


async def test_a_drain_and_a_move_are_told_and_nothing_is_written() -> None:
    world = await lived()
    async with world.client() as client:
        drained = await client.what_if(Case.DRAIN, "node2")
        moved = await client.what_if(Case.MIGRATE, "web", node="node2")
        anywhere = await client.what_if(Case.MIGRATE, "web")

    assert {one.resource: one.node for one in drained.resources} == {"db": "node1"}
    assert [one.node for one in (*moved.resources, *anywhere.resources)] == ["node2", "node2"]
    assert not any(key.kind is Kind.INTENT for key in world.engine.records)


async def test_what_would_be_refused_says_why() -> None:
    async with (await lived()).client() as client:
        told = await client.what_if(Case.MIGRATE, "web", node="node3")
        gone = await client.what_if(Case.NODE_DIES, "node3")

    assert told.refused is not None
    assert told.refused.code == "node_down"
    assert told.sentences == ("That is not possible now: node3 is not a member now.",)
    assert gone.refused is not None


async def test_unknown_names_are_not_found() -> None:
    async with (await lived()).client() as client:
        for case, subject, node in ((Case.NODE_DIES, "nope", None), (Case.DRAIN, "nope", None),
                                    (Case.MIGRATE, "nope", None), (Case.MIGRATE, "web", "nope")):
            with pytest.raises(NotFound):
                await client.what_if(case, subject, node=node)


async def test_the_loss_of_any_one_node_is_one_picture() -> None:
    async with (await lived()).client() as client:
        told = await client.losses()

    assert {number.node: number.running for number in told.numbers} == {"node1": 1, "node2": 1}
    assert [(one.node, one.held, one.placed, one.waiting) for one in told.losses] == [("node1", 1, 1, 0),
                                                                                     ("node2", 1, 1, 0)]
    assert told.losses[0].text == "The one on node1, web, would start elsewhere."
    assert {number.node: number.running for number in told.losses[0].numbers} == {"node2": 2}


async def test_many_who_ask_at_once_wait_for_each_other_and_the_loop_for_nobody() -> None:
    world = await lived()
    async with world.client() as client:
        asked = [asyncio.create_task(client.losses()) for _ in range(20)]
        asked += [asyncio.create_task(client.what_if(Case.DRAIN, "node1")) for _ in range(20)]  # type: ignore[misc]
        told = await asyncio.gather(*asked)
        first = told[0]
        await world.resource("mail", State.RUNNING, node="node1")
        after = await client.losses()

    assert all(each == first for each in told[:20])
    assert len([thread for thread in threading.enumerate() if thread.name.startswith("thinking")]) == 1
    assert (first.losses[0].held, after.losses[0].held) == (1, 2)
