"""Orders to resources: online, offline, migrate, alert, end-process. They wait for the end unless told not to.

An order that ends well is told with the state that it led to; one that fails, is refused by the master or is
overtaken by events ends the command with exit code 1 and the reason.
"""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from stanchion.cli.completing import ANode, AResource, MaybeNode
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import NotFound, StanchionError
from stanchion.model.orders import Outcome

if TYPE_CHECKING:
    from stanchion.wire.replies import IntentInfo, ResourceInfo

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
