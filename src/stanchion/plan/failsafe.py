"""When the store itself is gone: whose word a node needs to keep its machines, and how its session comes back to life.

An ended lease proves that a node stopped, unless the node lives on by the consent of those who could act on that proof.
So every session says in the store whose consent it asks for (``Session.peers``), and the proof may be written by these
nodes alone, guarded by the record that names them. A node that joins becomes one of them when the session has written
it down; until then it holds nobody's life in its hands. docs/decisions/0005 has the whole argument.
"""

from collections.abc import Iterable
from dataclasses import replace

from stanchion.model.cluster import ClusterView, Key, Kind, Live, Master, Session
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NOTHING, LeaseId, Moment, NodeName
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Guard, Put, Transaction


def peers(view: ClusterView, me: NodeName) -> tuple[NodeName, ...]:
    """Name the other nodes that may be members: all whose last session nothing proves to have ended."""
    return tuple(node for node, held in sorted(view.sessions.items())
                 if node != me and held.value.id not in view.proofs and (node in view.nodes or node in view.live))


def may_expire(session: Session, node: NodeName) -> bool:
    """Tell whether that node may take the end of this session's lease for a proof."""
    return session.peers is None or node in session.peers


def stands_in(view: ClusterView, session: Session) -> NodeName | None:
    """Name the member that writes the proof because the master may not: the first one that may."""
    if view.master is None or may_expire(session, view.master.value.node):
        return None
    return next((node for node in sorted(view.live) if may_expire(session, node)), None)


def declared(view: ClusterView, mine: Session, wanted: Iterable[NodeName]) -> Transaction | None:
    """Write down whose consent the session asks for; None: it is not the node's live session in this view."""
    held, live = view.sessions.get(mine.node), view.live.get(mine.node)
    if held is None or live is None or not held.value.id == live.value.session == mine.id:
        return None
    guards = (Guard(Key(Kind.SESSION, mine.node), held.revision), Guard(Key(Kind.LIVE, mine.node), live.revision))
    return Transaction(guards=guards, puts=(Put(replace(held.value, peers=tuple(wanted))),))


def revived(view: ClusterView, mine: Session, lease: LeaseId) -> Transaction | None:
    """Give the session a new lease, and the master's key back to who was the master; None: that life is over.

    It is over when a proof of it stands, or when its node has opened another session.
    """
    held, live = view.sessions.get(mine.node), view.live.get(mine.node)
    if held is None or held.value.id != mine.id or mine.id in view.proofs or (
            live is not None and live.value.session != mine.id):
        return None
    guards = [Guard(Key(Kind.SESSION, mine.node), held.revision), Guard(Key(Kind.PROOF, mine.id), NOTHING),
              Guard(Key(Kind.LIVE, mine.node), NOTHING if live is None else live.revision)]
    puts = [Put(replace(held.value, lease=lease)), Put(Live(node=mine.node, session=mine.id), lease)]
    was_master = view.membership is not None and view.membership.value.master == mine.node
    if was_master and (view.master is None or view.master.value.session == mine.id):
        guards.append(Guard(Key(Kind.MASTER), NOTHING if view.master is None else view.master.revision))
        puts.append(Put(Master(node=mine.node, session=mine.id), lease))
    return Transaction(guards=tuple(guards), puts=tuple(puts))


def told(mine: Session, away_s: float, others: Iterable[NodeName], now: Moment) -> Transaction:
    """Tell that the node kept its machines while the store was away, and by whose consent."""
    entry = Entry(at_s=now.wall_s, reason=reason(Why.STORE_WAS_AWAY, mine.node, f"{away_s:.0f}",
                                                 ", ".join(sorted(others)) or "nobody else"),
                  severity=Severity.WARNING, by=mine.node, node=mine.node, cause=mine.id)
    return Transaction(history=(entry,))
