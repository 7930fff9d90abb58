"""Operators' orders: which are legal now, what each becomes, and when it has ended.

One judgement serves everybody: the API asks it before it accepts an order, so that a mistake is told at once; the
master asks it again when it carries the order out, because the world may have changed in between; the console asks
it which buttons to offer. The legal actions per state are the original's (reference, table 1.3).
"""

from collections.abc import Mapping

from stanchion.model import events as e
from stanchion.model.cluster import ClusterView, Held
from stanchion.model.ids import Moment, NodeName, ResourceName, SessionId
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import AlertKind, ResourceState, State, holders, next_operation
from stanchion.plan import ends, node_orders, placement, standing, trial

LEGAL: Mapping[State, tuple[Verb, ...]] = {
    State.OFFLINE: (Verb.ONLINE, Verb.ADOPT),
    State.LOADING: (),
    State.RUNNING: (Verb.OFFLINE, Verb.MIGRATE),
    State.UNLOADING: (),
    State.COMATOSE: (Verb.OFFLINE,),
    State.ALERT: (Verb.ALERT_YES, Verb.ALERT_NO, Verb.OFFLINE),
    State.UNASSIGNED: (Verb.OFFLINE,),
    State.QUORUM_WAIT: (Verb.OFFLINE,),
    State.MIGRATING: (),
}
"""What may be ordered in each state. END_PROCESS is judged by the node, which alone knows what runs, TEST by
``trial``.
"""

BY_THE_NODE = frozenset({Verb.END_PROCESS, Verb.TEST})
"""The orders that a node carries out by itself; the master only refuses them."""


STARTS = frozenset({Verb.ONLINE, Verb.ADOPT, Verb.MIGRATE, Verb.ALERT_YES})
"""The orders that load something somewhere."""


OF_A_NODE = frozenset({Verb.LEAVE, Verb.JOIN, Verb.CONFIRM_DOWN, Verb.RELEASE, Verb.DRAIN, Verb.UNDRAIN,
                       Verb.HAND_OVER})
"""The orders that are about a node."""


def possible(view: ClusterView, name: ResourceName) -> tuple[Verb, ...]:
    """Say what may be ordered for the resource now; nothing for an unknown one."""
    held = view.states.get(name)
    return () if held is None else LEGAL[held.value.state]


def refusal(view: ClusterView, intent: Intent) -> Reason | None:
    """Say why the order cannot be taken now, or None when it can."""
    if intent.verb in OF_A_NODE:
        return node_orders.refusal(view, intent)
    name = intent.resource or ResourceName("")
    held, spec = view.states.get(name), view.specs.get(name)
    if held is None or spec is None:
        return reason(Why.UNKNOWN_RESOURCE, name)
    if intent.verb is Verb.END_PROCESS:
        return None if holders(held.value) else reason(Why.NO_PROCESS, name)
    if intent.verb is Verb.TEST:
        return trial.refusal(view, intent)
    if intent.verb in STARTS and standing.down(view) is not None:
        return reason(Why.CLUSTER_DOWN)
    return _illegal(view, intent, held.value, spec.value)


def _illegal(view: ClusterView, intent: Intent, state: ResourceState, spec: ResourceSpec) -> Reason | None:
    if intent.verb in {Verb.ALERT_YES, Verb.ALERT_NO}:
        return _answer_refusal(intent, state)
    if intent.verb not in LEGAL[state.state]:
        can = ", ".join(LEGAL[state.state]) or "nothing, wait until it has ended"
        return reason(Why.ILLEGAL_NOW, intent.verb, state.state, can)
    if intent.verb is Verb.MIGRATE:
        return _migrate_refusal(view, intent, state, spec)
    return _start_refusal(view, intent, spec) if intent.verb in {Verb.ONLINE, Verb.ADOPT} else None


def _start_refusal(view: ClusterView, intent: Intent, spec: ResourceSpec) -> Reason | None:
    if (tried := trial.under_way(view, spec.name)) is not None:
        return tried
    if intent.node is None:
        return reason(Why.UNKNOWN_NODE, "without a name") if intent.verb is Verb.ADOPT else None
    return placement.rejection(view, spec, intent.node)


def _answer_refusal(intent: Intent, state: ResourceState) -> Reason | None:
    """Say that the alert which is answered does not ask any more: it was answered, or the world went on."""
    if state.alert is None:
        return reason(Why.NO_ALERT, state.state, sentence(state.reason))
    if intent.alert is not None and intent.alert is not state.alert:
        return reason(Why.OTHER_ALERT, intent.alert, state.alert)
    return None


