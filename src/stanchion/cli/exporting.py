"""Writing the history to a file, as JSON lines or as comma-separated values.

The file appears when it is complete, in one step, for its owner alone to read; what went wrong in between leaves
nothing behind.
Values that a spreadsheet would take for a formula get an apostrophe in front: the text of an event may come from a
script.
"""

import csv
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Literal

from stanchion.model.errors import AlreadyExists, HostError
from stanchion.wire.events import EventInfo

COLUMNS = ("id", "at", "severity", "resource", "node", "by", "before", "after", "code", "text", "cause", "operation")


def free(path: Path, *, force: bool) -> None:
    """Refuse to write over a file, unless that is meant. Raises ``AlreadyExists``."""
    if not force and path.exists():
        raise AlreadyExists(f"the file {path} exists; name another, or add --force to replace it")


async def write(path: Path, form: Literal["jsonl", "csv"], events: AsyncIterator[EventInfo]) -> int:
    """Write all events and give their number. Raises ``HostError`` where the file cannot be written."""
    try:
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
                count = await (_lines(file, events) if form == "jsonl" else _values(file, events))
            os.replace(part, path)  # noqa: PTH105 - one call, and no path is asked anything
        except BaseException:
            os.unlink(part)  # noqa: PTH108 - as below
            raise
    except OSError as problem:
        raise HostError(f"{path} cannot be written: {problem.strerror}") from None
    return count


async def _lines(file: IO[str], events: AsyncIterator[EventInfo]) -> int:
    count = 0
    async for event in events:
        file.write(f"{event.model_dump_json()}\n")
        count += 1
    return count


async def _values(file: IO[str], events: AsyncIterator[EventInfo]) -> int:
    table, count = csv.writer(file), 0
    table.writerow(COLUMNS)
    async for event in events:
        told = event.model_dump(mode="json") | {"code": event.reason.code, "text": event.reason.text}
        table.writerow([_cell(told[column]) for column in COLUMNS])
        count += 1
    return count


def _cell(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text

