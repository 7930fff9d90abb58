"""Modes, alerts, groups, priorities and failed loads, played out by whole clusters on virtual time."""

import asyncio
from dataclasses import replace

import pytest

from agent.worlds import play
from stanchion.model.cluster import Settings
from stanchion.model.fencing import FenceDevice
from stanchion.model.groups import Bond, Group
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import (
    FailbackMode,
    FailoverMode,
    FailureAction,
    LoadFailure,
    Monitoring,
    Policies,
    ResourceSpec,
    RetryComatose,
    ScriptKind,
)
from stanchion.model.state import AlertKind, Mark, State
from stanchion.model.timing import TIMINGS, Profile
from stanchion.model.transaction import Put, Transaction
from stanchion.plan.recovery import EARLY_S
from stanchion.sim.host import Fault
from stanchion.sim.world import World, spec


def group(bond: Bond, *members: str) -> Settings:
    """Settings with one group."""
    rule = Group(name="rule", bond=bond, members=tuple(map(ResourceName, members)))
    return Settings(cluster="pretend", groups=(rule,))


def made(name: str, *, preferred: tuple[str, ...] = ("a", "b", "c"), live: bool = True,
         **policies: object) -> ResourceSpec:
    """A resource with these policies."""
    return replace(spec(name, preferred=preferred, live=live),
                   policies=Policies(**policies))  # type: ignore[arg-type]  # the words are its fields


async def _online(world: World, *specs: ResourceSpec) -> None:
    for each in specs:
        await world.create(each)
        await world.order(Verb.ONLINE, each.name)


@pytest.mark.parametrize(("answer", "after"), [(Verb.ALERT_YES, State.RUNNING), (Verb.ALERT_NO, State.OFFLINE)])
def test_a_failover_alert_is_answered_once(answer: Verb, after: State) -> None:
    """The second answer, of two operators at once, is refused and says who was first."""

    async def story(world: World) -> None:
        await _online(world, made("web", preferred=("b", "c"), failover=FailoverMode.MANUAL))
        await world.power_off("b")
        asked = await world.becomes("web", State.ALERT, within_s=20)
        assert (asked.alert, asked.node) == (AlertKind.FAILOVER, "c")
        first, second = await asyncio.gather(world.order(answer, "web"), world.order(Verb.ALERT_NO, "web"))
        assert (first.outcome, second.outcome) == (Outcome.DONE, Outcome.REFUSED)
        assert second.reason is not None
        assert second.reason.why is Why.NO_ALERT
        assert (await world.state("web")).state is after

    play(story)


def test_an_answer_that_comes_too_late_changes_nothing() -> None:
    """The lost node came back and its resource with it was placed; the old question is gone."""

    async def story(world: World) -> None:
        await _online(world, made("web", preferred=("b",), failover=FailoverMode.MANUAL))
        await world.power_off("b")
        await world.becomes("web", State.UNASSIGNED, within_s=20)
        late = await world.order(Verb.ALERT_NO, "web")
        assert late.outcome is Outcome.REFUSED
        world.power_on("b")
        await world.runs_on("web", "b")

    play(story)


def test_failback_goes_to_the_first_node_only() -> None:
    """It runs on the third; the second joins anew and nothing happens; the first joins anew and it goes there."""

    async def story(world: World) -> None:
        await _online(world, made("web", failback=FailbackMode.AUTO))
        for name in ("a", "b"):
            await world.power_off(name)
        await world.runs_on("web", "c", within_s=40)
        world.power_on("b")
        await world.until(lambda view: "b" in view.live)
        await asyncio.sleep(60)
        assert world.where("web") == ("c",)
        world.power_on("a")
        await world.runs_on("web", "a")

    play(story, nodes=("a", "b", "c", "d", "e"))


