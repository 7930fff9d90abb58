"""The words that order: online, offline, migrate, alert for a resource, join and leave for this node.

Each waits until the order has ended, tells the state that it led to, and ends with an exit code that a script can
believe. Ctrl-C ends the waiting, not the order.
"""

from typing import TYPE_CHECKING, Literal

from stanchion.cli import orders
from stanchion.cli.completing import ANode, AResource, MaybeNode
from stanchion.cli.original import host, shapes
from stanchion.cli.session import Session
from stanchion.model.errors import StanchionError

if TYPE_CHECKING:
    from stanchion.wire.replies import IntentInfo


async def online(resource: AResource, node: MaybeNode = None, /) -> None:
    """Load a resource, on the first preferred node that can hold it or on the named one.

    Parameters
    ----------
    resource
        Name of the resource.
    node
        Node to load it on.
    """
    async with host.anywhere() as session:
        await _tell(session, await session.client.online(resource, node))


async def offline(resource: AResource, /) -> None:
    """Unload a resource.

    Parameters
    ----------
    resource
        Name of the resource.
    """
    async with host.anywhere() as session:
        await _tell(session, await session.client.offline(resource))


async def migrate(resource: AResource, node: ANode, /) -> None:
    """Move a resource to another node: live where its scripts can, else by unload and load.

    Parameters
    ----------
    resource
        Name of the resource.
    node
        Node to move it to.
    """
    async with host.anywhere() as session:
        await _tell(session, await session.client.migrate(resource, node))


async def alert(resource: AResource, answer: Literal["yes", "no"], /) -> None:
    """Answer the question that a resource's alert asks.

    Parameters
    ----------
    resource
        Name of the resource.
    answer
        yes: as proposed. no: a start or failover alert goes offline, a failback alert stays where it runs.
    """
    async with host.anywhere() as session:
        await _tell(session, await session.client.alert(resource, answer))


async def join() -> None:
    """Let this node join the cluster that it left."""
    await _order("join")


async def leave() -> None:
    """Let this node hand its resources over and leave the cluster; it stays out until told to join."""
    await _order("leave")


async def _order(what: Literal["join", "leave"]) -> None:
    async with host.here() as session:
        node = (await session.client.health()).node
        intent = await session.client.order_node(node, what)
        while not intent.ended:
            if what == "leave":
                await _look(session, node)
            intent = await session.client.intent(intent.id, wait_s=orders.STEP_S)
        session.terminal.write(f"{node}: {await orders.follow(session, intent)}")


async def _look(session: Session, node: str) -> None:
    """Raise ``StanchionError`` when nothing of what keeps the node from leaving can go: it would be waited in vain."""
    emptying = (await session.client.node(node)).emptying
    if emptying is not None and emptying.left and all(each.obstacle for each in emptying.left):
        told = "; ".join(f"{each.resource}: {each.obstacle}" for each in emptying.left)
        raise StanchionError(f"{node} cannot leave yet: {told}; the order stands, and `cluster join` takes it back")


async def _tell(session: Session, intent: "IntentInfo") -> None:
    await orders.follow(session, intent)
    if intent.resource is not None:
        session.terminal.write("\n".join(shapes.resource(await session.client.resource(intent.resource))))
