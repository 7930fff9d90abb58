"""What if? Commands that show what would happen, and change nothing."""

from cyclopts import App

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


async def _show(case: Case, subject: str, node: str | None = None, *, common: Common) -> None:
    async with common.session() as session:
        from stanchion.cli import show_what_if

        session.tell(await session.client.what_if(case, subject, node=node), show_what_if.answer)
