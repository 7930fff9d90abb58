"""Reading the history and the runs of scripts from the store, page by page.

Both are kept out of the view because they grow; the store holds a bounded number of them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from stanchion.model.cluster import Kind
from stanchion.model.history import Entry, Run, Severity
from stanchion.model.ids import ResourceName
from stanchion.model.resource import ScriptKind
from stanchion.ports import Store

PAGE = 500

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries are asked for: those of a resource, in any case, and those of at least this severity."""

    resource: str | None = None
    severity: Severity = Severity.INFO

    def takes(self, entry: Entry) -> bool:
        """Tell whether the entry is asked for."""
        mine = self.resource is None or (entry.resource or "").casefold() == self.resource.casefold()
        return mine and _RANK[entry.severity] >= _RANK[self.severity]


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


async def newest(store: Store, wanted: Wanted, limit: int) -> tuple[list[tuple[str, Entry]], str]:
    """Read the last ``limit`` entries, the oldest of them first; and the id to continue after."""
    found: list[tuple[str, Entry]] = []
    last = ""
    async for name, entry in _walk(store, "", newest_first=True):
        last = last or name
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
