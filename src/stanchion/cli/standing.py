"""Commands for the time being: a pause, the whole cluster down and up, nodes drained, hosts that shut down.

They are different things and named so. A pause stops nothing: the cluster begins nothing by itself. A drained node is
emptied and stays a member. A host that shuts down hands over, and its node joins by itself when it is back. Down stops
everything.
"""

from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from stanchion.cli.changes import seconds
from stanchion.cli.orders import STEP_S, finish
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import InvalidInput, StanchionError

if TYPE_CHECKING:
    from stanchion.wire.replies import Status

Yes = Annotated[bool, Parameter(negative="")]


async def pause(*, for_: Annotated[str | None, Parameter(name="--for")] = None, until: str | None = None,
                why: str = "", common: Common = COMMON) -> None:
    """Let the cluster begin nothing by itself, while you work on its network: no fencing, no failover, no failback.

    Nothing is stopped or moved by it, and orders are carried out. Safety is not paused: a host that loses the store
    still stops its machines in time. Without an end it lasts until `stanchion resume`.

    Parameters
    ----------
    for_
        How long: 90s, 30m, 2h.
    until
        Until when, in the local time of this terminal: 14:30, or 2026-11-23 14:30. A time that is past today means
        tomorrow, and that is said.
    why
        What for, to be shown as long as it lasts.
    """
    from stanchion.wire.standing import PauseOrder

    order = PauseOrder(for_s=None if for_ is None else seconds(for_), until=None if until is None else instant(until),
                       why=why)
    async with common.session() as session:
        from stanchion.cli import show_standing

        session.tell(await session.client.pause(order), show_standing.standing)
        if order.until is not None and order.until.date() > datetime.now().astimezone().date():
            session.terminal.complain(f"stanchion: it lasts until another day: {order.until:%A, %Y-%m-%d %H:%M}")


async def resume(*, common: Common = COMMON) -> None:
    """End the pause: the cluster acts by itself again, and makes up for what it has held back."""
    async with common.session() as session:
        from stanchion.cli import show_standing

        session.tell(await session.client.resume(), show_standing.standing)


async def drain(node: str, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """Empty a node, live where the scripts can, for work on its host; it stays a member and is given nothing new.

    What no other node can take runs on there, and is named with the reason.

    Parameters
    ----------
    node
        Name of the node, in any case.
    wait
        Wait until nothing is left, or until what is left cannot go.
    """
    async with common.session() as session:
        await finish(session, await session.client.order_node(node, "drain"), wait=wait)


async def undrain(node: str, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """End the drain of a node: it may hold resources again. They return only where their failback mode says so.

    Parameters
    ----------
    node
        Name of the node, in any case.
    wait
        Wait until the order has ended.
    """
    async with common.session() as session:
        await finish(session, await session.client.order_node(node, "undrain"), wait=wait)


async def handover(node: str, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """Tell that a node's host shuts down: what it holds goes by the cluster's policy, at once; then the node leaves.

    The unit stanchion-handover.service does this whenever the host shuts down. The node joins by itself when its host
    was started anew; `stanchion node join` takes it back before.

    Parameters
    ----------
    node
        Name of the node, in any case.
    wait
        Wait until the node has left.
    """
    async with common.session() as session:
        await finish(session, await session.client.order_node(node, "hand-over"), wait=wait)


async def down(*, why: str = "", yes: Yes = False, wait: bool = True, common: Common = COMMON) -> None:
    """Stop the whole cluster: unload everything, the last to load first, and let every node leave.

    It starts again with `stanchion up`, or with the first host that is started anew after all have left.

    Parameters
    ----------
    why
        What for, to be shown as long as it lasts.
    yes
        Do not ask.
    wait
        Wait until every node has left.
    """
    from stanchion.wire.standing import DownOrder

    async with common.session() as session:
        if not yes:
            cluster = (await session.client.status()).cluster.name
            answer = session.terminal.ask(f"This stops every machine of the cluster. Type {cluster} to do it: ")
            if answer is None:
                raise InvalidInput("nobody can be asked here; add --yes to stop the whole cluster without a question")
            if answer != cluster:
                raise StanchionError("nothing was stopped")
        told = await session.client.down(DownOrder(why=why))
        if wait:
            await stopped(session)
            session.say("the whole cluster is stopped; `stanchion up` starts it")
            told = await session.client.standing() if session.json else told
        if session.json or not wait:
            from stanchion.cli import show_standing

            session.tell(told, show_standing.standing)


async def up(*, common: Common = COMMON) -> None:
    """Start the stopped cluster: its nodes join, and everything loads by its start mode."""
    async with common.session() as session:
        await session.client.up()
        session.say("the cluster starts: its nodes join, and everything loads by its start mode")


async def stopped(session: Session) -> None:
    """Wait until every node has left. Raises ``StanchionError`` when something cannot be unloaded."""
    side = session.terminal.side()
    line = side.status("the whole cluster is being stopped") if side.is_terminal and not session.json else None
    now = await session.client.status()
    with line or nullcontext():
        while _goes_on(now):
            if line is not None and now.cluster.down is not None:
                left = ", ".join(each.resource for each in now.cluster.down.left)
                line.update(f"the whole cluster is being stopped; still loaded: {left or 'nothing'}")
            now = await session.client.status(after=now.cluster.revision, wait_s=STEP_S)


def _goes_on(now: "Status") -> bool:
    if now.cluster.down is None:
        raise StanchionError("somebody has started the cluster again")
    left = now.cluster.down.left
    if left and all(each.obstacle for each in left):
        told = "; ".join(f"{each.resource} on {each.node}: {each.obstacle}" for each in left)
        raise StanchionError(f"not everything can be unloaded: {told}")
    return any(node.state in {"up", "joining", "leaving"} for node in now.nodes)


def instant(text: str) -> datetime:
    """Read an instant in local time. Raises ``InvalidInput``."""
    now = datetime.now().astimezone()
    try:
        if ":" in text and len(text.strip()) <= len("14:30:00"):
            clock = datetime.strptime(text.strip(), "%H:%M:%S" if text.count(":") > 1 else "%H:%M").astimezone()
            at = now.replace(hour=clock.hour, minute=clock.minute, second=clock.second, microsecond=0)
            return at if at > now else at + timedelta(days=1)
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError:
        raise InvalidInput(f"{text!r} is not an instant; write 14:30, or 2026-11-23 14:30") from None
