"""Many orders in one request. Each is judged by itself, as if it came alone: a bad one does not spoil the others."""

from collections.abc import Sequence

from fastapi import APIRouter, status

from stanchion.api import finding, ordering, problems, telling
from stanchion.api.services import By, Here, Services
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.model.ids import NOTHING
from stanchion.model.orders import Intent, Verb
from stanchion.plan import admission
from stanchion.wire.orders import ManyOrders, ManyResults, OneOrder, OrderResult

router = APIRouter(prefix="/orders", tags=["orders"])

AT_ONCE = 50
"""So many orders are written in one transaction; etcd takes 128 at most."""


@router.post("", status_code=status.HTTP_202_ACCEPTED)
async def order_many(here: Here, by: By, asked: ManyOrders) -> ManyResults:
    """Order many resources online, offline or to another node, and tell for each whether the order was taken."""
    judged: list[Intent | StanchionError] = []
    seen: set[str] = set()
    for one in asked.orders:
        try:
            judged.append(_judged(here, by, one, seen))
        except StanchionError as problem:
            judged.append(problem)
    faults = await _taken(here, [each for each in judged if isinstance(each, Intent)])
    results = tuple(_result(one, faults.get(each.id, each) if isinstance(each, Intent) else each)
                    for one, each in zip(asked.orders, judged, strict=True))
    taken = sum(one.intent is not None for one in results)
    return ManyResults(results=results, taken=taken, refused=len(results) - taken)


def _judged(here: Services, by: str, one: OneOrder, seen: set[str]) -> Intent:
    view = here.view()
    found = finding.resource(view, one.resource)
    if found in seen:
        raise InvalidInput(f"{found} stands in this list twice; give one order for it")
    seen.add(found)
    if one.verb == "offline" and one.node is not None:
        raise InvalidInput("an order to go offline names no node")
    return ordering.judged(here, Verb(one.verb), by, resource=found, live=one.live,
                           node=finding.node(view, one.node) if one.node else None)


async def _taken(here: Services, intents: Sequence[Intent]) -> dict[str, StanchionError]:
    """Take the orders, if together they leave the guarantee whole; give what went wrong with those not taken."""
    try:
        await ordering.admitted(here, intents)
    except StanchionError as problem:
        harmful = {intent.id: problem for intent in intents if intent.verb in admission.ASKED_OF}
        return harmful | await _written(here, [intent for intent in intents if intent.id not in harmful])
    return await _written(here, intents)


async def _written(here: Services, intents: Sequence[Intent]) -> dict[str, StanchionError]:
    """Write the orders, some at a time, and give what went wrong with those that were not written."""
    faults: dict[str, StanchionError] = {}
    last = NOTHING
    for begin in range(0, len(intents), AT_ONCE):
        some = intents[begin:begin + AT_ONCE]
        try:
            last = await ordering.write_all(here, some)
        except StanchionError as problem:
            faults |= {intent.id: problem for intent in some}
    await here.catch_up(last)
    return faults


def _result(one: OneOrder, became: Intent | StanchionError) -> OrderResult:
    if isinstance(became, Intent):
        return OrderResult(verb=one.verb, resource=became.resource or one.resource, intent=telling.intent_info(became))
    return OrderResult(verb=one.verb, resource=one.resource, problem=problems.told(became))
