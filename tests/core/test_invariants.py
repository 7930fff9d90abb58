"""The last check before a decision is written: every kind of unsafe decision, made by hand, is caught."""

from dataclasses import replace

import pytest

from core.clusters import cluster, lost, moving, order, proven, record, spec
from stanchion.model.actions import Decision
from stanchion.model.capacity import Size
from stanchion.model.cluster import ClusterView, Node, Record
from stanchion.model.errors import BrokenInvariant
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import AlertKind, Phase, ResourceState, State
from stanchion.model.transaction import Put, Transaction
from stanchion.plan.invariants import check
from stanchion.plan.lifecycle import story

ELSEWHERE = record(State.LOADING, "c", session=None)
AT_REST = [record(State.OFFLINE), record(State.UNASSIGNED), record(State.QUORUM_WAIT),
           record(State.COMATOSE, session=None), record(State.ALERT, "c", alert=AlertKind.FAILOVER)]
HELD = [record(), record(State.LOADING), record(State.UNLOADING), record(State.COMATOSE),
        record(State.ALERT, alert=AlertKind.FAILBACK, session="a1"), moving(Phase.PREPARE)]


def writes(*records: Record) -> Decision:
    """Make a decision by hand, whatever it may do."""
    return Decision(transaction=Transaction(puts=tuple(Put(each) for each in records)), why=reason(Why.FAILOVER))


def unsafe(view: ClusterView, after: ResourceState) -> str:
    """Give what the check says to this decision; empty when it lets it pass."""
    try:
        check(view, writes(after))
    except BrokenInvariant as broken:
        return str(broken)
    return ""


@pytest.mark.parametrize("before", HELD)
@pytest.mark.parametrize("after", [ELSEWHERE, *AT_REST])
def test_letting_go_of_a_holder_without_a_proof_is_caught(before: ResourceState, after: ResourceState) -> None:
    """Living, returned in a later life, or merely silent: each may still execute the machine."""
    view = cluster(spec(), before)
    for seen in (view, lost(view, "a"), cluster(spec(), before, second="a")):
        said = unsafe(seen, after)
        assert "nothing proves that a (a1) stopped" in said
        assert story(before) in said
        assert story(after) in said


@pytest.mark.parametrize("before", HELD)
@pytest.mark.parametrize("after", [ELSEWHERE, *AT_REST])
def test_with_a_proof_it_passes(before: ResourceState, after: ResourceState) -> None:
    assert unsafe(lost(cluster(spec(), before), "a", proven("a")), after) == ""
    assert unsafe(cluster(spec(), before, proven("a"), second="a"), after) == ""


def test_a_proof_about_another_life_or_another_node_is_none() -> None:
    view = lost(cluster(spec(), record(session="a2"), second="a"), "a")

    assert unsafe(lost(view, "a", proven("a", "a1")), ELSEWHERE)
    assert unsafe(lost(view, "a", proven("b")), ELSEWHERE)


def test_what_was_never_begun_can_be_placed_anew() -> None:
    assert unsafe(cluster(spec(), record(State.LOADING, session=None)), ELSEWHERE) == ""


@pytest.mark.parametrize("after", [record(State.UNLOADING), record(State.COMATOSE), record(), moving(Phase.PREPARE)])
def test_what_stays_with_its_holder_passes(after: ResourceState) -> None:
    assert unsafe(cluster(spec(), record()), after) == ""


