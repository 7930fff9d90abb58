"""Orders about a node: in, out, drained, about to shut down, down for certain, out of quarantine.

All of them but the statement that a node is down are a change of the node's record; the rest follows from what stands
there (``standing``, ``emptying``), whoever is the master by then. An order that empties a node ends when nothing is
left, or when all that is left cannot go.
"""

from collections.abc import Iterable
from dataclasses import replace

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Node, Proof, ProofKind, Session
from stanchion.model.history import Severity
from stanchion.model.ids import NOTHING, Moment, NodeName
from stanchion.model.index import NOBODY
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.standing import Drained, Shutdown
from stanchion.model.state import holders
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan import emptying, ends, membership, quarantine, standing
from stanchion.plan.change import alive


def refusal(view: ClusterView, intent: Intent) -> Reason | None:
    """Say why the order cannot be taken now, or None when it can."""
    node = intent.node or NodeName("")
    held = view.nodes.get(node)
    if held is None:
        return reason(Why.UNKNOWN_NODE, node)
    match intent.verb:
        case Verb.LEAVE | Verb.JOIN | Verb.HAND_OVER:
            return _passage_refusal(view, intent, held.value)
        case Verb.RELEASE if not quarantine.quarantined(view, node):
            return reason(Why.NODE_NOT_QUARANTINED, node)
        case Verb.UNDRAIN if held.value.drained is None:
            return reason(Why.NODE_NOT_DRAINED, node)
        case Verb.DRAIN:
            return _drain_refusal(view, held.value)
        case Verb.CONFIRM_DOWN:
            session = view.sessions.get(node)
            doubtful = session is not None and membership.fate(view, node, session.value.id) is membership.Fate.DOUBTFUL
            return None if doubtful else reason(Why.NODE_NOT_IN_DOUBT, node)
        case _:
            return None


def _passage_refusal(view: ClusterView, intent: Intent, node: Node) -> Reason | None:
    """Say why the node cannot be asked in or out now."""
    match intent.verb:
        case Verb.LEAVE if not node.wanted:
            return reason(Why.NODE_NOT_MEMBER, node.name)
        case Verb.JOIN if standing.down(view) is not None:
            return reason(Why.CLUSTER_DOWN)
        case Verb.JOIN if node.wanted and not standing.closing(view, node.name):
            return reason(Why.NODE_IS_MEMBER, node.name)
        case Verb.HAND_OVER if not view.is_live(node.name):
            return reason(Why.NODE_DOWN, node.name)
        case Verb.HAND_OVER if intent.boot not in {None, view.sessions[node.name].value.boot}:
            return reason(Why.STARTED_ANEW, node.name)
        case Verb.HAND_OVER if standing.leaves(view, node.name):
            return standing.barred(view, node.name)
        case _:
            return None


def _drain_refusal(view: ClusterView, node: Node) -> Reason | None:
    others = (name for name in view.live if name != node.name and name in view.nodes)
    if node.witness:
        return reason(Why.DRAIN_WITNESS, node.name)
    if node.drained is not None:
        return reason(Why.NODE_IS_DRAINED, node.name)
    if standing.leaves(view, node.name):
        return standing.barred(view, node.name)
    if not any(standing.emptying(view, name) is None and not view.nodes[name].value.witness for name in others):
        return reason(Why.DRAIN_NOWHERE, node.name)
    return None


def decided(view: ClusterView, held: Held[Intent], me: Session, now: Moment) -> Decision:
    """Carry an order out that ``refusal`` lets pass: write what it changes, and how far it has come with that."""
    intent, node = held.value, held.value.node
    assert node is not None
    if intent.verb is Verb.CONFIRM_DOWN:
        return _confirmed(view, held, node, me, now)
    after, why, ends_now = _changed(view, intent, node, now)
    change = Transaction(guards=(Guard(Key(Kind.NODE, node), view.nodes[node].revision),), puts=(Put(after),),
                         history=(ends.entry(why, intent, me, now),))
    end = ends.done(intent, why, now) if ends_now else replace(intent, outcome=Outcome.ACCEPTED)
    return ends.joined(Decision(transaction=change, why=why), ends.write(held, end, why, me, now))


