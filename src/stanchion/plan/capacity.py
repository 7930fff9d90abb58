"""Room: what a host can promise to machines, what is promised already, and whether one more machine fits.

Memory is never promised twice: a node takes a machine only if what is promised there, and what the host keeps for
itself, leave room for it. What counts as promised is what may execute there, or is on its way there; so a machine that
moves takes room on both sides. Processors are shared, and never bar a node; they only make it less inviting.

What nobody knows (``model.capacity``) bars nothing.
"""

from collections.abc import Sequence

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.cluster import ClusterView
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.index import claimants, needed
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import ResourceSpec

RESERVE_SHARE = 1 / 16
"""The share of a host's memory that is kept for the host itself, where its operator says nothing."""

RESERVE_LEAST_MIB = 256
"""So much is kept for the host at least."""

SHARED_BY = 4.0
"""So many virtual processors to one of the host's count as full."""


def has(view: ClusterView, node: NodeName) -> Size:
    """Say what a host has: by its operator's word, else as it was found."""
    known, session = view.nodes.get(node), view.sessions.get(node)
    said = NOTHING_KNOWN if known is None else known.value.capacity
    return said if session is None else said.over(session.value.capacity)


def usable(view: ClusterView, node: NodeName) -> Size:
    """Say what a host can promise to machines: what it has, without what is kept for the host itself."""
    whole, known = has(view, node), view.nodes.get(node)
    if not whole.memory_mib:
        return whole
    kept = NOTHING_KNOWN if known is None else known.value.reserve
    least = max(RESERVE_LEAST_MIB, int(whole.memory_mib * RESERVE_SHARE))
    return Size(memory_mib=max(1, whole.memory_mib - (kept.memory_mib or least)), cpus=max(0.0, whole.cpus - kept.cpus))


def promised(view: ClusterView, node: NodeName) -> Size:
    """Say how much room is taken on a node by what may execute there or is awaited there."""
    return view.index.claims.get(node, NOTHING_KNOWN)


def needs(view: ClusterView, name: ResourceName) -> Size:
    """Say how much room a resource takes."""
    spec, state = view.specs.get(name), view.states.get(name)
    return needed(None if spec is None else spec.value, None if state is None else state.value)


def others(view: ClusterView, spec: ResourceSpec, node: NodeName) -> Size:
    """Say how much room is taken on a node by all but this resource."""
    state = view.states.get(spec.name)
    taken = promised(view, node)
    return taken.minus(needs(view, spec.name)) if state and node in claimants(state.value) else taken


def lacks(view: ClusterView, spec: ResourceSpec, node: NodeName) -> Reason | None:
    """Say that a node has too little memory left for a resource, or None."""
    room, need = usable(view, node).memory_mib, needs(view, spec.name).memory_mib or spec.size.memory_mib
    if not room or not need:
        return None
    left = room - others(view, spec, node).memory_mib
    return reason(Why.NODE_FULL, node, need, max(0, left), room) if need > left else None


def fitting(view: ClusterView, specs: Sequence[ResourceSpec], node: NodeName) -> tuple[ResourceSpec, ...]:
    """Give those of these resources that find room on the node beside each other, the first ones first."""
    room = usable(view, node).memory_mib
    left = room - others(view, specs[0], node).memory_mib
    found = []
    for spec in specs:
        need = needs(view, spec.name).memory_mib
        if not room or need <= left:
            found.append(spec)
            left -= need
    return tuple(found)


def fullness(view: ClusterView, spec: ResourceSpec, node: NodeName) -> float:
    """Say how full a node would be with this resource: the greater of its shares of memory and of processors."""
    return share(usable(view, node), others(view, spec, node).plus(needs(view, spec.name)))


def level(view: ClusterView, node: NodeName) -> float:
    """Say how full a node is: the greater of its shares of memory and of processors, 0 where nothing is known."""
    return share(usable(view, node), promised(view, node))


def share(room: Size, taken: Size) -> float:
    """Say how much of this room is taken: the greater share of memory and of processors, 0 where nothing is known."""
    memory = taken.memory_mib / room.memory_mib if room.memory_mib else 0.0
    return max(memory, taken.cpus / (room.cpus * SHARED_BY) if room.cpus else 0.0)
