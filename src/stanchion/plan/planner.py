"""``decide``: what the master changes in the cluster, given one frozen view.

The questions are asked in this order: the membership and the proofs that time brought; operators' orders, oldest
first; then, resource by resource, what the cluster does by itself, higher priority first. A decision of this round is
applied to the view at once, so that a later one sees it. Nothing here waits, remembers or logs: the same view and the
same instant give the same decisions, on whichever node.
"""

from dataclasses import replace

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Proof, ProofKind, Session
from stanchion.model.fencing import Attempt, Senses
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import Moment, ResourceName
from stanchion.model.orders import ENDED, Intent, Outcome, Verb
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.state import State, holders
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan import failing, fencing, membership, orders, quarantine, recovery, strays, together
from stanchion.plan.causes import cause
from stanchion.plan.change import alive, applied, step

DEAF = Senses()
"""Perceiving nothing."""

INTENTS_KEPT = 200
"""So many ended orders stay readable; older ones are removed. Their story stays in the history."""


def decide(view: ClusterView, me: Session, now: Moment, senses: Senses = DEAF) -> tuple[Decision, ...]:
    """Give the changes that the cluster needs now, in the order in which they are to be committed.

    ``senses`` is what the master perceives itself; it only makes fence devices begin early.
    """
    standing = (*fencing.judge(view, me, senses, now), *membership.judge(view, me, now),
                *quarantine.judge(view, me, now), *strays.judge(view, me, now))
    if standing:
        return standing
    decisions: list[Decision] = []
    for held in sorted(view.intents.values(), key=lambda held: (held.revision, held.value.id)):
        for decision in _order(view, held, me, now):
            decisions.append(decision)
            view = applied(view, decision)
    for name in sorted(view.states, key=lambda name: _turn(view, name)):
        verdict = _own_accord(view, name, me, now)
        if verdict is not None:
            decisions.append(verdict)
            view = applied(view, verdict)
    return (*decisions, *_forgotten(view))


def _turn(view: ClusterView, name: ResourceName) -> tuple[int, ResourceName, int]:
    """Say when it is a resource's turn: those that are kept together come one after the other, the leader first."""
    group = together.members(view, name)
    priority = max((view.specs[each].value.policies.priority for each in group if each in view.specs), default=0)
    return (-priority, group[0], group.index(name))


def _own_accord(view: ClusterView, name: ResourceName, me: Session, now: Moment) -> Decision | None:
    held, spec = view.states[name], view.specs.get(name)
    if spec is None:
        return None
    verdict = recovery.judge(view, held, spec.value, now)
    if verdict is None:
        return None
    return step(held, verdict.event, now, by=me.node, guards=(*verdict.guards, strays.guard(view, name)),
                cause=cause(view, held.value, verdict.event, verdict.guards))


def _order(view: ClusterView, held: Held[Intent], me: Session, now: Moment) -> tuple[Decision, ...]:
    intent = held.value
    if intent.outcome in ENDED:
        return ()
    if intent.outcome is Outcome.ACCEPTED:
        return _progress(view, held, me, now)
    fault = orders.refusal(view, intent)
    if fault is not None:
        return (_write(held, orders.refused(intent, fault, now), fault, me, now),)
    if intent.verb in orders.BY_THE_NODE:
        return ()
    if intent.verb in orders.OF_A_NODE:
        return (_node_order(view, held, me, now),)
    return (_resource_order(view, held, me, now),)


def _resource_order(view: ClusterView, held: Held[Intent], me: Session, now: Moment) -> Decision:
    intent = held.value
    assert intent.resource is not None
    state, spec = view.states[intent.resource], view.specs[intent.resource]
    event = orders.event_for(view, intent, state, spec.value)
    target = getattr(event, "target", None) or getattr(event, "node", None)
    change = step(state, event, now, by=me.node, cause=intent.id,
                  guards=(strays.guard(view, intent.resource),
                          *(() if target is None or target not in view.live else (alive(view, target),))))
    operation = getattr(event, "operation", None)
    accepted = replace(intent, outcome=Outcome.ACCEPTED, node=target or intent.node, operation=operation)
    return _joined(change, _write(held, accepted, event.why, me, now))


