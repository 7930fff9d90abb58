"""What becomes of operators' orders: accepted or refused, carried out, ended with a reason, forgotten at last."""

from dataclasses import replace

import pytest

from core.clusters import (
    NOW,
    cluster,
    committed,
    later,
    lost,
    moving,
    node_records,
    order,
    proven,
    record,
    session,
    settled,
    spec,
    written,
)
from stanchion.model.cluster import ClusterView, Kind, ProofKind, Record
from stanchion.model.history import Severity
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import FailbackMode
from stanchion.model.state import AlertKind, Phase, ResourceState, State
from stanchion.model.transaction import Guard
from stanchion.plan.change import UNWRITTEN, applied
from stanchion.plan.invariants import check
from stanchion.plan.planner import INTENTS_KEPT, decide


def judged(*records: Record, **words: object) -> ClusterView:
    """Give the view once the master has decided all there is."""
    return settled(cluster(*records, **words))


def web(view: ClusterView) -> ResourceState:
    """Give the record of ``web``."""
    return view.states["web"].value


def outcome(view: ClusterView, id_: str = "i1") -> tuple[Outcome, Why | None]:
    """Give how far an order has come, and why."""
    intent = view.intents[id_].value
    return intent.outcome, intent.reason.why if intent.reason else None


OFFLINE, COMATOSE = record(State.OFFLINE), record(State.COMATOSE)
ASKED = record(State.ALERT, "b", alert=AlertKind.FAILOVER, reason=reason(Why.FAILOVER_MANUAL, "a", "b"))
FAILBACK = record(State.ALERT, "b", alert=AlertKind.FAILBACK, session="b1", settled_for="a1")


# Accepted.

@pytest.mark.parametrize(("before", "ordered", "after", "node"), [
    (OFFLINE, order(Verb.ONLINE, "web"), State.LOADING, "a"),
    (OFFLINE, order(Verb.ONLINE, "web", "c"), State.LOADING, "c"),
    (record(), order(Verb.OFFLINE, "web"), State.UNLOADING, "a"),
    (COMATOSE, order(Verb.OFFLINE, "web"), State.UNLOADING, "a"),
    (record(), order(Verb.MIGRATE, "web"), State.MIGRATING, "a"),
    (record(), order(Verb.MIGRATE, "web", "c"), State.MIGRATING, "a"),
    (ASKED, order(Verb.ALERT_YES, "web"), State.LOADING, "b"),
    (FAILBACK, order(Verb.ALERT_YES, "web"), State.UNLOADING, "b"),
    (FAILBACK, order(Verb.OFFLINE, "web"), State.UNLOADING, "b"),
])
def test_an_order_is_accepted_and_begun_in_one_write(before: ResourceState, ordered: Record, after: State,
                                                     node: str) -> None:
    view = cluster(spec(), before, ordered)

    decisions = [decision for decision in decide(view, session(view), NOW)
                 if any(put.key.kind is Kind.STATE for put in decision.transaction.puts)]

    (decision,) = decisions
    assert {put.key.kind for put in decision.transaction.puts} == {Kind.STATE, Kind.INTENT}
    view = committed(view, decision)
    assert (web(view).state, web(view).node) == (after, node)
    assert view.intents["i1"].value.outcome is Outcome.ACCEPTED
    assert view.intents["i1"].value.operation == web(view).operation
    assert decision.transaction.history[0].cause == "i1"


def test_an_order_names_the_node_that_it_came_to_mean() -> None:
    assert judged(spec(), record(), order(Verb.MIGRATE, "web")).intents["i1"].value.node == "b"
    assert judged(spec(), OFFLINE, order(Verb.ONLINE, "web")).intents["i1"].value.node == "a"


@pytest.mark.parametrize(("configured", "asked", "goes_live"), [
    (True, None, True), (True, False, False), (True, True, True), (False, None, False), (False, False, False)])
