"""What pages show of the past: the newest of it first, kept up with as it grows, filtered, and saved to a file.

A page of the past is looked at anew after every change of the cluster. So the newest lines for a question are kept, and
only what came since is read from the store: the past before a line never changes.
"""

import csv
import io
import json
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from stanchion.api.services import Services
from stanchion.model.errors import InvalidInput
from stanchion.ports import Store
from stanchion.web import screen

NEWEST = 200
"""So many lines stand on a page."""
MOST_SAVED = 10_000
"""So many lines are saved at most, the newest."""
PAGE = 1000
QUESTIONS = 64
"""So many different questions are kept up with."""


class Line(Protocol):
    """One line of the past. Ids grow with time."""

    @property
    def id(self) -> str:
        """Its name in the store."""
        ...


Of = TypeVar("Of", bound=Line)

Read = Callable[[str | None, str | None, int], Awaitable[tuple[Sequence[Of], str]]]
"""Reads so many lines, the oldest first: from beyond one, else the newest before one, else the newest; and the id to
continue after."""

_kept: "WeakKeyDictionary[Store, OrderedDict[Hashable, tuple[tuple[Any, ...], str]]]" = WeakKeyDictionary()


async def newest(here: Services, question: Hashable, read: Read[Of], before: str) -> tuple[Of, ...]:
    """Give the newest lines, the newest first; with ``before``, those before it."""
    kept = _kept.setdefault(here.store, OrderedDict())
    known = kept.pop((question, before), None)
    if known is None:
        lines, last = await read(None, before or None, NEWEST)
        found: tuple[Any, ...] = tuple(lines)
    else:
        found, last = known
        while not before:
            more, last = await read(last, None, PAGE)
            found = (*found, *more)[-NEWEST:]
            if len(more) < PAGE:
                break
    kept[question, before] = (found, last)
    while len(kept) > QUESTIONS:
        kept.popitem(last=False)
    return found[::-1]


def ways(path: str, asked: Mapping[str, str], found: Sequence[Line]) -> dict[str, str]:
    """Give where the page leads: to what is ``older``, to the ``newest``, to the file that it saves."""
    older = {**asked, "before": found[-1].id} if len(found) == NEWEST else {}
    return {
        "older": _url(path, older) if older else "",
        "newest": _url(path, {**asked, "before": ""}) if asked["before"] else "",
        "csv": _url(f"{path}/save", {"form": "csv", **asked}), "json": _url(f"{path}/save", {"form": "json", **asked}),
    }


def _url(path: str, asked: Mapping[str, str]) -> str:
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{path}?{query}" if query else path


def instants(request: Request) -> tuple[datetime | None, datetime | None, str]:
    """Read from when until when is asked for; and what is wrong with it, empty: nothing."""
    read: list[datetime | None] = []
    faults = []
    for name, told in (("since", "Since"), ("until", "Until")):
        text = screen.queried(request, name)[name]
        try:
            read.append(instant(text, told))
        except InvalidInput as problem:
            read.append(None)
            faults.append(str(problem))
    return read[0], read[1], ". ".join(faults)


def instant(text: str, told: str) -> datetime | None:
    """Read an instant, in UTC unless it says otherwise. Raises ``InvalidInput``."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"{told} is no instant; enter it like 2026-01-31T18:00") from None


def shown(at: datetime | None) -> str:
    """Write an instant as its field in a form has it, in UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%S}" if at else ""


async def saved(read: Read[Of], row: Callable[[Of], Mapping[str, object]], columns: Sequence[str], *, form: str,
                name: str) -> Response:
    """Answer with a file: what ``read`` gives, the newest first, as far as ``MOST_SAVED``."""
    first, _ = await read(None, None, PAGE)  # what the store refuses is refused before the file begins
    kind, write = ("application/json", _as_json) if form == "json" else ("text/csv; charset=utf-8", _as_csv)

    async def pages() -> AsyncIterator[list[Mapping[str, object]]]:
        lines, left = first, MOST_SAVED
        while lines and left > 0:
            yield [row(line) for line in reversed(lines[-left:])]
            left -= len(lines)
            lines = (await read(None, lines[0].id, PAGE))[0] if len(lines) == PAGE else ()

    return StreamingResponse(write(pages(), columns), media_type=kind,
                             headers={"content-disposition": attachment(name)})


def attachment(name: str) -> str:
    """Give the header with which a browser saves an answer under a name."""
    return f'attachment; filename="{re.sub(r"[^A-Za-z0-9._-]", "_", name)}"'


async def _as_json(pages: AsyncIterator[list[Mapping[str, object]]], columns: Sequence[str]) -> AsyncIterator[str]:
    begun = False
    async for page in pages:
        texts = (json.dumps({name: row.get(name) for name in columns}, ensure_ascii=False) for row in page)
        yield (",\n" if begun else "[\n") + ",\n".join(texts)
        begun = True
    yield "\n]\n" if begun else "[]\n"


async def _as_csv(pages: AsyncIterator[list[Mapping[str, object]]], columns: Sequence[str]) -> AsyncIterator[str]:
    yield _csv([columns])
    async for page in pages:
        yield _csv([_cell(row.get(name)) for name in columns] for row in page)


def _csv(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: object) -> str:
    """Write a value for a spreadsheet, which must not take it for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