def test_what_is_kept_together_migrates_fails_over_and_comes_back_together() -> None:
    """One order, or one loss, and all of it is on one node again."""

    async def story(world: World) -> None:
        await _online(world, made("web", failback=FailbackMode.AUTO), made("db", preferred=("b", "a", "c")))
        assert world.where("db") == ("a",)
        refused = await world.order(Verb.MIGRATE, "db", "b")
        assert refused.outcome is Outcome.REFUSED
        await world.order(Verb.MIGRATE, "web", "c")
        assert (await world.runs_on("db", "c")).lives == 1
        await world.power_off("c")
        await world.runs_on("web", "a", within_s=20)
        await world.runs_on("db", "a", within_s=20)
        await asyncio.sleep(EARLY_S)
        await world.power_off("a")
        await world.runs_on("web", "b", within_s=20)
        await world.runs_on("db", "b", within_s=20)
        world.power_on("a")
        await world.runs_on("web", "a")
        await world.runs_on("db", "a")

    play(story, settings=group(Bond.TOGETHER, "web", "db"))


def test_a_group_leaves_a_node_that_is_emptied_for_one_other() -> None:
    async def story(world: World) -> None:
        await _online(world, made("web"), made("db"), made("mail", preferred=("a", "c")))
        await world.order(Verb.LEAVE, None, "a")
        assert {world.where(name) for name in ("web", "db", "mail")} == {("c",)}

    play(story, settings=group(Bond.TOGETHER, "web", "db", "mail"))


def test_what_is_kept_apart_parts_when_its_nodes_are_lost_and_waits_where_there_is_no_room() -> None:
    async def story(world: World) -> None:
        await _online(world, made("web", preferred=("a", "c"), priority=9), made("db", preferred=("b", "c")))
        await world.power_off("b")
        await world.runs_on("db", "c", within_s=20)
        refused = await world.order(Verb.MIGRATE, "web", "c")
        assert refused.reason is not None
        assert refused.reason.why is Why.NODE_EXCLUDED
        await world.power_off("a")
        await world.becomes("web", State.UNASSIGNED, within_s=20)
        world.power_on("b")
        await world.until(lambda view: "b" in view.live)
        await world.order(Verb.MIGRATE, "db", "b")
        await world.runs_on("web", "c")

    play(story, nodes=("a", "b", "c", "d", "e"), settings=group(Bond.APART, "web", "db"))


def test_the_higher_priority_gets_the_only_room() -> None:
    """Whatever their names: both could be on the one node that is left, and may not share it."""

    async def story(world: World) -> None:
        await world.power_off("c")
        await world.until(lambda view: "c" not in view.live)
        await _online(world, made("aaa", preferred=("c",), priority=1), made("zzz", preferred=("c",), priority=2))
        world.power_on("c")
        await world.runs_on("zzz", "c")
        assert (await world.state("aaa")).state is State.UNASSIGNED

    play(story, settings=group(Bond.APART, "aaa", "zzz"))


def test_a_load_that_fails_goes_on_to_the_next_node_once_this_one_is_clean() -> None:
    """The unload runs where the load failed, before anything begins elsewhere; one move counts."""

    async def story(world: World) -> None:
        world.nature.faults["web", ScriptKind.LOAD] = Fault(code=1, times=2)
        await _online(world, made("web", load_failure=LoadFailure.NEXT_NODE))
        state = await world.runs_on("web", "c")
        assert (state.lives, len(state.moves), state.tried) == (1, 2, ())
        assert world.nature.runs["web", ScriptKind.UNLOAD] == 2

    play(story)


def test_a_load_that_fails_everywhere_is_comatose_and_one_that_cannot_be_cleaned_up_goes_nowhere() -> None:
    async def story(world: World) -> None:
        for name in ("web", "db"):
            world.nature.faults[name, ScriptKind.LOAD] = Fault(code=1)
        world.nature.faults["db", ScriptKind.UNLOAD] = Fault(code=1, effect=False)
        await _online(world, made("web", load_failure=LoadFailure.NEXT_NODE),
                      made("db", load_failure=LoadFailure.NEXT_NODE))
        web, db = await world.state("web"), await world.state("db")
        assert (web.state, web.node, web.reason.why) == (State.COMATOSE, "c", Why.LOAD_FAILED)
        assert (db.state, db.node, db.reason.why) == (State.COMATOSE, "a", Why.UNLOAD_FAILED)

    play(story)


