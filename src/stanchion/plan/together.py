"""Resources that are kept together: who leads, and where the others must be.

The members of a group stand in the operator's order; groups that share a member are one. The first member that is
somewhere, on a node that it can stay on, *leads*. Whoever starts goes where the leader is, and whoever runs elsewhere
follows it. So a group needs no moment at which all of it moves at once: it is enough that the leader goes, by whatever
cause, and the rest comes after it.

When a node is lost nobody leads at first. The first one that is placed takes, if it can, a node that all of those that
were lost with it can be on (``misfits``), and by being there it leads.
"""

from stanchion.model.cluster import ClusterView
from stanchion.model.groups import Bond, Group
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.state import AlertKind, Phase, ResourceState, State, holders
from stanchion.plan import standing
from stanchion.plan.membership import Fate, fate

PLACED = frozenset({State.LOADING, State.RUNNING, State.MIGRATING})
WAITS = frozenset({State.UNASSIGNED, State.QUORUM_WAIT})


def members(view: ClusterView, name: ResourceName) -> tuple[ResourceName, ...]:
    """Give all that are kept together with a resource, itself among them, in the operator's order; alone: itself."""
    groups = [group for group in (view.settings.value.groups if view.settings else ())
              if group.bond is Bond.TOGETHER]
    return joined(groups, name) if groups else (name,)


def joined(groups: list[Group], name: ResourceName) -> tuple[ResourceName, ...]:
    """Give all that these groups tie to a resource, directly or by way of others, in the order of the groups."""
    tied = {name}
    while True:
        wider = tied.union(*(group.members for group in groups if tied & set(group.members)))
        if wider == tied:
            break
        tied = wider
    order = dict.fromkeys(member for group in groups for member in group.members if member in tied)
    return tuple(order) or (name,)


def place(view: ClusterView, name: ResourceName) -> NodeName | None:
    """Say where a resource is or is going to be, if it is somewhere and can stay there; else None."""
    held = view.states.get(name)
    if held is None or held.value.node is None or not _placed(held.value):
        return None
    state, move = held.value, held.value.move
    if fate(view, state.node, state.session) is Fate.PROVEN:  # type: ignore[arg-type]  # checked above
        return None
    node = state.node if move is None or move.phase is Phase.ABORT else move.target
    return node if node is not None and standing.emptying(view, node) is None else None


def turn(view: ClusterView, name: ResourceName) -> tuple[int, ResourceName, int]:
    """Say when it is a resource's turn: those that are kept together come one after the other, the leader first."""
    group = members(view, name)
    priority = max((view.specs[each].value.policies.priority for each in group if each in view.specs), default=0)
    return (-priority, group[0], group.index(name))


def _placed(state: ResourceState) -> bool:
    moves_on = state.state is State.UNLOADING and state.move is not None
    return state.state in PLACED or moves_on or state.alert is AlertKind.FAILBACK


def leader(view: ClusterView, name: ResourceName) -> ResourceName | None:
    """Name the one that the resource goes by, which may be itself; None: none of them is anywhere."""
    return next((member for member in members(view, name) if place(view, member) is not None), None)


def companions(view: ClusterView, name: ResourceName) -> tuple[ResourceName, ...]:
    """Name those that are where the leader ``name`` is, and would have to come along."""
    here = place(view, name)
    return tuple(member for member in members(view, name) if member != name and place(view, member) == here)


def adrift(view: ClusterView, name: ResourceName) -> tuple[ResourceName, ...]:
    """Name the others that are to be placed soon as well: they wait, or the node that holds them is lost or leaving."""
    others = (member for member in members(view, name) if member != name and member in view.states)
    return tuple(member for member in others if place(view, member) is None and _to_come(view.states[member].value))


def _to_come(state: ResourceState) -> bool:
    return state.state in WAITS or (bool(holders(state)) and state.state is not State.COMATOSE)
