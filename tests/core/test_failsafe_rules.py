"""Whose consent counts, who may take the end of a lease for a proof, and how a session comes back to life."""

from dataclasses import replace

import pytest

from core.clusters import NOW, cluster, committed, lost, proven, session, settled, written
from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Key, Kind, Proof, ProofKind
from stanchion.model.ids import NOTHING, LeaseId
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Guard, Transaction
from stanchion.plan.failsafe import declared, may_expire, peers, revived, stands_in
from stanchion.plan.membership import stood_in

LEASE = LeaseId("another")


def asking(view: ClusterView, node: str, *asked: str) -> ClusterView:
    """Let the node's session ask these nodes for their consent."""
    return written(view, replace(session(view, node), peers=asked))


def after(view: ClusterView, transaction: Transaction) -> ClusterView:
    return committed(view, Decision(transaction=transaction, why=reason(Why.MASTER_IS, "a")))


def proofs(view: ClusterView) -> list[Proof]:
    return [held.value for held in settled(view).proofs.values()]


def test_everybody_is_asked_of_whom_nothing_is_proven_even_who_is_away() -> None:
    assert peers(cluster(), "a") == ("b", "c")
    assert peers(lost(cluster(), "c"), "a") == ("b", "c")
    assert peers(lost(cluster(), "c", proven("c")), "a") == ("b",)
    assert peers(cluster(nodes="a"), "a") == ()


def test_who_is_not_asked_may_not_take_the_end_of_the_lease_for_a_proof() -> None:
    view = lost(asking(cluster(), "c", "b"), "c")
    assert [may_expire(session(view, "c"), node) for node in "ab"] == [False, True]
    assert proofs(view) == []
    assert [proof.kind for proof in proofs(lost(asking(cluster(), "c", "a"), "c"))] == [ProofKind.EXPIRED]


def test_nobody_is_asked_by_a_session_of_a_node_without_ears_so_anybody_may() -> None:
    view = lost(cluster(), "c")
    assert session(view, "c").peers is None
    assert [proof.session for proof in proofs(view)] == ["c1"]


def test_the_first_member_that_may_stands_in_for_a_master_that_may_not() -> None:
    view = lost(asking(cluster(nodes="abcd"), "d", "c", "b"), "d")
    assert stands_in(view, session(view, "d")) == "b"
    assert [len(stood_in(view, session(view, node), NOW)) for node in "abc"] == [0, 1, 0]
    assert stands_in(lost(asking(cluster(), "c", "a", "b"), "c"), session(view, "c")) is None


def test_the_proof_rests_on_the_record_that_says_who_is_asked() -> None:
    view = lost(asking(cluster(nodes="abcd"), "d", "b"), "d")
    (decision,) = stood_in(view, session(view, "b"), NOW)
    assert Guard(Key(Kind.SESSION, "d"), view.sessions["d"].revision) in decision.transaction.guards
    assert Guard(Key(Kind.LIVE, "d"), NOTHING) in decision.transaction.guards


def test_only_the_live_session_says_whom_it_asks() -> None:
    view = cluster()
    told = declared(view, session(view, "b"), ("a",))
    assert told is not None
    assert after(view, told).sessions["b"].value.peers == ("a",)
    assert declared(lost(view, "b"), session(view, "b"), ("a",)) is None
    assert declared(cluster(second="b"), session(view, "b"), ("a",)) is None


def test_a_session_that_comes_back_to_life_is_the_same_with_another_lease() -> None:
    view = lost(cluster(), "b")
    told = revived(view, session(view, "b"), LEASE)
    assert told is not None
    back = after(view, told)
    assert (back.session_of("b"), back.sessions["b"].value.lease) == ("b1", LEASE)
    assert {put.lease for put in told.puts if put.key.kind is not Kind.SESSION} == {LEASE}


def test_the_master_gets_its_key_back_unless_somebody_else_has_it() -> None:
    view = replace(lost(cluster(), "a"), master=None)
    told = revived(view, session(view, "a"), LEASE)
    assert told is not None
    held = after(view, told).master
    assert held is not None
    assert (held.value.node, held.value.session) == ("a", "a1")
    taken = lost(cluster(), "a")
    assert taken.master is not None
    other = revived(taken, session(taken, "a"), LEASE)
    assert other is not None
    assert after(taken, other).master == taken.master


@pytest.mark.parametrize("view", [
    lost(cluster(), "b", proven("b")),
    cluster(second="b"),
    lost(cluster(second="b"), "b"),
], ids=["proven", "lives in another session", "lived in another session"])
def test_a_life_that_is_over_does_not_come_back(view: ClusterView) -> None:
    assert revived(view, session(cluster(), "b"), LEASE) is None
