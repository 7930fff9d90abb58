"""What holds of every decision in every cluster, however wild: safe, on nodes that may, settled soon, repeatable."""

import os
from collections.abc import Iterator

from hypothesis import given, settings

from core.clusters import NOW, committed, later, session
from core.draws import RESERVED_MIB, clusters, turned
from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView
from stanchion.model.ids import NodeName
from stanchion.model.reasons import Why
from stanchion.model.state import Phase, ResourceState, State, holders
from stanchion.plan import placement
from stanchion.plan.invariants import check
from stanchion.plan.planner import decide

EXAMPLES = int(os.environ.get("STANCHION_EXAMPLES", "200"))
"""How many clusters are drawn; a nightly run may ask for more."""

ROUNDS = 20


def moves(view: ClusterView) -> Iterator[tuple[ClusterView, Decision, ResourceState, ResourceState]]:
    """Decide and write until nothing is left; give what each decision does to a resource, and on which view."""
    for _ in range(ROUNDS):
        decisions = decide(view, session(view), NOW)
        if not decisions:
            return
        for decision in decisions:
            check(view, decision)
        first = decisions[0]
        for put in first.transaction.puts:
            if isinstance(put.record, ResourceState):
                yield view, first, view.states[put.record.name].value, put.record
        view = committed(view, first)
    raise AssertionError(f"nothing settles: {decisions}")


@given(clusters())
@settings(max_examples=EXAMPLES, deadline=None)
def test_every_decision_is_safe_and_the_cluster_settles(view: ClusterView) -> None:
    """``moves`` checks each decision on the view that it was made on, and that there is an end to them."""
    for seen, decision, before, after in moves(view):
        _is_allowed(seen, decision, before, after)
        _lets_go_of_nothing_unproven(seen, decision, before, after)
        _promises_no_memory_twice(seen, decision, before, after)


def _is_allowed(seen: ClusterView, decision: Decision, before: ResourceState, after: ResourceState) -> None:
    """Nothing goes to a node that is dead, leaving, not listed, excluded, or not the master that it follows."""
    spec = seen.specs[after.name].value
    aims = set(holders(after)) | ({after.move.target} if after.move else set())
    known = set(holders(before)) | ({before.move.target} if before.move else set())
    for node in aims - known:
        assert placement.rejection(seen, spec, node) is None, (node, decision.why)
    if after.state is State.LOADING and before.state is not State.MIGRATING:
        assert after.node is not None
        assert placement.rejection(seen, spec, after.node) is None, decision.why


def _lets_go_of_nothing_unproven(seen: ClusterView, decision: Decision, before: ResourceState,
                                 after: ResourceState) -> None:
    """The rule of the house, told without the code that keeps it.

    Every session that may execute the machine before, and does not hold it afterwards, is proven over, or nothing was
    ever begun in it.
    """
    claims = {(before.node, before.session)} if holders(before) else set()
    if before.state is State.MIGRATING and before.move is not None:
        if before.move.phase is Phase.IN:
            claims = set()
        claims.add((before.move.target, before.move.session))
    for node, held_in in claims:
        assert node is not None
        last = seen.sessions[node].value.id
        is_over = held_in in seen.proofs or (node not in seen.live and last in seen.proofs)
        is_kept = node in holders(after) or (after.state is State.RUNNING and before.state is State.MIGRATING)
        assert held_in is None or is_kept or is_over, (decision.why, before, after)


def _promises_no_memory_twice(seen: ClusterView, decision: Decision, before: ResourceState,
                              after: ResourceState) -> None:
    """What may execute on a node, or is on its way there, fits into what its host has, counted anew from the records.

    Where that was too much already, nothing comes on top of it; what is found running somewhere is taken as it is.
    """
    if after.reason.why is Why.ADOPT_ASKED:
        return
    for node in _places(after) - _places(before):
        there = [held.value for held in seen.states.values() if held.value.name != after.name
                 and node in _places(held.value)]
        room = seen.nodes[node].value.capacity.memory_mib - RESERVED_MIB
        need = sum(_takes(seen, state) for state in (*there, after))
        assert room < 0 or not _takes(seen, after) or need <= room, (node, decision.why)


def _places(state: ResourceState) -> set[NodeName]:
    return set(holders(state)) | ({state.move.target} if state.move else set())


def _takes(seen: ClusterView, state: ResourceState) -> int:
    said = seen.specs[state.name].value.size.memory_mib if state.name in seen.specs else 0
    return said or state.size.memory_mib


@given(clusters())
@settings(max_examples=EXAMPLES // 3, deadline=None)
def test_the_order_of_tables_does_not_matter(view: ClusterView) -> None:
    assert decide(turned(view), session(view), NOW) == decide(view, session(view), NOW)


@given(clusters())
@settings(max_examples=EXAMPLES // 3, deadline=None)
def test_whoever_decides_decides_the_same(view: ClusterView) -> None:
    """A new master, a little later, changes nothing but names and times: no decision is made because of a restart."""
    for heir in view.live:
        mine, theirs = decide(view, session(view), NOW), decide(view, session(view, heir), later(1))
        same = view.membership is not None and view.membership.value.master == heir
        if same:
            assert [each.why for each in mine] == [each.why for each in theirs]
    calm = committed_all(view)
    assert decide(calm, session(calm), later(1)) == ()


def committed_all(view: ClusterView) -> ClusterView:
    """Give the view in which nothing is left to decide."""
    while decisions := decide(view, session(view), NOW):
        view = committed(view, decisions[0])
    return view
