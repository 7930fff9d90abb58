"""Quarantine: a node that keeps leaving uncleanly joins, is a member, and is given nothing to hold for a while.

What counts are the proofs in the store: every end of a session that was not clean. The third one within an hour puts
the node into quarantine, written down in its record with a line in the history; two hours later, or when an operator
releases it, it ends. What the node holds already stays there.

Three things do not count. An end that an operator ordered or has forgiven (``Node.pardoned``); one that fell into a
pause of the cluster; and ends that many nodes
had in common: when half of them went uncleanly within a minute, the fault lay in what they share (the store, the
network, the power), as with the brake of fencing. For the same reason a quarantine never takes the last node: while no
other member is free of it, it is shown and bars nothing.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Node, Proof, ProofKind, Session
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import Moment, NodeName, SessionId
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan import standing

LEAVES_MAX = 3
"""So many unclean ends within ``WINDOW_S`` bring a node into quarantine."""

WINDOW_S = 3600.0
LASTS_S = 7200.0
"""How long a quarantine lasts when nobody releases the node."""

TOGETHER_S = 60.0
"""Unclean ends of half of the nodes within this time have a cause that is none of the nodes'."""


PARDONED_KEPT = 1000
"""So many forgiven ends a node's record remembers: more than it has in an hour, or a release would not last."""


def judge(view: ClusterView, me: Session, now: Moment) -> tuple[Decision, ...]:
    """Put nodes into quarantine and let them out again."""
    decisions: list[Decision] = []
    if standing.paused(view) is not None:
        return ()
    ended = Counter(proof.node for proof in _ends(view))
    for name, held in sorted(view.nodes.items()):
        often = ended[name] >= LEAVES_MAX
        since_s, count = held.value.quarantined_at_s, len(unclean(view, name, now)) if often else 0
        # A wall clock that was set back must not make it last for ever.
        if since_s and abs(now.wall_s - since_s) < LASTS_S:
            continue
        if count >= LEAVES_MAX:
            decisions.append(_written(held, replace(held.value, quarantined_at_s=now.wall_s),
                                      reason(Why.QUARANTINED, name, count), me, now))
        elif since_s:
            decisions.append(_written(held, replace(held.value, quarantined_at_s=0.0),
                                      reason(Why.QUARANTINE_ENDED, name), me, now))
    return tuple(decisions)


def unclean(view: ClusterView, node: NodeName, now: Moment) -> tuple[Proof, ...]:
    """Give the unclean ends of the node's sessions within the last hour that count against it, oldest first."""
    pardoned = view.nodes[node].value.pardoned if node in view.nodes else ()
    return tuple(proof for proof in _ends(view) if proof.node == node and proof.session not in pardoned
                 and now.wall_s - proof.at_s < WINDOW_S and not standing.during_pause(view, proof.at_s)
                 and not _shared(view, proof))


def released(view: ClusterView, node: NodeName, now: Moment) -> Node:
    """Give the node's record once an operator let it out: what counted against it is forgiven."""
    counted = tuple(proof.session for proof in unclean(view, node, now))
    return replace(_pardoned(view.nodes[node].value, *counted), quarantined_at_s=0.0)


def ordered_off(view: ClusterView, node: NodeName) -> Node:
    """Give the node's record once an operator has its host switched off: the end of its session will not count."""
    session = view.sessions.get(node)
    return view.nodes[node].value if session is None else _pardoned(view.nodes[node].value, session.value.id)


def _pardoned(node: Node, *sessions: SessionId) -> Node:
    return replace(node, pardoned=(*node.pardoned, *sessions)[-PARDONED_KEPT:])


def quarantined(view: ClusterView, node: NodeName) -> bool:
    """Tell whether the node is in quarantine."""
    return node in view.nodes and view.nodes[node].value.quarantined_at_s > 0


def barred(view: ClusterView, node: NodeName) -> bool:
    """Tell whether nothing new may go to the node: it is in quarantine, and some other member is not."""
    others = (view.nodes[other].value for other in view.live if other in view.nodes)
    return quarantined(view, node) and any(
        standing.emptying(view, other.name) is None and not other.witness and not quarantined(view, other.name)
        for other in others)


def told(view: ClusterView, node: NodeName) -> Reason | None:
    """Say that the node is in quarantine, and whether that bars anything; None when it is not."""
    if not quarantined(view, node):
        return None
    return reason(Why.QUARANTINE_STANDS if barred(view, node) else Why.QUARANTINE_LIFTED, node)


def ends_in_s(view: ClusterView, now: Moment) -> float | None:
    """Give the seconds until the next quarantine ends, or None."""
    left = [LASTS_S - abs(now.wall_s - held.value.quarantined_at_s) for held in view.nodes.values()
            if held.value.quarantined_at_s]
    return max(0.1, min(left)) if left else None


def _ends(view: ClusterView) -> Iterator[Proof]:
    """Give the proofs of all sessions that did not end cleanly, oldest first."""
    found = (held.value for held in view.proofs.values() if held.value.kind is not ProofKind.CLEAN)
    yield from sorted(found, key=lambda proof: (proof.at_s, proof.session))


def _shared(view: ClusterView, proof: Proof) -> bool:
    """Tell whether half of the nodes or more left uncleanly at about the same time."""
    gone = {other.node for other in _ends(view) if abs(other.at_s - proof.at_s) < TOGETHER_S}
    return len(gone) > 1 and 2 * len(gone) >= len(view.nodes)


def _written(held: Held[Node], after: Node, why: Reason, me: Session, now: Moment) -> Decision:
    begins = after.quarantined_at_s > 0
    entry = Entry(at_s=now.wall_s, reason=why, severity=Severity.CRITICAL if begins else Severity.INFO, by=me.node,
                  node=after.name)
    guard = Guard(Key(Kind.NODE, after.name), held.revision)
    return Decision(transaction=Transaction(guards=(guard,), puts=(Put(after),), history=(entry,)), why=why)
