"""Patrol: looking round this host for machines that run here, and storage that is in use, although nobody sent them.

It looks every few seconds, and at once where a hypervisor tells that a machine began or ended (``lookout.Bell``): news
that are missed, because the hypervisor's daemon was away, cost the seconds until the next round and nothing else.

What is found is written down for everybody (``plan.strays``); nothing is ever stopped here. It counts as astray only
when the store gave the resource to nobody on this host both before and after the look, so what is on its way is none.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from stanchion.agent.doors import Doors
from stanchion.model.cluster import ClusterView, Session
from stanchion.model.errors import HostError, StoreUnavailable
from stanchion.model.ids import ResourceName
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import Presence
from stanchion.model.storage import InUse
from stanchion.plan import strays
from stanchion.plan.strays import Found

EVERY_S = 5.0
"""How often to look round: a stray may go unnoticed for so long."""

SOON_S = 1.0
"""How long after a look that the bell asked for to look again: a machine in the making may have no name at first."""

PAUSE_S = 0.5
"""The least time between two rounds, however often the bell rings."""

log = structlog.get_logger(__name__)


class Patrol:
    """One agent's rounds. ``busy`` names the resources of which something is in the air here."""

    def __init__(self, doors: Doors, *, view: Callable[[], ClusterView], session: Callable[[], Session | None],
                 busy: Callable[[], frozenset[ResourceName]], changed: Callable[[], Awaitable[None]]) -> None:
        self._doors = doors
        self._view = view
        self._session = session
        self._busy = busy
        self._changed = changed
        self._known: tuple[object, tuple[ResourceSpec, ...]] | None = None

    async def run(self) -> None:
        """Look round for ever, while this node is a member."""
        rang = False
        while True:
            session = self._session()
            if session is None or self._view().session_of(session.node) != session.id:
                await self._changed()
                continue
            try:
                await self._round(session)
            except StoreUnavailable as problem:
                log.warning("what runs here is not told", problem=str(problem))
            rang = await self._wait(SOON_S if rang else EVERY_S)

    async def _wait(self, longest_s: float) -> bool:
        """Wait for the next round; whether the bell asked for it."""
        bell = self._doors.bell
        if bell is None:
            await asyncio.sleep(longest_s)
            return False
        bell.listen(self._sought(self._view()))
        await asyncio.sleep(PAUSE_S)
        try:
            async with asyncio.timeout(longest_s - PAUSE_S):
                await bell.rung()
        except TimeoutError:
            return False
        return True

    async def _round(self, session: Session) -> None:
        before, busy, me = self._view(), self._busy(), session.node
        sought = self._sought(before)
        found = await self._doors.hypervisor.sweep(sought) if sought else {}
        here = await self._in_use() if strays.owners(before) else None
        view, busy = self._view(), busy | self._busy()
        afar = {name for name in view.specs if me not in strays.holding(before, name)}
        settled: Found = {name: seen for name, seen in found.items() if name not in busy and (
            seen[0] is not Presence.RUNNING or me in strays.holding(view, name) or name in afar)}
        stored = None if here is None else {
            name: told for name, told in strays.astray_storage(view, me, here).items()
            if name not in busy and (not told or name in afar)}
        for change in strays.sighted(view, session, settled, self._doors.clock.now(), stored=stored):
            for entry in change.history:
                log.warning("stray", resource=entry.resource, why=entry.reason.why.value)
            await self._doors.store.commit(change)

    def _sought(self, view: ClusterView) -> tuple[ResourceSpec, ...]:
        """Give the machines to look for; worked out anew when a configuration changed."""
        if self._known is None or self._known[0] is not view.specs:
            self._known = view.specs, strays.sought(view)
        return self._known[1]

    async def _in_use(self) -> InUse | None:
        """Tell what storage is in use on this host; None where that cannot be known."""
        if self._doors.storage is None:
            return None
        try:
            return await self._doors.storage.look()
        except HostError as problem:
            log.warning("what storage is in use here is not known", problem=str(problem))
            return None
