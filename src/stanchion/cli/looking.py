"""Commands that only look: status, overview, explain and runs."""

from typing import Annotated

from cyclopts import Parameter

from stanchion.cli.completing import AResource
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import NotFound
from stanchion.model.resource import ScriptKind

WATCH_S = 20.0
"""How long a watch waits for a change before it asks again."""


async def status(*, watch: Annotated[bool, Parameter(alias="-w", negative="")] = False,
                 common: Common = COMMON) -> None:
    """Look at the cluster: its nodes and resources.

    Parameters
    ----------
    watch
        Keep looking, and show every change as it happens.
    """
    async with common.session() as session:
        from stanchion.cli import show

        if watch:
            await _watch(session)
        else:
            session.tell(await session.client.status(), show.status)


async def overview(*, common: Common = COMMON) -> None:
    """Tell how well the cluster is, what needs a person and can be answered, and what protects each node."""
    async with common.session() as session:
        from stanchion.cli import show_overview

        session.tell(await session.client.overview(), show_overview.overview)


async def _watch(session: Session) -> None:
    from rich.live import Live

    from stanchion.cli import show

    now = await session.client.status()
    if session.json:
        while True:
            session.terminal.write(now.model_dump_json())
            now = await session.client.status(after=now.cluster.revision, wait_s=WATCH_S)
    with Live(show.status(now), console=session.terminal.console(), screen=False, auto_refresh=False) as live:
        while True:
            now = await session.client.status(after=now.cluster.revision, wait_s=WATCH_S)
            live.update(show.status(now), refresh=True)


async def explain(subject: AResource, /, *, common: Common = COMMON) -> None:
    """Tell why a resource is where it is and where it would go; `explain timing` derives the cluster's timers.

    Parameters
    ----------
    subject
        Name of a resource, in any case; or the word `timing`, which a resource of that name comes before.
    """
    async with common.session() as session:
        from stanchion.cli import show

        try:
            told = await session.client.explain(subject)
        except NotFound:
            if subject.casefold() != "timing":
                raise
        else:
            session.tell(told, show.explanation)
            return
    await explain_timing(common=common)


async def explain_timing(*, common: Common = COMMON) -> None:
    """Tell the cluster's timers, and derive why a failover is safe."""
    async with common.session() as session:
        from stanchion.cli import show

        session.tell(await session.client.timing(), show.timing)


async def runs(resource: AResource, script: ScriptKind | None = None, /, *,
               limit: Annotated[int, Parameter(alias="-n")] = 20, common: Common = COMMON) -> None:
    """List the runs of a resource's scripts; with a script, show the output of its last run.

    Parameters
    ----------
    resource
        Name of the resource, in any case.
    script
        The script whose last output to show.
    limit
        How many runs to list, 1 to 500.
    """
    async with common.session() as session:
        from stanchion.cli import show

        if script is None:
            session.tell(await session.client.runs(resource, limit=limit), show.runs)
            return
        found = await session.client.runs(resource, script, limit=1, output=True)
        if not found.runs:
            raise NotFound(f"the {script} script of {resource} has not run yet; `stanchion runs {resource}` lists runs")
        session.tell(found.runs[0], show.run)
