"""When to switch a host off: as soon as it is suspect and holds something, unless too many are suspect at once.

A member is suspect when the master does not hear it, or when its lease has ended and nothing proves what became of it.
Fencing begins at once and runs beside the lease: whichever proof comes first is used. The brake: when half or more of
the members are suspect, the fault is more likely here than there, so nobody is fenced; leases, returning members or an
operator decide. In a pause of the cluster nobody is suspect: no order to fence stands, and none is given.
"""

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Proof, ProofKind, Session
from stanchion.model.fencing import Attempt, Fencing, Senses
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NOTHING, Moment, NodeName
from stanchion.model.index import NOBODY
from stanchion.model.reasons import Why, reason
from stanchion.model.state import ResourceState, State, holders
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan import standing

RETRY_S = 5.0
"""How long after a failed attempt the next one begins."""


FORGET_S = 120.0
"""How long an attempt at the master's own host stands that its deputy does not renew."""


def judge(view: ClusterView, me: Session, senses: Senses, now: Moment) -> tuple[Decision, ...]:
    """Order the fencing of suspect hosts that have a fence device and whose death somebody waits for.

    The master's own host is worth fencing even when it holds nothing: its peers wait for the master's key.
    """
    suspects = frozenset() if standing.paused(view) is not None else suspect(view, senses)
    settled = _settled(view, suspects, me, senses)
    if not suspects or braked(view, suspects | _ordered(view)):
        return settled
    master = view.master.value.node if view.master else None
    decisions = list(settled)
    for node in sorted(suspects):
        held = view.sessions[node]
        awaited = node == master or _holds(view, node)
        if view.nodes[node].value.fence and awaited and _due(view, held.value, now):
            decisions.append(_ask(view, held, me, now))
    return tuple(decisions)


def _settled(view: ClusterView, suspects: frozenset[NodeName], me: Session,
             senses: Senses) -> tuple[Decision, ...]:
    """Forget attempts that nobody waits for any more: the node is heard again, or was proven otherwise.

    Nobody judges whether he is heard himself: an attempt at our own host is its deputy's business, and forgotten only
    when no deputy has cared for it for a while: by this host's own clock, since the walls of two may show anything.
    """
    return tuple(
        Decision(transaction=Transaction(guards=(Guard(Key(Kind.FENCING, session), held.revision),),
                                         deletes=(Key(Kind.FENCING, session),)),
                 why=reason(Why.FENCE_SETTLED, held.value.node))
        for session, held in sorted(view.fencings.items())
        if session in view.proofs or standing.paused(view) is not None or (
            senses.unattended if session == me.id else held.value.node not in suspects))


def deputy(view: ClusterView, senses: Senses) -> NodeName | None:
    """Name the member that acts for a silent master: the first by name of those that are heard."""
    if view.master is None or view.master.value.session not in senses.silent:
        return None
    return next((node for node, held in sorted(view.live.items()) if held.value.session not in senses.silent), None)


def suspect(view: ClusterView, senses: Senses) -> frozenset[NodeName]:
    """Name the members whose machines may be without care, as far as is known."""
    unproven = (node for node, held in view.sessions.items()
                if node in view.nodes and held.value.id not in view.proofs
                and (held.value.id in senses.silent or node not in view.live))
    return frozenset(unproven)


def braked(view: ClusterView, suspects: frozenset[NodeName]) -> bool:
    """Tell whether too many are suspect at once for anybody to be fenced."""
    members = set(view.membership.value.members) if view.membership else set()
    return 2 * len(suspects) >= len(members | suspects)


def _holds(view: ClusterView, node: NodeName) -> bool:
    near = (view.states[name].value for name in view.index.near.get(node, NOBODY))
    held = any(node in holders(state) and _claimed(state) for state in near)
    return held or any(seen.node == node for stray in view.strays.values() for seen in stray.value.sightings)


