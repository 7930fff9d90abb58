"""What operators' standing orders mean: who is to be emptied, who is to leave, and what is held back meanwhile.

A node is *emptied* for one of four reasons, and they differ in what becomes of its machines (``emptying``) and in
whether the node leaves: an operator wants it out, its host shuts down, the whole cluster stops, or it is drained, in
which case it stays a member. A *pause* holds back what the cluster would begin by itself, and nothing else: leases,
the local deadline and the watchdog are never paused (``docs/safety.md``).

A pause stands as long as its record says so. The master alone ends it, by its own wall clock, so that two nodes never
differ about it.
"""

from dataclasses import replace
from enum import StrEnum

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Key, Kind, Session
from stanchion.model.history import Entry
from stanchion.model.ids import BootId, Moment, NodeName
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.standing import Down, Pause
from stanchion.model.transaction import Guard, Put, Transaction


class Emptying(StrEnum):
    """Why a node is emptied. In all cases but DRAIN it leaves then."""

    LEAVE = "leave"
    SHUTDOWN = "shutdown"
    DOWN = "down"
    DRAIN = "drain"


def paused(view: ClusterView) -> Pause | None:
    """Give the pause that stands."""
    pause = view.standing.value.pause if view.standing else None
    return None if pause is None or pause.ended_at_s else pause


def down(view: ClusterView) -> Down | None:
    """Give the order to stop the whole cluster, while it stands."""
    return view.standing.value.down if view.standing else None


def closing(view: ClusterView, node: NodeName) -> bool:
    """Tell whether the node's host shuts down, and has not been started anew since."""
    known, last = view.nodes.get(node), view.sessions.get(node)
    return known is not None and last is not None and known.value.closing == last.value.boot


def emptying(view: ClusterView, node: NodeName) -> Emptying | None:
    """Say why the node is to be emptied, or None. A node that nobody knows any more is one that leaves."""
    known = view.nodes.get(node)
    if down(view) is not None:
        return Emptying.DOWN
    if known is None or not known.value.wanted:
        return Emptying.LEAVE
    if closing(view, node):
        return Emptying.SHUTDOWN
    return Emptying.DRAIN if known.value.drained is not None else None


def leaves(view: ClusterView, node: NodeName) -> bool:
    """Tell whether the node is to give its session back once it is empty."""
    return node in view.nodes and emptying(view, node) not in {None, Emptying.DRAIN}


def cause_of(view: ClusterView, node: NodeName) -> Reason:
    """Say why a resource is moved off a node that is emptied."""
    match emptying(view, node):
        case Emptying.DOWN:
            return reason(Why.CLUSTER_STOPS)
        case Emptying.SHUTDOWN:
            return reason(Why.NODE_SHUTS_DOWN, node)
        case Emptying.DRAIN:
            return reason(Why.NODE_DRAINS, node)
        case _:
            return reason(Why.NODE_LEAVES, node)


EMPTIED = frozenset({Why.NODE_LEAVES, Why.NODE_DRAINS, Why.NODE_SHUTS_DOWN, Why.CLUSTER_STOPS})
"""The reasons that ``cause_of`` gives."""


def barred(view: ClusterView, node: NodeName) -> Reason | None:
    """Say why nothing new goes to a known node that is to be emptied, or None."""
    match emptying(view, node):
        case Emptying.DOWN:
            return reason(Why.CLUSTER_DOWN)
        case Emptying.LEAVE:
            return reason(Why.NODE_LEFT, node)
        case Emptying.SHUTDOWN:
            return reason(Why.NODE_CLOSING, node)
        case Emptying.DRAIN:
            return reason(Why.NODE_DRAINED, node)
        case _:
            return None


def may_begin(view: ClusterView, node: NodeName, boot: BootId) -> bool:
    """Tell whether an agent of the node, in this life of its host, may become a member.

    Not while an operator wants it out, not in the life that was about to end, and not while the cluster is stopped,
    unless its own start anew ends that (``ends_down``).
    """
    known = view.nodes.get(node)
    if known is None or not known.value.wanted or known.value.closing == boot:
        return False
    return down(view) is None or ends_down(view, node, boot)


def ends_down(view: ClusterView, node: NodeName, boot: BootId) -> bool:
    """Tell whether the start of this host ends the stop of the whole cluster.

    It was a member when that was ordered and has been started anew since, and everybody has left.
    """
    stopped, last = down(view), view.sessions.get(node)
    return (stopped is not None and not view.live and last is not None and last.value.boot in stopped.boots
            and boot not in stopped.boots)


def begun(view: ClusterView) -> tuple[tuple[Guard, ...], tuple[Put, ...]]:
    """Give what a session's opening writes so that the cluster is no longer stopped."""
    if view.standing is None or view.standing.value.down is None:
        return (), ()
    return ((Guard(Key(Kind.STANDING), view.standing.revision),), (Put(replace(view.standing.value, down=None)),))


def judge(view: ClusterView, me: Session, now: Moment) -> tuple[Decision, ...]:
    """End a pause whose time has come."""
    pause = paused(view)
    if pause is None or view.standing is None or _left_s(pause, now) != 0.0:
        return ()
    why = reason(Why.PAUSE_OVER)
    after = replace(view.standing.value, pause=replace(pause, ended_at_s=now.wall_s))
    entry = Entry(at_s=now.wall_s, reason=why, by=me.node)
    return (Decision(why=why, transaction=Transaction(
        guards=(Guard(Key(Kind.STANDING), view.standing.revision),), puts=(Put(after),), history=(entry,))),)


def ends_in_s(view: ClusterView, now: Moment) -> float | None:
    """Give the seconds until the pause ends by itself, or None."""
    pause = paused(view)
    return None if pause is None else _left_s(pause, now)


def _left_s(pause: Pause, now: Moment) -> float | None:
    """Give what is left of a pause; a wall clock that was set back must not make it longer than was ordered."""
    if not pause.until_s:
        return None
    ordered_s = pause.until_s - pause.since_s
    return max(0.0, min(ordered_s - abs(now.wall_s - pause.since_s), ordered_s))


def during_pause(view: ClusterView, at_s: float) -> bool:
    """Tell whether that instant lies in the last pause: what nodes went through then is not held against them."""
    pause = view.standing.value.pause if view.standing else None
    return pause is not None and pause.since_s <= at_s and (not pause.ended_at_s or at_s <= pause.ended_at_s)
