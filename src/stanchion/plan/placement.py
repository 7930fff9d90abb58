"""Where a resource may go: candidates in order, and for every other node the reason why not.

The order of questions is the original's: Resource Follows Master, exclusion groups, preferred order; a node in
quarantine is asked like one that is away. Then comes its memory, then the resources that it is kept together with.
Nodes are taken in the order of the resource's preferred list; where it lists none, the one first that would be the
least full with it, by name where they are equal. Nothing is thrown away: a
rejected node keeps its reason, because "why not there?" is the question that people ask.
"""

from collections.abc import Collection
from dataclasses import dataclass

from stanchion.model.cluster import ClusterView, Key, Kind
from stanchion.model.ids import NodeName, ResourceName, SessionId
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import holders
from stanchion.model.transaction import Guard
from stanchion.plan import capacity, quarantine, standing, strays, together


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The nodes that may hold a resource, best first, and why each other node may not."""

    nodes: tuple[NodeName, ...]
    rejected: tuple[tuple[NodeName, Reason], ...]

    @property
    def first(self) -> NodeName | None:
        """The best node, or None."""
        return self.nodes[0] if self.nodes else None

    def why_none(self) -> Reason:
        """Say why no node can hold it, node by node."""
        told = "; ".join(sentence(why) for _, why in self.rejected) or "the cluster has no nodes"
        return reason(Why.NO_NODE, told)


def order(view: ClusterView, spec: ResourceSpec) -> tuple[NodeName, ...]:
    """Give the preferred nodes, first to last; all nodes by name where the resource lists none."""
    return spec.preferred or tuple(sorted(view.nodes))


def candidates(view: ClusterView, spec: ResourceSpec, *, without: Collection[NodeName] = ()) -> Placement:
    """Judge every node. Those in ``without`` are rejected as the node that it is on, or that is being emptied."""
    listed = order(view, spec)
    rejected = []
    for node in (*listed, *sorted(set(view.nodes) - set(listed))):
        fault = reason(Why.NODE_CURRENT, node) if node in without else rejection(view, spec, node)
        if fault is not None:
            rejected.append((node, fault))
    return Placement(nodes=fit(view, spec, without=without), rejected=tuple(rejected))


def fit(view: ClusterView, spec: ResourceSpec, *, without: Collection[NodeName] = ()) -> tuple[NodeName, ...]:
    """Give the nodes that may hold it, best first, without saying what is amiss with the others."""
    nodes = [node for node in order(view, spec) if node not in without and rejection(view, spec, node) is None]
    return tuple(sorted(nodes, key=lambda node: _rank(view, spec, node)) if len(nodes) > 1 else nodes)


def _rank(view: ClusterView, spec: ResourceSpec, node: NodeName) -> tuple[int, float]:
    """Rank a fit node: less is better. Where the operator lists nodes his order counts, else how full each would be."""
    return _misfits(view, spec, node), 0.0 if spec.preferred else capacity.fullness(view, spec, node)


def rejection(view: ClusterView, spec: ResourceSpec, node: NodeName) -> Reason | None:
    """Say why the node may not hold the resource, or None when it may."""
    return _unfit(view, spec, node) or _parting(view, spec.name, node)


def _unfit(view: ClusterView, spec: ResourceSpec, node: NodeName) -> Reason | None:
    """Say why the node may not hold the resource, as far as it does not go by another one."""
    if node not in view.nodes:
        return reason(Why.UNKNOWN_NODE, node)
    if view.nodes[node].value.witness:
        return reason(Why.NODE_WITNESS, node)
    if node not in order(view, spec):
        return reason(Why.NODE_NOT_LISTED, node)
    if (absent := _absent(view, node)) is not None:
        return absent
    if spec.policies.follows_master and (view.master is None or view.master.value.node != node):
        return reason(Why.NODE_NOT_MASTER, node)
    if (astray := strays.bar(view, spec.name, node)) is not None:
        return astray
    rival = _rival(view, spec.name, node)
    return capacity.lacks(view, spec, node) if rival is None else reason(Why.NODE_EXCLUDED, node, rival)


def takes(view: ClusterView, node: NodeName) -> bool:
    """Tell whether the node takes machines at all: a member that is no witness, not emptied, not in quarantine."""
    return node in view.nodes and not view.nodes[node].value.witness and _absent(view, node) is None


def _absent(view: ClusterView, node: NodeName) -> Reason | None:
    """Say why the node holds nothing new, whatever it is."""
    if (emptied := standing.barred(view, node)) is not None:
        return emptied
    if not view.is_live(node):
        return reason(Why.NODE_DOWN, node)
    return reason(Why.NODE_QUARANTINED, node) if quarantine.barred(view, node) else None


def after(view: ClusterView, spec: ResourceSpec, node: NodeName, *,
          without: Collection[NodeName] = ()) -> NodeName | None:
    """Give the next preferred node after ``node`` that may hold it; the search wraps.

    It never gives ``node`` itself, nor one of those in ``without``.
    """
    nodes = fit(view, spec, without=(node, *without))
    listed = order(view, spec)
    place = listed.index(node) if node in listed else -1
    turned = (*listed[place + 1:], *listed[:place + 1])
    return min((candidate for candidate in turned if candidate in nodes),
               key=lambda candidate: _rank(view, spec, candidate), default=None)


def home_session(view: ClusterView, spec: ResourceSpec) -> SessionId | None:
    """Give the present session of the first preferred node; a new one there means that the node joined anew."""
    listed = order(view, spec)
    return view.session_of(listed[0]) if listed else None


def apart(view: ClusterView, name: ResourceName) -> tuple[Guard, ...]:
    """A placement rests on where those are that may never share its node: they may have gone there meanwhile."""
    return tuple(Guard(Key(Kind.STATE, rival), view.states[rival].revision) for rival in _rivals(view, name)
                 if rival in view.states)


def _rivals(view: ClusterView, name: ResourceName) -> tuple[ResourceName, ...]:
    groups = view.settings.value.exclusions if view.settings else ()
    return tuple(sorted({member for group in groups if name in group for member in group} - {name}))


def _rival(view: ClusterView, name: ResourceName, node: NodeName) -> ResourceName | None:
    for other in _rivals(view, name):
        held = view.states.get(other)
        if held is not None and node in (*holders(held.value), held.value.move and held.value.move.target):
            return other
    return None


def _parting(view: ClusterView, name: ResourceName, node: NodeName) -> Reason | None:
    """Say which resource that it is kept together with would be parted from it there."""
    leader = together.leader(view, name)
    if leader is None:
        return None
    there = together.place(view, leader)
    if leader != name:
        return None if there == node else reason(Why.NODE_PARTED, node, leader, there)
    for mate in together.companions(view, name):
        fault = _unfit(view, view.specs[mate].value, node) if mate in view.specs else None
        if fault is not None:
            return reason(Why.NODE_PARTS, node, mate, sentence(fault))
    return None


def _misfits(view: ClusterView, spec: ResourceSpec, node: NodeName) -> int:
    """Count those that are to be placed soon, are kept together with it, and could not come there as well."""
    adrift = [view.specs[mate].value for mate in together.adrift(view, spec.name) if mate in view.specs]
    if not adrift:
        return 0
    come = [mate for mate in adrift if _unfit(view, mate, node) is None]
    return len(adrift) - len(capacity.fitting(view, (spec, *come), node)) + 1
