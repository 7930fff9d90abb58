"""``stanchion resource files``, ``distribute`` and ``preflight``: what must be the same on every host before a move."""

from typing import Annotated

from cyclopts import App, Parameter

from stanchion.cli.completing import ANode, AResource, MaybeNode
from stanchion.cli.session import COMMON, Common
from stanchion.model.files import Verdict


async def files(resource: AResource, /, *, common: Common = COMMON) -> int:
    """Tell whether the configuration files are the same on every node: content, owner and mode.

    The exit code is 1 when they are not, or a node cannot be asked.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    """
    async with common.session() as session:
        from stanchion.cli import show_files

        told = await session.client.files(resource)
        session.tell(told, show_files.files)
        return int(not told.same)


async def distribute(resource: AResource, /, *, source: Annotated[MaybeNode, Parameter(name="--from")] = None,
                     to: Annotated[tuple[str, ...], Parameter(negative="")] = (),
                     dry: Annotated[bool, Parameter(negative="")] = False, common: Common = COMMON) -> int:
    """Copy the configuration files from one node to others. Old versions stay beside them as FILE.stanchion-TIME.

    The exit code is 1 when a file could not be copied; it is as it was then.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    source
        Node to copy from; left out, where the resource is, else the first of its nodes.
    to
        Node to copy to; give it again for more. Left out, all others that are to hold the resource.
    dry
        Write nothing; tell what would be written.
    """
    from stanchion.wire.files import DistributeOrder

    async with common.session() as session:
        from stanchion.cli import show_files

        told = await session.client.distribute(resource, DistributeOrder(source=source, targets=to, dry=dry))
        session.tell(told, show_files.distributed)
        return int(not told.done)


async def preflight(resource: AResource, /, *, node: ANode, common: Common = COMMON) -> int:
    """Tell whether a live migration to a node would do well. Nothing is changed.

    The exit code is 1 when it would surely fail.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    node
        Node to which it would be moved.
    """
    async with common.session() as session:
        from stanchion.cli import show_files

        told = await session.client.preflight(resource, node)
        session.tell(told, show_files.preflight)
        return int(told.verdict is Verdict.REFUSED)


def add_to(app: App) -> None:
    """Add the commands to ``stanchion resource``."""
    for command in (files, distribute, preflight):
        app.command(command)
