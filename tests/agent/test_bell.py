"""The bell: a machine that was started by hand is told at once where its hypervisor says so, else by the next look."""

import asyncio

import pytest

from agent.worlds import play
from stanchion.model.cluster import ClusterView
from stanchion.model.ids import NodeName, ResourceName
from stanchion.plan import strays
from stanchion.sim.bell import PretendBell
from stanchion.sim.world import World, spec

WEB, C = ResourceName("web"), NodeName("c")
AT_ONCE_S, NEXT_LOOK_S = 0.6, 5.1


def astray(view: ClusterView) -> bool:
    """Whether web is on record as a stray on c."""
    return [seen.node for seen in strays.places(view, WEB)] == [C]


async def with_a_bell(world: World) -> PretendBell:
    """Give host c a bell, and wait until its agent listens in the middle of its rounds."""
    bell = world.bells[C] = PretendBell(world.hosts[C])
    await world.restart("c")
    await world.create(spec("web", preferred=("a",)))
    await asyncio.sleep(11)
    return bell


def test_a_machine_that_begins_by_hand_is_told_at_once_and_its_end_too() -> None:
    async def story(world: World) -> None:
        await with_a_bell(world)
        world.hosts[C].start_by_hand("web")
        await world.until(astray, within_s=AT_ONCE_S)
        await asyncio.sleep(11)
        world.hosts[C].become("web", None)
        await world.until(lambda view: not view.strays, within_s=AT_ONCE_S)

    play(story)


def test_while_nobody_hears_the_hypervisor_it_is_found_by_the_next_look() -> None:
    async def story(world: World) -> None:
        (await with_a_bell(world)).deaf = True
        world.hosts[C].start_by_hand("web")
        with pytest.raises(TimeoutError):
            await world.until(astray, within_s=AT_ONCE_S)
        await world.until(astray, within_s=NEXT_LOOK_S)

    play(story)


def test_a_bell_that_rings_all_the_time_asks_for_two_looks_a_second_at_most() -> None:
    async def story(world: World) -> None:
        await with_a_bell(world)
        sweeps = 0
        before = world.hosts[C].sweep

        async def counted(*of: object) -> object:
            nonlocal sweeps
            sweeps += 1
            return await before(*of)  # type: ignore[arg-type]  # what the patrol asks for

        world.hosts[C].sweep = counted  # type: ignore[method-assign, assignment]  # counts what it asks
        for _ in range(100):
            world.hosts[C].start_by_hand("web")
            await asyncio.sleep(0.05)
            world.hosts[C].become("web", None)
            await asyncio.sleep(0.05)
        assert sweeps <= 21

    play(story)
