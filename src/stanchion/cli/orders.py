"""Orders to resources: online, offline, migrate, alert, end-process. They wait for the end unless told not to.

An order that ends well is told with the state that it led to; one that fails, is refused by the master or is
overtaken by events ends the command with exit code 1 and the reason.
"""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from stanchion.cli.completing import ANode, AResource, MaybeNode
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import InvalidInput, NotFound, StanchionError
from stanchion.model.orders import Outcome

if TYPE_CHECKING:
    from stanchion.wire.replies import IntentInfo, ResourceInfo

MOST = 500
"""So many resources can be ordered at once."""

STEP_S = 1.0
"""How often the progress line is brought up to date."""


async def online(resource: AResource, node: MaybeNode = None, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """Bring a resource online.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    node
        Node to load it on; left out, the first preferred node that can hold it.
    wait
        Wait until the order has ended.
    """
    async with common.session() as session:
        await finish(session, await session.client.online(resource, node), wait=wait)


async def offline(resource: AResource, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """Take a resource offline by its unload script.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    wait
        Wait until the order has ended.
    """
    async with common.session() as session:
        await finish(session, await session.client.offline(resource), wait=wait)


async def migrate(resource: AResource, node: ANode, /, *, wait: bool = True,
                  live: Annotated[bool | None, Parameter(negative="--cold")] = None,
                  common: Common = COMMON) -> None:
    """Move a resource to another node.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    node
        Node to move it to.
    wait
        Wait until the order has ended.
    live
        Move the running machine, or unload and load it; left out, live where its scripts can.
    """
    async with common.session() as session:
        await finish(session, await session.client.migrate(resource, node, live=live), wait=wait)


async def order(verb: Literal["online", "offline", "migrate"], /, *resources: AResource, to: MaybeNode = None,
                wait: bool = True, common: Common = COMMON) -> None:
    """Order many resources online, offline or to another node at once; what is wrong with one does not stop the others.

    Parameters
    ----------
    verb
        What to order.
    resources
        Names of the resources, in any case; 500 at most.
    to
        Node to load them on, or to move them to; left out, the best one for each.
    wait
        Wait until all orders have ended.
    """
    from stanchion.wire.orders import ManyOrders, OneOrder

    if not resources:
        raise InvalidInput("no resource was named")
    if len(resources) > MOST:
        raise InvalidInput(f"{len(resources)} resources are too many at once; name {MOST} at most")
    asked = ManyOrders(orders=tuple(OneOrder(verb=verb, resource=name, node=to) for name in resources))
    async with common.session() as session:
        told = await session.client.order_many(asked)
        faults = 0
        for one in told.results:
            if one.problem is not None:
                fault = f"{one.problem.detail}; {one.problem.do}" if one.problem.do else one.problem.detail
            else:
                fault = await _outcome(session, one.intent, wait=wait) if one.intent else ""
            faults += bool(fault)
            if fault:
                session.terminal.complain(f"{one.resource}: {fault}")
        if session.json:
            session.terminal.write(told.model_dump_json(indent=2))
        session.say(f"{len(told.results) - faults} of {len(told.results)} orders "
                    f"{'carried out' if wait else 'taken'}.")
        if faults:
            raise StanchionError(f"{faults} of {len(told.results)} orders went wrong")


async def _outcome(session: Session, intent: "IntentInfo", *, wait: bool) -> str:
    """Follow one of many orders to its end, and say what went wrong with it; empty: nothing."""
    if not wait:
        return ""
    try:
        session.say(f"{intent.resource}: {await follow(session, intent)}")
    except StanchionError as problem:
        return str(problem)
    return ""


async def alert(resource: AResource, answer: Literal["yes", "no"], /, *, wait: bool = True,
                common: Common = COMMON) -> None:
    """Answer the question that a resource's alert asks.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    answer
        yes: as proposed. no: a start or failover alert goes offline, a failback alert stays where it runs.
    wait
        Wait until the order has ended.
    """
    async with common.session() as session:
        await finish(session, await session.client.alert(resource, answer), wait=wait)


async def end_process(resource: AResource, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """End the script of a resource that is running now: TERM, then KILL, to its whole process group.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    wait
        Wait until the order has ended.
    """
    async with common.session() as session:
        await finish(session, await session.client.end_process(resource), wait=wait)


async def finish(session: Session, intent: "IntentInfo", *, wait: bool) -> None:
    """Follow an order to its end and tell it. Raises ``StanchionError`` with the reason when it did not succeed."""
    from stanchion.cli import show

    subject = intent.resource or intent.node or intent.id
    if not wait and not intent.ended:
        session.tell(intent, lambda told: f"ordered: {told.verb} {subject} (order {told.id})")
        return
    intent = await ended(session, intent)
    now = await _resource(session, intent)
    if session.json:
        session.terminal.write(intent.model_dump_json(indent=2))
    text = _done(intent)
    session.say(f"{show.where(now)}: {text}" if now else f"{subject}: {text}")


async def follow(session: Session, intent: "IntentInfo") -> str:
    """Follow an order to its end and give the sentence about it. Raises ``StanchionError`` where it did not succeed."""
    return _done(await ended(session, intent))


async def ended(session: Session, intent: "IntentInfo") -> "IntentInfo":
    """Follow an order to its end, with a line of progress where a person looks."""
    subject = intent.resource or intent.node or intent.id
    side = session.terminal.side()
    line = side.status(f"{subject}: {intent.verb} ordered") if side.is_terminal and not session.json else None
    with line or nullcontext():
        while not intent.ended:
            intent = await session.client.intent(intent.id, wait_s=STEP_S)
            if line is not None and not intent.ended:
                line.update(await _progress(session, intent, subject))
    return intent


def _done(intent: "IntentInfo") -> str:
    text = intent.reason.text if intent.reason else intent.outcome.value
    if intent.outcome is not Outcome.DONE:
        raise StanchionError(f"{intent.verb} of {intent.resource or intent.node or intent.id}: "
                             f"{intent.outcome}: {text}")
    return text


async def _progress(session: Session, intent: "IntentInfo", subject: str) -> str:
    from stanchion.cli import show

    now = await _resource(session, intent)
    if now is None and intent.node is not None:
        node = await session.client.node(intent.node)
        if node.emptying is not None:
            return node.emptying.text
    return show.where(now) if now else f"{subject}: {intent.verb} {intent.outcome}"


async def _resource(session: Session, intent: "IntentInfo") -> "ResourceInfo | None":
    if intent.resource is None:
        return None
    try:
        return await session.client.resource(intent.resource)
    except NotFound:
        return None
