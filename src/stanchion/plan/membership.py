"""Who is in, who is out, and what is proven about those who are out.

The master keeps one record of the membership: its epoch rises with every join, leave and change of master. A session
that ended is *proven* stopped by the first proof that covers it (``docs/safety.md``): given back clean, fenced,
expired with an armed self-fence, confirmed by an operator, or its host restarted since. Without a proof its resources
stay where they are, and the reason says so.
"""

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from stanchion.model.actions import Decision
from stanchion.model.cluster import (
    ClusterView,
    Held,
    Key,
    Kind,
    Membership,
    Proof,
    ProofKind,
    SelfFence,
    Session,
)
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NOTHING, Epoch, Moment, NodeName, SessionId
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan.causes import QUORUM
from stanchion.plan.failsafe import may_expire, stands_in


class Fate(StrEnum):
    """What is known of a session that holds something."""

    LIVE = "live"
    RETURNED = "returned"
    PROVEN = "proven"
    DOUBTFUL = "doubtful"


def fate(view: ClusterView, node: NodeName, session: SessionId | None) -> Fate:
    """Judge one holder. A resource that no session claimed yet was never begun, so its node's absence is proof.

    RETURNED: the node lives in a later session, and it is up to that node to tell what became of the resource.
    """
    present = view.session_of(node)
    if session is None:
        return Fate.LIVE if present is not None else Fate.PROVEN
    if present == session:
        return Fate.LIVE
    if covering(view, node, session) is not None:
        return Fate.PROVEN
    return Fate.RETURNED if present is not None else Fate.DOUBTFUL


def covering(view: ClusterView, node: NodeName, session: SessionId | None) -> Held[Proof] | None:
    """Give the proof that this session of the node executes nothing any more, if there is one.

    A proof is about a whole host. So while the node is away, the proof of its last session covers the earlier ones
    too, whose resources the last one may not have had the time to claim.
    """
    if session is None:
        return None
    last = view.sessions.get(node)
    later = view.proofs.get(last.value.id) if last is not None and node not in view.live else None
    return view.proofs.get(session) or later


_PROOF_WHY = {
    ProofKind.CLEAN: Why.PROOF_CLEAN,
    ProofKind.FENCED: Why.PROOF_FENCED,
    ProofKind.EXPIRED: Why.PROOF_EXPIRED,
    ProofKind.CONFIRMED: Why.PROOF_CONFIRMED,
    ProofKind.RESET: Why.PROOF_RESET,
}


def proof_reason(proof: Proof) -> Reason:
    """Say what a proof says."""
    return reason(_PROOF_WHY[proof.kind], proof.node, proof.by)


def proof_of(view: ClusterView, node: NodeName, session: SessionId | None) -> Reason:
    """Say why nothing of that session runs any more; call it only for a proven fate."""
    held = covering(view, node, session)
    return reason(Why.REPLACED, node) if held is None else proof_reason(held.value)


def judge(view: ClusterView, me: Session, now: Moment) -> tuple[Decision, ...]:
    """Keep the membership record and write the proofs that time brought."""
    return (*_record(view, me, now), *_expired(view, me, now))


def stood_in(view: ClusterView, me: Session, now: Moment) -> tuple[Decision, ...]:
    """Write the proofs that the master may not write, as the member that stands in for it."""
    return tuple(_expiry(held, me, now) for held in _ended(view) if stands_in(view, held.value) == me.node)


def _expired(view: ClusterView, me: Session, now: Moment) -> tuple[Decision, ...]:
    return tuple(_expiry(held, me, now) for held in _ended(view) if may_expire(held.value, me.node))


def _ended(view: ClusterView) -> Iterator[Held[Session]]:
    """Give the sessions whose lease ended, whose host then stopped itself, and of which no proof stands yet."""
    for node, held in sorted(view.sessions.items()):
        session = held.value
        if node not in view.live and session.id not in view.proofs and session.self_fence is not SelfFence.NONE:
            yield held