def _changed(view: ClusterView, intent: Intent, name: NodeName, now: Moment) -> tuple[Node, Reason, bool]:
    """Give the node's record as it is to be, why, and whether the order has ended with that."""
    node, by = view.nodes[name].value, intent.by
    match intent.verb:
        case Verb.RELEASE:
            return quarantine.released(view, name, now), reason(Why.RELEASE_ASKED, by, name), True
        case Verb.DRAIN:
            drained = Drained(by=by, at_s=now.wall_s, held=len(emptying.remaining(view, name)))
            return replace(node, drained=drained), reason(Why.DRAIN_ASKED, by, name), False
        case Verb.UNDRAIN:
            return replace(node, drained=None), reason(Why.UNDRAIN_ASKED, by, name), True
        case Verb.HAND_OVER:
            policy = view.settings.value.shutdown if view.settings else Shutdown.MIGRATE
            return (replace(node, closing=view.sessions[name].value.boot),
                    reason(Why.HAND_OVER_ASKED, by, name, policy), False)
        case Verb.LEAVE:
            return replace(node, wanted=False), reason(Why.LEAVE_ASKED, by, name), False
        case _:
            return invited(node), reason(Why.JOIN_ASKED, by, name), False


def invited(node: Node) -> Node:
    """Give the node's record once it may be a member."""
    return replace(node, wanted=True, closing=None)


def _confirmed(view: ClusterView, held: Held[Intent], node: NodeName, me: Session, now: Moment) -> Decision:
    intent, last = held.value, view.sessions[node]
    session = last.value.id
    why = reason(Why.CONFIRM_ASKED, intent.by, node)
    proof = Proof(node=node, session=session, kind=ProofKind.CONFIRMED, at_s=now.wall_s, by=intent.by)
    told = replace(ends.entry(why, intent, me, now), cause=session, severity=Severity.WARNING)
    # A session that came back to life since has another record: the operator's word was not about that.
    guards = (alive(view, node), Guard(Key(Kind.SESSION, node), last.revision),
              Guard(Key(Kind.PROOF, session), NOTHING))
    change = Transaction(guards=guards, puts=(Put(proof),), history=(told,))
    over = ends.write(held, ends.done(intent, why, now), why, me, now)
    return ends.joined(Decision(transaction=change, why=why), over)


def ending(view: ClusterView, intent: Intent, now: Moment) -> Intent | None:
    """Give an accepted order's ended form once its end is known, or None while it is on its way."""
    node = intent.node
    if node is None or node not in view.nodes:
        return ends.refused(intent, reason(Why.UNKNOWN_NODE, node), now)
    if not _stands(view, intent.verb, node):
        return ends.ended(intent, Outcome.SUPERSEDED, reason(Why.SUPERSEDED, "a later order"), now)
    if intent.verb is Verb.JOIN:
        return ends.done(intent, reason(Why.NODE_JOINED, node), now) if view.is_live(node) else None
    end = emptying.ended(view, node)
    if intent.verb is Verb.DRAIN and end is not None:
        return ends.ended(intent, Outcome.DONE if end.why is Why.EMPTY else Outcome.FAILED, end, now)
    if intent.verb is Verb.HAND_OVER and end is not None and end.why is Why.NOT_EMPTY:
        return ends.ended(intent, Outcome.FAILED, end, now)
    held = any(node in holders(view.states[name].value) for name in view.index.near.get(node, NOBODY))
    return None if held or view.is_live(node) else ends.done(intent, reason(Why.NODE_GONE, node), now)


def _stands(view: ClusterView, verb: Verb, node: NodeName) -> bool:
    """Tell whether what the order has written stands yet."""
    known = view.nodes[node].value
    match verb:
        case Verb.JOIN:
            return known.wanted and standing.down(view) is None
        case Verb.LEAVE:
            return not known.wanted
        case Verb.DRAIN:
            return known.drained is not None
        case Verb.HAND_OVER:
            return standing.closing(view, node)
        case _:
            return True


def gone(view: ClusterView, node: NodeName, now: Moment) -> Iterable[tuple[Guard, Put]]:
    """Give the ends of the orders that a node has carried out by leaving; it writes them itself, as the last member."""
    why = reason(Why.NODE_GONE, node)
    return tuple((Guard(Key(Kind.INTENT, held.value.id), held.revision), Put(ends.done(held.value, why, now)))
                 for held in sorted(view.intents.values(), key=lambda held: held.value.id)
                 if held.value.node == node and held.value.outcome is Outcome.ACCEPTED
                 and held.value.verb in {Verb.LEAVE, Verb.HAND_OVER})