def test_a_comatose_resource_is_tried_again_with_longer_and_longer_pauses() -> None:
    """After one minute, two more, four more; then it runs, and all is forgotten."""

    async def story(world: World) -> None:
        world.nature.faults["web", ScriptKind.LOAD] = Fault(code=1, times=3)
        await _online(world, made("web", retry_comatose=RetryComatose.BACKOFF))
        assert (await world.state("web")).state is State.COMATOSE
        began_s = asyncio.get_running_loop().time()
        state = await world.runs_on("web", "a", within_s=600)
        assert 420 <= asyncio.get_running_loop().time() - began_s < 440
        assert (state.retries, state.lives) == (0, 1)
        tries = [entry for entry in await world.history() if entry.after is State.UNLOADING]
        assert [entry.reason.operands[1] for entry in tries] == ["1", "2", "3"]

    play(story)


def test_an_operator_ends_the_tries() -> None:
    async def story(world: World) -> None:
        world.nature.faults["web", ScriptKind.LOAD] = Fault(code=1)
        await _online(world, made("web", retry_comatose=RetryComatose.BACKOFF))
        await world.order(Verb.OFFLINE, "web")
        await asyncio.sleep(7200)
        assert (await world.state("web")).state is State.OFFLINE

    play(story)


def test_a_new_profile_counts_from_the_next_session_and_nobody_suspects_anybody_meanwhile() -> None:
    """Old sessions keep their timers, their leases and their pace; both kinds live side by side."""

    async def story(world: World) -> None:
        await _online(world, made("web"))
        view = await world.view()
        assert view.settings is not None
        device = FenceDevice(agent="fence_pretend", parameters={"host": "a"}, timeout_s=5.0)
        fenced = replace(view.nodes[NodeName("a")].value, fence=(device,))
        slow = replace(view.settings.value, profile=Profile.FAST)
        await world.operator.commit(Transaction(puts=(Put(slow), Put(fenced))))
        before = len(world.nature.records)
        for name in ("b", "c"):
            await world.order(Verb.LEAVE, None, name)
            await world.order(Verb.JOIN, None, name)
        view = await world.until(lambda view: len(view.live) == 3)
        timings = {name: held.value.timing for name, held in view.sessions.items()}
        assert timings == {"a": TIMINGS[Profile.TOLERANT], "b": TIMINGS[Profile.FAST], "c": TIMINGS[Profile.FAST]}
        await asyncio.sleep(60)
        assert len(world.nature.records) == before
        assert not any(entry.reason.why is Why.FENCE_ASKED for entry in await world.history())
        await world.power_off("a")
        await world.until(lambda view: view.states["web"].value.state is State.RUNNING  # type: ignore[index]
                          and view.states["web"].value.node != "a", within_s=40)  # type: ignore[index]

    play(story, settings=Settings(cluster="pretend", profile=Profile.TOLERANT))


def test_the_moved_mark_outlives_further_moves_and_goes_with_an_offline() -> None:
    """The monitor moved it twice; neither the first node's return nor a restart of agents brings it back."""

    async def story(world: World) -> None:
        rule = Monitoring(enabled=True, interval_s=5, max_failures=1, action=FailureAction.MIGRATE)
        await _online(world, replace(made("web", failback=FailbackMode.AUTO), monitoring=rule))
        for node in ("b", "c"):
            world.nature.faults["web", ScriptKind.MONITOR] = Fault(code=1)
            await world.until(lambda view, node=node: view.states["web"].value.node == node)  # type: ignore[misc]
            world.nature.faults.clear()
            await world.runs_on("web", node)
        await world.power_off("a")
        await asyncio.sleep(20)
        world.power_on("a")
        for name in ("b", "c"):
            await world.restart(name)
        await asyncio.sleep(60)
        state = await world.runs_on("web", "c")
        assert state.marks == (Mark.MOVED_BY_MONITOR,)
        await world.order(Verb.OFFLINE, "web")
        assert (await world.state("web")).marks == ()
        await world.order(Verb.ONLINE, "web")
        await world.runs_on("web", "a")

    play(story)
