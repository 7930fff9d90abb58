"""What hosts have and machines take becomes known by itself, and memory is never promised twice from then on."""

import asyncio

from agent.worlds import play
from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.cluster import ClusterView
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why
from stanchion.model.state import State
from stanchion.plan import capacity
from stanchion.sim.world import World, spec

SMALL, LARGE = Size(memory_mib=1024, cpus=4), Size(memory_mib=8192, cpus=8)


async def _measured(world: World, sizes: dict[str, Size]) -> None:
    """Let the hosts be that large, and their agents start anew."""
    for name, size in sizes.items():
        world.hosts[name].capacity_found = size  # type: ignore[index]
        await world.restart(name)

    def known(view: ClusterView) -> bool:
        return all(view.sessions[name].value.capacity == size for name, size in sizes.items())  # type: ignore[index]

    await world.until(known)


def test_a_host_is_measured_when_its_agent_starts_and_again_when_it_was_reset() -> None:
    """The session goes on; what could not be found out this time stays what it was."""

    async def story(world: World) -> None:
        before = (await world.view()).sessions["a"].value
        assert before.capacity == NOTHING_KNOWN
        await _measured(world, {"a": SMALL})
        assert (await world.view()).sessions["a"].value.id == before.id
        world.hosts["a"].capacity_found = NOTHING_KNOWN
        await world.restart("a")
        await asyncio.sleep(2)
        assert (await world.view()).sessions["a"].value.capacity == SMALL
        world.hosts["a"].capacity_found = LARGE
        world.reset("a")
        view = await world.until(lambda view: view.sessions["a"].value.capacity == LARGE)  # type: ignore[index]
        assert view.sessions["a"].value.id != before.id

    play(story)


def test_a_machine_is_measured_where_it_loads_and_takes_its_room_from_then_on() -> None:
    """What is too large for every host that is left waits, with the reason, until there is room again."""

    async def story(world: World) -> None:
        await _measured(world, {"a": LARGE, "b": SMALL, "c": SMALL})
        world.hosts["a"].nature.sizes.update(big=Size(memory_mib=4096, cpus=2), slim=Size(memory_mib=512, cpus=1))
        for name in ("big", "slim"):
            await world.create(spec(name, preferred=("a", "b", "c")))
            await world.order(Verb.ONLINE, name)
        assert (await world.state("big")).size == Size(memory_mib=4096, cpus=2)
        assert capacity.promised(await world.view(), "a") == Size(memory_mib=4608, cpus=3)  # type: ignore[arg-type]
        await world.order(Verb.MIGRATE, "slim", "b")
        assert (await world.runs_on("slim", "b")).size == Size(memory_mib=512, cpus=1)
        await world.power_off("a")
        waiting = await world.becomes("big", State.UNASSIGNED)
        assert waiting.reason.why is Why.NO_NODE
        assert "memory" in " ".join(map(str, waiting.reason.operands)), waiting.reason
        world.power_on("a")
        await world.runs_on("big", "a")

    play(story)
