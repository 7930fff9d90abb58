"""More moments at which a careless cluster would run a machine twice, stop it without cause, or forget it."""

import asyncio
from dataclasses import replace

from agent.worlds import play
from stanchion.model.ids import NodeName
from stanchion.model.orders import Verb
from stanchion.model.resource import StartMode
from stanchion.model.state import State
from stanchion.model.timing import TIMINGS, Profile
from stanchion.model.transaction import Conflict, Put, Transaction
from stanchion.plan.failsafe import declared
from stanchion.plan.sessions import given_back
from stanchion.sim.host import Condition
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


def test_what_an_agent_said_as_it_ended_is_void_once_the_next_one_lives_in_its_session() -> None:
    """Ended in order, with nothing held; its word is on the way to the store for longer than the next one needs."""

    async def story(world: World) -> None:
        node = NodeName("b")
        await world.create(spec("web", preferred=("b", "c")))
        view = await world.view()
        word = given_back(view, view.sessions[node].value, world.clock.now(), leaving=False)
        assert word is not None
        await world.restart("b")
        await world.order(Verb.ONLINE, "web")
        assert world.where("web") == ("b",)
        assert (await world.view()).session_of(node) == view.session_of(node)
        assert isinstance(await world.operator.commit(word), Conflict)
        await asyncio.sleep(20)
        assert world.where("web") == ("b",)

    play(story)


def test_nobody_is_named_by_an_agent_that_is_gone() -> None:
    """It tried to name a node whose consent counts; the next agent does not know of that, and would never ask it."""

    async def story(world: World) -> None:
        node = NodeName("b")
        view = await world.view()
        attempt = declared(view, view.sessions[node].value, (*(view.sessions[node].value.peers or ()), NodeName("d")))
        assert attempt is not None
        await world.restart("b")
        await world.until(lambda _: world.daemons[node].tenure.session is not None)
        assert isinstance(await world.operator.commit(attempt), Conflict)

    play(story)


async def _with_profile(world: World, profile: Profile, *nodes: str) -> None:
    """Change the cluster's profile, and let these nodes begin a new session with it."""
    held = (await world.view()).settings
    assert held is not None
    await world.operator.commit(Transaction(puts=(Put(replace(held.value, profile=profile)),)))
    for node in map(NodeName, nodes):
        await world.end(node)
        world.start(node)
        await world.until(lambda view, node=node: node in view.live and (  # type: ignore[misc]  # binds the loop's name
            view.sessions[node].value.timing == TIMINGS[profile]))


def test_who_promised_to_a_session_of_a_slower_profile_keeps_that_and_not_his_own() -> None:
    """The profile was changed; one session is of the old one yet. Who gets the store back was restarted in between."""

    async def story(world: World) -> None:
        await _with_profile(world, Profile.TOLERANT, "b")
        await _with_profile(world, Profile.FAST, "a", "c")
        await world.create(spec("web", preferred=("b", "a", "c")))
        await world.order(Verb.ONLINE, "web")
        world.take_store(down=True)
        await asyncio.sleep(40)
        assert world.where("web") == ("b",)
        for node in "bc":
            world.isolate(node)
        await world.kill("a")
        world.take_store(down=False)
        world.start("a")
        back_s = asyncio.get_running_loop().time()
        await world.runs_on("web", "a", within_s=120)
        assert asyncio.get_running_loop().time() - back_s > TIMINGS[Profile.TOLERANT].lease_s

    play(story)


def test_an_adoption_that_the_agent_does_not_survive_ends_well() -> None:
    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "a", "c")))
        world.hosts[NodeName("b")].become("web", Condition.EXECUTES)
        world.slow("b", 0.4)
        await world.give(Verb.ADOPT, "web", "b")
        await world.becomes("web", State.LOADING)
        await world.kill("b")
        await asyncio.sleep(3)
        world.start("b")
        await world.runs_on("web", "b", within_s=30)
        assert world.where("web") == ("b",)

    play(story)
