"""Pause, drain, hand-over and the whole cluster down, carried out by real agents over pretend hosts."""

import asyncio
from dataclasses import replace

import pytest

from agent.worlds import play
from stanchion.model.cluster import ClusterView, ProofKind, Settings
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import Monitoring, Policies, ResourceSpec, ScriptKind
from stanchion.model.standing import Down, Pause, Shutdown, Standing
from stanchion.model.state import State
from stanchion.model.transaction import Put, Transaction
from stanchion.plan import standing
from stanchion.sim.host import Fault
from stanchion.sim.world import World, spec


async def _online(world: World, *specs: ResourceSpec) -> None:
    for each in specs:
        await world.create(each)
        assert (await world.order(Verb.ONLINE, each.name)).outcome is Outcome.DONE


async def _stands(world: World, what: Standing) -> None:
    await world.operator.commit(Transaction(puts=(Put(what),)))


async def _pause(world: World, for_s: float = 0.0) -> None:
    now_s = world.clock.now().wall_s
    await _stands(world, Standing(pause=Pause(by="anna", since_s=now_s, until_s=now_s + for_s if for_s else 0.0)))


async def _resume(world: World) -> None:
    await _stands(world, Standing())


async def _down(world: World) -> None:
    boots = tuple(held.value.boot for held in (await world.view()).sessions.values())
    await _stands(world, Standing(down=Down(by="anna", at_s=world.clock.now().wall_s, boots=boots)))


def _settings(shutdown: Shutdown) -> Settings:
    return Settings(cluster="pretend", shutdown=shutdown)


# Pause.

def test_a_pause_holds_the_failover_back_until_it_ends_by_itself() -> None:
    """A node dies in the pause: its proof is written, nothing starts elsewhere; at the end of the pause it does."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")))
        await _pause(world, 120)
        await world.power_off("a")
        await world.until(lambda view: any(held.value.kind is ProofKind.EXPIRED for held in view.proofs.values()))
        await asyncio.sleep(60)
        assert world.where("web") == ()
        assert (await world.state("web")).state is State.RUNNING
        await world.runs_on("web", "b", within_s=90)
        assert Why.PAUSE_OVER in [entry.reason.why for entry in await world.history()]

    play(story)


def test_safety_is_not_paused() -> None:
    """A node that loses the store in a pause halts its machines at K, as ever; nothing starts them elsewhere."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")))
        await _pause(world)
        world.isolate("a")
        world.air.cuts |= {pair for other in ("b", "c") for pair in (("a", other), (other, "a"))}  # type: ignore[misc]
        await asyncio.sleep(30)
        assert world.where("web") == ()
        world.reconnect("a")
        world.air.cuts.clear()
        await asyncio.sleep(30)
        assert world.where("web") == ()
        await _resume(world)
        await world.until(lambda _: len(world.where("web")) == 1)

    play(story)


def test_failing_monitors_count_for_nothing_in_a_pause() -> None:
    """They run, and their failures are kept as runs; the resource is touched only after the pause, and only anew."""

    async def story(world: World) -> None:
        watched = replace(spec("web", preferred=("a", "b")), monitoring=Monitoring(enabled=True, interval_s=5.0))
        await _online(world, watched)
        await _pause(world)
        world.nature.faults["web", ScriptKind.MONITOR] = Fault(code=7)
        await asyncio.sleep(60)
        state = await world.state("web")
        assert (state.state, state.lives, state.failures) == (State.RUNNING, 1, ())
        world.nature.faults.clear()
        await _resume(world)
        await asyncio.sleep(60)
        assert (await world.state("web")).lives == 1
        so_far = world.nature.runs["web", ScriptKind.MONITOR]
        world.nature.faults["web", ScriptKind.MONITOR] = Fault(code=7, times=so_far + 1)
        await world.until(lambda view: view.states["web"].value.lives == 2)  # type: ignore[index]  # a name

    play(story)


def test_a_machine_that_stops_in_a_pause_is_started_again_after_it() -> None:
    """Monitored and found gone by an agent that was restarted: held back, then restarted on its node."""

    async def story(world: World) -> None:
        watched = replace(spec("web", preferred=("a", "b")), monitoring=Monitoring(enabled=True, interval_s=5.0))
        await _online(world, watched)
        await _pause(world)
        world.hosts["a"].become("web", None)  # type: ignore[index]  # a node's name
        await world.restart("a")
        await asyncio.sleep(60)
        assert world.where("web") == ()
        await _resume(world)
        assert (await world.runs_on("web", "a")).node == "a"
        await world.until(lambda _: world.where("web") == ("a",))

    play(story)


# Drain.

def test_a_drained_node_is_empty_and_a_member_and_gets_its_machines_back_by_failback_alone() -> None:
    """Live where the scripts can; lives stay; nothing returns by itself; a restart of the agent changes nothing."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")), spec("db", preferred=("a", "c"), live=False))
        done = await world.order(Verb.DRAIN, node="a")
        assert (done.outcome, done.reason is not None and done.reason.why) == (Outcome.DONE, Why.EMPTY)
        assert ((await world.state("web")).node, (await world.state("web")).lives) == ("b", 1)
        assert (await world.state("db")).node == "c"
        await world.restart("a")
        await asyncio.sleep(10)
        assert (await world.view()).is_live("a")  # type: ignore[arg-type]  # a node's name
        assert (await world.order(Verb.MIGRATE, "web", "a")).outcome is Outcome.REFUSED
        assert (await world.order(Verb.UNDRAIN, node="a")).outcome is Outcome.DONE
        await asyncio.sleep(30)
        assert (await world.state("web")).node == "b"

    play(story)


def test_what_has_nowhere_to_go_runs_on_and_goes_as_soon_as_a_node_comes() -> None:
    """The drain ends with the reason; it still stands, so the machine goes when its other node joins."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")))
        assert (await world.order(Verb.LEAVE, node="b")).outcome is Outcome.DONE
        stuck = await world.order(Verb.DRAIN, node="a")
        assert (stuck.outcome, stuck.reason is not None and stuck.reason.why) == (Outcome.FAILED, Why.NOT_EMPTY)
        assert world.where("web") == ("a",)
        await world.order(Verb.JOIN, node="b")
        state = await world.runs_on("web", "b")
        assert state.lives == 1

    play(story)


