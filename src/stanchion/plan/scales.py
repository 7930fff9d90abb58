"""What the search for a better balance weighs: the nodes with their room, and what on them could be moved.

A ``Load`` is what moves at once: one machine, or those that are kept together, their leader first. A node of which
nobody knows what it has cannot be weighed, and neither can a machine of unknown size; so both are left alone.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.cluster import ClusterView
from stanchion.model.ids import Moment, NodeName, ResourceName
from stanchion.model.index import NOBODY
from stanchion.model.reasons import Why
from stanchion.model.state import Mark, State, holders
from stanchion.plan import capacity, placement, together
from stanchion.plan.budget import spent

FAILED = frozenset({Why.MIGRATE_FAILED, Why.PREFLIGHT_FAILED})
"""Why a machine that was to move is still where it was: it is not tried again only for the balance."""

DIGITS = 6
"""Levels are compared to so many digits, so that the order of a sum never tells two equal ones apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What moves at once. ``ranks``: how much its operators like each node that all its members may be on, 0 is best.

    ``ranks`` None: they have no wish. ``worst`` is the rank of any other node.
    """

    names: tuple[ResourceName, ...]
    size: Size
    live: bool
    ranks: Mapping[NodeName, int] | None = None
    worst: int = 0

    def rank(self, node: NodeName) -> int:
        """Say how far down the wishes a node stands; less is better."""
        return 0 if self.ranks is None else self.ranks.get(node, self.worst)


@dataclass(slots=True, kw_only=True)
class Host:
    """A node on the scales. ``taken`` goes along with the moves that are tried; ``stays`` counts what cannot move."""

    name: NodeName
    room: Size
    taken: Size
    loads: dict[ResourceName, Load] = field(default_factory=dict)
    stays: Counter[Why] = field(default_factory=Counter)

    @property
    def level(self) -> float:
        """Say how full it is."""
        return round(capacity.share(self.room, self.taken), DIGITS)

    def level_with(self, size: Size) -> float:
        """Say how full it would be with so much more."""
        return round(capacity.share(self.room, self.taken.plus(size)), DIGITS)

    def level_without(self, size: Size) -> float:
        """Say how full it would be with so much less."""
        return round(capacity.share(self.room, self.taken.minus(size)), DIGITS)


def weighed(view: ClusterView, now: Moment, *, cold: bool) -> dict[NodeName, Host]:
    """Put every node that takes machines, and whose room is known, on the scales. ``cold``: any machine may move."""
    hosts = {}
    for node in sorted(view.live):
        room = capacity.usable(view, node)
        if not placement.takes(view, node) or room == NOTHING_KNOWN:
            continue
        host = hosts[node] = Host(name=node, room=room, taken=capacity.promised(view, node))
        for name in sorted(view.index.near.get(node, NOBODY)):
            _put(view, host, name, now, cold=cold)
    return hosts


def copied(hosts: Mapping[NodeName, Host]) -> dict[NodeName, Host]:
    """Give scales on which moves can be tried, while these stay as they are."""
    return {name: replace(host, loads=dict(host.loads)) for name, host in hosts.items()}


def _put(view: ClusterView, host: Host, name: ResourceName, now: Moment, *, cold: bool) -> None:
    """Put a machine on its node, with those that it is kept together with, or count why it cannot move."""
    there = [each for each in together.members(view, name) if each in view.states and holders(view.states[each].value)]
    if not there or there[0] != name:
        return
    obstacle = next((why for each in there if (why := _obstacle(view, each, host.name, now, cold=cold))), None)
    if obstacle is not None:
        host.stays[obstacle] += len(there)
        return
    size = NOTHING_KNOWN
    for each in there:
        size = size.plus(capacity.needs(view, each))
    if size == NOTHING_KNOWN:
        host.stays[Why.STAYS_UNKNOWN] += len(there)
        return
    ranks, worst = _ranks(view, there)
    host.loads[name] = Load(names=tuple(there), size=size, ranks=ranks, worst=worst,
                            live=all(view.specs[each].value.live for each in there))


def _obstacle(view: ClusterView, name: ResourceName, node: NodeName, now: Moment, *, cold: bool) -> Why | None:
    """Say what keeps a machine from being moved only for the balance."""
    state, held = view.states[name].value, view.specs.get(name)
    if (held is None or state.state is not State.RUNNING or state.node != node
            or state.session != view.session_of(node) or state.reason.why in FAILED):
        return Why.STAYS_BUSY
    if held.value.policies.follows_master or Mark.MOVED_BY_MONITOR in state.marks or (
            state.reason.why is Why.MONITOR_REBOOT):
        return Why.STAYS_BY_RULE
    if not cold and not held.value.live:
        return Why.STAYS_COLD
    return Why.STAYS_BY_BUDGET if spent(state, held.value, now) else None


def _ranks(view: ClusterView, names: list[ResourceName]) -> tuple[Mapping[NodeName, int] | None, int]:
    """Add up where each node stands in the members' preferred lists; whoever lists none has no wish."""
    lists = [wished for name in names if (wished := view.specs[name].value.preferred)]
    if not lists:
        return None, 0
    common = [node for node in lists[0] if all(node in other for other in lists[1:])]
    return ({node: sum(each.index(node) for each in lists) for node in common}, sum(len(each) for each in lists))
