"""More moments at which a careless cluster would run a machine twice, stop it without cause, or forget it."""

import asyncio
from dataclasses import replace

from agent.worlds import play
from stanchion.model.ids import NodeName
from stanchion.model.orders import Verb
from stanchion.model.resource import StartMode
from stanchion.model.state import State
from stanchion.sim.world import World, spec


def test_who_lived_on_while_another_one_founded_the_cluster_anew_is_failed_over_like_anybody() -> None:
    """A newcomer finds nobody and begins a cluster; the two that it takes for ended come back, as they were."""

    async def story(world: World) -> None:
        await world.power_off("c")
        await world.until(lambda view: "c" not in view.live and all(
            "c" not in (view.sessions[NodeName(node)].value.peers or ()) for node in "ab"))
        web = spec("web", preferred=("b", "a", "c"))
        await world.create(replace(web, policies=replace(web.policies, start=StartMode.MANUAL)))
        await world.order(Verb.ONLINE, "web")
        for node in "ab":
            world.isolate(node)
        await asyncio.sleep(10)
        world.power_on("c")
        await world.until(lambda view: view.membership is not None and view.membership.value.before != ())
        for node in "ab":
            world.reconnect(node)
        await asyncio.sleep(20)
        assert world.where("web") == ("b",)
        await world.power_off("b")
        # Not by its start mode, which asks a person: that is for a cluster that was down.
        await world.runs_on("web", "a", within_s=30)
        assert (await world.state("web")).state is State.RUNNING

    play(story)
