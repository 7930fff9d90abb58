"""What follows a load that failed, by its policies: nothing, the next node, or another time later."""

import pytest

from core.clusters import NOW, cluster, later, lost, place, proven, record, settled, spec
from core.dialogue import ABSENT, BLIND, BY_SCRIPT, OVERDUE, RUNNING, ask, ended, saw, told
from stanchion.model import events as e
from stanchion.model.actions import Step
from stanchion.model.cluster import ClusterView
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import LoadFailure, ResourceSpec, RetryComatose
from stanchion.model.state import ResourceState, State
from stanchion.plan.case import Fact
from stanchion.plan.explain import explain
from stanchion.plan.failing import LOAD_FAILURES, left_s
from stanchion.plan.lifecycle import advance
from stanchion.plan.planner import idle_until

ON = LoadFailure.NEXT_NODE
FAILED = (saw(Step.LOOK, ABSENT), ended(Step.LOAD, 1), saw(Step.LOOK_AFTER, ABSENT))


def onward(*facts: Fact, of: ResourceSpec | None = None, state: ResourceState | None = None) -> e.Event:
    """What the node reports after a load with these facts."""
    answer = ask(state or record(State.LOADING), *facts, of=of or spec(preferred="abc", load_failure=ON))
    assert isinstance(answer, e.Event)
    return answer


@pytest.mark.parametrize(("facts", "why"), [
    (FAILED, Why.LOAD_FAILED),
    ((saw(Step.LOOK, ABSENT), ended(Step.LOAD), saw(Step.LOOK_AFTER, ABSENT)), Why.LOAD_NOT_RUNNING),
])
def test_as_in_the_original_a_failed_load_is_comatose_where_it_failed(facts: tuple[Fact, ...], why: Why) -> None:
    assert told(onward(*facts, of=spec())) == (e.Failed, why)


@pytest.mark.parametrize("facts", [FAILED, (*FAILED[:2], saw(Step.LOOK_AFTER, RUNNING))])
def test_next_node_unloads_here_first_and_goes_on_to_the_next_in_the_list(facts: tuple[Fact, ...]) -> None:
    event = onward(*facts)

    assert isinstance(event, e.Sent)
    assert (event.target, event.why.why, event.moved_at_s) == ("b", Why.LOAD_ELSEWHERE, NOW.wall_s)
    after = advance(record(State.LOADING), event, NOW)
    assert (after.state, after.node, after.tried) == (State.UNLOADING, "a", ("a",))
    assert told(ask(after, ended(Step.UNLOAD), saw(Step.LOOK_AFTER, RUNNING))) == (e.Failed, Why.STILL_RUNNING)
    assert told(ask(after, ended(Step.UNLOAD), saw(Step.LOOK_AFTER, ABSENT)))[0] is e.Unloaded


def test_where_there_is_no_hypervisor_the_monitor_script_must_say_that_it_is_gone() -> None:
    facts = (ended(Step.LOAD, 1),)
    policies = spec(preferred="ab", load_failure=ON, visible=False)
    blind = spec(preferred="ab", load_failure=ON, visible=False, monitor=False)

    assert told(onward(*facts, of=policies))[0] is e.Sent
    assert told(onward(*facts, of=blind)) == (e.Failed, Why.LOAD_FAILED)
    assert (BY_SCRIPT.machine, BLIND.machine) == (policies.machine, blind.machine)


def test_a_load_that_does_not_end_goes_nowhere_else() -> None:
    assert told(onward(saw(Step.LOOK, ABSENT), ended(Step.LOAD, end=OVERDUE))) == (e.Failed, Why.LOAD_TIMEOUT)


@pytest.mark.parametrize(("tried", "target"), [((), "b"), (("c",), "b"), (("b",), "c"), (("b", "c"), None)])
def test_a_node_is_tried_once_and_then_it_is_comatose(tried: tuple[str, ...], target: str | None) -> None:
    event = onward(*FAILED, state=record(State.LOADING, tried=tried))

    assert getattr(event, "target", None) == target
    assert isinstance(event, e.Sent if target else e.Failed)


def test_going_on_is_a_move_that_counts() -> None:
    event = onward(*FAILED, state=record(State.LOADING, moves=(NOW.wall_s,) * 6))

    assert told(event) == (e.Failed, Why.LOAD_FAILED)


