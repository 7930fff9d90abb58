"""What a view knows by heart: who is near a node, how much is promised there, who calls a node its home.

The index holds nothing that the records do not say; it only spares the reading of ten thousand records to find the
hundred that a decision is about. It is made with the first question and carried on by ``ClusterView.apply`` change by
change, so that it costs what changes and not what exists.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from immutables import Map

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.resource import FailbackMode, ResourceSpec
from stanchion.model.state import ResourceState, State, holders

Names = Map[ResourceName, None]
"""A set of resources that shares what it has in common with the one before."""

NOBODY: Names = Map()
NOWHERE: Map[NodeName, Names] = Map()
UNCLAIMED: Map[NodeName, Size] = Map()
ANYWHERE = NodeName("")
"""Stands for the home of a resource that lists no preferred nodes."""

AT_REST = frozenset({State.RUNNING, State.OFFLINE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """``near``: who may execute on a node, or is awaited there. ``claims``: how much room they take on it.

    ``homes``: who would return to a node when that joins anew. ``unsettled``: who neither runs nor rests.
    """

    near: Map[NodeName, Names] = NOWHERE
    claims: Map[NodeName, Size] = UNCLAIMED
    homes: Map[NodeName, Names] = NOWHERE
    unsettled: Names = NOBODY

    def after(self, before: "Pair", now: "Pair") -> "Index":
        """Give the index after one resource's records changed."""
        index = self
        if before.claim != now.claim:
            index = _claimed(_claimed(index, before, add=False), now, add=True)
        if before.home != now.home:
            homes = index.homes if before.home is None else _without(index.homes, before.home, before.name)
            index = replace(index, homes=homes if now.home is None else _with(homes, now.home, now.name))
        if before.unsettled != now.unsettled:
            names = index.unsettled.set(now.name, None) if now.unsettled else index.unsettled.delete(now.name)
            index = replace(index, unsettled=names)
        return index


@dataclass(frozen=True, slots=True)
class Pair:
    """What is stored of one resource: how it is configured, and how it is; either may not be there."""

    name: ResourceName
    spec: ResourceSpec | None
    state: ResourceState | None

    @property
    def claim(self) -> tuple[tuple[NodeName, ...], Size]:
        """Name the nodes where it takes room, and how much."""
        return () if self.state is None else claimants(self.state), needed(self.spec, self.state)

    @property
    def home(self) -> NodeName | None:
        """Name the node to which it returns when that joins anew, or None."""
        if self.spec is None or self.spec.policies.failback is FailbackMode.DISABLE:
            return None
        return self.spec.preferred[0] if self.spec.preferred else ANYWHERE

    @property
    def unsettled(self) -> bool:
        """Whether something is under way or missing."""
        return self.state is not None and self.state.state not in AT_REST


def claimants(state: ResourceState) -> tuple[NodeName, ...]:
    """Name the nodes where a resource takes room: where it may execute, and where it is on its way to."""
    here = holders(state)
    if state.move is None or state.move.target in here:
        return here
    return (*here, state.move.target)


def needed(spec: ResourceSpec | None, state: ResourceState | None) -> Size:
    """Say how much room a machine takes: what its operator says, else what was found where it was loaded last."""
    said = NOTHING_KNOWN if spec is None else spec.size
    return said if state is None else said.over(state.size)


def indexed(pairs: Iterable[Pair]) -> Index:
    """Make the index of these resources from nothing."""
    near: dict[NodeName, dict[ResourceName, None]] = {}
    homes: dict[NodeName, dict[ResourceName, None]] = {}
    claims: dict[NodeName, Size] = {}
    unsettled: dict[ResourceName, None] = {}
    for pair in pairs:
        nodes, size = pair.claim
        for node in nodes:
            near.setdefault(node, {})[pair.name] = None
            claims[node] = claims.get(node, NOTHING_KNOWN).plus(size)
        if (home := pair.home) is not None:
            homes.setdefault(home, {})[pair.name] = None
        if pair.unsettled:
            unsettled[pair.name] = None
    return Index(near=_frozen(near), claims=Map(claims), homes=_frozen(homes), unsettled=Map(unsettled))


def _frozen(tables: Mapping[NodeName, Mapping[ResourceName, None]]) -> Map[NodeName, Names]:
    return Map({node: Map(names) for node, names in tables.items()})


def _claimed(index: Index, pair: Pair, *, add: bool) -> Index:
    nodes, size = pair.claim
    near, claims = index.near, index.claims
    for node in nodes:
        sofar = claims.get(node, NOTHING_KNOWN)
        claims = claims.set(node, sofar.plus(size) if add else sofar.minus(size))
        near = _with(near, node, pair.name) if add else _without(near, node, pair.name)
    return replace(index, near=near, claims=claims)


def _with(tables: Map[NodeName, Names], node: NodeName, name: ResourceName) -> Map[NodeName, Names]:
    return tables.set(node, tables.get(node, NOBODY).set(name, None))


def _without(tables: Map[NodeName, Names], node: NodeName, name: ResourceName) -> Map[NodeName, Names]:
    return tables.set(node, tables[node].delete(name))