def _ordered(view: ClusterView) -> frozenset[NodeName]:
    """Name the nodes whose fencing stands, whoever ordered it: they count for the brake too."""
    return frozenset(held.value.node for session, held in view.fencings.items()
                     if held.value.attempt is Attempt.ASKED and session not in view.proofs)


def _claimed(state: ResourceState) -> bool:
    return state.session is not None or state.state is State.MIGRATING


def _due(view: ClusterView, session: Session, now: Moment) -> bool:
    held = view.fencings.get(session.id)
    if held is None:
        return True
    # A wall clock that was set back must not put the next attempt off for ever.
    return held.value.attempt is Attempt.FAILED and abs(now.wall_s - held.value.at_s) >= RETRY_S


def _ask(view: ClusterView, held: Held[Session], me: Session, now: Moment) -> Decision:
    session = held.value
    before = view.fencings.get(session.id)
    fencing = Fencing(node=session.node, session=session.id, at_s=now.wall_s,
                      tries=1 if before is None else before.value.tries + 1)
    why = reason(Why.FENCE_ASKED, session.node, f"{session.timing.suspect_s:g}")
    # Who is about to be fenced himself, by a deputy that sees it the other way round, orders nothing before he knows.
    mine = view.fencings.get(me.id)
    guards = (Guard(Key(Kind.SESSION, session.node), held.revision), Guard(Key(Kind.PROOF, session.id), NOTHING),
              Guard(Key(Kind.FENCING, session.id), NOTHING if before is None else before.revision),
              Guard(Key(Kind.FENCING, me.id), NOTHING if mine is None else mine.revision))
    entry = Entry(at_s=now.wall_s, reason=why, severity=Severity.CRITICAL, by=me.node, node=session.node,
                  cause=session.id)
    return Decision(transaction=Transaction(guards=guards, puts=(Put(fencing),), history=(entry,)), why=why)


def proven(view: ClusterView, fencing: Held[Fencing], me: Session, now: Moment, text: str) -> Decision:
    """The device reports the host off: write the proof, and end the host's lease with it."""
    node, session = fencing.value.node, fencing.value.session
    proof = Proof(node=node, session=session, kind=ProofKind.FENCED, at_s=now.wall_s, by=me.node)
    why = reason(Why.PROOF_FENCED, node, text)
    entry = Entry(at_s=now.wall_s, reason=why, severity=Severity.WARNING, by=me.node, node=node,
                  cause=session)
    held, live = view.sessions.get(node), view.live.get(node)
    deletes = [Key(Kind.FENCING, session)]
    guards = [Guard(Key(Kind.FENCING, session), fencing.revision)]
    if held is not None:
        guards.append(Guard(Key(Kind.SESSION, node), held.revision))
    if live is not None and live.value.session == session:
        guards.append(Guard(Key(Kind.LIVE, node), live.revision))
        deletes.append(Key(Kind.LIVE, node))
    if view.master is not None and view.master.value.session == session:
        guards.append(Guard(Key(Kind.MASTER), view.master.revision))
        deletes.append(Key(Kind.MASTER))
    return Decision(transaction=Transaction(guards=tuple(guards), puts=(Put(proof),), deletes=tuple(deletes),
                                            history=(entry,)), why=why)


def failed(fencing: Held[Fencing], me: Session, now: Moment, text: str) -> Decision:
    """No device reports the host off: say so; the lease, the host's return or an operator may still prove it."""
    node = fencing.value.node
    why = reason(Why.FENCE_FAILED, node, text)
    after = Fencing(node=node, session=fencing.value.session, attempt=Attempt.FAILED, tries=fencing.value.tries,
                    at_s=now.wall_s, text=text)
    entry = Entry(at_s=now.wall_s, reason=why, severity=Severity.CRITICAL, by=me.node, node=node,
                  cause=fencing.value.session)
    guard = Guard(Key(Kind.FENCING, fencing.value.session), fencing.revision)
    return Decision(transaction=Transaction(guards=(guard,), puts=(Put(after),), history=(entry,)), why=why)
