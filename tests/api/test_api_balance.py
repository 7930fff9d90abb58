"""The balance over the API: what is proposed, letting it be done, and stopping it."""

from dataclasses import replace

import pytest

from stanchion.api.access.permits import PERMITS
from stanchion.model.access import Role
from stanchion.model.balance import Balancing, Migration
from stanchion.model.capacity import Size
from stanchion.model.cluster import Key, Kind
from stanchion.model.errors import InvalidInput, NotNow
from stanchion.model.reasons import Why
from stanchion.model.standing import Pause, Standing
from stanchion.model.state import State
from stanchion.wire.balance import BalanceOrder
from stanchion.wire.ruling import SettingsChange
from stanchion.wire.standing import PauseOrder
from surface import NODES, NOW_S, World


async def uneven(*, live: bool = True, machines: int = 3) -> World:
    """Make a world in which node1 holds all machines, each a third of a host, and node2 none."""
    world = World()
    for node in NODES:
        known = world.view().nodes[node].value
        await world.put(replace(known, capacity=Size(memory_mib=1600), reserve=Size(memory_mib=100)))
    for number in range(machines):
        await world.resource(f"web{number}", State.RUNNING, node="node1", live=live, size=Size(memory_mib=450))
    return world


def standing(world: World) -> Standing:
    """What stands for the whole cluster."""
    record = world.engine.records[Key(Kind.STANDING)].value
    assert isinstance(record, Standing)
    return record


async def test_it_is_told_how_uneven_the_cluster_is_and_what_would_help() -> None:
    world = await uneven()
    before = world.engine.revision

    async with world.client() as client:
        told = await client.balance()

    assert (told.now.highest, told.now.lowest, told.now.spread) == (0.9, 0.0, 0.9)
    assert (told.then.highest, told.then.spread) == (0.6, 0.3)
    assert [(each.node, each.before, each.after) for each in told.nodes] == [("node1", 0.9, 0.6), ("node2", 0.0, 0.3)]
    [one] = told.proposals
    assert [(move.resource, move.source, move.target, move.live) for move in one.migrations] == [
        ("web0", "node1", "node2", True)]
    assert (one.gain, one.left, one.reached) == (0.6, (0.9, 0.6), (0.0, 0.3))
    assert one.reason.text == "evening the nodes out: node1 was 90 % full, and node2 is 30 % full with it"
    assert told.text == "the fullest node is 90 % full and the emptiest 0 %; after 1 move 60 % and 30 %"
    assert (told.schedule, told.due, told.under_way, told.more) == ("off", False, None, False)
    assert world.engine.revision == before


async def test_cold_moves_are_proposed_only_to_whom_asks_for_them() -> None:
    async with (await uneven(live=False)).client() as client:
        live, cold = await client.balance(), await client.balance(cold=True)

    assert live.proposals == ()
    assert [why.text for why in live.held_back] == ["3 of the machines on node1 cannot move live"]
    assert [move.live for each in cold.proposals for move in each.migrations] == [False]


async def test_what_is_proposed_is_written_down_for_the_master() -> None:
    world = await uneven()
    async with world.client() as client:
        asked = await client.apply_balance(BalanceOrder())
        told = await client.balance()
        overall = await client.standing()

    move = Migration(resource="web0", source="node1", target="node2", live=True)
    assert standing(world).balancing == Balancing(by="anna", since_s=NOW_S, asked=1, moves=(move,))
    assert told.under_way == asked == overall.balancing
    assert (asked.by, asked.asked, asked.waits) == ("anna", 1, "")
    assert [entry.reason.why for entry in await world.happenings()] == [Why.BALANCE_ASKED]


async def test_the_first_so_many_can_be_asked_for() -> None:
    world = await uneven(machines=6)
    async with world.client() as client:
        every = await client.balance(cold=True)
        assert len(every.proposals) == 3
        asked = await client.apply_balance(BalanceOrder(first=2))

    assert [move.resource for move in asked.left] == [each.migrations[0].resource for each in every.proposals[:2]]


async def test_moves_that_are_left_can_be_stopped() -> None:
    world = await uneven()
    async with world.client() as client:
        await client.apply_balance(BalanceOrder())
        stopped = await client.stop_balance()
        assert [move.resource for move in stopped.left] == ["web0"]
        assert standing(world).balancing is None
        with pytest.raises(NotNow, match="nobody has asked for moves"):
            await client.stop_balance()

    assert [entry.reason.why for entry in await world.happenings()] == [Why.BALANCE_ASKED, Why.BALANCE_STOPPED]


async def test_whoever_comes_second_is_told_who_was_first() -> None:
    async with (await uneven()).client() as client:
        await client.apply_balance(BalanceOrder())
        with pytest.raises(NotNow, match="anna has asked for moves already, and 1 of 1 are left"):
            await client.apply_balance(BalanceOrder())


async def test_what_cannot_be_done_is_refused_with_the_reason() -> None:
    world = await uneven(live=False)
    async with world.client() as client:
        with pytest.raises(NotNow, match="nothing is proposed: the fullest node is 90 % full"):
            await client.apply_balance(BalanceOrder())
        with pytest.raises(InvalidInput, match="first is 0"):
            await client.apply_balance(BalanceOrder(first=0))
        await world.put(Standing(pause=Pause(by="root", since_s=NOW_S)))
        with pytest.raises(NotNow, match="paused"):
            await client.apply_balance(BalanceOrder(cold=True))


async def test_a_pause_and_a_stop_of_the_cluster_keep_what_stands() -> None:
    world = await uneven()
    async with world.client() as client:
        await client.apply_balance(BalanceOrder())
        await client.pause(PauseOrder())
        assert standing(world).balancing is not None
        told = (await client.standing()).balancing
        assert told is not None
        assert told.waits == "the cluster is paused"


async def test_without_known_rooms_nothing_is_weighed() -> None:
    async with World().client() as client:
        told = await client.balance()

    assert told.text == "no node tells how much room it has, so nothing can be weighed"
    assert told.nodes == ()


async def test_the_daily_window_is_a_setting() -> None:
    world = await uneven()
    async with world.client() as client:
        assert (await client.settings()).balance == "off"
        assert (await client.edit_settings(SettingsChange(balance="22:00-06:00"))).balance == "22:00-06:00"
        assert (await client.balance()).schedule == "22:00-06:00"
        for wrong in ("", "22-6", "24:00-06:00", "06:00-06:00"):
            with pytest.raises(InvalidInput, match="it must be off, or a time of each day, like 22:00-06:00"):
                await client.edit_settings(SettingsChange(balance=wrong))
        assert (await client.edit_settings(SettingsChange(balance="off"))).balance == "off"


def test_a_viewer_looks_and_may_not_begin_anything() -> None:
    assert PERMITS["GET", "/v1/balance"] is Role.VIEWER
    assert PERMITS["POST", "/v1/balance"] is PERMITS["DELETE", "/v1/balance"] is Role.OPERATOR