def test_what_was_tried_is_forgotten_when_it_runs_and_when_somebody_orders_it_anew() -> None:
    tried = record(State.LOADING, tried=("b", "c"), retries=3)

    loaded = advance(tried, e.Loaded(spec_revision=1, why=Reason(Why.LOADED)), NOW)
    assert (loaded.tried, loaded.retries) == ((), 0)
    comatose = advance(tried, e.Failed(why=Reason(Why.LOAD_NOT_RUNNING)), NOW)
    assert (comatose.tried, comatose.retries) == (("b", "c"), 3)
    offline = advance(advance(comatose, e.StopOrdered(operation="x", why=Reason(Why.LOADED)), NOW),
                      e.Unloaded(operation="y", why=Reason(Why.UNLOADED)), NOW)
    assert (offline.tried, offline.retries) == ((), 0)


# Tried again later.

LATER = RetryComatose.BACKOFF


def comatose(why: Why = Why.LOAD_FAILED, *, ago_s: float = 60, retries: int = 0, session: str | None = "a1",
             **words: object) -> ClusterView:
    """A cluster in which ``web`` became comatose on ``a`` so many seconds ago."""
    state = record(State.COMATOSE, reason=reason(why, "1", "code"), since_s=NOW.wall_s - ago_s, retries=retries,
                   session=session)
    return cluster(spec(**{"preferred": "cab", "retry_comatose": LATER, **words}), state)


def test_never_is_never() -> None:
    view = comatose(retry_comatose=RetryComatose.NEVER, ago_s=1e6)

    assert settled(view).states["web"].value.state is State.COMATOSE


@pytest.mark.parametrize(("preferred", "target"), [("cab", "a"), ("cb", "c")])
def test_it_is_cleaned_up_and_loaded_where_it_was_or_as_an_online_would(preferred: str, target: str) -> None:
    after = settled(comatose(preferred=preferred)).states["web"].value

    assert (after.state, after.node, after.move and after.move.target) == (State.UNLOADING, "a", target)
    assert (after.reason, after.retries) == (reason(Why.LOAD_AGAIN, "a", 1), 1)


@pytest.mark.parametrize(("retries", "pause_s"), [(0, 60), (1, 120), (2, 240), (5, 1920), (6, 3600), (500, 3600)])
def test_the_pauses_grow_to_an_hour(retries: int, pause_s: float) -> None:
    policies = spec(retry_comatose=LATER)
    state = record(State.COMATOSE, reason=reason(Why.LOAD_FAILED), since_s=NOW.wall_s, retries=retries)

    assert left_s(state, policies, NOW) == pause_s
    assert left_s(state, policies, later(pause_s)) == 0
    assert left_s(state, policies, later(-7200)) == pause_s


def test_the_master_wakes_up_in_time() -> None:
    assert idle_until(comatose(ago_s=20), NOW) == 40
    assert idle_until(comatose(ago_s=20, retry_comatose=RetryComatose.NEVER), NOW) is None


@pytest.mark.parametrize("why", [
    Why.MONITOR_COMATOSE, Why.MONITOR_NO_OTHER, Why.UNLOAD_FAILED, Why.STILL_RUNNING, Why.LOOK_UNKNOWN, Why.POISONOUS,
    Why.FOUND_STOPPED, Why.MOVE_BUDGET])
def test_what_else_made_it_comatose_needs_a_person(why: Why) -> None:
    assert why not in LOAD_FAILURES
    assert settled(comatose(why, ago_s=1e6)).states["web"].value.state is State.COMATOSE


def test_where_its_node_is_gone_it_is_simply_loaded() -> None:
    view = settled(lost(comatose(), "a", proven("a")))

    assert place(view.states["web"].value) == (State.LOADING, "c")


def test_while_its_node_is_in_doubt_nothing_is_tried() -> None:
    state = record(State.COMATOSE, "b", reason=reason(Why.LOAD_FAILED, "1", "code"), since_s=0.0)
    view = cluster(spec(retry_comatose=LATER), state, dead="b", unprotected="b")

    assert place(settled(view).states["web"].value) == (State.COMATOSE, "b")


def test_with_no_node_for_it_it_stays_and_is_tried_when_one_comes() -> None:
    state = record(State.COMATOSE, "a", reason=reason(Why.LOAD_FAILED, "1", "code"), since_s=0.0)
    view = cluster(spec(preferred="b", retry_comatose=LATER), state, dead="b")

    assert settled(view).states["web"].value.state is State.COMATOSE


def test_an_explanation_says_when() -> None:
    reasons = explain(comatose(ago_s=20), "web", NOW)[0].reasons

    assert "it is cleaned up and loaded again by itself in 40 s" in map(sentence, reasons)
