"""Moments at which a careless agent would run a machine twice: each was found by thinking of the worst instant."""

import asyncio
from dataclasses import replace

from agent.worlds import play
from stanchion.model.cluster import ProofKind, SelfFence
from stanchion.model.ids import NodeName, SessionId
from stanchion.model.orders import Outcome, Verb
from stanchion.model.resource import MachineKind, ScriptKind
from stanchion.model.state import State
from stanchion.model.transaction import Conflict
from stanchion.plan.sessions import given_back
from stanchion.sim.host import Fault
from stanchion.sim.loop import apart
from stanchion.sim.world import World, spec


async def _on_b(world: World) -> None:
    await world.create(spec("web", preferred=("b", "c", "a")))
    await world.order(Verb.ONLINE, "web")
    assert world.where("web") == ("b",)


def test_a_restarted_agent_without_its_watchdog_takes_the_declaration_back_and_keeps_its_lease() -> None:
    """Its old session declared a self-fence: were its lease given up, that would count as proof."""

    async def story(world: World) -> None:
        await _on_b(world)
        before = (await world.view()).session_of(NodeName("b"))
        await world.kill("b")
        world.hosts[NodeName("b")].has_watchdog = False
        await asyncio.sleep(0.5)
        world.start("b")
        await asyncio.sleep(20)
        view = await world.view()
        assert world.where("web") == ("b",)
        assert view.session_of(NodeName("b")) == before
        assert view.sessions[NodeName("b")].value.self_fence is SelfFence.NONE

    play(story)


def test_an_agent_that_is_cut_off_before_its_first_look_at_the_cluster_still_halts_what_runs() -> None:
    """Restarted, resumed, and the store is gone before the first snapshot is here."""

    async def story(world: World) -> None:
        await _on_b(world)
        await world.kill("b")
        world.start("b")
        daemon = world.daemons[NodeName("b")]
        seen: list[bool] = []

        def loses() -> bool:
            # What the follower asks is lost; what keeps the session is answered, until the session stands.
            task = asyncio.current_task()
            assert task is not None
            follower = "follow" in repr(task.get_coro())
            seen.append(follower)
            return follower or daemon.tenure.session is not None

        world.slow("b", loses=loses)
        await world.runs_on("web", "c", within_s=20)
        assert any(seen)

    play(story)


def test_an_agent_that_is_ended_before_its_first_look_at_the_cluster_keeps_its_session() -> None:
    """Ended in order (SIGTERM) just after its start: it does not know yet what it holds."""

    async def story(world: World) -> None:
        await _on_b(world)
        world.hosts[NodeName("b")].has_watchdog = False
        session = (await world.view()).session_of(NodeName("b"))
        assert session is not None
        await world.kill("b")
        world.start("b")
        daemon = world.daemons[NodeName("b")]
        world.slow("b", loses=lambda: "follow" in repr(_coroutine()))
        await world.until(lambda _: daemon.tenure.session is not None)
        await world.end("b")
        await asyncio.sleep(60)
        assert world.where("web") == ("b",)
        assert (await world.state("web")).session == session

    play(story, has_watchdog=False)


def _coroutine() -> object:
    task = asyncio.current_task()
    assert task is not None
    return task.get_coro()


