"""The agenda: which resources the master has to think about again, after what changed since it last did.

What is decided about a resource follows from its own records, from the nodes that it may execute on or would return
to, from those that it is tied to, and from what holds for the whole cluster. So after a change only those need another
thought to whom it matters, and a cluster of ten thousand machines costs no more than the hundred that a lost node held.
Nothing rests on this for good: a master that has nothing to do thinks about everything anew now and then, because
time changes answers too, and because a guess about what matters to whom must never be what keeps a machine down.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Key, Kind
from stanchion.model.ids import Moment, NodeName, ResourceName, SessionId
from stanchion.model.index import ANYWHERE, NOBODY
from stanchion.plan import failing, standing

EVERYBODY = frozenset({Kind.SETTINGS, Kind.STANDING, Kind.MASTER})
"""The records whose change may matter to every resource."""

OF_A_RESOURCE = frozenset({Kind.STATE, Kind.SPEC, Kind.BOUND, Kind.STRAY})
OF_A_NODE = frozenset({Kind.NODE, Kind.SESSION, Kind.LIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """The view that was thought about last, in which session as master, and those that it left open."""

    view: ClusterView | None = None
    master: SessionId | None = None
    open: frozenset[ResourceName] = frozenset()

    def due(self, view: ClusterView, now: Moment) -> frozenset[ResourceName] | None:
        """Name the resources to think about in this view; None: all."""
        keys = None if self.view is None else view.changed_since(self.view.revision)
        if keys is None or self.view is None:
            return None
        woken = concerned(self.view, view, keys)
        return None if woken is None else frozenset(
            name for name in woken | self.open | _ripe(view, now) if name in view.states)

    def broken_off(self, view: ClusterView, master: SessionId, due: frozenset[ResourceName] | None) -> "Agenda":
        """Give the agenda after a round that decided as much as one may: all that was due then is due again."""
        return Agenda() if due is None else Agenda(view=view, master=master, open=due)

    def after(self, view: ClusterView, master: SessionId, decisions: Iterable[Decision]) -> "Agenda":
        """Give the agenda after that view was thought about: what was decided stays open until it shows."""
        puts = (put.key for decision in decisions for put in decision.transaction.puts)
        names = frozenset(ResourceName(key.name) for key in puts if key.kind is Kind.STATE)
        return Agenda(view=view, master=master, open=names)


def concerned(before: ClusterView, view: ClusterView, keys: frozenset[Key]) -> frozenset[ResourceName] | None:
    """Name the resources to which a change of these keys may matter; None: all."""
    if any(key.kind in EVERYBODY for key in keys) or (
            Key(Kind.MEMBERSHIP) in keys and _latch(before) != _latch(view)):
        return None
    names = {ResourceName(key.name) for key in keys if key.kind in OF_A_RESOURCE}
    nodes = {NodeName(key.name) for key in keys if key.kind in OF_A_NODE}
    nodes |= {node for key in keys if key.kind is Kind.PROOF
              for node in _whose(before, SessionId(key.name)) | _whose(view, SessionId(key.name))}
    for node in nodes:
        names |= {*before.index.near.get(node, NOBODY), *view.index.near.get(node, NOBODY)}
    eased = {node for node, claim in before.index.claims.items() if view.index.claims.get(node) != claim} if any(
        key.kind in OF_A_RESOURCE for key in keys) else set()
    if nodes or eased:
        names |= _hopeful(view, nodes | eased)
    return frozenset(_tied(view, names))


def _latch(view: ClusterView) -> tuple[bool, float, tuple[SessionId, ...]] | None:
    """Give what the membership says that matters to resources: who is a member is known from the leases."""
    if view.membership is None:
        return None
    return view.membership.value.quorum, view.membership.value.formed_at_s, view.membership.value.before


def _ripe(view: ClusterView, now: Moment) -> frozenset[ResourceName]:
    """Name those that are to be tried again by now."""
    return frozenset(name for name in view.index.unsettled if name in view.specs
                     and failing.left_s(view.states[name].value, view.specs[name].value, now) == 0)


def _whose(view: ClusterView, session: SessionId) -> set[NodeName]:
    held = view.proofs.get(session)
    return set() if held is None else {held.value.node}


def _hopeful(view: ClusterView, nodes: Iterable[NodeName]) -> set[ResourceName]:
    """Name those who may get what they wait for when something eases on these nodes, or when they come or go.

    Who waits for a place; who would leave a node that is emptied; who would return to one of these nodes.
    """
    names = set(view.index.unsettled)
    for node in view.index.near:
        if view.index.near[node] and standing.emptying(view, node) is not None:
            names |= set(view.index.near[node])
    for node in (*nodes, ANYWHERE):
        names |= set(view.index.homes.get(node, NOBODY))
    return names


def _tied(view: ClusterView, names: set[ResourceName]) -> set[ResourceName]:
    """Add those that are kept together with one of these, or apart from one."""
    groups = [set(group.members) for group in (view.settings.value.groups if view.settings else ())]
    while True:
        wider = names.union(*(group for group in groups if group & names))
        if wider == names:
            return names
        names = wider