def test_a_migrate_goes_live_where_the_scripts_can_and_nobody_said_otherwise(
        *, configured: bool, asked: bool | None, goes_live: bool) -> None:
    view = judged(spec(live=configured), record(), order(Verb.MIGRATE, "web", live=asked))

    move = web(view).move
    assert move is not None
    assert move.live is goes_live


def test_online_with_no_node_for_it_waits_unassigned_and_that_is_its_end() -> None:
    view = judged(spec(preferred="b"), OFFLINE, order(Verb.ONLINE, "web"), dead="b")

    assert web(view).state is State.UNASSIGNED
    assert outcome(view) == (Outcome.DONE, Why.NO_NODE)


def test_offline_of_what_nothing_holds_is_done_at_once() -> None:
    for before in (ASKED, record(State.UNASSIGNED), record(State.QUORUM_WAIT), replace(COMATOSE, session=None)):
        view = judged(spec(), before, order(Verb.OFFLINE, "web"))
        assert web(view).state is State.OFFLINE
        assert outcome(view) == (Outcome.DONE, Why.OFFLINE_ASKED)


# Alerts.

def test_no_to_a_start_or_failover_alert_is_offline() -> None:
    view = judged(spec(), ASKED, order(Verb.ALERT_NO, "web"))

    assert (web(view).state, outcome(view)[0]) == (State.OFFLINE, Outcome.DONE)


def test_no_to_a_failback_alert_leaves_it_and_is_remembered_until_the_node_comes_anew() -> None:
    manual = spec(failback=FailbackMode.MANUAL)

    view = judged(manual, FAILBACK, order(Verb.ALERT_NO, "web"), second="a")

    assert (web(view).state, web(view).node, web(view).settled_for) == (State.RUNNING, "b", "a2")
    assert web(settled(written(view, *node_records("a", life=3)))).state is State.ALERT


def test_yes_takes_the_proposed_node_or_the_best_there_is_now() -> None:
    assert web(judged(spec(), ASKED, order(Verb.ALERT_YES, "web"))).node == "b"
    view = cluster(spec(), ASKED, order(Verb.ALERT_YES, "web"), dead="b")
    assert web(settled(view)).node == "a"


def test_yes_to_a_failback_alert_whose_node_went_away_leaves_it_where_it_runs() -> None:
    view = judged(spec(), FAILBACK, order(Verb.ALERT_YES, "web"), left="a")

    assert web(view).state is State.RUNNING
    assert web(view).reason == reason(Why.NODE_LEFT, "a")


# Refused.

@pytest.mark.parametrize(("before", "ordered", "why"), [
    (OFFLINE, order(Verb.OFFLINE, "web"), Why.ILLEGAL_NOW),
    (OFFLINE, order(Verb.ONLINE, "nobody"), Why.UNKNOWN_RESOURCE),
    (OFFLINE, order(Verb.ONLINE, "web", "z"), Why.UNKNOWN_NODE),
    (record(), order(Verb.MIGRATE, "web", "a"), Why.ALREADY_THERE),
    (record(), order(Verb.MIGRATE, "web", live=True), Why.NOT_LIVE),
    (OFFLINE, order(Verb.END_PROCESS, "web"), Why.NO_PROCESS),
    (OFFLINE, order(Verb.JOIN, node="b"), Why.NODE_IS_MEMBER),
    (OFFLINE, order(Verb.CONFIRM_DOWN, node="b"), Why.NODE_NOT_IN_DOUBT),
])
def test_an_order_that_cannot_be_taken_is_refused_and_told(before: ResourceState, ordered: Record, why: Why) -> None:
    view = cluster(spec(), before, ordered)

    (decision,) = [each for each in decide(view, session(view), NOW) if each.transaction.history]

    assert outcome(committed(view, decision)) == (Outcome.REFUSED, why)
    assert decision.transaction.history[0].severity is Severity.WARNING
    assert web(settled(view)) == before


