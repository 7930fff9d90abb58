"""What may be ordered when, and the reason for every no."""

from itertools import product

import pytest

from core.clusters import apart, cluster, lost, moving, order, proven, record, spec, written
from stanchion.model.cluster import ClusterView, Node, ProofKind, Record, Settings
from stanchion.model.orders import Verb
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.state import AlertKind, Phase, ResourceState, State
from stanchion.plan.orders import LEGAL, possible, refusal

BY_STATE: dict[State, ResourceState] = {
    **{state: record(state) for state in State},
    State.ALERT: record(State.ALERT, alert=AlertKind.FAILOVER),
    State.MIGRATING: moving(Phase.OUT),
}
TABLE = {
    State.OFFLINE: {Verb.ONLINE, Verb.ADOPT}, State.LOADING: set(), State.RUNNING: {Verb.OFFLINE, Verb.MIGRATE},
    State.UNLOADING: set(), State.COMATOSE: {Verb.OFFLINE}, State.MIGRATING: set(),
    State.ALERT: {Verb.ALERT_YES, Verb.ALERT_NO, Verb.OFFLINE}, State.UNASSIGNED: {Verb.OFFLINE},
    State.QUORUM_WAIT: {Verb.OFFLINE},
}
OF_RESOURCES = (Verb.ONLINE, Verb.OFFLINE, Verb.MIGRATE, Verb.ALERT_YES, Verb.ALERT_NO)


def no(view: ClusterView, verb: Verb, resource: str | None = "web", node: str | None = None,
       **words: object) -> Reason | None:
    """Ask whether an order would be refused, and why."""
    return refusal(view, order(verb, resource, node, **words))


@pytest.mark.parametrize(("state", "verb"), list(product(State, OF_RESOURCES)))
def test_the_table_of_what_is_legal(state: State, verb: Verb) -> None:
    why = no(cluster(spec(), BY_STATE[state]), verb)

    if verb in TABLE[state]:
        assert why is None
    else:
        assert why is not None
        asks = verb in {Verb.ALERT_YES, Verb.ALERT_NO}
        assert why.why is (Why.NO_ALERT if asks else Why.ILLEGAL_NOW)
        assert why.operands[:1 if asks else 2] == ((state,) if asks else (verb, state))


@pytest.mark.parametrize("state", State)
def test_what_is_offered_is_what_is_legal(state: State) -> None:
    assert set(possible(cluster(spec(), BY_STATE[state]), "web")) == TABLE[state] == set(LEGAL[state])


def test_a_refusal_says_what_is_possible_instead() -> None:
    told = no(cluster(spec(), BY_STATE[State.RUNNING]), Verb.ONLINE)
    waits = no(cluster(spec(), BY_STATE[State.LOADING]), Verb.OFFLINE)

    assert told is not None
    assert sentence(told) == "online is not possible while it is Running; possible now: offline, migrate"
    assert waits is not None
    assert sentence(waits).endswith("possible now: nothing, wait until it has ended")


def test_nothing_can_be_ordered_of_what_does_not_exist() -> None:
    view = cluster(record(name="bare"))

    assert possible(view, "web") == ()
    for verb in (*OF_RESOURCES, Verb.END_PROCESS):
        assert no(view, verb) == reason(Why.UNKNOWN_RESOURCE, "web")
        assert no(view, verb, "bare") == reason(Why.UNKNOWN_RESOURCE, "bare")
        assert no(view, verb, None) == reason(Why.UNKNOWN_RESOURCE, "")


APART = Settings(cluster="test", groups=(apart("db", "web"),))


@pytest.mark.parametrize(("verb", "before"), [(Verb.ONLINE, record(State.OFFLINE)), (Verb.MIGRATE, record())])
@pytest.mark.parametrize(("node", "why"), [
    ("b", None), ("c", Why.NODE_DOWN), ("d", Why.NODE_LEFT), ("e", Why.NODE_NOT_LISTED), ("f", Why.NODE_EXCLUDED),
    ("z", Why.UNKNOWN_NODE),
])
def test_a_named_node_must_be_able_to_hold_it(verb: Verb, before: ResourceState, node: str, why: Why | None) -> None:
    view = cluster(spec(preferred="abcdfz"), before, spec("db"), record(node="f", name="db"), nodes="abcdef", dead="c",
                   left="d", settings=APART)

    told = no(view, verb, node=node)

    assert (told and told.why) == why


def test_what_follows_the_master_goes_nowhere_else() -> None:
    view = cluster(spec(follows_master=True), record(State.OFFLINE))

    assert no(view, Verb.ONLINE, node="b") == reason(Why.NODE_NOT_MASTER, "b")
    assert no(view, Verb.ONLINE, node="a") is None


@pytest.mark.parametrize(("words", "why"), [
    ({"node": "a"}, Why.ALREADY_THERE), ({"node": "b", "live": True}, Why.NOT_LIVE), ({"live": True}, Why.NOT_LIVE),
    ({}, None), ({"live": False}, None),
])
def test_a_migrate_that_cannot_be_is_refused_with_or_without_a_node(words: dict[str, object], why: Why | None) -> None:
    told = no(cluster(spec(), record()), Verb.MIGRATE, **words)

    assert (told and told.why) == why


def test_nothing_migrates_off_a_node_that_is_away() -> None:
    view = lost(cluster(spec(), record(node="b")), "b")

    assert no(view, Verb.MIGRATE) == no(view, Verb.MIGRATE, node="c") == reason(Why.NODE_DOWN, "b")


def test_a_migrate_without_any_other_node_says_why_for_each_one() -> None:
    told = no(cluster(spec(preferred="ab"), record(), dead="b"), Verb.MIGRATE)

    assert told is not None
    assert told.why is Why.NO_NODE
    assert "a is where it is now; b is not a member now; c is not among its preferred nodes" in sentence(told)


@pytest.mark.parametrize("state", State)
def test_a_process_can_be_ended_where_one_may_run(state: State) -> None:
    held = {State.LOADING, State.RUNNING, State.UNLOADING, State.COMATOSE, State.MIGRATING}

    told = no(cluster(spec(), BY_STATE[state]), Verb.END_PROCESS)

    assert told == (None if state in held else reason(Why.NO_PROCESS, "web"))


@pytest.mark.parametrize(("verb", "node", "why"), [
    (Verb.LEAVE, "a", None), (Verb.LEAVE, "l", Why.NODE_NOT_MEMBER), (Verb.LEAVE, "z", Why.UNKNOWN_NODE),
    (Verb.JOIN, "l", None), (Verb.JOIN, "a", Why.NODE_IS_MEMBER), (Verb.JOIN, None, Why.UNKNOWN_NODE),
    (Verb.CONFIRM_DOWN, "d", None), (Verb.CONFIRM_DOWN, "a", Why.NODE_NOT_IN_DOUBT),
    (Verb.CONFIRM_DOWN, "p", Why.NODE_NOT_IN_DOUBT), (Verb.CONFIRM_DOWN, "z", Why.UNKNOWN_NODE),
])
def test_orders_for_nodes(verb: Verb, node: str | None, why: Why | None) -> None:
    confirmed: Record = proven("p", kind=ProofKind.CONFIRMED)
    view = cluster(confirmed, nodes="adlp", dead="dp", left="l", unprotected="dp")

    told = no(view, verb, None, node)

    assert (told and told.why) == why


def test_a_node_that_never_was_a_member_is_not_in_doubt() -> None:
    view = written(cluster(), Node(name="n"))

    assert no(view, Verb.CONFIRM_DOWN, None, "n") == reason(Why.NODE_NOT_IN_DOUBT, "n")