def _node_order(view: ClusterView, held: Held[Intent], me: Session, now: Moment) -> Decision:
    intent = held.value
    assert intent.node is not None
    if intent.verb is Verb.CONFIRM_DOWN:
        session = view.sessions[intent.node].value.id
        why = reason(Why.CONFIRM_ASKED, intent.by, intent.node)
        proof = Proof(node=intent.node, session=session, kind=ProofKind.CONFIRMED, at_s=now.wall_s, by=intent.by)
        guards = (Guard(Key(Kind.LIVE, intent.node), alive(view, intent.node).revision),)
        change = Transaction(guards=guards, puts=(Put(proof),),
                             history=(replace(_entry(why, intent, me, now), cause=session, severity=Severity.WARNING),))
        end = orders.done(intent, why, now)
    elif intent.verb is Verb.RELEASE:
        why = reason(Why.RELEASE_ASKED, intent.by, intent.node)
        guards = (Guard(Key(Kind.NODE, intent.node), view.nodes[intent.node].revision),)
        change = Transaction(guards=guards, puts=(Put(quarantine.released(view, intent.node, now)),),
                             history=(_entry(why, intent, me, now),))
        end = orders.done(intent, why, now)
    else:
        node = view.nodes[intent.node]
        why = reason(Why.LEAVE_ASKED if intent.verb is Verb.LEAVE else Why.JOIN_ASKED, intent.by, intent.node)
        wanted = replace(node.value, wanted=intent.verb is Verb.JOIN)
        change = Transaction(guards=(Guard(Key(Kind.NODE, intent.node), node.revision),), puts=(Put(wanted),),
                             history=(_entry(why, intent, me, now),))
        end = replace(intent, outcome=Outcome.ACCEPTED)
    return _joined(Decision(transaction=change, why=why), _write(held, end, why, me, now))


def _progress(view: ClusterView, held: Held[Intent], me: Session, now: Moment) -> tuple[Decision, ...]:
    """End an accepted order once its end is known."""
    intent = held.value
    if intent.verb in {Verb.LEAVE, Verb.JOIN}:
        end = _node_ending(view, intent, now)
    else:
        end = orders.ending(view, intent, now)
    return () if end is None or end.reason is None else (_write(held, end, end.reason, me, now),)


def _node_ending(view: ClusterView, intent: Intent, now: Moment) -> Intent | None:
    node = intent.node
    if node is None or node not in view.nodes:
        return orders.refused(intent, reason(Why.UNKNOWN_NODE, node), now)
    if view.nodes[node].value.wanted is not (intent.verb is Verb.JOIN):
        return replace(orders.done(intent, reason(Why.SUPERSEDED, "a later order"), now), outcome=Outcome.SUPERSEDED)
    if intent.verb is Verb.JOIN:
        return orders.done(intent, reason(Why.NODE_JOINED, node), now) if view.is_live(node) else None
    held = any(node in holders(state.value) for state in view.states.values())
    return None if held or view.is_live(node) else orders.done(intent, reason(Why.NODE_GONE, node), now)


def _write(held: Held[Intent], after: Intent, why: Reason, me: Session, now: Moment) -> Decision:
    guard = Guard(Key(Kind.INTENT, after.id), held.revision)
    told = (_entry(why, after, me, now),) if after.outcome is Outcome.REFUSED else ()
    return Decision(transaction=Transaction(guards=(guard,), puts=(Put(after),), history=told), why=why)


def _entry(why: Reason, intent: Intent, me: Session, now: Moment) -> Entry:
    severity = Severity.WARNING if intent.outcome is Outcome.REFUSED else Severity.INFO
    return Entry(at_s=now.wall_s, reason=why, severity=severity, by=me.node, node=intent.node,
                 resource=intent.resource, cause=intent.id)


def _joined(first: Decision, second: Decision) -> Decision:
    """Make one transaction of two: both take place or neither."""
    one, two = first.transaction, second.transaction
    return Decision(why=first.why, transaction=Transaction(
        guards=(*one.guards, *two.guards), puts=(*one.puts, *two.puts), deletes=(*one.deletes, *two.deletes),
        history=(*one.history, *two.history)))


def _forgotten(view: ClusterView) -> tuple[Decision, ...]:
    """Remove the oldest ended orders beyond those that are kept."""
    ended = sorted((held.value.ended_at_s, held.value.id, held.revision) for held in view.intents.values()
                   if held.value.outcome in ENDED)
    surplus = ended[:max(0, len(ended) - INTENTS_KEPT)]
    if not surplus:
        return ()
    keys = tuple(Key(Kind.INTENT, id_) for _, id_, _ in surplus)
    guards = tuple(Guard(Key(Kind.INTENT, id_), revision) for _, id_, revision in surplus)
    return (Decision(transaction=Transaction(guards=guards, deletes=keys), why=reason(Why.SUPERSEDED, "age")),)


def idle_until(view: ClusterView, now: Moment) -> float | None:
    """Give the seconds after which ``decide`` may answer differently without any change, or None."""
    waits = [left_s] if (left_s := quarantine.ends_in_s(view, now)) is not None else []
    if any(held.value.attempt is Attempt.FAILED and held.value.session not in view.proofs
           for held in view.fencings.values()):
        waits.append(fencing.RETRY_S)
    waits += [left_s for name, held in view.states.items() if name in view.specs
              and (left_s := failing.left_s(held.value, view.specs[name].value, now))]
    if view.settings is not None and view.membership is not None and not view.membership.value.quorum and any(
            held.value.state is State.QUORUM_WAIT for held in view.states.values()):
        timeout_s = view.settings.value.quorum_timeout_s
        waits.append(max(0.1, min(view.membership.value.formed_at_s + timeout_s - now.wall_s, timeout_s)))
    return min(waits, default=None)
