"""What operators ask for, carried out by real agents over pretend hosts."""

import asyncio
from dataclasses import replace

from agent.worlds import play
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import FailoverMode, Policies, ResourceSpec, ScriptKind
from stanchion.model.state import AlertKind, State, holders
from stanchion.sim.host import Fault
from stanchion.sim.world import World, spec


async def _online(world: World, *specs: ResourceSpec) -> None:
    for each in specs:
        await world.create(each)
        assert (await world.order(Verb.ONLINE, each.name)).outcome is Outcome.DONE


def test_online_then_offline() -> None:
    """Online loads on the first active preferred node; offline unloads it, and the machine is gone."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("c", "a")))
        assert world.where("web") == ("c",)
        assert (await world.order(Verb.OFFLINE, "web")).outcome is Outcome.DONE
        assert world.where("web") == ()
        assert (await world.state("web")).state is State.OFFLINE

    play(story)


def test_a_live_migration_moves_the_machine_without_a_new_life() -> None:
    """Prepare on the target, send from the source, take over on the target; lives stay, the order ends done."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")))
        done = await world.order(Verb.MIGRATE, "web", "b")
        assert done.outcome is Outcome.DONE
        state = await world.state("web")
        assert (state.state, state.node, state.lives) == (State.RUNNING, "b", 1)
        assert world.where("web") == ("b",)
        orders = [(host, order.script, order.environment.get("NCS_TOFROM"))
                  for host in "ab" for order in world.hosts[host].runner.orders]  # type: ignore[index]  # names
        assert orders == [("a", "load", None), ("a", "unload", "b"), ("b", "prepare", "a"), ("b", "load", "a")]

    play(story)


def test_a_cold_migration_unloads_and_loads_without_ncs_tofrom() -> None:
    """--cold: a new life on the target, and no script believes in a live migration."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b"), live=False))
        done = await world.order(Verb.MIGRATE, "web", "b")
        assert done.outcome is Outcome.DONE
        assert (await world.state("web")).lives == 2
        assert all("NCS_TOFROM" not in order.environment
                   for host in world.hosts.values() for order in host.runner.orders)

    play(story)


def test_a_target_without_the_configuration_file_refuses_before_anything_happens() -> None:
    """Pre-flight: the machine is left alone, and the reason names the file and the node."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")))
        world.hosts["b"].missing_files.add("/etc/web")  # type: ignore[index]  # a node's name
        failed = await world.order(Verb.MIGRATE, "web", "b")
        assert failed.outcome is Outcome.FAILED
        assert failed.reason is not None
        assert failed.reason.why is Why.PREFLIGHT_FAILED
        state = await world.state("web")
        assert (state.state, state.node, state.lives) == (State.RUNNING, "a", 1)

    play(story)


def test_a_failed_migration_leaves_the_machine_running_on_its_source() -> None:
    """The unload script fails and the machine is still there: Running on the source, the target cleaned up."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")))
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(code=1, effect=False)
        failed = await world.order(Verb.MIGRATE, "web", "b")
        assert failed.outcome is Outcome.FAILED
        assert failed.reason is not None
        assert failed.reason.why is Why.MIGRATE_FAILED
        assert world.where("web") == ("a",)
        assert world.hosts["b"].machines == {}  # type: ignore[index]  # a node's name
        assert (await world.state("web")).lives == 1

    play(story)


def test_a_machine_lost_in_the_migration_starts_again_on_its_source() -> None:
    """The target takes it over and fails: manual move, so it is loaded cold where it came from."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b")))
        world.nature.faults["web", ScriptKind.LOAD] = Fault(code=1, effect=False, takes_s=1.0)

        async def heal() -> None:
            there = world.hosts["b"].runner  # type: ignore[index]  # a node's name
            await world.until(lambda _: any(order.script is ScriptKind.LOAD for order in there.orders))
            world.nature.faults.clear()

        healing = asyncio.create_task(heal())
        await world.order(Verb.MIGRATE, "web", "b")
        await healing
        await world.runs_on("web", "a")
        assert (await world.state("web")).lives == 2

    play(story)


def test_the_source_dies_while_the_machine_moves() -> None:
    """Power cut of the source in mid-migration: the machine ends up once, on the target or elsewhere."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b", "c")))
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(takes_s=5.0)
        moving = asyncio.create_task(world.order(Verb.MIGRATE, "web", "b"))
        await world.becomes("web", State.MIGRATING)
        await asyncio.sleep(2)
        await world.power_off("a")
        await world.runs_on("web", "b", within_s=20)
        await moving

    play(story)


def test_the_target_dies_while_the_machine_moves() -> None:
    """Power cut of the target in mid-migration: the source keeps its machine, which never stopped."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b", "c")))
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(takes_s=5.0)
        moving = asyncio.create_task(world.order(Verb.MIGRATE, "web", "b"))
        await world.becomes("web", State.MIGRATING)
        await asyncio.sleep(2)
        await world.power_off("b")
        state = await world.runs_on("web", "a", within_s=30)
        assert state.lives == 1
        await moving

    play(story)


