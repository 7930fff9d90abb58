"""Monitoring: counted failures, the three failure actions, and a monitor that hangs (seed, "Enabling ...")."""

import asyncio
from dataclasses import replace

from agent.worlds import play
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import FailbackMode, FailureAction, Monitoring, Policies, ResourceSpec, ScriptKind
from stanchion.model.state import Mark, State
from stanchion.sim.host import Fault
from stanchion.sim.world import World, spec


def _watched(action: FailureAction, **policies: FailbackMode) -> ResourceSpec:
    monitoring = Monitoring(enabled=True, interval_s=10, max_failures=3, window_s=600, action=action)
    plain = spec("web", preferred=("a", "b", "c"))
    scripts = replace(plain.scripts, monitor=replace(plain.scripts.monitor, timeout_s=20.0))
    return replace(plain, monitoring=monitoring, scripts=scripts, policies=Policies(**policies))


def _fail(world: World) -> None:
    world.nature.faults["web", ScriptKind.MONITOR] = Fault(code=1)


async def _start(world: World, watched: ResourceSpec) -> None:
    await world.create(watched)
    await world.order(Verb.ONLINE, "web")


def test_failures_below_the_maximum_restart_the_machine_on_its_node() -> None:
    """Two failures: two local restarts, counted; the third one starts the action."""

    async def story(world: World) -> None:
        await _start(world, _watched(FailureAction.COMATOSE))
        _fail(world)
        state = await world.becomes("web", State.COMATOSE, within_s=120)
        assert (state.node, state.lives, state.reason.why) == ("a", 3, Why.MONITOR_COMATOSE)
        restarts = [entry for entry in await world.history() if entry.reason.why is Why.MONITOR_RESTART]
        assert {entry.reason.operands[0] for entry in restarts} == {"1", "2"}

    play(story)


def test_the_migrate_action_moves_to_the_next_preferred_node_and_marks_the_resource() -> None:
    """It stays there: no failback, even AUTO, until a manual migrate clears the mark."""

    async def story(world: World) -> None:
        await _start(world, _watched(FailureAction.MIGRATE, failback=FailbackMode.AUTO))
        _fail(world)
        await world.until(lambda view: view.states["web"].value.node == "b", within_s=120)  # type: ignore[index]
        world.nature.faults.clear()
        state = await world.runs_on("web", "b")
        assert Mark.MOVED_BY_MONITOR in state.marks
        await world.power_off("a")
        await asyncio.sleep(20)
        world.power_on("a")
        await asyncio.sleep(60)
        assert world.where("web") == ("b",)
        await world.order(Verb.MIGRATE, "web", "c")
        assert (await world.state("web")).marks == ()

    play(story)


def test_the_reboot_action_resets_the_host_and_everything_on_it_fails_over() -> None:
    """A hard reset; the host's other machines go to their next nodes too."""

    async def story(world: World) -> None:
        await world.create(spec("other", preferred=("a", "c")))
        await world.order(Verb.ONLINE, "other")
        await _start(world, _watched(FailureAction.REBOOT))
        _fail(world)
        await world.until(lambda view: view.states["web"].value.node == "b", within_s=120)  # type: ignore[index]
        world.nature.faults.clear()
        await world.runs_on("web", "b")
        await world.runs_on("other", "c")
        assert world.hosts["a"].resets == 1  # type: ignore[index]

    play(story)


def test_a_monitor_past_its_timeout_starts_the_action_at_once_and_waits_for_its_process() -> None:
    """One hang is enough; nothing else runs for the resource until that process has ended."""

    async def story(world: World) -> None:
        await _start(world, _watched(FailureAction.MIGRATE))
        world.nature.faults["web", ScriptKind.MONITOR] = Fault(never_ends=True)
        await world.becomes("web", State.UNLOADING, within_s=60)
        world.nature.faults.clear()
        await asyncio.sleep(120)
        assert world.where("web") == ("a",)
        await world.order(Verb.END_PROCESS, "web")
        await world.runs_on("web", "b")

    play(story)


def test_with_no_other_node_the_migrate_action_ends_comatose() -> None:
    """No other eligible node: Comatose, and the reason says so."""

    async def story(world: World) -> None:
        await _start(world, replace(_watched(FailureAction.MIGRATE), preferred=("a",)))  # type: ignore[arg-type]
        _fail(world)
        state = await world.becomes("web", State.COMATOSE, within_s=120)
        assert state.reason.why is Why.MONITOR_NO_OTHER

    play(story)


def test_failures_outside_the_window_are_forgotten() -> None:
    """One failure every 11 minutes never reaches 3 within 10 minutes."""

    async def story(world: World) -> None:
        await _start(world, _watched(FailureAction.COMATOSE))
        for _ in range(4):
            _fail(world)
            await world.becomes("web", State.UNLOADING, within_s=60)
            world.nature.faults.clear()
            await world.runs_on("web", "a")
            await asyncio.sleep(660)
        assert (await world.state("web")).state is State.RUNNING

    play(story)


def test_a_clock_that_jumps_back_an_hour_changes_nothing() -> None:
    """Deadlines, leases and monitors run on the monotonic clock."""

    async def story(world: World) -> None:
        await _start(world, _watched(FailureAction.COMATOSE))
        before, starts = await world.state("web"), len(world.nature.records)
        world.clock.set_back_s = 3600
        await asyncio.sleep(300)
        assert await world.state("web") == before
        assert len(world.nature.records) == starts
        await world.power_off("a")
        await world.runs_on("web", "b", within_s=12)

    play(story)
