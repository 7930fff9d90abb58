"""Machines that run where nobody sent them: found, told once, left alone, and in the way of every start elsewhere."""

import asyncio

import pytest

from agent.worlds import play
from stanchion.model.cluster import ClusterView, ProofKind
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, sentence
from stanchion.model.state import State
from stanchion.plan import strays
from stanchion.sim.world import World, spec

WEB = ResourceName("web")
SOON_S = 6.0


def astray(view: ClusterView) -> tuple[NodeName, ...]:
    """Name the nodes where web runs although nobody sent it there."""
    return tuple(seen.node for seen in strays.places(view, WEB))


async def lines(world: World, *whys: Why) -> list[tuple[Why, NodeName | None]]:
    """Give the lines of the history about strays."""
    return [(entry.reason.why, entry.node) for entry in await world.history() if entry.reason.why in whys]


async def started_by_hand(world: World, node: str) -> None:
    """Somebody starts web there; wait until its agent has found it."""
    world.hosts[NodeName(node)].start_by_hand("web")
    await world.until(lambda view: NodeName(node) in astray(view), within_s=SOON_S)


def test_a_stray_is_found_told_once_left_alone_and_told_again_when_it_is_gone() -> None:
    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a", "b", "c")))
        await world.order(Verb.ONLINE, "web")
        world.hosts[NodeName("c")].start_by_hand("web")
        await world.until(lambda view: astray(view) == ("c",), within_s=SOON_S)
        await asyncio.sleep(30)
        assert world.where("web") == ("a", "c"), "it is never stopped by itself"
        assert await lines(world, Why.STRAY_SEEN, Why.STRAY_GONE) == [(Why.STRAY_SEEN, "c")]
        world.hosts[NodeName("c")].become("web", None)
        await world.until(lambda view: not view.strays, within_s=SOON_S)
        assert await lines(world, Why.STRAY_SEEN, Why.STRAY_GONE) == [(Why.STRAY_SEEN, "c"), (Why.STRAY_GONE, "c")]

    with pytest.raises(AssertionError, match="a second copy"):
        play(story)  # by hand: the judges of this world know nothing of that


def test_nothing_loads_elsewhere_while_it_stands_and_it_goes_on_by_itself_when_it_is_gone() -> None:
    """Its node is lost, and the machine was started by hand on a node that is not on its list."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a", "b")))
        await world.order(Verb.ONLINE, "web", "a")
        world.hosts[NodeName("a")].become("web", None)
        await started_by_hand(world, "c")
        await world.power_off("a")
        state = await world.becomes("web", State.UNASSIGNED)
        assert "while it runs on c, where nobody sent it" in sentence(state.reason)
        await asyncio.sleep(60)
        assert world.where("web") == ("c",)
        world.hosts[NodeName("c")].become("web", None)
        await world.runs_on("web", "b", within_s=20)

    play(story)


def test_an_order_to_another_node_is_refused_and_one_to_its_own_node_adopts_it() -> None:
    async def story(world: World) -> None:
        await world.create(spec("web"))
        await started_by_hand(world, "b")
        refused = await world.order(Verb.ONLINE, "web", "a")
        assert refused.outcome is Outcome.REFUSED
        assert refused.reason is not None
        assert refused.reason.why is Why.NODE_STRAY
        await world.order(Verb.ONLINE, "web", "b")
        state = await world.runs_on("web", "b")
        assert state.lives == 0, "it was adopted, not started"
        await world.until(lambda view: not view.strays, within_s=SOON_S)
        assert (await lines(world, Why.STRAY_OURS, Why.STRAY_GONE)) == [(Why.STRAY_OURS, "b")]

    play(story)


def test_a_load_that_was_placed_just_before_the_stray_was_seen_does_not_begin() -> None:
    """The agent that is to load rests its claim on what is known of strays."""

    async def story(world: World) -> None:
        await world.create(spec("web"))
        world.slow("a", 3.0)
        await world.give(Verb.ONLINE, "web", "a")
        await world.becomes("web", State.LOADING)
        await started_by_hand(world, "b")
        await world.until(lambda view: view.states[WEB].value.state is State.RUNNING, within_s=60)
        assert world.where("web") == ("b",)
        assert (await world.state("web")).node == "b"

    play(story)


def test_a_dead_host_runs_no_strays() -> None:
    """The proof about its session takes the record away, and the resource goes on."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a",)))
        await started_by_hand(world, "c")
        await world.give(Verb.ONLINE, "web")
        await world.becomes("web", State.UNASSIGNED)
        await world.power_off("c")
        await world.runs_on("web", "a", within_s=20)
        assert [why for why, _ in await lines(world, Why.STRAY_PROVEN, Why.STRAY_GONE)] == [Why.STRAY_PROVEN]

    play(story)


