"""How a decision becomes a write: what it is guarded by, and what the history says of it."""

import pytest

from core.clusters import LONG_AGO_S, NOW, cluster, record, spec
from stanchion.model import events as e
from stanchion.model.cluster import Kind
from stanchion.model.history import Severity
from stanchion.model.reasons import Why, reason
from stanchion.model.state import AlertKind, ResourceState, State
from stanchion.model.transaction import Put
from stanchion.plan.change import alive, step


def told(before: ResourceState, event: e.Event) -> list[tuple[Severity, State | None, State | None]]:
    """Give what the history says when this happens to this record."""
    view = cluster(spec(), before)
    decision = step(view.states["web"], event, NOW, by="a")
    return [(entry.severity, entry.before, entry.after) for entry in decision.transaction.history]


WHY = reason(Why.OFFLINE_ASKED, "root")


@pytest.mark.parametrize(("before", "event", "severity"), [
    (record(), e.StopOrdered(operation="x", why=WHY), Severity.INFO),
    (record(), e.Failed(why=WHY), Severity.CRITICAL),
    (record(), e.NoNode(why=WHY), Severity.CRITICAL),
    (record(State.QUORUM_WAIT), e.NoNode(why=WHY), Severity.WARNING),
    (record(), e.AlertRaised(kind=AlertKind.FAILOVER, node="b", why=WHY), Severity.CRITICAL),
    (record(), e.AlertRaised(kind=AlertKind.FAILBACK, node="b", why=WHY), Severity.WARNING),
    (record(), e.Recovered(node="b", operation="x", why=reason(Why.FAILOVER, "a", "gone")), Severity.WARNING),
    (record(), e.Sent(target="a", operation="x", why=reason(Why.MONITOR_RESTART, 1, 3, 600, "code 7")),
     Severity.WARNING),
    (record(), e.Condemned(why=reason(Why.MONITOR_REBOOT, 3, 600, "a", "code 7")), Severity.CRITICAL),
    (record(State.LOADING), e.Loaded(spec_revision=1, why=reason(Why.LOADED)), Severity.INFO),
])
def test_the_history_says_how_grave_a_change_is(before: ResourceState, event: e.Event, severity: Severity) -> None:
    ((found, was, becomes),) = told(before, event)

    assert (found, was) == (severity, before.state)
    assert becomes is not None


@pytest.mark.parametrize("before", [record(), record(State.COMATOSE), record(State.LOADING)])
def test_book_keeping_is_not_told(before: ResourceState) -> None:
    """A claim by a new session of the same node changes nothing that anybody asks about."""
    assert told(before, e.Claimed(session="a2", why=before.reason)) == []


def test_a_line_of_the_history_names_all_that_is_asked_about_it() -> None:
    view = cluster(spec(), record())
    event = e.StopOrdered(operation="web@9", why=WHY)

    (entry,) = step(view.states["web"], event, NOW, by="c", cause="i1").transaction.history
    (own,) = step(view.states["web"], event, NOW, by="c").transaction.history

    assert (entry.at_s, entry.by, entry.node, entry.resource, entry.reason) == (NOW.wall_s, "c", "a", "web", WHY)
    assert (entry.cause, own.cause) == ("i1", "web@1")
    assert entry.operation == own.operation == "web@9"


def test_a_load_is_told_though_it_is_not_the_reason_of_the_record() -> None:
    """The record keeps what sent it there; the history says that the load ended well."""
    before = record(State.LOADING, since_s=LONG_AGO_S)
    view = cluster(spec(), before)

    decision = step(view.states["web"], e.Loaded(spec_revision=1, why=reason(Why.LOADED)), NOW, by="a")

    (put,) = decision.transaction.puts
    assert isinstance(put, Put)
    assert isinstance(put.record, ResourceState)
    assert put.record.reason == before.reason
    assert decision.transaction.history[0].reason == reason(Why.LOADED)


def test_a_change_is_guarded_by_the_record_and_by_what_else_it_rests_on() -> None:
    view = cluster(spec(), record(), dead="c")
    event = e.StopOrdered(operation="x", why=WHY)

    decision = step(view.states["web"], event, NOW, by="a", guards=(alive(view, "b"), alive(view, "c")))
    guards = decision.transaction.guards

    assert [(guard.key.kind, guard.key.name, guard.revision) for guard in guards] == [
        (Kind.STATE, "web", view.states["web"].revision), (Kind.LIVE, "b", view.live["b"].revision),
        (Kind.LIVE, "c", 0)]
