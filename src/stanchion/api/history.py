"""Reading the history and the runs of scripts from the store, page by page.

Both are kept out of the view because they grow; the store holds a bounded number of them.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from stanchion.model.cluster import Kind
from stanchion.model.errors import NotFound
from stanchion.model.history import FOR_AUDIT, Entry, Run, Severity
from stanchion.model.ids import ResourceName
from stanchion.model.naming import history_key
from stanchion.model.reasons import Why
from stanchion.model.resource import ScriptKind
from stanchion.plan.story import clause
from stanchion.ports import Store

PAGE = 500

LAST_INDEX = 9999
_ID = re.compile(r"\d{16}-\d{4}")

CLOCKS_APART_S = 3600.0
"""Entries stand in the order of their writing, with the instants of the clocks of several hosts."""

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries are asked for: those of which everything that is said here is true.

    Names are compared in any case; ``text`` is looked for in the sentence and in what it is made of. ``since_s`` and
    ``until_s`` are instants. ``whys``: only entries of these reasons; left out: all but those that are written for the
    audit alone. ``operand`` is what the reason's first operand is, in any case.
    """

    resource: str | None = None
    node: str | None = None
    severity: Severity = Severity.INFO
    since_s: float | None = None
    until_s: float | None = None
    text: str | None = None
    whys: frozenset[Why] | None = None
    operand: str | None = None

    def takes(self, entry: Entry) -> bool:
        """Tell whether the entry is asked for."""
        why = entry.reason.why
        return ((why not in FOR_AUDIT if self.whys is None else why in self.whys)
                and _named(self.operand, "".join(entry.reason.operands[:1]))
                and _named(self.resource, entry.resource) and _named(self.node, entry.node)
                and _RANK[entry.severity] >= _RANK[self.severity]
                and (self.since_s is None or entry.at_s >= self.since_s)
                and (self.until_s is None or entry.at_s <= self.until_s)
                and (self.text is None or self.text.casefold() in _said(entry).casefold()))


def _said(entry: Entry) -> str:
    return "\n".join((clause(entry), *entry.reason.operands))


def _named(asked: str | None, name: str | None) -> bool:
    return asked is None or (name or "").casefold() == asked.casefold()


def just_before(name: str) -> str:
    """Give an id after which this one is the next that can be. Raises ``NotFound`` for what is no id of an event."""
    if not _ID.fullmatch(name):
        raise NotFound(f"there is no event {name}; `stanchion events --output json` tells their ids")
    revision, index = map(int, name.split("-"))
    last = history_key(revision, index - 1) if index else history_key(revision - 1, LAST_INDEX)
    return last.name


async def entries(store: Store, after: str, wanted: Wanted, limit: int) -> tuple[list[tuple[str, Entry]], str]:
    """Read up to ``limit`` entries from beyond ``after``, the oldest first; and the id to continue after."""
    found: list[tuple[str, Entry]] = []
    async for name, entry in _walk(store, after):
        after = name
        if wanted.takes(entry):
            found.append((name, entry))
            if len(found) == limit:
                break
    return found, after


async def newest(store: Store, wanted: Wanted, limit: int, *,
                 before: str = "") -> tuple[list[tuple[str, Entry]], str]:
    """Read the last ``limit`` entries, or those before one, the oldest of them first; and the id to continue after."""
    found: list[tuple[str, Entry]] = []
    last = ""
    async for name, entry in _walk(store, before, newest_first=True):
        last = last or name
        if wanted.since_s is not None and entry.at_s < wanted.since_s - CLOCKS_APART_S:
            break
        if wanted.takes(entry):
            found.append((name, entry))
            if len(found) == limit:
                break
    return found[::-1], last


async def _walk(store: Store, after: str, *, newest_first: bool = False) -> AsyncIterator[tuple[str, Entry]]:
    while True:
        page = await store.records(Kind.HISTORY, after=after, limit=PAGE, newest_first=newest_first)
        for name, held in page:
            assert isinstance(held.value, Entry)
            yield name, held.value
        if len(page) < PAGE:
            return
        after = page[-1][0]


async def runs(store: Store, resource: ResourceName, script: ScriptKind | None = None) -> list[Run]:
    """Read the runs of a resource's scripts, the newest first."""
    prefix = f"{resource}/{script}/" if script else f"{resource}/"
    found: list[Run] = []
    after = ""
    while True:
        page = await store.records(Kind.RUN, after=after, prefix=prefix, limit=PAGE)
        found.extend(held.value for _, held in page if isinstance(held.value, Run))
        if len(page) < PAGE:
            return sorted(found, key=lambda run: (run.started_at_s, run.operation), reverse=True)
        after = page[-1][0]


async def last_runs(store: Store, resource: ResourceName) -> list[Run]:
    """Give the last run of each script that ever ran, the newest first."""
    latest: dict[ScriptKind, Run] = {}
    for run in await runs(store, resource):
        latest.setdefault(run.script, run)
    return list(latest.values())
