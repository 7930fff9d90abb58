"""A node that keeps leaving uncleanly: when it is quarantined, what that bars, and how it ends."""

from dataclasses import replace

import pytest

from core.clusters import (
    NOW,
    cluster,
    committed,
    later,
    lost,
    order,
    place,
    proven,
    record,
    session,
    settled,
    spec,
    web,
)
from stanchion.model.cluster import ClusterView, Node, Proof, ProofKind
from stanchion.model.ids import Moment, NodeName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, reason, sentence
from stanchion.model.state import State
from stanchion.plan import orders
from stanchion.plan.planner import decide, idle_until
from stanchion.plan.quarantine import LASTS_S, barred, ordered_off, quarantined, told

B = NodeName("b")
IN = Node(name="b", quarantined_at_s=NOW.wall_s - 60)


def ends(node: str, *ago_s: float, kind: ProofKind = ProofKind.EXPIRED) -> tuple[Proof, ...]:
    """Give the ends of a node's earlier sessions, so many seconds ago."""
    return tuple(Proof(node=node, session=f"{node}-{ago:g}", kind=kind, at_s=NOW.wall_s - ago) for ago in ago_s)


def entries(view: ClusterView, now: Moment = NOW) -> list[Why]:
    """Give the lines that the next round of decisions writes into the history."""
    return [entry.reason.why for decision in decide(view, session(view), now) for entry in decision.transaction.history]


@pytest.mark.parametrize("kind", [ProofKind.EXPIRED, ProofKind.FENCED, ProofKind.RESET, ProofKind.CONFIRMED])
def test_the_third_unclean_end_within_an_hour_brings_quarantine_with_one_line(kind: ProofKind) -> None:
    view = cluster(*ends("b", 3000, 1500, 10, kind=kind))

    assert entries(view) == [Why.QUARANTINED]
    (decision,) = decide(view, session(view), NOW)
    assert decision.why == reason(Why.QUARANTINED, "b", 3)
    after = committed(view, decision)
    assert quarantined(after, B)
    assert decide(after, session(after), later(1)) == ()


@pytest.mark.parametrize("proofs", [
    ends("b", 3000, 10), ends("b", 4000, 1500, 10), ends("b", 3000, 1500, 10, kind=ProofKind.CLEAN),
    (*ends("b", 3000, 10), *ends("b", 20, 30, kind=ProofKind.CLEAN)), (*ends("b", 3000, 10), *ends("c", 1500)),
], ids=["two", "one is older", "all clean", "two of four clean", "another node's"])
def test_fewer_older_clean_or_other_nodes_ends_do_not_count(proofs: tuple[Proof, ...]) -> None:
    assert entries(cluster(*proofs)) == []


def test_what_half_of_the_nodes_go_through_at_once_is_not_their_fault() -> None:
    """Three outages of the store: every lease ran out, three times. A third node that went at another time counts."""
    outages = [proof for node in "ab" for proof in ends(node, 3000, 1500, 10)]

    assert entries(cluster(*outages)) == []
    assert entries(cluster(*outages, *ends("c", 2500, 2000, 500))) == [Why.QUARANTINED]


def test_an_end_that_an_operator_ordered_does_not_count() -> None:
    """The last session was switched off by a real test of its fence device."""
    two = cluster(*ends("b", 3000, 1500))
    tested = ordered_off(two, B)
    switched_off = lost(two, "b", proven("b", kind=ProofKind.EXPIRED))

    assert entries(settled_but_for_b(switched_off, Node(name="b"))) == [Why.QUARANTINED]
    assert entries(settled_but_for_b(switched_off, tested)) == []


def settled_but_for_b(view: ClusterView, b: Node) -> ClusterView:
    """Give the view with that record of b, the membership being up to date."""
    membership = view.membership
    assert membership is not None
    members = {node: held.value.session for node, held in view.live.items()}
    held = replace(membership, value=replace(membership.value, members=members))
    return replace(view, membership=held, nodes={**view.nodes, B: replace(view.nodes[B], value=b)})


