"""A resource goes by the scripts that it was loaded with; what is to be tried or adopted is done where he says.

Real agents on virtual time: edits are what the API writes, and the texts of the scripts that the hosts were given tell
which revision counted.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from agent.worlds import play
from stanchion.model.cluster import Kind
from stanchion.model.history import Run
from stanchion.model.ids import NodeName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import Machine, Monitoring, ResourceSpec, ScriptKind
from stanchion.model.state import State
from stanchion.plan import binding
from stanchion.sim.host import Fault
from stanchion.sim.world import World, spec

NEW = "newer"


def newer(*kinds: ScriptKind) -> Callable[[ResourceSpec], ResourceSpec]:
    """Give an edit of these scripts."""
    def edited(of: ResourceSpec) -> ResourceSpec:
        texts = {kind.value: replace(of.scripts.of(kind), text=NEW) for kind in kinds}
        return replace(of, scripts=replace(of.scripts, **texts))

    return edited


EVERY = newer(*ScriptKind)


async def _running(world: World, of: ResourceSpec) -> None:
    await world.create(of)
    assert (await world.order(Verb.ONLINE, of.name)).outcome is Outcome.DONE


def _ran(world: World, *nodes: str) -> list[tuple[str, str]]:
    return [(order.script.value, order.text) for node in nodes for order in world.hosts[NodeName(node)].runner.orders]


async def _pending(world: World, name: str = "web") -> bool:
    return binding.bound(await world.view(), name) is not None  # type: ignore[arg-type]  # a name


def test_it_is_unloaded_by_the_script_that_fits_its_load_and_loaded_by_the_newest() -> None:
    async def story(world: World) -> None:
        await _running(world, spec("web", preferred=("a",)))
        await world.change("web", EVERY)
        assert await _pending(world)
        await world.order(Verb.OFFLINE, "web")
        assert not await _pending(world)
        await world.order(Verb.ONLINE, "web")
        await world.change("web", newer())
        await world.order(Verb.OFFLINE, "web")
        assert _ran(world, "a") == [("load", "pretend"), ("unload", "pretend"), ("load", NEW), ("unload", NEW)]

    play(story)


def test_a_live_migration_takes_the_old_scripts_along() -> None:
    async def story(world: World) -> None:
        await _running(world, spec("web", preferred=("a", "b")))
        await world.change("web", EVERY)
        assert (await world.order(Verb.MIGRATE, "web", "b")).outcome is Outcome.DONE
        assert {text for _, text in _ran(world, "a", "b")} == {"pretend"}
        assert await _pending(world)
        await world.order(Verb.OFFLINE, "web")
        assert _ran(world, "b")[-1] == ("unload", "pretend")

    play(story)


def test_a_failover_loads_the_newest() -> None:
    async def story(world: World) -> None:
        await _running(world, spec("web", preferred=("a", "b")))
        await world.change("web", EVERY)
        world.cut_power("a")
        await world.runs_on("web", "b")
        assert _ran(world, "b") == [("load", NEW)]
        assert not await _pending(world)

    play(story)


def test_an_edit_while_it_loads_counts_from_the_next_load_on() -> None:
    async def story(world: World) -> None:
        world.nature.faults["web", ScriptKind.LOAD] = Fault(takes_s=5.0)
        await world.create(spec("web", preferred=("a",)))
        await world.give(Verb.ONLINE, "web")
        await world.until(lambda view: view.states["web"].value.session is not None)  # type: ignore[index]  # a name
        await world.change("web", EVERY)
        await world.runs_on("web", "a")
        assert await _pending(world)
        await world.order(Verb.OFFLINE, "web")
        assert _ran(world, "a") == [("load", "pretend"), ("unload", "pretend")]

    play(story)


def test_what_shall_count_at_once_does_and_a_restarted_agent_keeps_to_what_was_loaded() -> None:
    async def story(world: World) -> None:
        watched = Monitoring(enabled=True, interval_s=1.0, max_failures=1000, window_s=3600.0)
        await _running(world, replace(spec("web", preferred=("a",)), monitoring=watched))
        await world.change("web", newer(ScriptKind.MONITOR))
        await world.restart("a")
        await asyncio.sleep(10.0)
        assert {text for script, text in _ran(world, "a") if script == "monitor"} == {"pretend"}
        await world.change("web", newer(), at_once=True)
        await asyncio.sleep(3.0)
        assert _ran(world, "a")[-1] == ("monitor", NEW)

    play(story)


def test_a_comatose_resource_is_cleaned_up_by_the_unload_script_that_was_mended() -> None:
    async def story(world: World) -> None:
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(code=1, effect=False, times=1)
        await _running(world, spec("web", preferred=("a",)))
        await world.order(Verb.OFFLINE, "web")
        await world.becomes("web", State.COMATOSE)
        await world.change("web", newer(ScriptKind.UNLOAD))
        await world.order(Verb.OFFLINE, "web")
        assert _ran(world, "a")[-1] == ("unload", NEW)
        assert (await world.state("web")).state is State.OFFLINE

    play(story)


def test_a_script_is_tried_on_the_node_that_was_named_and_its_run_is_kept() -> None:
    async def story(world: World) -> None:
        await world.create(spec("web"))
        dry = await world.order(Verb.TEST, "web", "b", script=ScriptKind.LOAD, dry=True)
        real = await world.order(Verb.TEST, "web", "c", script=ScriptKind.UNLOAD)
        assert (dry.outcome, real.outcome) == (Outcome.DONE, Outcome.DONE)
        assert _ran(world, "a", "b", "c") == [("unload", "pretend")]
        kept = {run.operation: run for run in await _runs(world)}
        assert (kept[dry.operation].node, kept[dry.operation].output) == ("b", "pretend")
        assert kept[real.operation].node == "c"
        assert (await world.state("web")).state is State.OFFLINE

    play(story)


def test_a_test_ends_when_its_node_goes_down() -> None:
    async def story(world: World) -> None:
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(never_ends=True)
        await world.create(spec("web"))
        id_ = await world.give(Verb.TEST, "web", "b", script=ScriptKind.UNLOAD)
        await asyncio.sleep(1.0)
        refused = await world.order(Verb.ONLINE, "web")
        assert refused.reason is not None
        assert refused.reason.why is Why.TEST_UNDER_WAY
        world.cut_power("b")
        view = await world.until(lambda view: view.intents[id_].value.outcome is Outcome.REFUSED)
        assert view.intents[id_].value.reason is not None
        assert (await world.order(Verb.ONLINE, "web", "a")).outcome is Outcome.DONE

    play(story)


def test_a_machine_that_runs_already_is_adopted_without_a_restart() -> None:
    async def story(world: World) -> None:
        world.hosts[NodeName("b")].start_by_hand("web")
        await world.create(spec("web"))
        done = await world.order(Verb.ADOPT, "web", "b")
        assert done.outcome is Outcome.DONE
        state = await world.state("web")
        assert (state.state, state.node, state.lives) == (State.RUNNING, "b", 0)
        assert _ran(world, "a", "b", "c") == []
        assert world.where("web") == ("b",)
        world.cut_power("b")
        await world.becomes("web", State.RUNNING)
        await world.runs_on("web", "a")

    play(story)


def test_what_does_not_run_there_is_not_adopted_and_nothing_is_started() -> None:
    async def story(world: World) -> None:
        await world.create(spec("web"))
        failed = await world.order(Verb.ADOPT, "web", "b")
        assert failed.outcome is Outcome.FAILED
        assert failed.reason is not None
        assert failed.reason.why is Why.NOT_THERE
        assert (await world.state("web")).state is State.OFFLINE
        assert _ran(world, "a", "b", "c") == []

    play(story)


def test_what_runs_elsewhere_is_not_adopted() -> None:
    async def story(world: World) -> None:
        world.hosts[NodeName("a")].start_by_hand("web")
        await world.create(replace(spec("web"), machine=Machine(kind=spec("web").machine.kind, name="web")))
        await world.until(lambda view: "web" in view.strays)
        refused = await world.order(Verb.ADOPT, "web", "b")
        assert refused.outcome is Outcome.REFUSED
        assert refused.reason is not None
        assert refused.reason.why is Why.NODE_STRAY
        assert world.where("web") == ("a",)

    play(story)


async def _runs(world: World) -> list[Run]:
    return [held.value for _, held in await world.operator.records(Kind.RUN) if isinstance(held.value, Run)]
