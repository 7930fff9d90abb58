"""The brakes, with whole agents: what the cluster does not go on doing by itself, and what lets it go on.

That nobody is fenced when half of the members are silent stands with the fence devices (``test_fencing``).
"""

import asyncio
from dataclasses import replace
from itertools import groupby

from agent.worlds import play
from stanchion.model.ids import NodeName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, sentence
from stanchion.model.resource import FailbackMode
from stanchion.model.state import State
from stanchion.plan.explain import explain
from stanchion.plan.quarantine import LASTS_S, barred, quarantined
from stanchion.sim.world import World, spec

B = NodeName("b")


async def crash(world: World, node: str) -> None:
    """Cut a host's power and switch it on again, and wait until it is a member in a new session."""
    before = (await world.view()).session_of(NodeName(node))
    await world.power_off(node)
    await asyncio.sleep(1)
    world.power_on(node)
    await world.until(lambda view: view.session_of(NodeName(node)) not in {None, before})
    await asyncio.sleep(90)  # longer than what counts as the fault of a resource, or of half of the nodes


async def whys(world: World, *wanted: Why) -> list[Why]:
    """Give the reasons in the history, of those that are asked for."""
    return [entry.reason.why for entry in await world.history() if entry.reason.why in wanted]


def test_a_poisonous_resource_is_freed_by_an_operator_and_counts_from_the_beginning() -> None:
    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a", "b", "c")))
        await world.order(Verb.ONLINE, "web")
        await world.power_off("a")
        await world.runs_on("web", "b", within_s=12)
        await world.power_off("b")
        state = await world.becomes("web", State.COMATOSE, within_s=12)
        assert state.reason.why is Why.POISONOUS
        await asyncio.sleep(120)
        assert world.where("web") == (), "time alone does not free it"
        world.power_on("a")
        world.power_on("b")
        assert (await world.order(Verb.OFFLINE, "web")).outcome is Outcome.DONE
        assert (await world.order(Verb.ONLINE, "web", "c")).outcome is Outcome.DONE
        assert (await world.state("web")).early_losses == 0
        await world.until(lambda view: len(view.live) == 3)
        await world.power_off("c")
        await world.runs_on("web", "a", within_s=12)

    play(story)


def test_a_resource_fails_back_as_often_as_its_budget_allows_and_fails_over_always() -> None:
    """Its first node comes and goes; two automatic moves an hour are one failover and one failback."""

    async def story(world: World) -> None:
        plain = spec("web", preferred=("b", "c"))
        policies = replace(plain.policies, failback=FailbackMode.AUTO, moves_per_hour=2)
        await world.create(replace(plain, policies=policies))
        await world.order(Verb.ONLINE, "web")
        await asyncio.sleep(70)
        for goes_back in (True, False):
            await world.power_off("b")
            await world.runs_on("web", "c", within_s=12)
            await asyncio.sleep(70)
            world.power_on("b")
            await world.until(lambda view: view.is_live(B))
            await asyncio.sleep(120)
            assert (await world.state("web")).node == ("b" if goes_back else "c")
        moves = [why for why, _ in groupby(await whys(world, Why.FAILOVER, Why.FAILBACK))]
        assert moves == [Why.FAILOVER, Why.FAILBACK, Why.FAILOVER]
        await asyncio.sleep(3600)
        await world.runs_on("web", "b")

    play(story)


def test_a_node_that_crashes_again_and_again_is_a_member_that_holds_nothing_new() -> None:
    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        await world.order(Verb.ONLINE, "web")
        await asyncio.sleep(70)
        for _ in range(2):
            await crash(world, "b")
        assert not quarantined(await world.view(), B)
        await crash(world, "b")
        view = await world.view()
        assert view.is_live(B)
        assert barred(view, B)
        assert (await world.state("web")).node == "c"
        refused = await world.order(Verb.MIGRATE, "web", "b")
        assert (refused.outcome, refused.reason and refused.reason.why) == (Outcome.REFUSED, Why.NODE_QUARANTINED)
        told = [why for answer in explain(view, spec("web").name, world.clock.now()) for why in answer.reasons]
        assert Why.NODE_QUARANTINED in {why.why for why in told}
        await world.power_off("c")
        state = await world.becomes("web", State.UNASSIGNED, within_s=12)
        assert "b is in quarantine" in sentence(state.reason)
        await world.order(Verb.RELEASE, node="b")
        await world.runs_on("web", "b")
        assert await whys(world, Why.QUARANTINED, Why.RELEASE_ASKED, Why.QUARANTINE_ENDED) == [
            Why.QUARANTINED, Why.RELEASE_ASKED]

    play(story)


def test_a_quarantine_ends_by_itself_after_two_hours() -> None:
    async def story(world: World) -> None:
        for _ in range(3):
            await crash(world, "b")
        assert quarantined(await world.view(), B)
        await asyncio.sleep(LASTS_S - 200)
        assert quarantined(await world.view(), B)
        await asyncio.sleep(200)
        assert not quarantined(await world.view(), B)
        assert await whys(world, Why.QUARANTINED, Why.QUARANTINE_ENDED) == [Why.QUARANTINED, Why.QUARANTINE_ENDED]

    play(story)


def test_agents_that_are_restarted_and_nodes_that_leave_in_order_are_not_quarantined() -> None:
    async def story(world: World) -> None:
        for _ in range(4):
            await world.restart("b")
            await asyncio.sleep(5)
            await world.end("b")
            world.start("b")
            await world.until(lambda view: view.is_live(B))
            await world.order(Verb.LEAVE, node="b")
            await world.order(Verb.JOIN, node="b")
        assert not quarantined(await world.view(), B)

    play(story)


def test_outages_of_the_store_quarantine_nobody() -> None:
    """Every node loses its session, three times within an hour."""

    async def story(world: World) -> None:
        for _ in range(3):
            world.take_store(down=True)
            await asyncio.sleep(30)
            world.take_store(down=False)
            await world.until(lambda view: len(view.live) == 3, within_s=120)
            await asyncio.sleep(300)
        view = await world.view()
        assert not any(quarantined(view, node) for node in view.nodes)

    play(story)