def test_without_a_proof_the_stray_of_a_silent_host_stays_in_the_way_until_an_operator_speaks() -> None:
    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a",)))
        await started_by_hand(world, "c")
        await world.give(Verb.ONLINE, "web")
        await world.power_off("c")
        await asyncio.sleep(60)
        assert (await world.state("web")).state is State.UNASSIGNED
        await world.order(Verb.CONFIRM_DOWN, node="c")
        await world.runs_on("web", "a")

    play(story, has_watchdog=False)


def test_a_node_that_loses_the_cluster_halts_its_strays_too() -> None:
    """Else the end of its lease would be a proof that is not true: known or found at that moment."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a",)))
        await world.create(spec("db", preferred=("a",)))
        await started_by_hand(world, "c")
        world.isolate("c")
        world.hosts[NodeName("c")].start_by_hand("db")
        await asyncio.sleep(5)
        assert world.where("web") == world.where("db") == ()
        assert world.hosts[NodeName("c")].resets == 0, "everything was seen gone"
        await world.until(lambda view: not view.strays, within_s=20)

    play(story)


def test_a_node_that_is_asked_to_leave_stays_while_a_stray_runs_there() -> None:
    """A session that is given back says that nothing runs there."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a",)))
        await started_by_hand(world, "c")
        session = (await world.view()).session_of(NodeName("c"))
        await world.give(Verb.LEAVE, node="c")
        await asyncio.sleep(30)
        assert (await world.view()).session_of(NodeName("c")) == session
        await world.restart("c")
        await asyncio.sleep(10)
        assert (await world.view()).session_of(NodeName("c")) == session
        world.hosts[NodeName("c")].become("web", None)
        view = await world.until(lambda view: not view.is_live(NodeName("c")), within_s=20)
        assert session is not None
        assert view.proofs[session].value.kind is ProofKind.CLEAN

    play(story)


def test_a_live_move_to_a_node_where_it_was_started_by_hand_leaves_both_machines_alone() -> None:
    """Nobody has seen it yet: the target looks before it opens the door."""

    async def story(world: World) -> None:
        await world.create(spec("web"))
        await world.order(Verb.ONLINE, "web", "a")
        await asyncio.sleep(5.5)
        world.hosts[NodeName("b")].start_by_hand("web")
        ended = await world.order(Verb.MIGRATE, "web", "b", live=True)
        assert ended.outcome is not Outcome.DONE
        assert world.where("web") == ("a", "b")
        assert (await world.runs_on("web", "a")).lives == 1
        await world.until(lambda view: astray(view) == ("b",), within_s=SOON_S)

    with pytest.raises(AssertionError, match="a second copy"):
        play(story)


def test_an_agent_that_finds_its_stray_again_after_a_restart_says_nothing_twice() -> None:
    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a",)))
        await started_by_hand(world, "c")
        await world.restart("c")
        await asyncio.sleep(20)
        assert await lines(world, Why.STRAY_SEEN, Why.STRAY_GONE) == [(Why.STRAY_SEEN, "c")]

    play(story)


def test_a_host_on_which_nobody_could_look_for_strays_does_not_count_as_empty() -> None:
    """It is cut off and its hypervisor hangs: it proves nothing about itself, and its watchdog resets it in time."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a", "b")))
        await world.order(Verb.ONLINE, "web")
        world.hosts[NodeName("c")].hung = True
        world.isolate("c")
        await world.until(lambda _: world.hosts[NodeName("c")].resets == 1, within_s=10)
        world.hosts[NodeName("c")].hung = False
        world.reconnect("c")
        view = await world.until(lambda view: view.is_live(NodeName("c")), within_s=30)
        assert ProofKind.CLEAN not in {held.value.kind for held in view.proofs.values()}

    play(story)
