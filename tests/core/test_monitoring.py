"""What failed monitors lead to: counted in a window, decisive when overdue, and the three failure actions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clusters import NOW, cluster, ran, record, spec
from stanchion.model import events as e
from stanchion.model.history import RunEnd
from stanchion.model.reasons import Why, sentence
from stanchion.model.resource import FailbackMode, FailoverMode, FailureAction, Monitoring, ScriptKind, StartMode
from stanchion.model.state import Mark, ResourceState
from stanchion.plan.monitoring import Failure, failure_of, recent, respond

FAILED, OVERDUE = Failure(text="code 7"), Failure(text="the monitor script did not end in time", decisive=True)


def answer(action: FailureAction = FailureAction.COMATOSE, *, failures: tuple[float, ...] = (), most: int = 3,
           failure: Failure = FAILED, state: ResourceState | None = None, dead: str = "",
           **policies: object) -> e.Event:
    """Ask what one more failure leads to; ``failures`` are seconds ago."""
    rule = Monitoring(enabled=True, max_failures=most, window_s=600, action=action)
    before = state or record(failures=tuple(NOW.wall_s - ago for ago in failures), settled_for="a1")
    configured = spec(monitoring=rule, **{"preferred": "abc", **policies})
    view = cluster(configured, before, dead=dead)
    return respond(view, view.states["web"], configured, failure, NOW)


@pytest.mark.parametrize(("run", "failure"), [
    (ran(ScriptKind.MONITOR), None),
    (ran(ScriptKind.MONITOR, 7), Failure(text="code 7")),
    (ran(ScriptKind.MONITOR, 7, command="ping web"), Failure(text="code 7: ping web")),
    (ran(ScriptKind.MONITOR, 137, end=RunEnd.KILLED), Failure(text="code 137")),
    (ran(ScriptKind.MONITOR, 0, end=RunEnd.OVERDUE), OVERDUE),
    (ran(ScriptKind.MONITOR, 1, end=RunEnd.REFUSED), None),
])
def test_a_monitor_s_run_is_judged(run: object, failure: Failure | None) -> None:
    assert failure_of(run) == failure  # type: ignore[arg-type]  # the runs of the table above


@pytest.mark.parametrize(("failures", "most", "restarts"), [
    ((), 3, True), ((10,), 3, True), ((10, 20), 3, False), ((), 1, False),
    ((10, 600), 3, True), ((10, 599), 3, False), ((601, 700, 10), 3, True), ((10, 20, 30, 40), 3, False),
])
def test_failures_are_counted_within_the_window(failures: tuple[float, ...], most: int, *, restarts: bool) -> None:
    found = answer(failures=failures, most=most)

    assert isinstance(found, e.Sent if restarts else e.Failed)


def test_before_the_maximum_it_is_restarted_where_it_is() -> None:
    found = answer(failures=(10, 601))

    assert isinstance(found, e.Sent)
    assert (found.target, found.failures) == ("a", (NOW.wall_s - 10, NOW.wall_s))
    assert (found.mark, found.moved_at_s, found.settled_for) == (None, None, "a1")
    assert sentence(found.why) == "monitor failure 2 of 3 within 600 s: restarted on its node (code 7)"


@pytest.mark.parametrize(("action", "why"), [
    (FailureAction.COMATOSE, Why.MONITOR_COMATOSE), (FailureAction.MIGRATE, Why.MONITOR_MIGRATE),
    (FailureAction.REBOOT, Why.MONITOR_REBOOT)])
@pytest.mark.parametrize(("failures", "failure"), [((10, 20), FAILED), ((), OVERDUE)])
def test_reaching_the_maximum_or_not_ending_at_all_starts_the_failure_action(
        action: FailureAction, why: Why, failures: tuple[float, ...], failure: Failure) -> None:
    found = answer(action, failures=failures, failure=failure)

    assert found.why.why is why
    assert "?" not in sentence(found.why)


def test_the_three_actions() -> None:
    assert isinstance(answer(FailureAction.COMATOSE, most=1), e.Failed)
    assert isinstance(answer(FailureAction.REBOOT, most=1), e.Condemned)
    moved = answer(FailureAction.MIGRATE, most=1)
    assert isinstance(moved, e.Sent)
    assert (moved.target, moved.mark, moved.moved_at_s) == ("b", Mark.MOVED_BY_MONITOR, NOW.wall_s)
    assert moved.failures == (), "it starts anew there"


@pytest.mark.parametrize("policies", [
    {"start": StartMode.MANUAL}, {"failover": FailoverMode.MANUAL}, {"failback": FailbackMode.AUTO}])
def test_modes_have_no_say(policies: dict[str, object]) -> None:
    found = answer(FailureAction.MIGRATE, most=1, **policies)

    assert isinstance(found, e.Sent)
    assert found.target == "b"


def test_without_another_node_it_is_comatose() -> None:
    assert answer(FailureAction.MIGRATE, most=1, dead="bc").why.why is Why.MONITOR_NO_OTHER
    assert answer(FailureAction.MIGRATE, most=1, preferred="a").why.why is Why.MONITOR_NO_OTHER


@pytest.mark.parametrize(("moves", "budget", "moved"), [
    ((), 6, True), ((10,) * 6, 6, False), ((10,) * 5 + (3600,), 6, True), ((-10,) * 6, 6, False), ((), 0, False),
])
def test_moves_have_a_budget_within_the_hour(moves: tuple[float, ...], budget: int, *, moved: bool) -> None:
    """A move that seems to lie ahead, because the clock was set back, counts as well."""
    before = record(moves=tuple(NOW.wall_s - ago for ago in moves))

    found = answer(FailureAction.MIGRATE, most=1, state=before, moves_per_hour=budget)

    assert found.why.why is (Why.MONITOR_MIGRATE if moved else Why.MOVE_BUDGET)
    assert isinstance(answer(FailureAction.COMATOSE, most=1, state=before, moves_per_hour=budget), e.Failed)


@given(st.lists(st.floats(-1e5, 1e5)), st.floats(1, 1e4))
def test_the_window_keeps_what_lies_in_it_and_what_seems_to_lie_ahead(ago: list[float], window_s: float) -> None:
    """After the clock was set back, a failure from beyond now is recent: forgetting it would restart for ever."""
    kept = recent(tuple(NOW.wall_s - each for each in ago), window_s, NOW)

    assert all(NOW.wall_s - at < window_s for at in kept)
    assert len(kept) == sum(1 for each in ago if NOW.wall_s - (NOW.wall_s - each) < window_s)
