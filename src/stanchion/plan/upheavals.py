"""Nodes that come and go, as a thought: the view in which some are lost, some drained, and some have joined.

Whoever is lost is lost at once, so one loss may keep another from being proven: the brake of fencing counts all of
them, and who is lost himself expires nobody. A node that joins brings what is said of it and nothing else: it holds
nothing, and only resources that list it, or list nobody, may go there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from stanchion.model.cluster import (
    Change,
    ClusterView,
    Held,
    Key,
    Kind,
    Live,
    Master,
    Node,
    Proof,
    ProofKind,
    Record,
    SelfFence,
    Session,
)
from stanchion.model.foresight import Newcomer, Upheaval
from stanchion.model.ids import BootId, LeaseId, Moment, NodeName, Revision, SessionId
from stanchion.model.naming import key_of
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.standing import Drained
from stanchion.model.timing import TIMINGS, Profile
from stanchion.plan import loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Upset:
    """The view after an upheaval. ``proof`` is what would prove the first loss, ``unproven`` why nothing would.

    ``heir`` is who is taken for the master, if the master is lost: who it will be is a matter of chance.
    """

    view: ClusterView
    proof: ProofKind | None = None
    unproven: Mapping[NodeName, Reason]
    heir: NodeName | None = None


def refusal(view: ClusterView, of: Upheaval) -> Reason | None:
    """Say why this cannot happen now, or None when it can."""
    for node in of.lost:
        if not view.is_live(node):
            return reason(Why.NODE_DOWN, node) if node in view.nodes else reason(Why.UNKNOWN_NODE, node)
    for node in of.drained:
        if node not in view.nodes:
            return reason(Why.UNKNOWN_NODE, node)
        if view.nodes[node].value.witness:
            return reason(Why.DRAIN_WITNESS, node)
    member = next((new.name for new in of.added if view.is_live(new.name)), None)
    return None if member is None else reason(Why.NODE_IS_MEMBER, member)


def after(view: ClusterView, of: Upheaval, by: str, now: Moment) -> Upset:
    """Give the view after all of it; call it only where ``refusal`` gives None."""
    proofs = {node: loss.proof_to_come(view, node, of.lost) for node in of.lost}
    changes = [*_lost(view, proofs, now), *_drained(view, of, by, now)]
    for new in of.added:
        changes += _joined(view, new, now)
    upset = view.apply(changes, Revision(view.revision + 1))
    heir = None
    if view.master is not None and view.master.value.node in of.lost:
        heir = min(upset.live, default=None)
        master = None if heir is None else Master(node=heir, session=upset.live[heir].value.session)
        upset = replace(upset, master=None if master is None else Held(master, upset.revision))
    unproven = {node: loss.why_unproven(view, node) for node, proof in proofs.items() if proof is None}
    return Upset(view=upset, proof=next(iter(proofs.values()), None), unproven=unproven, heir=heir)


def _lost(view: ClusterView, proofs: Mapping[NodeName, ProofKind | None], now: Moment) -> Iterator[Change]:
    for node, kind in proofs.items():
        yield Change(Key(Kind.LIVE, node), None, view.revision)
        if kind is not None:
            yield _written(view, Proof(node=node, session=view.live[node].value.session, kind=kind, at_s=now.wall_s))


def _drained(view: ClusterView, of: Upheaval, by: str, now: Moment) -> Iterator[Change]:
    for node in of.drained:
        yield _written(view, replace(view.nodes[node].value, drained=Drained(by=by, at_s=now.wall_s)))


def _joined(view: ClusterView, new: Newcomer, now: Moment) -> Iterator[Change]:
    """A node that is known comes back as it was; another one comes as it is described."""
    known = view.nodes.get(new.name)
    timing = TIMINGS[view.settings.value.profile if view.settings else Profile.DEFAULT]
    session = Session(node=new.name, id=SessionId(f"{new.name}-what-if"), boot=BootId("what if"),
                      lease=LeaseId("what if"), self_fence=SelfFence.WATCHDOG, timing=timing,
                      opened_at_s=now.wall_s, capacity=new.capacity)
    node = Node(name=new.name, added_at_s=now.wall_s) if known is None else replace(
        known.value, wanted=True, drained=None, closing=None)
    for record in (node, session, Live(node=new.name, session=session.id)):
        yield _written(view, record)


def _written(view: ClusterView, record: Record) -> Change:
    return Change(key_of(record), record, Revision(view.revision + 1))
