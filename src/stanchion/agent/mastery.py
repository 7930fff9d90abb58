"""Being the master: taking the master's key when nobody has it, and deciding while we do.

The key hangs on the session's lease, so a master that loses its session loses the key in the same instant, and every
decision is guarded by the key's revision: two masters can never both write. A master that catches itself at a broken
invariant gives the key back and ends, so that another node decides. Deciding is repeated after every change;
a round that was refused by a guard costs nothing, because the next view brings the next round.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from stanchion.agent.loop import Loop
from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Key, Kind, Master, Session
from stanchion.model.errors import BrokenInvariant, StoreUnavailable
from stanchion.model.ids import NOTHING, Revision
from stanchion.model.reasons import sentence
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.plan.invariants import check
from stanchion.plan.planner import decide, idle_until
from stanchion.ports import Clock, Store

CATCH_UP_S = 2.0
"""How long to wait for the view to show our own write before deciding anew."""

IDLE_S = 30.0
TRIM_S = 300.0

log = structlog.get_logger(__name__)


class Mastery:
    """One agent's part in being the master. ``session`` gives the session that we live in now."""

    def __init__(self, store: Store, clock: Clock, loop: Loop, session: Callable[[], Session | None]) -> None:
        self._store = store
        self._clock = clock
        self._loop = loop
        self._session = session
        self._trimmed_at = 0.0

    async def run(self) -> None:
        """Decide for ever, whenever we are the master."""
        while True:
            view = self._loop.view
            try:
                written = await self._round(view)
            except StoreUnavailable as problem:
                log.warning("nothing can be decided", problem=str(problem))
                written = None
            if written is not None:
                await self._until(written, CATCH_UP_S)
            else:
                await self._until(Revision(view.revision + 1), idle_until(view, self._clock.now()) or IDLE_S)

    async def _until(self, revision: Revision, within_s: float) -> None:
        """Wait until the view has reached that revision, or time is up."""
        try:
            async with asyncio.timeout(within_s):
                while self._loop.view.revision < revision:
                    await self._loop.changed()
        except TimeoutError:
            return

    async def _round(self, view: ClusterView) -> Revision | None:
        """Decide once; give the last revision that was written."""
        session = self._session()
        live = view.live.get(session.node) if session else None
        if session is None or live is None or live.value.session != session.id:
            return None
        here = Guard(Key(Kind.LIVE, session.node), live.revision)
        if view.master is None:
            return await self._take(session, here)
        if view.master.value.session != session.id:
            return None
        key = Guard(Key(Kind.MASTER), view.master.revision)
        last: Revision | None = None
        for decision in decide(view, session, self._clock.now()):
            try:
                check(view, decision)
            except BrokenInvariant:
                await self._store.commit(Transaction(guards=(key, here), deletes=(key.key,)))
                raise
            done = await self._commit(decision, (key, here))
            last = done or last
        await self._trim(view)
        return last

    async def _take(self, session: Session, here: Guard) -> Revision | None:
        """Take the master's key, if nobody was faster."""
        put = Put(Master(node=session.node, session=session.id), session.lease)
        guards = (Guard(Key(Kind.MASTER), NOTHING), here)
        done = await self._store.commit(Transaction(guards=guards, puts=(put,)))
        return done.revision if isinstance(done, Committed) else None

    async def _commit(self, decision: Decision, guards: tuple[Guard, ...]) -> Revision | None:
        wanted = decision.transaction
        done = await self._store.commit(replace(wanted, guards=(*wanted.guards, *guards)))
        if isinstance(done, Committed):
            log.info("decided", why=sentence(decision.why))
            return done.revision
        log.debug("overtaken", key=str(done.key), why=sentence(decision.why))
        return None

    async def _trim(self, view: ClusterView) -> None:
        """Keep the history bounded, now and then."""
        now_s = self._clock.now().mono_s
        if view.settings is None or now_s - self._trimmed_at < TRIM_S:
            return
        self._trimmed_at = now_s
        await self._store.trim(Kind.HISTORY, keep=view.settings.value.history_kept)