def test_a_session_that_is_given_back_is_never_lived_in_again() -> None:
    """The agent dies between its word that nothing runs here and the end of its lease; then it is wanted again."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        session = (await world.view()).session_of(NodeName("b"))
        assert session is not None
        world.slow("b", 0.2)
        await world.give(Verb.LEAVE, node="b")
        await world.until(lambda view: session in view.proofs)
        await world.kill("b")
        assert (await world.view()).is_live(NodeName("b")), "the lease stands for another moment"
        await world.order(Verb.JOIN, node="b")
        world.start("b")
        await world.until(lambda view: view.session_of(NodeName("b")) not in {None, session})

    play(story)


def test_a_halt_that_is_still_under_way_does_not_end_what_is_adopted() -> None:
    """A node is back before its slow halt is done: what it adopts then must not vanish a moment later, unnoticed."""

    async def story(world: World) -> None:
        await _on_b(world)
        world.nature.faults["web", ScriptKind.HALT] = Fault(takes_s=3.0)
        before = (await world.view()).session_of(NodeName("b"))
        world.isolate("b")
        await asyncio.sleep(5.5)
        world.reconnect("b")
        await world.until(lambda view: view.session_of(NodeName("b")) not in {None, before})
        await asyncio.sleep(30.0)
        state = await world.state("web")
        assert state.state is State.RUNNING
        assert world.where("web") == (state.node,)

    play(story, has_watchdog=False)


def test_an_answer_lost_while_leaving_ends_the_session_all_the_same() -> None:
    """The proof is written, its writer does not know it, and is wanted again at once."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        session = (await world.view()).session_of(NodeName("b"))
        assert session is not None

        def loses() -> bool:
            return session in _proofs(world)

        world.slow("b", loses=loses)
        await world.give(Verb.LEAVE, node="b")
        await world.until(lambda view: session in view.proofs)
        world.slow("b")
        await world.give(Verb.JOIN, node="b")
        await world.until(lambda view: view.session_of(NodeName("b")) not in {None, session})
        await world.order(Verb.ONLINE, "web")
        assert (await world.state("web")).session != session

    play(story)


def _proofs(world: World) -> set[SessionId]:
    return {SessionId(key.name) for key in world.engine.records if key.kind == "proof"}


def test_a_node_that_is_wanted_again_at_once_does_not_say_that_it_runs_nothing() -> None:
    """Leave and join within one slow round trip: what was placed meanwhile must not be covered by a clean proof."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        world.slow("b", 1.0)
        await world.give(Verb.LEAVE, node="b")
        await asyncio.sleep(0.8)
        await world.give(Verb.JOIN, node="b")
        await world.give(Verb.ONLINE, "web", "b")
        await asyncio.sleep(30)
        view = await world.view()
        state = view.states[next(iter(view.states))].value
        assert state.state is State.RUNNING
        assert state.session not in view.proofs
        for held in view.proofs.values():
            assert held.value.kind is ProofKind.CLEAN

    play(story)


def test_a_paused_agent_that_wakes_up_after_its_lease_starts_nothing() -> None:
    """Stopped in the middle of a load, continued after another node took over: it finds its host reset."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        world.nature.faults["web", ScriptKind.LOAD] = Fault(takes_s=3.0)
        await world.give(Verb.ONLINE, "web")
        await world.until(lambda view: any(held.value.state is State.LOADING for held in view.states.values()))
        world.pause("b")
        await world.runs_on("web", "c", within_s=30)
        world.resume("b")
        await asyncio.sleep(30)
        assert world.where("web") == ("c",)
        assert world.hosts[NodeName("b")].resets == 1

    play(story)


def test_a_machine_that_nobody_can_look_for_is_not_started_anew_when_its_live_move_failed() -> None:
    """No hypervisor, no monitor script: a failed unload says nothing about where the machine is."""

    async def story(world: World) -> None:
        blind = spec("web", preferred=("b", "c"))
        machine = replace(blind.machine, kind=MachineKind.SCRIPT)
        scripts = replace(blind.scripts, monitor=replace(blind.scripts.monitor, text=""))
        await world.create(replace(blind, machine=machine, scripts=scripts))
        await world.order(Verb.ONLINE, "web")
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(code=1, effect=False)
        await world.order(Verb.MIGRATE, "web", "c", live=True)
        state = await world.state("web")
        assert (state.state, state.node) == (State.COMATOSE, "b")

    play(story)


def test_the_master_outlives_an_operators_word_that_frees_what_a_lost_node_held() -> None:
    """The proof and what follows from it are decided in one round; the second rests on the first."""

    async def story(world: World) -> None:
        await _on_b(world)
        await world.power_off("b")
        await asyncio.sleep(20)
        await world.order(Verb.CONFIRM_DOWN, node="b")
        await world.runs_on("web", "c")
        assert world.fallen() == []

    play(story, has_watchdog=False)


def test_a_cluster_that_every_node_left_can_be_entered_again() -> None:
    """No member is there to carry the order out: the node that it names takes it up itself."""

    async def story(world: World) -> None:
        for node in ("a", "b", "c"):
            await world.give(Verb.LEAVE, node=node)
        await world.until(lambda view: not view.live)
        done = await world.order(Verb.JOIN, node="b")
        assert (done.outcome, set((await world.view()).live)) == (Outcome.DONE, {"b"})

    play(story)


