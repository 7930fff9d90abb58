"""Taking an order: judged at once so that a mistake is told at once, then written for the master to carry out."""

from collections.abc import Sequence
from typing import Any

from stanchion.api import telling
from stanchion.api.services import Services
from stanchion.api.thinking import thought
from stanchion.model.capacity import Admission
from stanchion.model.errors import NotFound, NotNow
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NOTHING, IntentId, NodeName, ResourceName, Revision
from stanchion.model.naming import key_of
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.state import AlertKind
from stanchion.model.transaction import Conflict, Guard, Put, Transaction
from stanchion.plan import admission, orders
from stanchion.wire import replies

_UNKNOWN = frozenset({Why.UNKNOWN_RESOURCE, Why.UNKNOWN_NODE})


async def take(here: Services, verb: Verb, by: str, *, resource: ResourceName | None = None,
               node: NodeName | None = None, live: bool | None = None, **more: Any) -> replies.IntentInfo:
    """Write an order down; ``more`` are further fields of the intent.

    Raises ``NotFound`` or ``NotNow`` with the reason when it cannot be taken.
    """
    intent = judged(here, verb, by, resource=resource, node=node, live=live, **more)
    return await _write(here, intent, warned=await admitted(here, [intent]))


async def admitted(here: Services, intents: Sequence[Intent]) -> Reason | None:
    """Judge what orders would do to the guarantee, and give what is to be warned of. Raises ``NotNow``."""
    view = here.view()
    if view.settings is None or not view.settings.value.survives:
        return None
    master = view.sessions.get(view.master.value.node) if view.master else None
    why = await thought(admission.broken_by, view, None if master is None else master.value, intents, here.clock.now())
    if why is not None and view.settings.value.admission is Admission.REFUSE:
        raise NotNow(f"{sentence(why)}; to order it all the same, set the cluster's admission to warn")
    return why


def judged(here: Services, verb: Verb, by: str, *, resource: ResourceName | None = None,
           node: NodeName | None = None, live: bool | None = None, **more: Any) -> Intent:
    """Make an order that can be taken now. Raises ``NotFound`` or ``NotNow`` with the reason when it cannot."""
    intent = Intent(id=IntentId(here.chance.token()), verb=verb, by=by, at_s=here.clock.now().wall_s,
                    resource=resource, node=node, live=live, alert=_asked(here, resource), **more)
    why = orders.refusal(here.view(), intent)
    if why is not None:
        raise (NotFound if why.why in _UNKNOWN else NotNow)(sentence(why))
    return intent


async def write_all(here: Services, intents: Sequence[Intent]) -> Revision:
    """Write many orders at once: all of them or none. Raises ``NotNow``."""
    answer = await here.store.commit(Transaction(
        guards=tuple(Guard(key_of(intent), NOTHING) for intent in intents), puts=tuple(map(Put, intents))))
    if isinstance(answer, Conflict):
        raise NotNow("another order has the same id; repeat the order")
    return answer.revision


def _asked(here: Services, name: ResourceName | None) -> AlertKind | None:
    """Give the question that the resource asks just now."""
    held = here.view().states.get(name) if name is not None else None
    return None if held is None else held.value.alert


async def end_process(here: Services, name: ResourceName, by: str) -> replies.IntentInfo:
    """End the resource's running script: at once when it runs on this node, else by order to the node that has it."""
    now = here.clock.now().wall_s
    intent = Intent(id=IntentId(here.chance.token()), verb=Verb.END_PROCESS, by=by, at_s=now, resource=name)
    pid = here.process_of(name)
    if pid is None:
        held = here.view().states.get(name)
        if held is None or held.value.node in {None, here.node}:
            raise NotNow(sentence(reason(Why.NO_PROCESS, name)))
        return await _write(here, intent)
    why = reason(Why.ENDED_PROCESS if await here.end_process(name) else Why.NO_PROCESS, name)
    done = Intent(id=intent.id, verb=intent.verb, by=by, at_s=now, resource=name, node=here.node,
                  outcome=Outcome.DONE, reason=why, ended_at_s=here.clock.now().wall_s)
    return await _write(here, done, why)


async def _write(here: Services, intent: Intent, told: Reason | None = None,
                 warned: Reason | None = None) -> replies.IntentInfo:
    entries = tuple(
        Entry(at_s=at_s, reason=why, severity=severity, by=here.node, resource=intent.resource, node=intent.node,
              cause=intent.id)
        for why, severity, at_s in ((told, Severity.INFO, intent.ended_at_s), (warned, Severity.WARNING, intent.at_s))
        if why is not None)
    answer = await here.store.commit(Transaction(
        guards=(Guard(key_of(intent), NOTHING),), puts=(Put(intent),), history=entries))
    if isinstance(answer, Conflict):
        raise NotNow("another order has the same id; repeat the order")
    await here.catch_up(answer.revision)
    return telling.intent_info(intent)
