"""The words that only look: status, resources, view, info, stats."""

from typing import Annotated, Literal

from cyclopts import Parameter

from stanchion.cli.completing import MaybeResource
from stanchion.cli.completing import resources as known_resources
from stanchion.cli.original import host, shapes

Section = Literal["all", "basic", "notification", "priority", "protocol", "nodes", "resources"]


async def status(resource: MaybeResource = None, /) -> None:
    """List the resources with state, node and lives; or look at one.

    Parameters
    ----------
    resource
        Name of the resource; left out, all of them.
    """
    async with host.anywhere() as session:
        if resource is None:
            session.terminal.write("\n".join(shapes.resources((await session.client.resources()).resources)))
        else:
            session.terminal.write("\n".join(shapes.resource(await session.client.resource(resource))))


async def resources(resource: MaybeResource = None, /) -> None:
    """List the resources with state, node and lives; or look at one. The same as status.

    Parameters
    ----------
    resource
        Name of the resource; left out, all of them.
    """
    await status(resource)


async def view() -> None:
    """Tell the cluster's name, this node, epoch and master, and the nodes that are members."""
    async with host.nearest() as session:
        session.terminal.write("\n".join(shapes.view(await session.client.status())))


async def info(section: Section = "all", /,
               *names: Annotated[str, Parameter(completer=known_resources)]) -> None:
    """Tell how the cluster is configured.

    Parameters
    ----------
    section
        Which part of it; all of them if left out.
    names
        With resources: only these.
    """
    from stanchion.cli.original import information

    async with host.anywhere() as session:
        lines = await information.told(session.client, section, names)
        session.terminal.write("\n".join(lines))


async def stats(what: Literal["display", "clear"] = "display", /) -> None:
    """Tell how this node hears the other nodes and reaches the store; or let it count anew.

    Parameters
    ----------
    what
        display or clear.
    """
    async with host.nearest() as session:
        if what == "clear":
            await session.client.clear_statistics()
        session.terminal.write("\n".join(shapes.statistics(await session.client.statistics())))
