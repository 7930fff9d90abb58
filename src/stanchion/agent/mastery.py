"""Being the master: taking the master's key when nobody has it, and deciding while we do.

The key hangs on the session's lease, so a master that loses its session loses the key in the same instant, and every
decision is guarded by the key's revision: two masters can never both write. A master that catches itself at a broken
invariant gives the key back and ends, so that another node decides. Deciding is repeated after every change;
a round that was refused by a guard costs nothing, because the next view brings the next round.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from stanchion.agent.doors import Doors
from stanchion.agent.fencing import Fences
from stanchion.agent.loop import Loop
from stanchion.agent.promises import Promises
from stanchion.model.actions import Decision, Woken
from stanchion.model.cluster import ClusterView, Key, Kind, Master, Session
from stanchion.model.errors import BrokenInvariant, StoreUnavailable
from stanchion.model.fencing import Senses
from stanchion.model.ids import NOTHING, Moment, Revision
from stanchion.model.reasons import sentence
from stanchion.model.transaction import Committed, Guard, Put, Transaction, touched
from stanchion.plan import balancing
from stanchion.plan.agenda import Agenda
from stanchion.plan.change import applied
from stanchion.plan.fencing import FORGET_S, deputy, judge
from stanchion.plan.invariants import check
from stanchion.plan.membership import stood_in
from stanchion.plan.planner import idle_until, pressing, settled
from stanchion.plan.waves import waves

CATCH_UP_S = 2.0
"""How long to wait for the view to show our own write before deciding anew."""

AGAIN_S = 0.2
"""How soon to decide anew when the store did not take a decision: what led to it may never change by itself."""

MOST = 200
"""So many decisions are made in one round: some tenths of a second, so that leases and watches do not wait for them."""

IDLE_S = 30.0
TRIM_S = 300.0

log = structlog.get_logger(__name__)


class Mastery:
    """One agent's part in being the master. ``session`` gives the session that we live in now."""

    def __init__(self, doors: Doors, loop: Loop, session: Callable[[], Session | None],
                 senses: Callable[[], Senses], promises: Promises) -> None:
        self._store = doors.store
        self._clock = doors.clock
        self._loop = loop
        self._session = session
        self._senses = senses
        self._promises = promises
        self._sensed = False
        self._fences = Fences(doors, lambda: loop.view, session, self._write)
        self._trimmed_at = 0.0
        self._agenda = Agenda()
        self._thorough_at = 0.0
        self._weighed_at = 0.0
        self._order: tuple[Revision, float] | None = None

    async def run(self) -> None:
        """Decide for ever, whenever we are the master."""
        async with asyncio.TaskGroup() as group:
            while True:
                view = self._loop.view
                try:
                    written = await self._round(view, group)
                except StoreUnavailable as problem:
                    log.warning("nothing can be decided", problem=str(problem))
                    await asyncio.sleep(AGAIN_S)
                    continue
                if written is not None:
                    await self._until(written, CATCH_UP_S)
                else:
                    idle_s = self._promises.left_s or idle_until(view, self._clock.now()) or IDLE_S
                    await self._until(Revision(view.revision + 1), idle_s)

    def sensed(self) -> None:
        """Decide anew: a member fell silent, or is heard again."""
        self._sensed = True
        self._loop.post(Woken())

    async def _until(self, revision: Revision, within_s: float) -> None:
        """Wait for that revision, for another session of ours, until something is sensed, or until time is up.

        A master whose agent was restarted may have seen the newest view before it has its session back.
        """
        session = self._session()
        try:
            async with asyncio.timeout(within_s):
                while self._loop.view.revision < revision and not self._sensed and self._session() is session:
                    await self._loop.changed()
        except TimeoutError:
            return
        finally:
            self._sensed = False

    async def _round(self, view: ClusterView, group: asyncio.TaskGroup) -> Revision | None:
        """Decide once; give the last revision that was written."""
        session, here = self._session(), self._here(view)
        if session is None or here is None or self._promises.left_s:
            self._fences.drop()
            return None
        if view.master is None:
            return await self._take(session, here)
        if view.master.value.session != session.id:
            return await self._stand_in(view, session, group)
        senses = replace(self._senses(), unattended=self._unattended(view, session))
        decisions = self._decided(view, session, senses)
        # What this round withdraws is not begun: the host that it is about is heard again.
        withdrawn = {key for decision in decisions for key in decision.transaction.deletes}
        self._fences.take_up(view, group, without=withdrawn)
        last: Revision | None = None
        # A decision may rest on an earlier one of the round: if that is not written, neither is this one.
        seen = view
        for wave in waves(view, decisions):
            try:
                for decision in wave:
                    check(seen, decision)
                    seen = applied(seen, decision)
            except BrokenInvariant:
                key = Guard(Key(Kind.MASTER), view.master.revision)
                await self._store.commit(Transaction(guards=(key, here), deletes=(key.key,)))
                raise
            last = await self._write_wave(wave, view) or last
        await self._trim(view)
        return last

    async def _write_wave(self, wave: Sequence[Decision], view: ClusterView) -> Revision | None:
        """Write decisions at the same time; give the last revision that was written, once all have their answer."""
        answers = await asyncio.gather(*(self._write(decision, view) for decision in wave), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return max((answer for answer in answers if isinstance(answer, int)), default=None)

    def _decided(self, view: ClusterView, session: Session, senses: Senses) -> tuple[Decision, ...]:
        """Decide about what changed since we last did; about everything when nothing changed, as time may matter."""
        now = self._clock.now()
        first = pressing(view, session, now, senses)
        if first:
            return first
        agenda = self._agenda if self._agenda.master == session.id else Agenda()
        due = agenda.due(view, now)
        if agenda.view is None or view.revision == agenda.view.revision or now.mono_s - self._thorough_at >= IDLE_S:
            due, self._thorough_at = None, now.mono_s
        decisions = settled(view, session, now, due, MOST)
        if len(decisions) >= MOST:
            self._agenda = agenda.broken_off(view, session.id, due)
            return decisions
        decisions = decisions or self._at_leisure(view, session, now)
        self._agenda = agenda.after(view, session.id, decisions)
        return decisions

    def _at_leisure(self, view: ClusterView, session: Session, now: Moment) -> tuple[Decision, ...]:
        """Even the nodes out; what that would take is thought about now and then only."""
        thorough = now.mono_s - self._weighed_at >= IDLE_S
        if thorough:
            self._weighed_at = now.mono_s
        return balancing.judge(view, session, now, thorough=thorough)

    def _unattended(self, view: ClusterView, session: Session) -> bool:
        """Tell whether an order to fence our own host has stood unchanged for so long that no deputy cares for it."""
        held, now_s = view.fencings.get(session.id), self._clock.now().mono_s
        if held is None:
            self._order = None
        elif self._order is None or self._order[0] != held.revision:
            self._order = held.revision, now_s
        return self._order is not None and now_s - self._order[1] >= FORGET_S

    def _here(self, view: ClusterView) -> Guard | None:
        """Give the guard of our own session, while the view shows it alive."""
        session = self._session()
        live = view.live.get(session.node) if session else None
        if session is None or live is None or live.value.session != session.id:
            return None
        return Guard(Key(Kind.LIVE, session.node), live.revision)

    async def _stand_in(self, view: ClusterView, session: Session, group: asyncio.TaskGroup) -> Revision | None:
        """Act for the master: write the proofs that it may not, and if it is silent have its host switched off."""
        senses, master = self._senses(), view.master
        proofs = [await self._write(decision, view) for decision in stood_in(view, session, self._clock.now())]
        if any(proofs):
            return proofs[-1]
        if master is None or deputy(view, senses) != session.node:
            self._fences.drop()
            return None
        self._fences.take_up(view, group, only=master.value.session)
        asked = [await self._write(decision, view) for decision in judge(view, session, senses, self._clock.now())
                 if Key(Kind.FENCING, master.value.session) in touched(decision.transaction)]
        return asked[-1] if asked else None

    async def _take(self, session: Session, here: Guard) -> Revision | None:
        """Take the master's key, if nobody was faster."""
        put = Put(Master(node=session.node, session=session.id), session.lease)
        guards = (Guard(Key(Kind.MASTER), NOTHING), here)
        done = await self._store.commit(Transaction(guards=guards, puts=(put,)))
        return done.revision if isinstance(done, Committed) else None

    async def _write(self, decision: Decision, view: ClusterView) -> Revision | None:
        """Write a decision as what we are in this view: the master, or a member that stands in for a silent one."""
        session, here = self._session(), self._here(view)
        if session is None or here is None or self._promises.left_s:
            return None
        guards: tuple[Guard, ...] = (here,)
        if view.master is not None and view.master.value.session == session.id:
            guards = (here, Guard(Key(Kind.MASTER), view.master.revision))
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
