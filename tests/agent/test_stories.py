"""What a pretend cluster lives through can be read back: why something happened, and where the time went."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from agent.worlds import play
from stanchion.model.cluster import Kind
from stanchion.model.history import Entry, Line
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import FailbackMode, FailoverMode, Policies, ResourceSpec
from stanchion.model.state import State
from stanchion.plan.story import chain, last_of, told
from stanchion.plan.timeline import Incident, incidents
from stanchion.sim.world import World, spec


async def lines_of(world: World) -> list[Line]:
    """Give the whole history with the names of its entries."""
    pages = await world.operator.records(Kind.HISTORY, limit=5000)
    return [Line(name, held.value) for name, held in pages if isinstance(held.value, Entry)]


def whys(lines: tuple[Line, ...]) -> list[Why]:
    """Give the reasons of a chain."""
    return [line.entry.reason.why for line in lines]


async def web_chain(world: World) -> tuple[Line, ...]:
    """Give what led to what ``web`` is now."""
    lines = await lines_of(world)
    last = last_of(lines, "web")
    assert last is not None
    return chain(lines, last)


def made(preferred: str = "abc", **policies: object) -> ResourceSpec:
    """Make ``web``."""
    return replace(spec("web", preferred=tuple(preferred)), policies=Policies(**policies))  # type: ignore[arg-type]


async def online(world: World, **policies: object) -> None:
    """Let ``web`` run on a."""
    await world.create(made(**policies))
    done = await world.order(Verb.ONLINE, "web")
    assert done.outcome is Outcome.DONE


def test_a_load_was_ordered() -> None:
    async def tale(world: World) -> None:
        await online(world)
        assert whys(await web_chain(world)) == [Why.ONLINE_ASKED, Why.LOADED]

    play(tale)


def test_a_failover_leads_back_to_the_node_that_fell_silent() -> None:
    async def tale(world: World) -> None:
        await online(world)
        await world.power_off("a")
        await world.runs_on("web", "b")
        found = await web_chain(world)
        assert whys(found) == [Why.NODE_LOST, Why.PROOF_EXPIRED, Why.FAILOVER, Why.LOADED]
        texts = told(found)
        assert texts[0] == "node a is not answering"
        assert texts[2].startswith("    +")
        assert "s: resource web is loading on b: failed over from a" in texts[2]

    play(tale)


def test_an_answered_alert_leads_back_to_the_loss_that_raised_it() -> None:
    async def tale(world: World) -> None:
        await online(world, failover=FailoverMode.MANUAL)
        await world.power_off("a")
        await world.becomes("web", State.ALERT)
        await world.order(Verb.ALERT_YES, "web")
        await world.runs_on("web", "b")
        assert whys(await web_chain(world)) == [Why.NODE_LOST, Why.PROOF_EXPIRED, Why.FAILOVER_MANUAL, Why.ALERT_YES,
                                                Why.LOADED]

    play(tale)


def test_a_failback_leads_back_to_the_node_that_joined() -> None:
    async def tale(world: World) -> None:
        await online(world, failback=FailbackMode.AUTO)
        await world.power_off("a")
        await world.runs_on("web", "b")
        world.power_on("a")
        await world.runs_on("web", "a")
        assert whys(await web_chain(world))[:2] == [Why.NODE_JOINED, Why.FAILBACK]

    play(tale)


def test_an_emptied_node_leads_back_to_the_order() -> None:
    async def tale(world: World) -> None:
        await online(world)
        await world.give(Verb.LEAVE, node="a")
        await world.runs_on("web", "b")
        assert whys(await web_chain(world))[:2] == [Why.LEAVE_ASKED, Why.NODE_LEAVES]

    play(tale)


def test_the_new_master_is_the_master_because_the_old_one_was_lost() -> None:
    async def tale(world: World) -> None:
        await online(world)
        master = (await world.view()).master
        assert master is not None
        await world.power_off(master.value.node)
        await world.until(lambda view: view.master is not None and view.master.value.node != master.value.node
                          and view.membership is not None and view.membership.value.master != master.value.node)
        lines = await lines_of(world)
        (last,) = [line for line in lines if line.entry.reason.why is Why.MASTER_IS][-1:]
        assert whys(chain(lines, last)) == [Why.NODE_LOST, Why.MASTER_IS]

    play(tale)


@pytest.mark.parametrize("lost", ["a", "b"])
def test_every_cause_of_a_life_is_found(lost: str) -> None:
    """Nothing that the cluster did by itself stands without a beginning: each chain ends at an order or a node."""

    async def tale(world: World) -> None:
        await online(world, failback=FailbackMode.AUTO)
        await world.power_off(lost)
        await world.runs_on("web", "b" if lost == "a" else "a")
        world.power_on(lost)
        await world.until(lambda view: lost in view.live and view.membership is not None
                          and lost in view.membership.value.members)
        await world.runs_on("web", "a")
        lines = await lines_of(world)
        begins = {chain(lines, line)[0].entry.reason.why for line in lines}
        assert begins <= {Why.ONLINE_ASKED, Why.NODE_LOST, Why.NODE_JOINED, Why.MASTER_IS}

    play(tale)


def incident(tale: Callable[[World], Awaitable[None]], *, has_watchdog: bool = True) -> list[Incident]:
    """Play a tale with one loss and give what its history says."""
    found: list[Incident] = []

    async def whole(world: World) -> None:
        await tale(world)
        found.extend(incidents(await lines_of(world)))

    play(whole, has_watchdog=has_watchdog)
    return found


def test_a_failover_is_told_in_its_four_phases() -> None:
    async def tale(world: World) -> None:
        await online(world)
        await world.power_off("a")
        await world.runs_on("web", "b")

    (one,) = incident(tale)
    (web,) = one.recoveries
    assert (one.node, one.detect_s) == ("a", 8.0)
    assert one.proof is not None
    assert one.proof.why is Why.PROOF_EXPIRED
    assert one.prove_s is not None
    assert web.load_s is not None
    assert web.total_s is not None
    assert (web.resource, web.node, web.state) == ("web", "b", State.RUNNING)
    assert web.total_s == pytest.approx(8.0 + one.prove_s + web.decide_s + web.load_s)
    assert 0 <= web.decide_s < 2


def test_where_a_person_is_asked_deciding_takes_until_the_answer() -> None:
    async def tale(world: World) -> None:
        await online(world, failover=FailoverMode.MANUAL)
        await world.power_off("a")
        await world.becomes("web", State.ALERT)
        await asyncio.sleep(60)
        await world.order(Verb.ALERT_YES, "web")
        await world.runs_on("web", "b")

    (one,) = incident(tale)
    (web,) = one.recoveries
    assert one.over
    assert (web.node, web.state) == ("b", State.RUNNING)
    assert 60 <= web.decide_s < 65
    assert web.load_s is not None
    assert web.load_s < 5


def test_a_node_that_left_in_good_order_is_no_incident() -> None:
    async def tale(world: World) -> None:
        await online(world)
        await world.order(Verb.LEAVE, node="a")
        await world.runs_on("web", "b")

    assert incident(tale) == []


def test_a_loss_without_a_proof_is_an_incident_that_is_not_over() -> None:
    async def tale(world: World) -> None:
        await online(world)
        await world.power_off("a")
        await world.until(lambda view: view.membership is not None and "a" not in view.membership.value.members)

    (one,) = incident(tale, has_watchdog=False)
    assert (one.prove_s, one.proof, one.recoveries) == (None, None, ())
