"""Keeping the session: the lease, the local deadline, the watchdog, and the way back after a loss.

Everything is measured from the instant *before* the last successful renewal was sent. Past ``halt_s`` without success
the agent is cut off, whatever the store may say later: it halts what it runs and looks whether each machine is gone.
If all are, the host is safe and the watchdog is fed on; if not, it is left to fire at ``fence_s``. Then the agent
opens a new session, with the proof of what became of the old one.

Where every other member consents because the store is away for all of them (``failsafe``), the instant before they
were asked counts like a renewal. A lease that ended in the store meanwhile is replaced by a new one, as long as no
proof says that the session is over.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

import structlog

from stanchion.agent.doors import Doors, Identity
from stanchion.agent.follow import read
from stanchion.agent.opening import Opened, Opening, revive, undeclare
from stanchion.agent.promises import Promises
from stanchion.agent.reach import Reach
from stanchion.agent.tally import Tally
from stanchion.model.actions import CutOff, Happening, SessionOpened
from stanchion.model.cluster import ClusterView, SelfFence, Session
from stanchion.model.errors import StoreUnavailable
from stanchion.model.ids import LeaseId, NodeName, SessionId
from stanchion.model.timing import Timing
from stanchion.model.transaction import Committed
from stanchion.plan import failsafe
from stanchion.plan.sessions import given_back

IDLE_S = 0.5
"""How often a node that was asked to leave looks whether it is wanted again."""

log = structlog.get_logger(__name__)


class Tenure:
    """One node's sessions, one after the other.

    ``post`` tells the loop; ``safe`` says that nothing can run here, and ``changed`` returns when that may be new.
    """

    def __init__(self, doors: Doors, identity: Identity, post: Callable[[Happening], None], *,
                 safe: Callable[[], bool], changed: Callable[[], Awaitable[None]], promises: Promises,
                 tally: Tally) -> None:
        self._doors = doors
        self._identity = identity
        self._post = post
        self._safe = safe
        self._changed = changed
        self._renewed_at = 0.0
        self._timing: Timing | None = None
        self._promises = promises
        self._opening = Opening(doors, identity, safe, promises)
        self._returned = asyncio.Event()
        self._opened = asyncio.Event()
        self._kept: tuple[float, tuple[NodeName, ...]] | None = None
        self._consented_at = float("-inf")
        self.reach = Reach(doors.clock, tally)
        self.session: Session | None = None

    @property
    def in_time(self) -> bool:
        """Whether the local deadline is still ahead: past it, nothing may be begun."""
        if self.session is None or self._timing is None:
            return False
        return self._doors.clock.now().mono_s < self._renewed_at + self._timing.halt_s

    @property
    def voices(self) -> tuple[SessionId, ...]:
        """The sessions by which others may know this host: that of now, or those that it remembers."""
        if self.session is not None:
            return (self.session.id,)
        journal = self._doors.journal.read()
        remembered = () if journal is None else (journal.session, journal.former)
        return tuple(sorted({session for session in (self._opening.halted, *remembered) if session is not None}))

    @property
    def pressed(self) -> bool:
        """Whether the local deadline is so near that the others must be bound, or put off by their consent already."""
        if self._timing is None:
            return False
        return self.by_consent or self._doors.clock.now().mono_s >= self._renewed_at + self._timing.plead_s

    @property
    def by_consent(self) -> bool:
        """Whether this node lives on what the others promised, and not by its lease."""
        return self._consented_at >= self._renewed_at

    def extend(self, since_s: float, others: tuple[NodeName, ...]) -> None:
        """Count the local deadline from that instant, by the consent of all others; never once it is past."""
        if self.session is None or self._timing is None or not self.in_time or since_s <= self._renewed_at:
            return
        if self._kept is None:
            log.warning("the store is away: this node keeps its machines by consent", others=list(others))
        self._kept = (self._renewed_at if self._kept is None else self._kept[0], others)
        self._renewed_at = self._consented_at = since_s
        self._doors.watchdog.feed(since_s + self._timing.fence_s)

    async def opened(self) -> None:
        """Return as soon as there is a session."""
        await self._opened.wait()

    async def keep(self) -> None:
        """Open sessions and keep them, for ever. Raises ``HostError`` when another agent has this node's name."""
        while True:
            opened, view = await self._open()
            session = opened.session
            self.session, self._timing, self._renewed_at = session, session.timing, opened.since_s
            self.reach.timing, self._kept = session.timing, None
            self._opened.set()
            self._returned.clear()
            self._post(SessionOpened(session=session.id, view=view))
            log.info("member", session=session.id, self_fence=session.self_fence)
            await self._renew(session)
            self.session = None
            self._opened.clear()
            if not self._returned.is_set():
                await self._cut_off(session)

    async def give_back(self, session: SessionId, *, leaving: bool = True) -> None:
        """End the session cleanly, with the proof that nothing runs here; does nothing for an earlier session.

        What the store says now decides, not what this agent saw last. ``leaving``: an operator wants it.
        """
        mine = self.session
        if mine is None or mine.id != session or self._returned.is_set():
            return
        transaction = given_back(await read(self._doors.store), mine, self._doors.clock.now(), leaving=leaving)
        if transaction is None:
            return
        try:
            written: bool | None = isinstance(await self._doors.store.commit(transaction), Committed)
        except StoreUnavailable:
            # The proof may stand: this life is over, and is resumed only if it turns out that the proof does not.
            written = None
        if written is not False:
            self._returned.set()
            self._doors.watchdog.release()
        if written:
            await self._doors.store.revoke(mine.lease)

    # Opening.

    async def _open(self) -> tuple[Opened, ClusterView]:
        """Become a member: resume the session of before a restart, or open a new one. Gives what was seen then."""
        waited = 0.0
        while True:
            self.reach.asked()
            try:
                view = await read(self._doors.store)
                self.reach.answered()
                opened = await self._opening.attempt(view, waited)
            except StoreUnavailable as problem:
                log.warning("cannot join", problem=str(problem))
                self.reach.failed()
                opened = None
            if opened is not None:
                return opened, view
            if self._opening.halted is not None and self._timing is not None and self._safe():
                self._doors.watchdog.feed(self._doors.clock.now().mono_s + self._timing.fence_s)
            await asyncio.sleep(IDLE_S)
            waited += IDLE_S

    # Keeping.

    async def _renew(self, session: Session) -> None:
        """Renew until the lease is lost, the local deadline passes, or the session is given back."""
        timing, clock = session.timing, self._doors.clock
        while not self._returned.is_set():
            left_s = self._renewed_at + timing.halt_s - clock.now().mono_s
            if left_s <= 0:
                log.error("cut off: no renewal in time", session=session.id)
                return
            sent = clock.now().mono_s
            answer = await self._ask(session.lease, left_s)
            if answer is False:
                opened = None if self._returned.is_set() else await self._revive(session, left_s)
                if opened is False:
                    log.error("cut off: the lease has ended", session=session.id)
                    return
                if opened is not None:
                    self.session = session = opened.session
                    sent, answer = opened.since_s, True
            if answer:
                self._renewed_at = sent
                self._doors.watchdog.feed(sent + timing.fence_s)
                await self._back(session)
                if session.self_fence is not SelfFence.NONE and not self._doors.watchdog.armed and (
                        await undeclare(self._doors, session)):
                    session = replace(session, self_fence=SelfFence.NONE)
            pause_s = timing.renew_s if answer else timing.renew_s / 4
            await self._sleep(sent + pause_s - clock.now().mono_s)

    async def _ask(self, lease: LeaseId, within_s: float) -> bool | None:
        """Renew once; None: no answer."""
        self.reach.asked()
        try:
            async with asyncio.timeout(within_s):
                answer = await self._doors.store.renew(lease)
        except (StoreUnavailable, TimeoutError) as problem:
            log.warning("the lease is not renewed", problem=str(problem) or "no answer in time")
            self.reach.failed()
            return None
        self.reach.answered()
        return answer

    async def _revive(self, session: Session, within_s: float) -> Opened | Literal[False] | None:
        """Ask for a new lease in place of one that has ended; False: this life is over, None: not now."""
        self.reach.asked()
        try:
            async with asyncio.timeout(within_s):
                opened = await revive(self._doors, session)
        except (StoreUnavailable, TimeoutError) as problem:
            log.warning("the lease has ended, and there is no new one yet", problem=str(problem))
            self.reach.failed()
            return None
        self.reach.answered()
        return opened

    async def _back(self, session: Session) -> None:
        """Renewed: settle what was promised, and tell the cluster once if this node lived on by consent."""
        self._promises.settle()
        if self._kept is None:
            return
        (since_s, others), self._kept, now = self._kept, None, self._doors.clock.now()
        away_s = now.mono_s - since_s
        log.warning("the store is back", away_s=round(away_s, 1))
        if away_s < session.timing.halt_s:
            return  # it would have kept its machines anyway
        try:
            async with asyncio.timeout(session.timing.patience_s):
                await self._doors.store.commit(failsafe.told(session, away_s, others, now))
        except (StoreUnavailable, TimeoutError) as problem:
            log.warning("the cluster is not told", problem=str(problem))

    async def _sleep(self, pause_s: float) -> None:
        if pause_s <= 0:
            return
        try:
            async with asyncio.timeout(pause_s):
                await self._returned.wait()
        except TimeoutError:
            return

    async def _cut_off(self, session: Session) -> None:
        """Halt what runs here; feed the watchdog again only once every machine was seen gone."""
        self._opening.halted = session.id
        self._post(CutOff())
        try:
            async with asyncio.timeout(session.timing.fence_s):
                while not self._safe():
                    await self._changed()
        except TimeoutError:
            log.critical("not every machine was seen gone: the watchdog is left to fire", session=session.id)
            return
        self._doors.watchdog.feed(self._doors.clock.now().mono_s + session.timing.fence_s)
