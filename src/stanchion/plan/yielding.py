"""Giving way: what a machine that waits for memory may have of those that run and come after it.

A resource waits because every node that it may go to is full. If machines of a lower priority run on one of them whose
administrators allow it (``gives_way``), as few as are needed go: to another node if one can hold them, live where
their scripts can; else they are unloaded and wait, and start again by themselves as soon as there is room. The lowest
priority goes first, of equal ones the largest. Whoever is on its way already is waited for.
"""

from collections.abc import Iterator

from stanchion.model import events as e
from stanchion.model.cluster import ClusterView, Held
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.index import NOBODY
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import ResourceState, State, next_operation
from stanchion.plan import capacity, placement, standing, together
from stanchion.plan.change import alive
from stanchion.plan.membership import Fate, fate
from stanchion.plan.verdict import Verdict

LEAVING = frozenset({State.UNLOADING, State.MIGRATING})


def asked(view: ClusterView, name: ResourceName) -> tuple[tuple[ResourceName, Verdict], ...]:
    """Give what has to go, and how, so that a resource which waits for memory finds room; nothing where none has to."""
    held, spec = view.states.get(name), view.specs.get(name)
    if held is None or spec is None or not _waits(view, held.value, spec.value):
        return ()
    if standing.paused(view) is not None or standing.down(view) is not None:
        return ()
    for node in placement.order(view, spec.value):
        fault = placement.rejection(view, spec.value, node)
        if fault is None:
            return ()
        if fault.why is Why.NODE_FULL:
            going = _enough(view, spec.value, node)
            if going is not None:
                return tuple((each, _goes(view, each, node, spec.value)) for each in going)
    return ()


def _waits(view: ClusterView, state: ResourceState, spec: ResourceSpec) -> bool:
    latch = view.membership is not None and (view.membership.value.quorum or spec.policies.ignore_quorum)
    return state.state is State.UNASSIGNED and state.awaits is None and latch


def _enough(view: ClusterView, spec: ResourceSpec, node: NodeName) -> tuple[ResourceName, ...] | None:
    """Name those that have to go from this node; nobody where it is enough to wait; None: all of them are too few."""
    lacking = capacity.needs(view, spec.name).memory_mib + capacity.others(view, spec, node).memory_mib - (
        capacity.usable(view, node).memory_mib)
    lacking -= sum(capacity.needs(view, each).memory_mib for each in _leaving(view, node))
    going: list[ResourceName] = []
    for each in _yielders(view, spec, node):
        if lacking <= 0:
            break
        going.append(each)
        lacking -= capacity.needs(view, each).memory_mib
    return tuple(going) if lacking <= 0 else None


def _leaving(view: ClusterView, node: NodeName) -> Iterator[ResourceName]:
    for name in view.index.near.get(node, NOBODY):
        state = view.states[name].value
        elsewhere = state.move is None or state.move.target != node or state.move.why.why is Why.GAVE_WAY
        if state.state in LEAVING and state.node == node and elsewhere:
            yield name


def _yielders(view: ClusterView, spec: ResourceSpec, node: NodeName) -> list[ResourceName]:
    """Name those on the node that may be sent away for this resource, the first to go first."""
    found = [name for name in view.index.near.get(node, NOBODY) if _yields(view, name, node, spec)]
    return sorted(found, key=lambda name: (view.specs[name].value.policies.priority,
                                           -capacity.needs(view, name).memory_mib, name))


def _yields(view: ClusterView, name: ResourceName, node: NodeName, spec: ResourceSpec) -> bool:
    state, known = view.states[name].value, view.specs.get(name)
    if known is None or not known.value.policies.gives_way or state.state is not State.RUNNING or state.node != node:
        return False
    if known.value.policies.priority >= spec.policies.priority or name in together.members(view, spec.name):
        return False
    return capacity.needs(view, name).memory_mib > 0 and fate(view, node, state.session) is Fate.LIVE


def _goes(view: ClusterView, name: ResourceName, node: NodeName, spec: ResourceSpec) -> Verdict:
    held: Held[ResourceState] = view.states[name]
    known = view.specs[name].value
    why = reason(Why.GAVE_WAY, spec.name, node)
    operation, home = next_operation(name, held.revision), held.value.settled_for
    target = placement.after(view, known, node)
    if target is None:
        return Verdict(event=e.Sent(target=node, operation=operation, why=why, settled_for=home))
    event = (e.MoveOrdered(target=target, live=True, operation=operation, why=why, settled_for=home) if known.live
             else e.Sent(target=target, operation=operation, why=why, settled_for=home))
    return Verdict(event=event, guards=(alive(view, target),))
