"""Pause, drain, hand-over, down and up over the API: what is told, and what is refused with one sentence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stanchion.model.cluster import Kind, Node
from stanchion.model.errors import InvalidInput, NotFound, NotNow
from stanchion.model.ids import BootId, NodeName
from stanchion.model.orders import Intent, Verb
from stanchion.model.standing import Down, Drained, Shutdown, Standing
from stanchion.model.state import State
from stanchion.wire.ruling import SettingsChange
from stanchion.wire.standing import DownOrder, PauseOrder
from surface import NOW_S, World

DRAINED = Drained(by="anna", at_s=NOW_S, held=3)


def at(seconds: float) -> datetime:
    """An instant so many seconds from now."""
    return datetime.fromtimestamp(NOW_S, UTC) + timedelta(seconds=seconds)


async def test_a_pause_is_told_loudly_and_ends_with_resume() -> None:
    world = World()
    async with world.client() as client:
        told = await client.pause(PauseOrder(for_s=1800, why="new switch"))
        assert told.pause is not None
        assert (told.pause.by, told.pause.until, told.pause.why) == ("anna", at(1800), "new switch")
        now = await client.status()
        assert now.cluster.pause == told.pause
        assert (await client.resume()).pause is None
        lines = [event.reason.text for event in (await client.events()).events]
    assert lines == [f"anna paused the cluster until {at(1800):%Y-%m-%d %H:%M:%S} UTC: new switch",
                     "anna resumed the cluster: it acts by itself again"]


async def test_a_pause_may_have_no_end_or_end_at_an_instant() -> None:
    world = World()
    async with world.client() as client:
        told = await client.pause(PauseOrder())
        assert told.pause is not None
        assert told.pause.until is None
        await client.resume()
        told = await client.pause(PauseOrder(until=at(60)))
        assert told.pause is not None
        assert told.pause.until == at(60)


@pytest.mark.parametrize(("order", "says"), [
    (PauseOrder(until=at(-1)), "is past already"),
    (PauseOrder(until=at(0)), "is past already"),
    (PauseOrder(for_s=0), "must be longer than 0"),
    (PauseOrder(for_s=-5), "must be longer than 0"),
    (PauseOrder(for_s=1e9), "30 days at most"),
    (PauseOrder(until=at(1e8)), "30 days at most"),
    (PauseOrder(for_s=60, until=at(60)), "not both"),
    (PauseOrder(why="x" * 201), "one line of at most 200"),
    (PauseOrder(why="bell\a"), "one line of at most 200"),
])
async def test_a_pause_that_makes_no_sense_is_refused(order: PauseOrder, says: str) -> None:
    world = World()
    async with world.client() as client:
        with pytest.raises(InvalidInput, match=says):
            await client.pause(order)
    assert world.view().standing is None


async def test_an_instant_without_a_time_zone_is_refused() -> None:
    async with World().http() as http:
        answer = await http.put("/v1/pause", json={"until": "2030-01-01T10:00:00"})
        assert answer.status_code == 422
        assert "timezone" in answer.json()["detail"]


async def test_pausing_twice_and_resuming_what_is_not_paused_are_refused() -> None:
    async with World().client() as client:
        with pytest.raises(NotNow, match="the cluster is not paused"):
            await client.resume()
        await client.pause(PauseOrder(for_s=60))
        with pytest.raises(NotNow, match=r"paused already, by anna, until .* UTC; `stanchion resume` ends that first"):
            await client.pause(PauseOrder(for_s=60))


async def test_down_remembers_who_was_there_ends_a_pause_and_refuses_what_starts() -> None:
    world = World()
    await world.resource("web")
    async with world.client() as client:
        await client.pause(PauseOrder())
        told = await client.down(DownOrder(why="power work"))
        assert (told.pause, told.down is not None and told.down.why) == (None, "power work")
        held = world.view().standing
        assert held is not None
        assert held.value.down == Down(by="anna", at_s=NOW_S, why="power work", boots=(BootId("boot"),))
        for order in (client.online("web"), client.order_node("node2", "drain"), client.order_node("node2", "join")):
            with pytest.raises(NotNow, match="the whole cluster is stopped: `stanchion up` starts it"):
                await order
        with pytest.raises(NotNow, match="stopped already, by anna"):
            await client.down(DownOrder())
        with pytest.raises(NotNow, match="so there is nothing to pause"):
            await client.pause(PauseOrder())
        assert (await client.up()).down is None
        with pytest.raises(NotNow, match="the cluster is not stopped"):
            await client.up()


async def test_down_tells_what_is_loaded_still_and_what_cannot_be_unloaded() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    await world.resource("db", State.COMATOSE, node="node2")
    async with world.client() as client:
        told = await client.down(DownOrder())
    assert told.down is not None
    left = {each.resource: (each.node, each.obstacle is None) for each in told.down.left}
    assert left == {"web": ("node1", True), "db": ("node2", False)}


async def test_a_drained_node_tells_how_far_it_is_and_what_cannot_go() -> None:
    world = World()
    await world.put(Node(name=NodeName("node2"), drained=DRAINED))
    await world.resource("web", State.RUNNING, node="node2", preferred=(NodeName("node2"),))
    await world.resource("db", State.RUNNING, node="node2")
    async with world.client() as client:
        told = (await client.node("node2")).emptying
        assert told is not None
        assert (told.because, told.held, told.safe) == ("drain", 3, False)
        assert told.text == ("node node2 is being drained: 1 of 3 gone; db is on its way; web cannot go, because no "
                             "node can hold it: node1 is not among its preferred nodes; node3 is not among its "
                             "preferred nodes")
        await world.drop(Kind.STATE, "web")
        await world.drop(Kind.STATE, "db")
        told = (await client.node("node2")).emptying
        assert told is not None
        assert told.safe
        assert told.text == "node node2 is being drained: nothing is left on node2: it is safe to power off"
        assert (await client.node("node2")).state == "up"
        assert (await client.node("node1")).emptying is None


async def test_drain_undrain_and_hand_over_are_orders_to_the_master() -> None:
    world = World()
    async with world.client() as client:
        for node, what, verb in (("NODE2", "drain", Verb.DRAIN), ("node1", "hand-over", Verb.HAND_OVER)):
            intent = await client.order_node(node, what)  # type: ignore[arg-type]  # one of its words
            assert (intent.verb, intent.node) == (verb, node.lower())
        with pytest.raises(NotNow, match="node2 is not drained"):
            await client.order_node("node2", "undrain")
        with pytest.raises(NotFound, match="there is no node node9"):
            await client.order_node("node9", "drain")
        with pytest.raises(NotNow, match="node3 is not a member now"):
            await client.order_node("node3", "hand-over")
        await world.put(Node(name=NodeName("node2"), drained=DRAINED))
        with pytest.raises(NotNow, match="node2 is drained already"):
            await client.order_node("node2", "drain")
        with pytest.raises(NotNow, match="no other member could hold anything, so node1 cannot be drained"):
            await client.order_node("node1", "drain")
    orders = [held.value for held in world.view().intents.values()]
    assert all(isinstance(order, Intent) for order in orders)
    assert len(orders) == 2


async def test_a_host_that_shuts_down_is_leaving_and_then_left() -> None:
    world = World()
    await world.put(Node(name=NodeName("node2"), closing=BootId("boot")))
    async with world.client() as client:
        assert (await client.node("node2")).state == "leaving"
        told = (await client.node("node2")).emptying
        assert told is not None
        assert told.because == "shutdown"
        with pytest.raises(NotNow, match="`stanchion node join node2` takes that back"):
            await client.order_node("node2", "hand-over")
        assert (await client.order_node("node2", "join")).verb is Verb.JOIN


async def test_the_policy_for_a_shutdown_is_a_setting() -> None:
    world = World()
    async with world.client() as client:
        assert (await client.settings()).shutdown is Shutdown.MIGRATE
        assert (await client.edit_settings(SettingsChange(shutdown=Shutdown.FREEZE))).shutdown is Shutdown.FREEZE
        async with world.http() as http:
            answer = await http.patch("/v1/settings", json={"shutdown": "explode"})
            assert answer.status_code == 422


async def test_whoever_comes_second_is_told_to_look_again() -> None:
    world = World()
    seen = world.view()
    await world.put(Standing())
    app_view = world.view
    async with world.client() as client:
        world.view = lambda: replace(app_view(), standing=seen.standing)  # type: ignore[method-assign]
        world.app()
        with pytest.raises(NotNow, match="somebody else changed this just now"):
            await client.pause(PauseOrder())


async def test_the_report_says_in_red_that_the_cluster_is_paused() -> None:
    world = World()
    async with world.client() as client:
        await client.pause(PauseOrder(for_s=60, why="new <switch>"))
    async with world.http() as http:
        page = (await http.get("/v1/report", params={"format": "html"})).text
    assert '<p class="critical">the cluster is paused, by anna: it begins nothing by itself' in page
    assert "new &lt;switch&gt;" in page
