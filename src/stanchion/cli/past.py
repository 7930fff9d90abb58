"""Commands about the past: events, the story of a resource, incidents, and the report."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from stanchion.cli.changes import seconds
from stanchion.cli.completing import AResource, MaybeNode, MaybeResource
from stanchion.cli.session import COMMON, Common, Session
from stanchion.model.errors import HostError, InvalidInput
from stanchion.model.history import Severity

if TYPE_CHECKING:
    from stanchion.wire.events import EventInfo, EventPage


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events are wanted: those of which all that is said here is true."""

    resource: MaybeResource = None
    """Only events of this resource."""

    node: MaybeNode = None
    """Only events on this node."""

    severity: Severity = Severity.INFO
    """Only events of at least this severity."""

    since: str | None = None
    """Only events from this instant on: 2026-11-23T11:20, or so long ago: 90s, 10m, 1h."""

    until: str | None = None
    """Only events up to this instant, written like --since."""

    text: str | None = None
    """Only events whose sentence holds this text, in any case."""

    def asked(self) -> dict[str, Any]:
        """Give what the client is asked for. Raises ``InvalidInput`` for what is no instant."""
        return {"resource": self.resource, "node": self.node, "severity": self.severity, "text": self.text,
                "since": instant(self.since), "until": instant(self.until)}


EVERYTHING = Wanted()

Force = Annotated[bool, Parameter(negative="")]


async def events(*, follow: Annotated[bool, Parameter(alias="-f", negative="")] = False, wanted: Wanted = EVERYTHING,
                 limit: Annotated[int, Parameter(alias="-n")] = 50, why: str | None = None,
                 export: Path | None = None, format: Literal["jsonl", "csv"] | None = None,  # noqa: A002 - the option
                 force: Force = False, common: Common = COMMON) -> None:
    """Read the cluster's history.

    Parameters
    ----------
    follow
        Keep reading, and show every event as it happens.
    limit
        How many of the newest events to begin with, 1 to 1000.
    why
        Tell what led to the event with this id instead; `--output json` tells the ids.
    export
        Write all events that are wanted to this file, the oldest first.
    format
        The form of --export: a JSON object a line, or comma-separated values; left out, as the file is named.
    force
        Replace the file of --export where there is one already.
    """
    async with common.session() as session:
        if why is not None:
            from stanchion.cli import show_past

            session.tell(await session.client.why(why), show_past.story)
        elif export is not None:
            from stanchion.cli.exporting import free, write

            free(export, force=force)
            form = format or ("csv" if export.suffix.lower() == ".csv" else "jsonl")
            count = await write(export, form, session.client.every_event(**wanted.asked()))
            session.say(f"{count} events written to {export}.")
        else:
            await _read(session, wanted.asked(), limit, follow=follow)


async def _read(session: Session, asked: dict[str, Any], limit: int, *, follow: bool) -> None:
    from stanchion.cli import show

    page = await session.client.events(limit=limit, **asked)
    if not follow:
        session.tell(page, lambda told: show.events(told.events))
        return
    console = session.terminal.console()
    async for event in _both(page, session.client.follow(after=page.last, **asked)):
        session.terminal.write(event.model_dump_json()) if session.json else console.print(show.event(event))


async def _both(page: "EventPage",
                news: AsyncIterator["EventInfo"]) -> AsyncIterator["EventInfo"]:
    for event in page.events:
        yield event
    async for event in news:
        yield event


async def story(resource: AResource, /, *, common: Common = COMMON) -> None:
    """Tell what led to the state that a resource is in: what began it, and each step since, with its seconds.

    Parameters
    ----------
    resource
        Name of the resource, in any case; one that was deleted is known as long as the history is.
    """
    async with common.session() as session:
        from stanchion.cli import show_past

        session.tell(await session.client.story(resource), show_past.story)


async def incidents(*, limit: Annotated[int, Parameter(alias="-n")] = 100, common: Common = COMMON) -> None:
    """List the nodes that were lost lately, the newest first, and how long each part of the failovers took.

    Parameters
    ----------
    limit
        How many to list at most, 1 to 100.
    """
    async with common.session() as session:
        from stanchion.cli import show_past

        session.tell(await session.client.incidents(limit=limit), show_past.incidents)


async def report(*, format: Literal["html", "json"] = "html",  # noqa: A002 - the option's name
                 file: Annotated[Path | None, Parameter(alias="-f")] = None, force: Force = False,
                 common: Common = COMMON) -> None:
    """Write a report that holds everything that there is to say about the cluster, as one page or as JSON.

    Parameters
    ----------
    format
        One HTML page, to read, keep or print; or JSON, for programs.
    file
        Where to write it. Default: standard output.
    force
        Replace the file where there is one already.
    """
    from stanchion.cli.exporting import free

    if file is not None:
        free(file, force=force)
    async with common.session() as session:
        if format == "json" or session.json:
            text = (await session.client.report()).model_dump_json(indent=2)
        else:
            text = await session.client.report_page()
        if file is None:
            session.terminal.write(text)
            return
        try:
            file.write_text(f"{text}\n", encoding="utf-8")
        except OSError as problem:
            raise HostError(f"{file} cannot be written: {problem.strerror}") from None
        session.say(f"The report is in {file}.")


def instant(text: str | None) -> datetime | None:
    """Read an instant: in ISO 8601, in the reader's own time zone unless it names one, or a duration until now."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return at.astimezone(UTC)
    try:
        return datetime.now(UTC) - timedelta(seconds=seconds(text))
    except (InvalidInput, OverflowError):
        raise InvalidInput(f"{text!r} is no instant; write 2026-11-23T11:20, or so long ago: 90s, 10m, 1h") from None
