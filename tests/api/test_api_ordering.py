"""Orders over the API: written for the master once they are legal, refused with the reason at once when not."""

import asyncio
from dataclasses import replace

import pytest

from stanchion.model.cluster import Kind
from stanchion.model.errors import NotFound, NotNow
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.state import AlertKind, State
from surface import World, held


async def test_an_order_is_written_as_an_intent_and_answered_with_202() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    async with world.http() as http:
        answer = await http.post("/v1/resources/WEB/migrate", json={"node": "NODE2", "live": False},
                                 headers={"Stanchion-Operator": "anna"})
    assert answer.status_code == 202
    told = answer.json()
    assert (told["verb"], told["outcome"], told["ended"], told["by"]) == ("migrate", "pending", False, "anna")
    written = held(world, Kind.INTENT, told["id"]).value
    assert isinstance(written, Intent)
    assert (written.verb, written.resource, written.node, written.live) == (Verb.MIGRATE, "web", "node2", False)


@pytest.mark.parametrize(("verb", "body", "state", "expected"), [
    ("online", {"node": "node2"}, State.OFFLINE, Verb.ONLINE),
    ("online", None, State.OFFLINE, Verb.ONLINE),
    ("offline", None, State.COMATOSE, Verb.OFFLINE),
    ("alert", {"answer": "yes"}, State.ALERT, Verb.ALERT_YES),
    ("alert", {"answer": "no"}, State.ALERT, Verb.ALERT_NO),
])
async def test_each_order_becomes_its_verb(verb: str, body: dict[str, str] | None, state: State,
                                            expected: Verb) -> None:
    world = World()
    name = await world.resource("web", state, node=None if state is State.OFFLINE else "node1")
    if state is State.ALERT:
        await world.put(replace(world.view().states[name].value, alert=AlertKind.START))
    async with world.http() as http:
        answer = await http.post(f"/v1/resources/web/{verb}", json=body)
    assert answer.status_code == 202, answer.text
    assert held(world, Kind.INTENT, answer.json()["id"]).value.verb is expected


async def test_an_illegal_order_is_refused_with_what_is_possible_and_leaves_no_trace() -> None:
    world = World()
    await world.resource("web", State.COMATOSE, node="node1")
    async with world.http() as http:
        answer = await http.post("/v1/resources/web/online")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "online is not possible while it is Comatose"
    assert answer.json()["do"] == "possible now: offline"
    assert not world.view().intents


async def test_the_end_of_an_order_can_be_waited_for() -> None:
    world = World()
    await world.resource("web")
    async with world.client() as client:
        intent = await client.online("web")
        waiting = asyncio.create_task(client.intent(intent.id, wait_s=30))
        await asyncio.sleep(0)
        pending = held(world, Kind.INTENT, intent.id).value
        await world.put(replace(pending, outcome=Outcome.ACCEPTED))
        assert not waiting.done()
        await world.put(replace(pending, outcome=Outcome.DONE, reason=reason(Why.LOADED)))
        told = await asyncio.wait_for(waiting, 5)
        assert (told.ended, told.outcome, told.reason.text) == (True, Outcome.DONE, "the load script ended well")
        assert (await client.intent(intent.id)).ended
        with pytest.raises(NotFound, match="there is no order nonsense"):
            await client.intent("nonsense")


async def test_a_script_on_this_node_is_ended_at_once() -> None:
    world = World(process=4711)
    await world.resource("web", State.LOADING, node="node1")
    async with world.client() as client:
        assert (await client.resource("web")).process == 4711
        told = await client.end_process("web")
        assert told.outcome is Outcome.DONE
        with pytest.raises(NotNow, match="no script of web is running"):
            await client.end_process("web")
    assert world.ended_processes == ["web"]


async def test_a_script_on_another_node_is_ended_by_order() -> None:
    world = World()
    await world.resource("web", State.LOADING, node="node2")
    async with world.client() as client:
        told = await client.end_process("web")
    assert (told.outcome, told.verb, told.resource) == (Outcome.PENDING, Verb.END_PROCESS, "web")


async def test_nodes_are_ordered_out_and_in() -> None:
    world = World()
    async with world.client() as client:
        told = await client.order_node("node2", "leave")
        assert (told.verb, told.node) == (Verb.LEAVE, "node2")
        assert (await client.order_node("node3", "confirm-down")).verb is Verb.CONFIRM_DOWN
        with pytest.raises(NotNow):
            await client.order_node("node1", "join")
