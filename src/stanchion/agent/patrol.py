"""Patrol: looking round this host, every few seconds, for machines that run here although nobody sent them.

What is found is written down for everybody (``plan.strays``); nothing is ever stopped here. A machine counts as astray
only when the store gave it to nobody on this host both before and after the look, so a machine on its way is none.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from stanchion.agent.doors import Doors
from stanchion.model.cluster import ClusterView, Session
from stanchion.model.errors import StoreUnavailable
from stanchion.model.ids import ResourceName
from stanchion.model.state import Presence
from stanchion.plan import strays
from stanchion.plan.strays import Found

EVERY_S = 5.0
"""How often to look round: a stray may go unnoticed for so long."""

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

    async def run(self) -> None:
        """Look round for ever, while this node is a member."""
        while True:
            session = self._session()
            if session is None or self._view().session_of(session.node) != session.id:
                await self._changed()
                continue
            try:
                await self._round(session)
            except StoreUnavailable as problem:
                log.warning("what runs here is not told", problem=str(problem))
            await asyncio.sleep(EVERY_S)

    async def _round(self, session: Session) -> None:
        before, busy = self._view(), self._busy()
        sought = strays.sought(before)
        found = await self._doors.hypervisor.sweep(sought) if sought else {}
        view = self._view()
        settled: Found = {name: seen for name, seen in found.items() if name not in busy | self._busy() and (
            seen[0] is not Presence.RUNNING or session.node in strays.holding(view, name)
            or session.node not in strays.holding(before, name))}
        for change in strays.sighted(view, session, settled, self._doors.clock.now()):
            for entry in change.history:
                log.warning("stray", resource=entry.resource, why=entry.reason.why.value)
            await self._doors.store.commit(change)
