"""``cluster export`` and ``cluster import``: resources and templates, into a file and out of one."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from stanchion.cli import importing
from stanchion.cli.completing import resources
from stanchion.cli.original import host
from stanchion.model.errors import NotFound


async def export(file: Annotated[Path, Parameter(allow_leading_hyphen=True)], /,
                 *names: Annotated[str, Parameter(completer=resources)]) -> None:
    """Write resources and templates into a new file, which import reads.

    Parameters
    ----------
    file
        File to write; a - shows it instead.
    names
        Names of resources and templates; left out, all of them.
    """
    async with host.anywhere() as session:
        await importing.put(session, names, None if str(file) == "-" else file, "yaml")


async def import_(file: Path, /, *names: str) -> int:
    """Make resources and templates of a file: what export wrote, an NCS export in XML, or a directory of NCS scripts.

    Parameters
    ----------
    file
        File or directory to read.
    names
        Names of resources and templates in it; left out, all of them.
    """
    found = importing.read(file)
    if names:
        wanted = {name.casefold() for name in names}
        known = {one.name.casefold() for one in found.resources} | {one.name.casefold() for one in found.templates}
        missing = [name for name in names if name.casefold() not in known]
        if missing:
            raise NotFound(f"there is no resource and no template {missing[0]} in {file}")
        found.resources = [one for one in found.resources if one.name.casefold() in wanted]
        found.templates = [one for one in found.templates if one.name.casefold() in wanted]
    async with host.anywhere() as session:
        return int(not await importing.take(session, found))