def test_a_node_in_quarantine_is_no_candidate_and_says_why() -> None:
    view = cluster(IN, spec(preferred="ab"), record(), nodes="abc")

    gone = web(lost(view, "a", proven("a")))
    assert place(gone) == (State.UNASSIGNED, "a")
    assert "b is in quarantine" in sentence(gone.reason)
    assert place(web(lost(cluster(IN, spec(preferred="abc"), record()), "a", proven("a")))) == (State.LOADING, "c")


def test_what_it_holds_stays_there() -> None:
    assert place(web(cluster(IN, spec(), record(node="b")))) == (State.RUNNING, "b")


def test_an_order_to_it_is_refused_until_it_is_released() -> None:
    view = cluster(IN, spec(), record(State.OFFLINE, None))
    wish = order(Verb.ONLINE, "web", "b")

    refusal = orders.refusal(view, wish)
    assert refusal == reason(Why.NODE_QUARANTINED, "b")
    assert "stanchion node release b" in sentence(refusal)
    assert orders.refusal(settled(cluster(IN, order(Verb.RELEASE, node="b"), spec(), record(State.OFFLINE, None))),
                          wish) is None


def test_a_release_forgives_what_happened_and_nothing_else() -> None:
    proofs = ends("b", 3000, 1500, 60)
    view = settled(cluster(IN, *proofs, order(Verb.RELEASE, node="b")))

    assert view.intents["i1"].value.outcome is Outcome.DONE
    assert not quarantined(view, B)
    assert decide(view, session(view), NOW) == ()
    again = cluster(view.nodes[B].value, *proofs, *ends("b", 5, 4))
    assert entries(again) == [], "two new ones"
    assert entries(cluster(view.nodes[B].value, *proofs, *ends("b", 5, 4, 3))) == [Why.QUARANTINED]


def test_a_release_of_a_node_that_is_not_in_quarantine_is_refused() -> None:
    assert orders.refusal(cluster(), order(Verb.RELEASE, node="b")) == reason(Why.NODE_NOT_QUARANTINED, "b")
    assert orders.refusal(cluster(), order(Verb.RELEASE, node="z")) == reason(Why.UNKNOWN_NODE, "z")


def test_it_ends_after_two_hours_with_a_line_and_the_master_wakes_up_for_it() -> None:
    view = cluster(IN)

    assert idle_until(view, NOW) == pytest.approx(LASTS_S - 60)
    assert entries(view, later(LASTS_S - 61)) == []
    assert entries(view, later(LASTS_S - 59)) == [Why.QUARANTINE_ENDED]


def test_a_node_that_went_on_leaving_begins_anew() -> None:
    late = later(LASTS_S)
    view = cluster(IN, *(replace(proof, at_s=late.wall_s - 5) for proof in ends("b", 1, 2, 3)))

    assert entries(view, late) == [Why.QUARANTINED]


def test_a_clock_that_was_set_back_does_not_hold_it_for_ever() -> None:
    view = cluster(replace(IN, quarantined_at_s=NOW.wall_s + 10 * LASTS_S))

    assert entries(view) == [Why.QUARANTINE_ENDED]


def test_the_last_node_is_never_barred() -> None:
    """All members in quarantine, or the only free one gone or leaving: it is shown, and bars nothing."""
    every = cluster(*(replace(IN, name=node) for node in "abc"), spec(), record(State.UNASSIGNED, None))

    assert not barred(every, B)
    assert place(web(every)) == (State.LOADING, "a")
    assert told(every, B) == reason(Why.QUARANTINE_LIFTED, "b")
    assert not barred(cluster(IN, nodes="ab", dead="a", master="b"), B)
    assert not barred(cluster(IN, nodes="ab", left="a"), B)
    assert told(cluster(IN), B) == reason(Why.QUARANTINE_STANDS, "b")
    assert told(cluster(), B) is None