def test_of_two_orders_at_once_the_older_one_counts() -> None:
    view = judged(spec(), record(), order(Verb.OFFLINE, "web", at_s=5.0),
                  order(Verb.MIGRATE, "web", "b", id_="i0", at_s=6.0))

    assert web(view).state is State.UNLOADING
    assert outcome(view, "i1")[0] is Outcome.ACCEPTED
    assert outcome(view, "i0") == (Outcome.REFUSED, Why.ILLEGAL_NOW)


def test_an_order_to_end_a_process_is_the_holder_s() -> None:
    assert outcome(judged(spec(), record(), order(Verb.END_PROCESS, "web"))) == (Outcome.PENDING, None)


# Ended.

@pytest.mark.parametrize(("verb", "state", "result"), [
    (Verb.ONLINE, record(node="b"), Outcome.DONE), (Verb.ONLINE, COMATOSE, Outcome.FAILED),
    (Verb.ONLINE, record(State.LOADING), Outcome.ACCEPTED), (Verb.ONLINE, ASKED, Outcome.FAILED),
    (Verb.OFFLINE, OFFLINE, Outcome.DONE), (Verb.OFFLINE, COMATOSE, Outcome.FAILED),
    (Verb.OFFLINE, record(State.UNLOADING), Outcome.ACCEPTED),
    (Verb.MIGRATE, record(node="b"), Outcome.DONE), (Verb.MIGRATE, record(node="a"), Outcome.FAILED),
    (Verb.MIGRATE, moving(Phase.PREPARE), Outcome.ACCEPTED),
    (Verb.ALERT_YES, record(), Outcome.DONE), (Verb.ALERT_YES, record(State.UNASSIGNED), Outcome.FAILED),
    (Verb.ALERT_NO, OFFLINE, Outcome.DONE),
])
def test_an_accepted_order_ends_when_its_resource_comes_to_rest(verb: Verb, state: ResourceState,
                                                                result: Outcome) -> None:
    taken = order(verb, "web", "b", outcome=Outcome.ACCEPTED)
    view = cluster(spec(), state, taken)

    for decision in decide(view, session(view), NOW):
        if any(put.key.kind is Kind.INTENT for put in decision.transaction.puts):
            view = committed(view, decision)

    ended = view.intents["i1"].value
    assert ended.outcome is result
    if result is not Outcome.ACCEPTED:
        assert (ended.reason, ended.ended_at_s) == (state.reason, NOW.wall_s)


def test_an_order_for_a_resource_that_was_deleted_is_superseded() -> None:
    assert outcome(judged(order(Verb.ONLINE, "web", outcome=Outcome.ACCEPTED))) == (Outcome.SUPERSEDED, Why.DELETED)


def test_an_order_survives_the_loss_of_the_node_that_carried_it_out() -> None:
    view = settled(written(settled(cluster(spec(), OFFLINE)), order(Verb.ONLINE, "web", "b")))

    view = settled(lost(view, "b"))
    assert outcome(view)[0] is Outcome.ACCEPTED
    view = settled(written(view, record(node="a")))

    assert outcome(view)[0] is Outcome.DONE


# Nodes.

def test_a_leave_is_done_when_the_node_holds_nothing_and_is_gone() -> None:
    view = judged(spec(), record(node="b"), order(Verb.LEAVE, node="b"))
    assert not view.nodes["b"].value.wanted
    assert (web(view).state, outcome(view)[0]) == (State.UNLOADING, Outcome.ACCEPTED)

    view = settled(written(view, record(node="a")))
    assert outcome(view)[0] is Outcome.ACCEPTED, "it has not given its session back yet"
    view = settled(lost(view, "b", proven("b", kind=ProofKind.CLEAN)))

    assert outcome(view) == (Outcome.DONE, Why.NODE_GONE)