def _migrate_refusal(view: ClusterView, intent: Intent, state: ResourceState, spec: ResourceSpec) -> Reason | None:
    if intent.node is not None and intent.node == state.node:
        return reason(Why.ALREADY_THERE, intent.node)
    if intent.live and not spec.live:
        return reason(Why.NOT_LIVE)
    if state.node is not None and not view.is_live(state.node):
        return reason(Why.NODE_DOWN, state.node)
    if intent.node is None:
        fit = placement.candidates(view, spec, without=(state.node,) if state.node else ())
        return None if fit.nodes else fit.why_none()
    return placement.rejection(view, spec, intent.node)


def event_for(view: ClusterView, intent: Intent, held: Held[ResourceState], spec: ResourceSpec) -> e.Event:
    """Turn an accepted order for a resource into what happens to it. Call it only when ``refusal`` gave None."""
    operation = next_operation(held.value.name, held.revision)
    home = placement.home_session(view, spec)
    match intent.verb:
        case Verb.ADOPT:
            return _adoption(view, intent, held, home)
        case Verb.ONLINE:
            fit = placement.candidates(view, spec)
            node = intent.node or fit.first
            why = reason(Why.ONLINE_ASKED, intent.by)
            if node is None:
                return e.NoNode(why=fit.why_none())
            return e.Placed(node=node, operation=operation, why=why, settled_for=home)
        case Verb.OFFLINE:
            return e.StopOrdered(operation=operation, why=reason(Why.OFFLINE_ASKED, intent.by))
        case Verb.MIGRATE:
            target = intent.node or placement.candidates(view, spec, without=_here(held)).nodes[0]
            live = spec.live if intent.live is None else intent.live
            return e.MoveOrdered(target=target, live=live, operation=operation, settled_for=home,
                                 why=reason(Why.MIGRATE_ASKED, intent.by, target))
        case Verb.ALERT_YES:
            return _consent(view, intent, held, spec)
        case _:
            return e.AlertDeclined(why=reason(Why.ALERT_NO, intent.by), settled_for=home)


def _adoption(view: ClusterView, intent: Intent, held: Held[ResourceState], home: SessionId | None) -> e.Event:
    node = intent.node
    session = view.session_of(node) if node is not None else None
    assert node is not None
    assert session is not None
    return e.AdoptOrdered(node=node, session=session, operation=next_operation(held.value.name, held.revision),
                          spec_revision=view.specs[held.value.name].revision, settled_for=home,
                          why=reason(Why.ADOPT_ASKED, intent.by, node))


def _consent(view: ClusterView, intent: Intent, held: Held[ResourceState], spec: ResourceSpec) -> e.Event:
    operation = next_operation(held.value.name, held.revision)
    home = placement.home_session(view, spec)
    why = reason(Why.ALERT_YES, intent.by)
    if held.value.alert is AlertKind.FAILBACK:
        target = placement.order(view, spec)[0]
        fault = placement.rejection(view, spec, target)
        if fault is not None:
            return e.AlertDeclined(why=fault, settled_for=home)
        return e.Sent(target=target, operation=operation, why=why, settled_for=home)
    fit = placement.candidates(view, spec)
    node = held.value.node if held.value.node in fit.nodes else fit.first
    if node is None:
        return e.NoNode(why=fit.why_none())
    return e.Placed(node=node, operation=operation, why=why, settled_for=home)


def _here(held: Held[ResourceState]) -> tuple[NodeName, ...]:
    return (held.value.node,) if held.value.node else ()


SETTLED = frozenset({State.OFFLINE, State.RUNNING, State.COMATOSE, State.ALERT, State.UNASSIGNED, State.QUORUM_WAIT})


def ending(view: ClusterView, intent: Intent, now: Moment) -> Intent | None:
    """Give an accepted order's ended form once its end is known, or None while it is on its way."""
    if intent.resource is None:
        return None
    held = view.states.get(intent.resource)
    if held is None:
        return ends.ended(intent, Outcome.SUPERSEDED, reason(Why.DELETED, "an operator"), now)
    state = held.value
    if state.state not in SETTLED:
        return None
    reached = {
        Verb.ONLINE: state.state in {State.RUNNING, State.UNASSIGNED},
        Verb.ADOPT: state.state is State.RUNNING,
        Verb.OFFLINE: state.state is State.OFFLINE,
        Verb.MIGRATE: state.state is State.RUNNING and state.node == intent.node,
        Verb.ALERT_YES: state.state is State.RUNNING,
        Verb.ALERT_NO: True,
    }
    outcome = Outcome.DONE if reached.get(intent.verb, True) else Outcome.FAILED
    return ends.ended(intent, outcome, state.reason, now)
