"""What a node writes about its own sessions: that one is over with nothing running, or that it lost its self-fence.

Each is a transaction guarded by the session's own lease and record, so that only the life which it is about can write
it. An agent that resumes a session writes that record anew (``resumed``): what its predecessor had on its way to the
store, and arrives a minute later, changes nothing any more. ``invited`` is the one order that a node takes up itself.
"""

from dataclasses import replace

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.cluster import ClusterView, Key, Kind, Proof, ProofKind, SelfFence, Session
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NOTHING, Moment, NodeName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan import node_orders, standing
from stanchion.plan.membership import proof_reason
from stanchion.plan.node import held_here


def given_back(view: ClusterView, mine: Session, now: Moment, *, leaving: bool) -> Transaction | None:
    """End the session with the proof that nothing runs here; None while something may, by what the store says.

    ``leaving``: the node is to leave, and until that is taken back nothing can be placed here (the guards on what says
    so see to that); else the agent ends and claims nothing any more. An order that it carried out by leaving ends with
    it: the last member has nobody to write that later.
    """
    node, live, held = view.nodes.get(mine.node), view.live.get(mine.node), view.sessions.get(mine.node)
    if held_here(view, mine.node) or live is None or node is None or held is None or (
            leaving and not standing.leaves(view, mine.node)):
        return None
    proof = Proof(node=mine.node, session=mine.id, kind=ProofKind.CLEAN, at_s=now.wall_s)
    entry = Entry(at_s=now.wall_s, reason=proof_reason(proof), by=mine.node, node=mine.node, cause=mine.id)
    guards: tuple[Guard, ...] = (
        Guard(Key(Kind.LIVE, mine.node), live.revision), Guard(Key(Kind.NODE, mine.node), node.revision),
        Guard(Key(Kind.SESSION, mine.node), held.revision), Guard(Key(Kind.PROOF, mine.id), NOTHING))
    if leaving and view.standing is not None:
        guards += (Guard(Key(Kind.STANDING), view.standing.revision),)
    over = tuple(node_orders.gone(view, mine.node, now)) if leaving else ()
    return Transaction(guards=(*guards, *(guard for guard, _ in over)), puts=(Put(proof), *(put for _, put in over)),
                       history=(entry,))


def resumed(view: ClusterView, mine: Session, capacity: Size = NOTHING_KNOWN) -> Transaction | None:
    """Write the session's record anew, as the agent that goes on with it; None: it is not the node's live one here.

    An agent that ends may have its word that nothing runs here on the way, or whose consent counts from now on. Neither
    may come true once another agent, which knows nothing of it, has taken the session over. ``capacity`` is what the
    host is found to have now.
    """
    held, live = view.sessions.get(mine.node), view.live.get(mine.node)
    if held is None or live is None or not held.value.id == live.value.session == mine.id:
        return None
    guards = (Guard(Key(Kind.SESSION, mine.node), held.revision), Guard(Key(Kind.LIVE, mine.node), live.revision),
              Guard(Key(Kind.PROOF, mine.id), NOTHING))
    return Transaction(guards=guards, puts=(Put(replace(held.value, capacity=capacity.over(held.value.capacity))),))


def invited(view: ClusterView, me: NodeName, now: Moment) -> Transaction | None:
    """Take up an operator's order that this node join, when no member is there who could; None: there is none.

    Without it a cluster that every node was asked to leave could never be entered again. The last order counts.
    """
    orders = [held for held in view.intents.values() if held.value.node == me and
              held.value.outcome is Outcome.PENDING and held.value.verb in {Verb.JOIN, Verb.LEAVE, Verb.HAND_OVER}]
    if view.live or standing.down(view) is not None or not orders:
        return None
    *earlier, last = sorted(orders, key=lambda held: held.revision)
    if last.value.verb is not Verb.JOIN:
        return None
    node, why = view.nodes[me], reason(Why.SUPERSEDED, "a later order")
    guards = (Guard(Key(Kind.NODE, me), node.revision),
              *(Guard(Key(Kind.INTENT, held.value.id), held.revision) for held in orders))
    puts = (Put(node_orders.invited(node.value)), Put(replace(last.value, outcome=Outcome.ACCEPTED)),
            *(Put(replace(held.value, outcome=Outcome.SUPERSEDED, reason=why, ended_at_s=now.wall_s))
              for held in earlier))
    return Transaction(guards=guards, puts=puts)


def undeclared(view: ClusterView, mine: Session, now: Moment) -> Transaction | None:
    """Take the declared self-fence back: a proof may not rest on it. None: the session is not the node's any more."""
    held, live = view.sessions.get(mine.node), view.live.get(mine.node)
    if held is None or live is None or live.value.session != mine.id:
        return None
    node = view.nodes.get(mine.node)
    why = Why.SELF_FENCE_LOST if node is not None and node.value.fence else Why.UNPROTECTED_MEANS
    entry = Entry(at_s=now.wall_s, reason=reason(why, mine.node), severity=Severity.CRITICAL,
                  by=mine.node, node=mine.node, cause=mine.id)
    guards = (Guard(Key(Kind.SESSION, mine.node), held.revision), Guard(Key(Kind.LIVE, mine.node), live.revision))
    told = () if held.value.self_fence is SelfFence.NONE else (entry,)
    bare = replace(held.value, self_fence=SelfFence.NONE)
    return Transaction(guards=guards, puts=(Put(bare),), history=told)
