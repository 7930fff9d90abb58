"""``decide``: what the master changes in the cluster, given one frozen view.

The questions are asked in this order: the membership and the proofs that time brought; operators' orders, oldest
first; then, resource by resource, what the cluster does by itself, higher priority first. A decision of this round is
applied to the view at once, so that a later one sees it. Nothing here waits, remembers or logs: the same view and the
same instant give the same decisions, on whichever node.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Session
from stanchion.model.events import Event
from stanchion.model.fencing import Attempt, Senses
from stanchion.model.ids import Moment, NodeName, ResourceName
from stanchion.model.orders import ENDED, Intent, Outcome
from stanchion.model.reasons import Why, reason
from stanchion.model.state import State
from stanchion.model.transaction import Guard, Transaction
from stanchion.plan import (
    ends,
    failing,
    fencing,
    membership,
    node_orders,
    orders,
    placement,
    quarantine,
    recovery,
    standing,
    strays,
    together,
    yielding,
)
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
    return pressing(view, me, now, senses) or settled(view, me, now)


def pressing(view: ClusterView, me: Session, now: Moment, senses: Senses = DEAF) -> tuple[Decision, ...]:
    """Give what comes before anything else: who is a member, and what is proven about who is not."""
    return (*standing.judge(view, me, now), *fencing.judge(view, me, senses, now), *membership.judge(view, me, now),
            *quarantine.judge(view, me, now), *strays.judge(view, me, now))


def settled(view: ClusterView, me: Session, now: Moment, due: Collection[ResourceName] | None = None,
            most: int | None = None) -> tuple[Decision, ...]:
    """Give what becomes of orders and resources; of those that are ``due`` only (None: of all).

    After so many decisions as ``most`` says it stops; what is left is for another round.
    """
    decisions: list[Decision] = []
    for held in sorted(view.intents.values(), key=lambda held: (held.revision, held.value.id)):
        for decision in _order(view, held, me, now):
            decisions.append(decision)
            view = applied(view, decision)
    for name in sorted(view.states if due is None else due, key=lambda name: together.turn(view, name)):
        if most is not None and len(decisions) >= most:
            break
        verdict = _own_accord(view, name, me, now)
        for decision in (verdict,) if verdict is not None else _room_made(view, name, me, now):
            decisions.append(decision)
            view = applied(view, decision)
    return (*decisions, *_forgotten(view))


def _own_accord(view: ClusterView, name: ResourceName, me: Session, now: Moment) -> Decision | None:
    held, spec = view.states[name], view.specs.get(name)
    if spec is None:
        return None
    verdict = recovery.judge(view, held, spec.value, now)
    if verdict is None:
        return None
    goes = _goal(verdict.event) is not None
    return step(held, verdict.event, now, by=me.node,
                guards=(*verdict.guards, strays.guard(view, name), *(placement.apart(view, name) if goes else ())),
                cause=cause(view, held.value, verdict.event, verdict.guards))


def _room_made(view: ClusterView, name: ResourceName, me: Session, now: Moment) -> Iterator[Decision]:
    """Send away what gives way to a resource that waits for memory."""
    for other, verdict in yielding.asked(view, name):
        yield step(view.states[other], verdict.event, now, by=me.node,
                   guards=(*verdict.guards, strays.guard(view, other), *placement.apart(view, other),
                           Guard(Key(Kind.STATE, name), view.states[name].revision)))


def _order(view: ClusterView, held: Held[Intent], me: Session, now: Moment) -> tuple[Decision, ...]:
    intent = held.value
    if intent.outcome in ENDED:
        return ()
    if intent.outcome is Outcome.ACCEPTED:
        return _progress(view, held, me, now)
    fault = orders.refusal(view, intent)
    if fault is not None:
        return (ends.write(held, ends.refused(intent, fault, now), fault, me, now),)
    if intent.verb in orders.BY_THE_NODE:
        return ()
    if intent.verb in orders.OF_A_NODE:
        return (node_orders.decided(view, held, me, now),)
    return (_resource_order(view, held, me, now),)


def _resource_order(view: ClusterView, held: Held[Intent], me: Session, now: Moment) -> Decision:
    intent = held.value
    assert intent.resource is not None
    state, spec = view.states[intent.resource], view.specs[intent.resource]
    event = orders.event_for(view, intent, state, spec.value)
    target = _goal(event)
    change = step(state, event, now, by=me.node, cause=intent.id,
                  guards=(strays.guard(view, intent.resource),
                          *(() if target is None else placement.apart(view, intent.resource)),
                          *(() if target is None or target not in view.live else (alive(view, target),))))
    operation = getattr(event, "operation", None)
    accepted = replace(intent, outcome=Outcome.ACCEPTED, node=target or intent.node, operation=operation)
    return ends.joined(change, ends.write(held, accepted, event.why, me, now))


def _goal(event: Event) -> NodeName | None:
    """Name the node to which an event sends a resource."""
    return getattr(event, "target", None) or getattr(event, "node", None)


def _progress(view: ClusterView, held: Held[Intent], me: Session, now: Moment) -> tuple[Decision, ...]:
    """End an accepted order once its end is known."""
    intent = held.value
    end = (node_orders if intent.verb in orders.OF_A_NODE else orders).ending(view, intent, now)
    return () if end is None or end.reason is None else (ends.write(held, end, end.reason, me, now),)


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
    waits = [max(0.1, left_s) for left_s in (quarantine.ends_in_s(view, now), standing.ends_in_s(view, now))
             if left_s is not None]
    if any(held.value.attempt is Attempt.FAILED and held.value.session not in view.proofs
           for held in view.fencings.values()):
        waits.append(fencing.RETRY_S)
    unsettled = [view.states[name].value for name in view.index.unsettled]
    waits += [left_s for state in unsettled if state.name in view.specs
              and (left_s := failing.left_s(state, view.specs[state.name].value, now))]
    if view.settings is not None and view.membership is not None and not view.membership.value.quorum and any(
            state.state is State.QUORUM_WAIT for state in unsettled):
        timeout_s = view.settings.value.quorum_timeout_s
        waits.append(max(0.1, min(view.membership.value.formed_at_s + timeout_s - now.wall_s, timeout_s)))
    return min(waits, default=None)