def _expiry(held: Held[Session], me: Session, now: Moment) -> Decision:
    node, session = held.value.node, held.value
    proof = Proof(node=node, session=session.id, kind=ProofKind.EXPIRED, at_s=now.wall_s)
    guards = (Guard(Key(Kind.LIVE, node), NOTHING), Guard(Key(Kind.SESSION, node), held.revision),
              Guard(Key(Kind.PROOF, session.id), NOTHING))
    entry = Entry(at_s=now.wall_s, reason=proof_reason(proof), severity=Severity.WARNING, by=me.node, node=node,
                  cause=session.id)
    return Decision(transaction=Transaction(guards=guards, puts=(Put(proof),), history=(entry,)), why=entry.reason)


def _record(view: ClusterView, me: Session, now: Moment) -> tuple[Decision, ...]:
    members = {node: held.value.session for node, held in sorted(view.live.items())}
    last = view.membership.value if view.membership else None
    guards = (Guard(Key(Kind.MEMBERSHIP), view.membership.revision if view.membership else NOTHING),)
    if last is None or not set(last.members.values()) & set(members.values()):
        fresh = Membership(epoch=Epoch(last.epoch + 1 if last else 1), members=members, master=me.node,
                           formed_at_s=now.wall_s, before=() if last is None else tuple(sorted(last.members.values())))
    elif (dict(last.members), last.master) != (members, me.node):
        # Who lived on without the store and came back in the same session was not ended by the stop of a whole cluster.
        before = tuple(session for session in last.before if session not in members.values())
        fresh = replace(last, epoch=Epoch(last.epoch + 1), members=members, master=me.node, before=before)
    else:
        fresh = last
    if not fresh.quorum and _quorum(view, fresh, now):
        fresh = replace(fresh, quorum=True)
    if fresh == last:
        return ()
    entries = _told(view, last, fresh, me, now)
    return (Decision(transaction=Transaction(guards=guards, puts=(Put(fresh),), history=entries),
                     why=reason(Why.MASTER_IS, me.node)),)


def _quorum(view: ClusterView, membership: Membership, now: Moment) -> bool:
    """Tell whether the start-up latch closes: by count, or by time since the cluster formed.

    A wall clock that was set back makes the time look negative; then the count alone decides until it catches up.
    """
    if view.settings is None:
        return False
    settings = view.settings.value
    waited_s = now.wall_s - membership.formed_at_s
    return len(membership.members) >= settings.quorum_nodes or waited_s >= settings.quorum_timeout_s


def _told(view: ClusterView, last: Membership | None, fresh: Membership, me: Session,
          now: Moment) -> tuple[Entry, ...]:
    old = dict(last.members) if last else {}
    lines: list[tuple[Reason, Severity, NodeName, str]] = []
    for node in sorted(old.keys() | fresh.members.keys()):
        before, after = old.get(node), fresh.members.get(node)
        proof = view.proofs.get(before) if before else None
        if after is None and proof is not None and proof.value.kind is ProofKind.CLEAN:
            lines.append((reason(Why.NODE_GONE, node), Severity.INFO, node, before or ""))
        elif after is None:
            lines.append((_lost(view, node, before), Severity.CRITICAL, node, before or ""))
        elif before != after:
            lines.append((reason(Why.NODE_JOINED, node), Severity.INFO, node, after))
    if last is None or last.master != fresh.master:
        lines.append((reason(Why.MASTER_IS, fresh.master), Severity.INFO, fresh.master, me.id))
    if fresh.quorum and not (last and last.quorum and last.formed_at_s == fresh.formed_at_s):
        lines.append((reason(Why.QUORUM_REACHED), Severity.INFO, fresh.master, QUORUM))
    return tuple(Entry(at_s=now.wall_s, reason=why, severity=severity, by=me.node, node=node,
                       cause=cause) for why, severity, node, cause in lines)


def _lost(view: ClusterView, node: NodeName, session: SessionId | None) -> Reason:
    """Say that a node is not answering, and for how long nothing was heard of it when its lease ended."""
    last = view.sessions.get(node)
    known = last is not None and last.value.id == session and session not in view.fencings
    return reason(Why.NODE_LOST, node, f"{last.value.timing.lease_s:g}") if last and known else reason(
        Why.NODE_LOST, node)