# A host that shuts down.

@pytest.mark.parametrize(("shutdown", "lives"), [(Shutdown.MIGRATE, 1), (Shutdown.FAILOVER, 2)])
def test_a_host_that_shuts_down_hands_over_at_once_and_joins_by_itself_when_it_is_back(shutdown: Shutdown,
                                                                                       lives: int) -> None:
    """Nobody waits for a lease: the node leaves with a clean proof; started anew, it is a member without an order."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")))
        assert (await world.order(Verb.HAND_OVER, node="a", within_s=5)).outcome is Outcome.DONE
        state = await world.runs_on("web", "b")
        assert state.lives == lives
        await asyncio.sleep(20)
        assert not (await world.view()).is_live("a")  # type: ignore[arg-type]  # a node's name
        await world.restart("a")
        await asyncio.sleep(20)
        assert not (await world.view()).is_live("a"), "the same life of the host"  # type: ignore[arg-type]
        await world.power_off("a")
        world.power_on("a")
        await world.until(lambda view: view.is_live("a"))  # type: ignore[arg-type]  # a node's name

    play(story, settings=_settings(shutdown))


def test_what_is_frozen_starts_again_on_its_own_node() -> None:
    """Freeze: unloaded, started nowhere else, and loaded when the host is back."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")))
        assert (await world.order(Verb.HAND_OVER, node="a")).outcome is Outcome.DONE
        await world.power_off("a")
        await asyncio.sleep(60)
        state = await world.state("web")
        assert (state.state, state.awaits, world.where("web")) == (State.UNASSIGNED, "a", ())
        world.power_on("a")
        assert (await world.runs_on("web", "a")).awaits is None

    play(story, settings=_settings(Shutdown.FREEZE))


def test_the_last_host_to_shut_down_ends_its_order_itself_and_everything_is_back_afterwards() -> None:
    """All hosts shut down one after the other; the last unloads what is left, and what ran before runs again."""

    async def story(world: World) -> None:
        await _online(world, spec("web"))
        for node in ("a", "b", "c"):
            assert (await world.order(Verb.HAND_OVER, node=node)).outcome is Outcome.DONE
            await world.power_off(node)
        assert world.where("web") == ()
        for node in ("a", "b", "c"):
            world.power_on(node)
        await world.until(lambda _: len(world.where("web")) == 1)

    play(story)


def test_a_host_that_loses_its_power_in_the_middle_fails_over_by_proof() -> None:
    """The hand-over hangs, and systemd gives up waiting: the lease ends, and only then the machine starts elsewhere."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b"), live=False))
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(never_ends=True)
        order = await world.give(Verb.HAND_OVER, node="a")
        await world.becomes("web", State.UNLOADING)
        await world.power_off("a")
        world.nature.faults.clear()
        await world.runs_on("web", "b")
        view = await world.until(lambda view: view.intents[order].value.outcome is not Outcome.ACCEPTED)
        assert view.intents[order].value.outcome is Outcome.DONE

    play(story)


# The whole cluster.

def _all_left(view: ClusterView) -> bool:
    return not view.live


def test_the_whole_cluster_stops_in_order_and_starts_again_with_what_ran() -> None:
    """The last to load is unloaded first; every session ends clean; what was Offline stays so."""

    async def story(world: World) -> None:
        parts = [replace(spec(name, preferred=(node,), live=False), policies=Policies(priority=priority))
                 for name, node, priority in (("web", "a", 1), ("db", "b", 5), ("mail", "c", 9))]
        await _online(world, *parts)
        await world.create(spec("idle"))
        await _down(world)
        view = await world.until(_all_left)
        ends = [record for record in world.nature.records if not record.begins]
        assert [record.machine for record in sorted(ends, key=lambda record: record.at_s)] == ["web", "db", "mail"]
        assert {held.value.kind for held in view.proofs.values()} == {ProofKind.CLEAN}
        assert [entry.reason.why for entry in await world.history()].count(Why.PROOF_CLEAN) == 3
        assert view.states["idle"].value.state is State.OFFLINE  # type: ignore[index]  # a name
        for node in ("a", "b", "c"):
            await world.restart(node)
        await asyncio.sleep(30)
        assert not (await world.view()).live
        await _resume(world)
        for part in parts:
            await world.becomes(part.name, State.RUNNING)
        assert (await world.state("idle")).state is State.OFFLINE

    play(story)


def test_hosts_that_are_started_anew_start_the_stopped_cluster() -> None:
    """Down, power off, power on: nobody has to say `up`; a single host is enough to end it for all."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")))
        await _down(world)
        await world.until(_all_left)
        await world.power_off("b")
        world.power_on("b")
        view = await world.until(lambda view: len(view.live) == 3)
        assert standing.down(view) is None
        await world.until(lambda _: len(world.where("web")) == 1)
        assert Why.UP_BY_BOOT in [entry.reason.why for entry in await world.history()]

    play(story)
