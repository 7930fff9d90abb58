"""The whole cluster starts, nodes come back: start modes, quorum, failback, following the master."""

import asyncio
from dataclasses import replace

from agent.worlds import play
from stanchion.model.cluster import Settings
from stanchion.model.orders import Outcome, Verb
from stanchion.model.resource import FailbackMode, Policies, StartMode
from stanchion.model.state import AlertKind, State
from stanchion.sim.world import World, spec


async def _blackout(world: World) -> None:
    """Cut the power of every host, long enough for every lease to end."""
    for name in world.hosts:
        await world.power_off(name)
    await asyncio.sleep(20)


def test_after_a_blackout_what_ran_starts_again_and_what_was_offline_stays() -> None:
    """Start mode AUTO governs, not the failover mode."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "a")))
        await world.create(spec("idle", preferred=("b", "a")))
        await world.order(Verb.ONLINE, "web")
        await _blackout(world)
        for name in world.hosts:
            world.power_on(name)
        await world.until(lambda view: view.states["web"].value.state is State.RUNNING)  # type: ignore[index]
        assert (await world.state("idle")).state is State.OFFLINE

    play(story)


def test_quorum_wait_ends_by_count_and_by_time() -> None:
    """Two nodes are asked for: one alone waits until the timeout, then loads anyway."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a", "b")))
        await world.create(replace(spec("now", preferred=("a",)), policies=Policies(ignore_quorum=True)))
        await world.order(Verb.ONLINE, "web")
        await world.order(Verb.ONLINE, "now")
        await _blackout(world)
        world.power_on("a")
        await world.becomes("web", State.QUORUM_WAIT)
        await world.runs_on("now", "a", within_s=10)
        await asyncio.sleep(30)
        assert world.where("web") == ()
        await world.runs_on("web", "a", within_s=40)

    play(story, settings=Settings(cluster="pretend", quorum_nodes=2, quorum_timeout_s=60.0))


def test_start_mode_manual_asks_after_a_blackout() -> None:
    """Start Alert: no leaves it offline."""

    async def story(world: World) -> None:
        await world.create(replace(spec("web", preferred=("a", "b")), policies=Policies(start=StartMode.MANUAL)))
        await world.order(Verb.ONLINE, "web")
        await _blackout(world)
        for name in world.hosts:
            world.power_on(name)
        state = await world.becomes("web", State.ALERT)
        assert state.alert is AlertKind.START
        assert (await world.order(Verb.ALERT_NO, "web")).outcome is Outcome.DONE
        assert (await world.state("web")).state is State.OFFLINE

    play(story)


def test_failback_auto_returns_when_the_first_node_joins_anew() -> None:
    """Cold by default; live with failback_live. A manual migrate away is respected until the next join."""

    async def story(world: World) -> None:
        auto = Policies(failback=FailbackMode.AUTO)
        await world.create(replace(spec("cold", preferred=("a", "b")), policies=auto))
        await world.create(replace(spec("live", preferred=("a", "b")), policies=replace(auto, failback_live=True)))
        for name in ("cold", "live"):
            await world.order(Verb.ONLINE, name)
        await world.power_off("a")
        for name in ("cold", "live"):
            await world.runs_on(name, "b", within_s=12)
        world.power_on("a")
        for name in ("cold", "live"):
            await world.runs_on(name, "a")
        assert (await world.state("cold")).lives == 3
        assert (await world.state("live")).lives == 2
        await world.order(Verb.MIGRATE, "cold", "b")
        await asyncio.sleep(60)
        assert world.where("cold") == ("b",)

    play(story)


def test_failback_manual_asks_and_keeps_running_meanwhile() -> None:
    """No: it stays and is not asked again until the first node joins anew."""

    async def story(world: World) -> None:
        manual = Policies(failback=FailbackMode.MANUAL)
        await world.create(replace(spec("web", preferred=("a", "b")), policies=manual))
        await world.order(Verb.ONLINE, "web")
        await world.power_off("a")
        await world.runs_on("web", "b", within_s=12)
        world.power_on("a")
        await world.becomes("web", State.ALERT)
        assert world.where("web") == ("b",)
        await world.order(Verb.ALERT_NO, "web")
        await asyncio.sleep(60)
        assert (await world.state("web")).state is State.RUNNING
        await world.power_off("a")
        await asyncio.sleep(20)
        world.power_on("a")
        await world.becomes("web", State.ALERT)
        await world.order(Verb.ALERT_YES, "web")
        await world.runs_on("web", "a")

    play(story)


def test_a_resource_follows_the_master() -> None:
    """It runs only on the master; when the role moves, it moves."""

    async def story(world: World) -> None:
        await world.create(replace(spec("web"), policies=Policies(follows_master=True)))
        await world.order(Verb.ONLINE, "web")
        assert world.where("web") == ("a",)
        await world.power_off("a")
        view = await world.until(lambda view: view.states["web"].value.state is State.RUNNING  # type: ignore[index]
                                 and view.states["web"].value.node != "a", within_s=30)  # type: ignore[index]
        assert view.master is not None
        assert view.states["web"].value.node == view.master.value.node  # type: ignore[index]

    play(story)


def test_what_was_unassigned_before_a_blackout_starts_by_its_start_mode() -> None:
    """It had no node when everything stopped; with start mode MANUAL it asks, like everything else."""

    async def story(world: World) -> None:
        await world.create(replace(spec("web", preferred=("a",)), policies=Policies(start=StartMode.MANUAL)))
        await world.order(Verb.ONLINE, "web")
        await world.power_off("a")
        await world.becomes("web", State.UNASSIGNED, within_s=12)
        await _blackout(world)
        for name in world.hosts:
            world.power_on(name)
        state = await world.becomes("web", State.ALERT)
        assert state.alert is AlertKind.START

    play(story)