@pytest.mark.parametrize(("phase", "proofs", "after", "caught"), [
    (Phase.OUT, "", ELSEWHERE, "a"), (Phase.OUT, "a", ELSEWHERE, "b"), (Phase.OUT, "ab", ELSEWHERE, ""),
    (Phase.IN, "", ELSEWHERE, "b"), (Phase.IN, "b", ELSEWHERE, ""), (Phase.IN, "a", ELSEWHERE, "b"),
    (Phase.ABORT, "a", ELSEWHERE, "b"), (Phase.ABORT, "b", ELSEWHERE, "a"),
    (Phase.OUT, "a", record(State.LOADING, "b"), ""), (Phase.OUT, "", record(State.LOADING, "b"), "a"),
    (Phase.OUT, "b", record(State.COMATOSE), ""), (Phase.OUT, "", record(State.COMATOSE), "b"),
    (Phase.ABORT, "", record(), ""), (Phase.PREPARE, "", record(), ""),
])
def test_a_move_has_two_holders(phase: Phase, proofs: str, after: ResourceState, caught: str) -> None:
    """Until the machine left, the source; once it may have arrived, the target, unless that one takes it itself."""
    view = cluster(spec(live=True), moving(phase))
    for node in proofs:
        view = lost(view, node, proven(node))

    said = unsafe(view, after)

    assert (f"nothing proves that {caught}" in said) if caught else said == ""


def test_lives_never_fall() -> None:
    view = cluster(spec(), record(lives=3))

    assert "lives would fall" in unsafe(view, record(lives=2))
    assert unsafe(view, record(lives=3)) == ""


def test_what_is_new_or_no_resource_has_nothing_to_lose() -> None:
    check(cluster(), writes(record(), order(Verb.LEAVE, node="a")))


def test_every_record_of_a_decision_is_checked() -> None:
    view = cluster(spec(), record(), record(name="db"))

    with pytest.raises(BrokenInvariant, match="db is Running"):
        check(view, writes(record(), replace(ELSEWHERE, name="db")))


def room(memory_mib: int, *, node: str = "b") -> Node:
    """A node whose host has that much for machines."""
    return Node(name=node, capacity=Size(memory_mib=memory_mib + 256), reserve=Size(memory_mib=256))


def large(memory_mib: int, name: str = "web") -> ResourceSpec:
    """A resource whose machine takes that much."""
    return replace(spec(name), size=Size(memory_mib=memory_mib))


@pytest.mark.parametrize("after", [
    record(State.LOADING, "b", session=None), moving(Phase.PREPARE),
    record(State.ALERT, "b", alert=AlertKind.FAILBACK)])
def test_promising_memory_twice_is_caught(after: ResourceState) -> None:
    rest, there = record(State.OFFLINE, "b", session=None), record(State.RUNNING, "b", name="db")

    def said(free: int) -> str:
        before = record() if after.state is State.MIGRATING else rest
        return unsafe(cluster(large(512), before, large(1024, "db"), there, room(1024 + free)), after)

    assert said(512) == ""
    assert "1536 MiB would be promised on b, where machines may have 1535" in said(511)
    assert unsafe(cluster(large(0), rest, large(1024, "db"), there, room(10)), after) == "" or (
        after.state is State.MIGRATING), "what nobody knows bars nothing"


def test_memory_bars_neither_what_is_there_already_nor_what_is_adopted() -> None:
    full = (large(512), large(1024, "db"), record(State.RUNNING, "b", name="db"), room(1024))
    here = record(State.COMATOSE, "b")
    assert unsafe(cluster(*full, here), record(State.UNLOADING, "b")) == ""
    rest = record(State.OFFLINE, "b", session=None)
    adopted = record(State.LOADING, "b", session="b1", reason=reason(Why.ADOPT_ASKED, "root", "b"))
    assert unsafe(cluster(*full, rest), adopted) == ""
    assert unsafe(cluster(*full, rest), record(State.LOADING, "b", session="b1")) != ""


def test_two_that_go_to_one_node_in_one_decision_are_counted_together() -> None:
    view = cluster(large(512), record(State.OFFLINE, None, session=None), large(1024, "db"),
                   record(State.OFFLINE, None, name="db", session=None), room(1024))
    both = writes(record(State.LOADING, "b", session=None), record(State.LOADING, "b", name="db", session=None))
    with pytest.raises(BrokenInvariant, match="1536 MiB would be promised on b"):
        check(view, both)
