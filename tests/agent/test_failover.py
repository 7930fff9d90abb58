"""A host is lost: what becomes of the machines that it held."""

import asyncio

from agent.worlds import play
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.state import State
from stanchion.sim.world import World, spec


def test_a_machine_starts_elsewhere_within_the_lease_and_two_seconds() -> None:
    """Power cut: the first start on the survivor comes within 8 s + 2 s, on the next preferred node."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c", "a")))
        done = await world.order(Verb.ONLINE, "web")
        assert done.outcome is Outcome.DONE
        assert world.where("web") == ("b",)
        cut_at = asyncio.get_running_loop().time()
        await world.power_off("b")
        state = await world.runs_on("web", "c")
        assert asyncio.get_running_loop().time() - cut_at <= 10.0
        assert state.lives == 2
        assert Why.FAILOVER in [entry.reason.why for entry in await world.history()]

    play(story)


def test_the_master_itself_is_lost() -> None:
    """The master's death is no extra step: the new master acts on the same proof."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a", "b")))
        await world.order(Verb.ONLINE, "web")
        await world.power_off("a")
        await world.runs_on("web", "b", within_s=12)

    play(story)


def test_nothing_starts_elsewhere_without_a_proof() -> None:
    """A host with neither watchdog nor fence device: its machines stay, and the reason says so."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        await world.order(Verb.ONLINE, "web")
        world.isolate("b")
        await asyncio.sleep(120)
        assert world.where("web") in {("b",), ()}
        assert (await world.state("web")).node == "b"
        await world.order(Verb.CONFIRM_DOWN, node="b")
        await world.power_off("b")
        await world.runs_on("web", "c")

    play(story, has_watchdog=False)


def test_an_isolated_node_halts_its_machines_before_anybody_starts_them() -> None:
    """Partition: at K the machines are halted and seen gone, so the host needs no reset."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        await world.order(Verb.ONLINE, "web")
        world.isolate("b")
        await world.runs_on("web", "c", within_s=12)
        assert world.hosts["b"].resets == 0
        world.reconnect("b")
        await world.until(lambda view: view.is_live("b"))
        await asyncio.sleep(30)
        assert world.where("web") == ("c",)

    play(story)


def test_a_host_that_cannot_halt_is_reset_by_its_watchdog() -> None:
    """The halt script fails: the watchdog fires before the lease ends, and only then another node starts it."""

    async def story(world: World) -> None:
        from stanchion.model.resource import ScriptKind
        from stanchion.sim.host import Fault

        await world.create(spec("web", preferred=("b", "c")))
        await world.order(Verb.ONLINE, "web")
        world.nature.faults["web", ScriptKind.HALT] = Fault(code=1, effect=False)
        world.isolate("b")
        await world.runs_on("web", "c", within_s=12)
        assert world.hosts["b"].resets == 1

    play(story)


def test_a_killed_agent_is_resumed_and_nobody_notices() -> None:
    """SIGKILL of the agent, restarted within K: same session, no start, no stop, no move (I6)."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        await world.order(Verb.ONLINE, "web")
        before, starts = await world.view(), len(world.nature.records)
        await world.restart("b", after_s=2.0)
        await asyncio.sleep(30)
        after = await world.view()
        assert after.session_of("b") == before.session_of("b")
        assert after.states["web"].value == before.states["web"].value
        assert len(world.nature.records) == starts

    play(story)


def test_a_resource_with_no_other_node_waits_unassigned_and_returns() -> None:
    """Only one node may hold it: Unassigned while that node is away, started when it joins."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b",)))
        await world.order(Verb.ONLINE, "web")
        await world.power_off("b")
        await world.becomes("web", State.UNASSIGNED, within_s=12)
        world.power_on("b")
        await world.runs_on("web", "b")

    play(story)


def test_a_host_that_reboots_faster_than_its_lease_is_proven_by_its_own_restart() -> None:
    """Power off and on within a second: the new life proves the old one ended; no waiting for the lease."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        await world.order(Verb.ONLINE, "web")
        await world.power_off("b")
        await asyncio.sleep(1)
        world.power_on("b")
        await world.runs_on("web", "c", within_s=4)

    play(story)


def test_a_resource_that_kills_its_hosts_is_left_alone() -> None:
    """Two hosts lost just after it started there: Comatose, not a third host."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a", "b", "c")))
        await world.order(Verb.ONLINE, "web")
        await world.power_off("a")
        await world.runs_on("web", "b", within_s=12)
        await world.power_off("b")
        state = await world.becomes("web", State.COMATOSE, within_s=12)
        assert state.reason.why is Why.POISONOUS
        assert world.where("web") == ()

    play(story)


def test_a_node_that_halts_in_good_order_does_not_make_its_machine_poisonous() -> None:
    """Cut off from the store just after the start, twice: the machine was not what took its hosts down."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("a", "b", "c")))
        await world.order(Verb.ONLINE, "web")
        for node, other in (("a", "b"), ("b", "a")):
            world.isolate(node)
            await asyncio.sleep(6)
            world.reconnect(node)
            state = await world.runs_on("web", other, within_s=12)
            assert state.early_losses == 0

    play(story)
