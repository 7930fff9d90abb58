"""What if? Commands that show what would happen, and change nothing."""

from typing import Annotated

from cyclopts import App, Parameter

from stanchion.cli.completing import ANode, AResource, MaybeNode
from stanchion.cli.session import COMMON, Common
from stanchion.model.foresight import Case

app = App(name="what-if", help="Show what would happen, by the judgement that would decide it. Nothing is changed.")


@app.command
async def node_dies(node: ANode, /, *, common: Common = COMMON) -> None:
    """Show what would happen if a node were lost now: what starts where, what waits, and why.

    Parameters
    ----------
    node
        Name of the node, in any case.
    """
    await _show(Case.NODE_DIES, node, common=common)


@app.command
async def drain(node: ANode, /, *, common: Common = COMMON) -> None:
    """Show what would happen if a node were drained now: what goes where, live or not, and what cannot go.

    Parameters
    ----------
    node
        Name of the node, in any case.
    """
    await _show(Case.DRAIN, node, common=common)


@app.command
async def migrate(resource: AResource, /, *, to: MaybeNode = None, common: Common = COMMON) -> None:
    """Show what would happen if a resource were moved now, and what would come along.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    to
        Node to move it to; left out, the best one.
    """
    await _show(Case.MIGRATE, resource, to, common=common)


@app.command
async def any_node_dies(*, common: Common = COMMON) -> None:
    """Show for each node what its loss alone would mean, and how many resources each other node would then run."""
    async with common.session() as session:
        from stanchion.cli import show_what_if

        session.tell(await session.client.losses(), show_what_if.losses)


@app.command
async def nodes(*, lost: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
                drained: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
                added: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
                common: Common = COMMON) -> None:
    """Show what would happen if several nodes were lost, drained and added at once.

    Parameters
    ----------
    lost
        Names of nodes that die, all at once.
    drained
        Names of nodes that are drained.
    added
        Nodes that join: a name, or name:MiB of memory:processors.
    """
    async with common.session() as session:
        from stanchion.cli import show_what_if

        told = await session.client.what_if_nodes(lost=lost, drained=drained, added=added)
        session.tell(told, show_what_if.answer)


async def guarantee(*, common: Common = COMMON) -> None:
    """Show how many nodes the cluster can lose at once, whichever they are, and how full the others would be."""
    async with common.session() as session:
        from stanchion.cli import show_what_if

        session.tell(await session.client.guarantee(), show_what_if.guarantee)


async def _show(case: Case, subject: str, node: str | None = None, *, common: Common) -> None:
    async with common.session() as session:
        from stanchion.cli import show_what_if

        session.tell(await session.client.what_if(case, subject, node=node), show_what_if.answer)