def test_a_join_is_done_when_the_node_lives() -> None:
    view = judged(order(Verb.JOIN, node="b"), left="b", dead="b")
    assert (view.nodes["b"].value.wanted, outcome(view)[0]) == (True, Outcome.ACCEPTED)

    view = settled(written(view, *node_records("b", life=2)))

    assert outcome(view) == (Outcome.DONE, Why.NODE_JOINED)


def test_a_later_order_supersedes_a_leave() -> None:
    view = judged(order(Verb.LEAVE, node="b"))

    view = settled(written(view, order(Verb.JOIN, node="b", id_="i2")))

    assert outcome(view) == (Outcome.SUPERSEDED, Why.SUPERSEDED)
    assert outcome(view, "i2")[0] is Outcome.DONE


def test_an_order_for_a_node_that_was_removed_ends() -> None:
    view = judged(order(Verb.LEAVE, node="z", outcome=Outcome.ACCEPTED))

    assert outcome(view) == (Outcome.REFUSED, Why.UNKNOWN_NODE)


def test_an_operator_s_word_is_a_proof_with_his_name() -> None:
    view = lost(cluster(spec(), record(node="b"), unprotected="b"), "b")
    assert web(settled(view)).state is State.RUNNING

    view = settled(written(view, order(Verb.CONFIRM_DOWN, node="b")))

    assert (view.proofs["b1"].value.kind, view.proofs["b1"].value.by) == (ProofKind.CONFIRMED, "root")
    assert web(view).state is State.LOADING
    assert web(view).reason == reason(Why.FAILOVER, "b", "root stated that b is down")


def test_nothing_rests_on_a_proof_before_it_is_written() -> None:
    """The check of each decision looks at what is written: one that rests on an unwritten proof would be fatal."""
    view = settled(lost(cluster(spec(), record(node="b"), unprotected="b"), "b"))
    view = written(view, order(Verb.CONFIRM_DOWN, node="b"))

    (decision,) = decide(view, session(view), NOW)

    check(view, decision)
    assert {put.key.kind for put in decision.transaction.puts} == {Kind.PROOF, Kind.INTENT}


def test_a_confirmation_counts_only_while_the_node_is_away() -> None:
    """If it comes back before the word is written, the word is refused."""
    view = written(settled(lost(cluster(unprotected="b"), "b")), order(Verb.CONFIRM_DOWN, node="b"))

    (decision,) = decide(view, session(view), NOW)

    assert Guard(decision.transaction.guards[0].key, 0) == decision.transaction.guards[0]
    assert decision.transaction.guards[0].key.kind is Kind.LIVE


# Rounds.

def test_what_rests_on_an_unwritten_decision_of_the_same_round_is_refused_by_its_guard() -> None:
    """Else, if the first write were refused and the second not, the second would stand on nothing."""
    view = cluster(spec(), record())
    (first,) = decide(written(view, order(Verb.OFFLINE, "web")), session(view), NOW)

    ahead = applied(view, first)

    assert ahead.states["web"].revision == UNWRITTEN < 0
    assert ahead.states["web"].value.state is State.UNLOADING
    assert view.states["web"].value.state is State.RUNNING


def test_the_oldest_ended_orders_are_forgotten() -> None:
    many = [order(Verb.ONLINE, "web", id_=f"i{number:04d}", outcome=Outcome.DONE, ended_at_s=float(number))
            for number in range(INTENTS_KEPT + 3)]
    pending = order(Verb.END_PROCESS, "web", id_="a0", at_s=0.0)

    view = judged(spec(), record(), *many, pending)

    assert set(view.intents) == {"a0", *(each.id for each in many[3:])}


def test_deciding_rests_on_the_view_alone() -> None:
    """A decision that took its time is the same a minute later, but for the times that it writes down."""
    view = cluster(spec(), record(), order(Verb.OFFLINE, "web"))

    one, other = (decide(view, session(view), now) for now in (NOW, later(60)))

    assert [each.why for each in one] == [each.why for each in other]
    assert [each.transaction.guards for each in one] == [each.transaction.guards for each in other]
