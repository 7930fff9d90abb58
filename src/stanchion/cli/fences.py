"""``stanchion fence``: trying the fence devices of nodes, and what fence agents there are."""

from typing import Annotated

from cyclopts import App, Parameter

from stanchion.cli.completing import ANode
from stanchion.cli.session import COMMON, Common
from stanchion.model.errors import StanchionError

app = App(name="fence", help="Try the devices that switch hosts off, and list the fence agents that there are.")


@app.command(name="test")
async def try_(node: ANode, /, *, really: Annotated[bool, Parameter(negative="")] = False,
               common: Common = COMMON) -> None:
    """Ask a node's fence devices for its power state.

    Parameters
    ----------
    node
        Name of the node, in any case.
    really
        Let each device in turn switch the host off and on again. Only done where the node holds no resource.
    """
    async with common.session() as session:
        from stanchion.cli import show_fences

        told = await session.client.fence_test(node, really=really)
        session.tell(told, show_fences.tested)
    if not told.well:
        raise StanchionError(f"not every fence device of {told.node} did what it must")


@app.command
async def agents(*, common: Common = COMMON) -> None:
    """List the fence agents that are installed on the node that answers."""
    async with common.session() as session:
        from stanchion.cli import show_fences

        session.tell(await session.client.fence_agents(), show_fences.agents)
