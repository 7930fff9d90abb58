"""The guarantee: whichever so many nodes are lost at once, everything that ran on them finds a place on the others.

For each set of nodes that may be lost, what they hold is placed anew, one after the other, by the very judgement that
will place it then (``placement.fit``): preferred nodes, groups, memory, and what else bars a node. Whether a loss is
proven in time is another question, and ``what_if`` answers that; here it is only asked whether there is room.

The number of sets grows fast with the number of nodes lost at once, so the work is bounded: the fullest nodes are tried
first, as their loss is the hardest, and the answer says how many sets were tried.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

from stanchion.model.cluster import Change, ClusterView, Held, Key, Kind, Master
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.index import NOBODY
from stanchion.model.reasons import Reason
from stanchion.model.state import AlertKind, ResourceState, State, holders
from stanchion.plan import capacity, placement, standing, together

WORK = 20_000
"""So many placements are tried for one answer; a cluster of 100 nodes with 10,000 machines takes half of it."""

MOST = 3
"""So many nodes lost at once are asked about where nobody asks for more."""

HELD = frozenset({State.LOADING, State.RUNNING, State.MIGRATING})
"""What a lost node takes away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallout:
    """What becomes of what these nodes hold. ``stranded`` are those for which there is no place, and why.

    ``levels`` is how full each remaining node is then.
    """

    lost: tuple[NodeName, ...]
    placed: Mapping[ResourceName, NodeName]
    stranded: tuple[tuple[ResourceName, Reason], ...]
    levels: Mapping[NodeName, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """Whether so many ``nodes`` may be lost. ``worst`` is the loss that shows it: the first one that strands something.

    Where none does, it is the one that fills a node the most. ``tried`` of ``sets`` were looked at.
    """

    nodes: int
    holds: bool
    worst: Fallout | None
    tried: int
    sets: int


def guarantee(view: ClusterView, nodes: int) -> Guarantee:
    """Say whether any so many nodes may be lost at once."""
    full = sorted(takers(view), key=lambda node: _weight(view, node), reverse=True)
    worst, tried, work = None, 0, 0
    for lost in combinations(full, nodes):
        after = fallout(view, lost)
        tried += 1
        work += len(after.placed) + 1
        if after.stranded:
            return Guarantee(nodes=nodes, holds=False, worst=after, tried=tried, sets=comb(len(full), nodes))
        if worst is None or _peak(after) > _peak(worst):
            worst = after
        if work > WORK:
            break
    return Guarantee(nodes=nodes, holds=nodes <= len(full), worst=worst, tried=tried, sets=comb(len(full), nodes))


def survives(view: ClusterView, most: int = MOST) -> tuple[Guarantee, ...]:
    """Answer for one node, then for two at once, and so on, up to the first number that cannot be guaranteed."""
    found: list[Guarantee] = []
    while len(found) < most and (not found or found[-1].holds):
        found.append(guarantee(view, len(found) + 1))
    return tuple(found)


def takers(view: ClusterView) -> tuple[NodeName, ...]:
    """Name the members that hold machines, or may."""
    return tuple(node for node in sorted(view.live) if node in view.nodes and not view.nodes[node].value.witness
                 and (view.index.near.get(node) or standing.emptying(view, node) is None))


def fallout(view: ClusterView, lost: Collection[NodeName]) -> Fallout:
    """Place anew what these nodes hold, as if all of them were lost at once and proven to be gone."""
    names = {name for node in lost for name in view.index.near.get(node, NOBODY)
             if _taken_away(view.states[name].value, lost) and name in view.specs}
    gone = _without(view, lost, names)
    placed: dict[ResourceName, NodeName] = {}
    stranded = []
    for name in sorted(names, key=lambda name: together.turn(gone, name)):
        spec = gone.specs[name].value
        node = next(iter(placement.fit(gone, spec)), None)
        if node is None:
            stranded.append((name, placement.candidates(gone, spec).why_none()))
        else:
            placed[name] = node
            gone = _put(gone, replace(gone.states[name].value, state=State.LOADING, node=node))
    levels = {node: capacity.level(gone, node) for node in takers(gone)}
    return Fallout(lost=tuple(lost), placed=placed, stranded=tuple(stranded), levels=levels)


def _taken_away(state: ResourceState, lost: Collection[NodeName]) -> bool:
    runs = state.state in HELD or state.alert is AlertKind.FAILBACK or state.move is not None
    return runs and any(node in lost for node in holders(state))


def _without(view: ClusterView, lost: Collection[NodeName], names: Collection[ResourceName]) -> ClusterView:
    """Give the view without these nodes, in which what they held waits for a place."""
    changes = [Change(Key(Kind.LIVE, node), None, view.revision) for node in lost]
    for name in names:
        waits = replace(view.states[name].value, state=State.UNASSIGNED, session=None, move=None, alert=None)
        changes.append(Change(Key(Kind.STATE, name), waits, view.revision))
    if view.master is not None and view.master.value.node in lost:
        heir = min((node for node in view.live if node not in lost), default=None)
        if heir is not None:
            view = replace(view, master=Held(Master(node=heir, session=view.live[heir].value.session), view.revision))
    return view.apply(changes, view.revision)


def _put(view: ClusterView, state: ResourceState) -> ClusterView:
    return view.apply([Change(Key(Kind.STATE, state.name), state, view.revision)], view.revision)


def _weight(view: ClusterView, node: NodeName) -> tuple[int, int]:
    """Say how hard the loss of a node is: by the memory that is promised there, then by the number of machines."""
    return capacity.promised(view, node).memory_mib, len(view.index.near.get(node, NOBODY))


def _peak(of: Fallout) -> float:
    return max(of.levels.values(), default=0.0)