def test_an_agent_that_is_restarted_while_its_node_is_being_emptied_keeps_its_session() -> None:
    """It is not wanted any more, but it holds a machine: were its lease to end, its host would be reset."""

    async def story(world: World) -> None:
        await _on_b(world)
        session = (await world.state("web")).session
        for other in ("a", "c"):
            await world.order(Verb.LEAVE, node=other)
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(code=1, effect=False)
        await world.give(Verb.LEAVE, node="b")
        await world.becomes("web", State.COMATOSE)
        await world.restart("b")
        await asyncio.sleep(30)
        assert (world.where("web"), world.hosts[NodeName("b")].resets) == (("b",), 0)
        assert (await world.view()).session_of(NodeName("b")) == session

    play(story)


def test_an_order_to_join_again_forbids_the_word_that_nothing_runs_here() -> None:
    """The node looked, found nothing, and was wanted again before it could write so."""

    async def story(world: World) -> None:
        node = NodeName("b")
        world.pause("b")
        await world.give(Verb.LEAVE, node="b")
        view = await world.until(lambda view: not view.nodes[node].value.wanted)
        word = given_back(view, view.sessions[node].value, world.clock.now(), leaving=True)
        assert word is not None
        await world.order(Verb.JOIN, node="b")
        assert isinstance(await world.operator.commit(word), Conflict)

    play(story)


def test_a_script_that_hangs_is_ended_at_the_cut_off_so_that_the_host_needs_no_reset() -> None:
    """The halt comes after every earlier script of the resource: what hangs must go first."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        world.nature.faults["web", ScriptKind.LOAD] = Fault(never_ends=True)
        await world.give(Verb.ONLINE, "web")
        await world.until(lambda view: any(held.value.session for held in view.states.values()))
        await asyncio.sleep(1)
        world.isolate("b")
        await asyncio.sleep(30)
        assert world.hosts[NodeName("b")].resets == 0

    play(story)


def test_the_local_deadline_counts_from_before_the_renewal_was_sent() -> None:
    """The answer took 1.8 s: the machine is gone K after the question, not K after the answer."""

    async def story(world: World) -> None:
        await _on_b(world)
        loop, asked = asyncio.get_running_loop(), []

        def loses() -> bool:
            if "keep" in repr(_coroutine()):
                asked.append(loop.time())
                if len(asked) == 4:
                    # The way back of the second renewal: its answer arrives, and nothing more does.
                    loop.call_soon(world.isolate, "b", context=apart())
            return False

        await asyncio.sleep(0.3)
        world.slow("b", 1.8, loses=loses)
        await world.until(lambda _: world.where("web") == ())
        sent = asked[2] - 0.9
        assert loop.time() <= sent + 4.0 + 0.3

    play(story)


def test_a_session_that_never_came_about_does_not_cost_the_proof_of_the_last_one() -> None:
    """An unprotected host reboots; its first try to join is lost on the way. The second still proves the reset."""

    async def story(world: World) -> None:
        await world.create(spec("web", preferred=("b", "c")))
        await world.order(Verb.ONLINE, "web")
        host = world.hosts[NodeName("b")]
        first = host.read()
        await world.power_off("b")
        await asyncio.sleep(0.5)
        world.power_on("b")
        world.slow("b", loses=lambda: host.read() != first and "keep" in repr(_coroutine()))
        await asyncio.sleep(1.5)
        assert host.read() != first
        world.slow("b")
        await world.runs_on("web", "c", within_s=3)

    play(story, has_watchdog=False)


def test_a_session_that_cannot_be_remembered_declares_no_self_fence() -> None:
    """A full disk for the journal: the end of its lease proves nothing, because the next agent could not resume it."""

    async def story(world: World) -> None:
        host = world.hosts[NodeName("b")]
        host.journal_full = True
        before = (await world.view()).session_of(NodeName("b"))
        await world.power_off("b")
        world.power_on("b")
        view = await world.until(lambda view: view.session_of(NodeName("b")) not in {None, before})
        assert view.sessions[NodeName("b")].value.self_fence is SelfFence.NONE

    play(story)