def test_a_load_that_fails_is_comatose_with_the_failing_command() -> None:
    """Comatose on that node, no attempt elsewhere; offline cleans up and allows the next try."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a", "b")))
        world.nature.faults["web", ScriptKind.LOAD] = Fault(code=5, effect=False)
        failed = await world.order(Verb.ONLINE, "web")
        assert failed.outcome is Outcome.FAILED
        state = await world.state("web")
        assert (state.state, state.node, state.reason.why) == (State.COMATOSE, "a", Why.LOAD_FAILED)
        assert "pretend load" in state.reason.operands[1]
        world.nature.faults.clear()
        refused = await world.order(Verb.ONLINE, "web")
        assert refused.outcome is Outcome.REFUSED
        assert (await world.order(Verb.OFFLINE, "web")).outcome is Outcome.DONE
        assert (await world.order(Verb.ONLINE, "web")).outcome is Outcome.DONE

    play(story)


def test_a_stop_that_did_not_stop_blocks_every_start_elsewhere() -> None:
    """The unload script says 0 and the machine still runs: Comatose there, nothing is loaded on the target."""

    async def story(world: World) -> None:
        await _online(world, spec("web", preferred=("a", "b"), live=False))
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(code=0, effect=False)
        await world.order(Verb.MIGRATE, "web", "b")
        state = await world.state("web")
        assert (state.state, state.node, state.reason.why) == (State.COMATOSE, "a", Why.STILL_RUNNING)
        assert world.where("web") == ("a",)

    play(story)


def test_a_load_past_its_timeout_is_comatose_at_once_and_can_be_ended() -> None:
    """The process is not killed by itself; the operator ends it, and then sets the resource offline."""

    async def story(world: World) -> None:
        slow = spec("web", preferred=("a",))
        await world.create(replace(slow, scripts=replace(slow.scripts, load=replace(slow.scripts.load, timeout_s=5.0))))
        world.nature.faults["web", ScriptKind.LOAD] = Fault(never_ends=True)
        await world.order(Verb.ONLINE, "web")
        assert (await world.state("web")).reason.why is Why.LOAD_TIMEOUT
        assert world.hosts["a"].runner.process_of("web") is not None  # type: ignore[index,arg-type]  # names
        assert (await world.order(Verb.END_PROCESS, "web")).outcome is Outcome.DONE
        assert (await world.order(Verb.OFFLINE, "web")).outcome is Outcome.DONE

    play(story)


def test_a_node_that_leaves_hands_everything_over() -> None:
    """Leave: live where the scripts can, cold where not, unassigned where no node may; then the session ends clean."""

    async def story(world: World) -> None:
        await _online(world, spec("live", preferred=("a", "b")), spec("cold", preferred=("a", "c"), live=False),
                      spec("alone", preferred=("a",)))
        assert (await world.order(Verb.LEAVE, node="a")).outcome is Outcome.DONE
        view = await world.view()
        assert not view.is_live("a")  # type: ignore[arg-type]  # a node's name
        assert (await world.state("live")).node == "b"
        assert (await world.state("live")).lives == 1
        assert (await world.state("cold")).node == "c"
        assert (await world.state("alone")).state is State.UNASSIGNED
        assert Why.NODE_GONE in [entry.reason.why for entry in await world.history()]
        assert (await world.order(Verb.JOIN, node="a")).outcome is Outcome.DONE
        await world.runs_on("alone", "a")

    play(story)


def test_failover_mode_manual_asks_first() -> None:
    """MANUAL: an alert proposes a node; yes loads there."""

    async def story(world: World) -> None:
        manual = replace(spec("web", preferred=("a", "b")), policies=Policies(failover=FailoverMode.MANUAL))
        await _online(world, manual)
        await world.power_off("a")
        state = await world.becomes("web", State.ALERT, within_s=12)
        assert (state.alert, state.node) == (AlertKind.FAILOVER, "b")
        await asyncio.sleep(60)
        assert world.where("web") == ()
        assert (await world.order(Verb.ALERT_YES, "web")).outcome is Outcome.DONE
        assert world.where("web") == ("b",)

    play(story)


def test_illegal_orders_are_refused_with_what_is_possible() -> None:
    """Migrate of an offline resource, online of a running one, migrate to its own node: refused with a reason."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a", "b")))
        refused = await world.order(Verb.MIGRATE, "web", "b")
        assert refused.outcome is Outcome.REFUSED
        assert refused.reason is not None
        assert refused.reason.operands[1:] == ("Offline", "online, adopt")
        await world.order(Verb.ONLINE, "web")
        own = await world.order(Verb.MIGRATE, "web", "a")
        assert own.reason is not None
        assert own.reason.why is Why.ALREADY_THERE
        far = await world.order(Verb.MIGRATE, "web", "c")
        assert far.reason is not None
        assert far.reason.why is Why.NODE_NOT_LISTED

    play(story)


def test_a_live_move_past_its_timeout_keeps_both_claims_until_an_offline_cleans_the_target() -> None:
    """Nobody knows how far it got: Comatose, held by both; offline cleans the target first, then unloads the source."""

    async def story(world: World) -> None:
        slow = spec("web", preferred=("a", "b"))
        await world.create(replace(slow, scripts=replace(slow.scripts, unload=replace(slow.scripts.unload,
                                                                                      timeout_s=3.0))))
        await world.order(Verb.ONLINE, "web")
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(takes_s=20.0)
        await world.order(Verb.MIGRATE, "web", "b")
        state = await world.state("web")
        assert (state.state, holders(state)) == (State.COMATOSE, ("a", "b"))
        world.nature.faults.clear()
        assert (await world.order(Verb.OFFLINE, "web")).outcome is Outcome.DONE
        assert all(not host.machines for host in world.hosts.values())
        assert (await world.order(Verb.ONLINE, "web")).outcome is Outcome.DONE

    play(story)
