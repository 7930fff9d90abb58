"""``stanchion node``: who is in the cluster, and bringing nodes in and out."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from stanchion.cli.orders import finish
from stanchion.cli.session import COMMON, Common
from stanchion.model.errors import InvalidInput, StanchionError

app = App(name="node", help="List nodes, and bring them in and out of the cluster.")


@app.command(name="list")
async def list_(*, common: Common = COMMON) -> None:
    """List the nodes: who is up, who is the master, and what protects each."""
    async with common.session() as session:
        from stanchion.cli import show
        from stanchion.wire.replies import NodeList

        status = await session.client.status()
        session.tell(NodeList(nodes=status.nodes), lambda told: show.nodes(told.nodes, status.cluster))


@app.command
async def show(node: str, /, *, common: Common = COMMON) -> None:
    """Look at one node.

    Parameters
    ----------
    node
        Name of the node, in any case.
    """
    async with common.session() as session:
        from stanchion.cli import show

        session.tell(await session.client.node(node), show.node)


@app.command
async def leave(node: str, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """Ask a node to hand its resources over and leave the cluster.

    Parameters
    ----------
    node
        Name of the node, in any case.
    wait
        Wait until it has left.
    """
    await _order(node, "leave", wait=wait, common=common)


@app.command
async def join(node: str, /, *, wait: bool = True, common: Common = COMMON) -> None:
    """Ask a node that left to join again.

    Parameters
    ----------
    node
        Name of the node, in any case.
    wait
        Wait until it has joined.
    """
    await _order(node, "join", wait=wait, common=common)


@app.command
async def confirm_down(node: str, /, *, yes: Annotated[bool, Parameter(negative="")] = False, wait: bool = True,
                       common: Common = COMMON) -> None:
    """State that a lost node runs nothing any more, so that its resources may start elsewhere.

    Only do this when you have seen that the host is off. If it still runs, its machines will run twice.

    Parameters
    ----------
    node
        Name of the node, in any case.
    yes
        Do not ask.
    wait
        Wait until the order has ended.
    """
    if not yes:
        async with common.session() as session:
            found = await session.client.node(node)
            answer = session.terminal.ask(
                f"If {found.name} still runs, its machines will run twice. Type its name to state that it is off: ")
            if answer is None:
                raise InvalidInput("nobody can be asked here; add --yes to state it without a question")
            if answer != found.name:
                raise StanchionError("nothing was stated")
    await _order(node, "confirm-down", wait=wait, common=common)


@app.command
async def remove(node: str, /, *, common: Common = COMMON) -> None:
    """Forget a node that has left and that no resource prefers.

    Parameters
    ----------
    node
        Name of the node, in any case.
    """
    async with common.session() as session:
        await session.client.remove_node(node)
        session.say(f"{node} was removed")


async def _order(node: str, what: Literal["leave", "join", "confirm-down"], *, wait: bool, common: Common) -> None:
    async with common.session() as session:
        await finish(session, await session.client.order_node(node, what), wait=wait)
