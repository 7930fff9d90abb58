"""Keeping the session: the lease, the local deadline, the watchdog, and the way back after a loss.

Everything is measured from the instant *before* the last successful renewal was sent. Past ``halt_s`` without success
the agent is cut off, whatever the store may say later: it halts what it runs and looks whether each machine is gone.
If all are, the host is safe and the watchdog is fed on; if not, it is left to fire at ``fence_s``. Then the agent
opens a new session, with the proof of what became of the old one.

An agent that was restarted finds its session in the journal and resumes it, in the same life of the host: nothing
happened to its machines, and nobody notices.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from stanchion.agent.doors import Doors, Identity
from stanchion.agent.follow import read
from stanchion.model.actions import CutOff, Happening, SessionOpened
from stanchion.model.cluster import (
    ClusterView,
    Held,
    Key,
    Kind,
    Live,
    Proof,
    ProofKind,
    SelfFence,
    Session,
)
from stanchion.model.errors import HostError, StoreUnavailable
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NOTHING, LeaseId, SessionId
from stanchion.model.reasons import Why, reason
from stanchion.model.timing import TIMINGS, Timing
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.plan.membership import proof_reason
from stanchion.plan.node import held_here
from stanchion.plan.sessions import given_back, invited, undeclared
from stanchion.ports import JournalEntry

IDLE_S = 0.5
"""How often a node that was asked to leave looks whether it is wanted again."""

log = structlog.get_logger(__name__)


class Tenure:
    """One node's sessions, one after the other.

    ``post`` tells the loop; ``safe`` says that nothing can run here, and ``changed`` returns when that may be new.
    """

    def __init__(self, doors: Doors, identity: Identity, post: Callable[[Happening], None],
                 safe: Callable[[], bool], changed: Callable[[], Awaitable[None]]) -> None:
        self._doors = doors
        self._identity = identity
        self._post = post
        self._safe = safe
        self._changed = changed
        self._renewed_at = 0.0
        self._timing: Timing | None = None
        self._halted: SessionId | None = None
        self._rival: tuple[SessionId, float] | None = None
        self._returned = asyncio.Event()
        self._opened = asyncio.Event()
        self.session: Session | None = None

    @property
    def in_time(self) -> bool:
        """Whether the local deadline is still ahead: past it, nothing may be begun."""
        if self.session is None or self._timing is None:
            return False
        return self._doors.clock.now().mono_s < self._renewed_at + self._timing.halt_s

    async def opened(self) -> None:
        """Return as soon as there is a session."""
        await self._opened.wait()

    async def keep(self) -> None:
        """Open sessions and keep them, for ever. Raises ``HostError`` when another agent has this node's name."""
        while True:
            session, view = await self._open()
            self.session, self._timing = session, session.timing
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

    async def _open(self) -> tuple[Session, ClusterView]:
        """Become a member: resume the session of before a restart, or open a new one. Gives what was seen then."""
        waited = 0.0
        while True:
            try:
                view = await read(self._doors.store)
                session = await self._try(view, waited)
            except StoreUnavailable as problem:
                log.warning("cannot join", problem=str(problem))
                session = None
            if session is not None:
                return session, view
            if self._halted is not None and self._timing is not None and self._safe():
                self._doors.watchdog.feed(self._doors.clock.now().mono_s + self._timing.fence_s)
            await asyncio.sleep(IDLE_S)
            waited += IDLE_S

    async def _try(self, view: ClusterView, waited: float) -> Session | None:
        """Try once; None: not now. Raises ``HostError`` when the name is taken."""
        me = self._identity.node
        if view.settings is None or me not in view.nodes:
            raise HostError(f"the store knows no node {me}; run `stanchion init` with its name")
        timing = TIMINGS[view.settings.value.profile]
        live, last, journal = view.live.get(me), view.sessions.get(me), self._doors.journal.read()
        if not (view.nodes[me].value.wanted or held_here(view, me)):
            # A node that is to leave and holds something yet stays until it is empty, whatever its agent goes through.
            if (welcome := invited(view, me, self._doors.clock.now())) is not None:
                await self._doors.store.commit(welcome)
            return None
        if live is not None and last is not None:
            if journal is None or not journal.knows(live.value.session):
                self._check_name(last.value, waited, timing)
                return None
            lives = last.value.boot == self._doors.host.boot() and self._halted is None
            if lives and last.value.id not in view.proofs:
                return await self._resume(last.value)
            await self._doors.store.revoke(last.value.lease)
            view = await read(self._doors.store)
        return await self._begin(view, last, journal, timing)

    def _check_name(self, rival: Session, waited: float, timing: Timing) -> None:
        """Another session has our name: wait until its lease must have ended, then say so and give up.

        It may be our own, of which nobody remembers that it came about; so each one is given its time.
        """
        if self._rival is None or self._rival[0] != rival.id:
            self._rival = rival.id, waited
        if waited - self._rival[1] > max(timing.lease_s, rival.timing.lease_s) + 1.0:
            raise HostError(f"another agent is a member as {rival.node} (at {rival.url or 'an unknown address'}); "
                            "give this one another node name, or stop the other one")

    async def _resume(self, session: Session) -> Session | None:
        sent = self._doors.clock.now().mono_s
        if not await self._doors.store.renew(session.lease):
            return None
        self._renewed_at = sent
        # The watchdog guards on from before; what the session declared must still be true.
        armed = self._doors.watchdog.arm(sent + session.timing.fence_s)
        if session.self_fence is not SelfFence.NONE and not armed:
            # Never by giving the lease up: its end would prove, with what the session declared, that nothing runs.
            if not await self._undeclare(session):
                return None
            session = replace(session, self_fence=SelfFence.NONE)
        log.info("resumed", session=session.id)
        return session

    async def _begin(self, view: ClusterView, last: Held[Session] | None, journal: JournalEntry | None,
                     timing: Timing) -> Session | None:
        """Open a new session, with the proof of what became of the last one where there is one."""
        me, now = self._identity.node, self._doors.clock.now()
        armed = self._doors.watchdog.arm(now.mono_s + timing.fence_s)
        lease = await self._doors.store.grant(timing.lease_s)
        session = Session(node=me, id=SessionId(f"{me}-{self._doors.chance.token()}"), boot=self._doors.host.boot(),
                          lease=lease, self_fence=self._identity.self_fence if armed else SelfFence.NONE,
                          timing=timing, url=self._identity.url, pulse=self._identity.pulse,
                          version=self._identity.version, door=self._identity.door, opened_at_s=now.wall_s)
        proofs = () if last is None else self._proofs(view, last.value, journal)
        entries = tuple(Entry(at_s=now.wall_s, reason=proof_reason(proof), by=me, node=me, cause=proof.session)
                        for proof in proofs)
        if not armed and not view.nodes[me].value.fence:
            entries += (Entry(at_s=now.wall_s, reason=reason(Why.UNPROTECTED_MEANS, me),
                              severity=Severity.WARNING, by=me, node=me, cause=session.id),)
        guards = (Guard(Key(Kind.LIVE, me), NOTHING),
                  Guard(Key(Kind.SESSION, me), NOTHING if last is None else last.revision))
        puts = (Put(Live(node=me, session=session.id), lease), Put(session), *(Put(proof) for proof in proofs))
        # The journal first: a session that the agent does not remember could never be resumed.
        known = last is not None and journal is not None and journal.knows(last.value.id)
        if not self._remember(session, last.value.id if last is not None and known else None):
            # What cannot be resumed must not be proven by time: the next agent could not feed on for this session.
            session = replace(session, self_fence=SelfFence.NONE)
            puts = (puts[0], Put(session), *puts[2:])
        done = await self._doors.store.commit(Transaction(guards=guards, puts=puts, history=entries))
        if not isinstance(done, Committed):
            await self._doors.store.revoke(lease)
            return None
        self._renewed_at, self._halted = now.mono_s, None
        return session

    def _proofs(self, view: ClusterView, last: Session, journal: JournalEntry | None) -> tuple[Proof, ...]:
        """Prove what can be known here of the last session: only of one that was this very host's."""
        if journal is None or not journal.knows(last.id) or last.id in view.proofs:
            return ()
        at_s = self._doors.clock.now().wall_s
        if last.boot != self._doors.host.boot():
            return (Proof(node=last.node, session=last.id, kind=ProofKind.RESET, at_s=at_s),)
        if self._halted == last.id and self._safe():
            return (Proof(node=last.node, session=last.id, kind=ProofKind.CLEAN, at_s=at_s),)
        return ()

    def _remember(self, session: Session, former: SessionId | None) -> bool:
        """Write the session into the journal; False: it cannot be written."""
        entry = JournalEntry(session=session.id, lease=session.lease, boot=session.boot, former=former,
                             renewed_at=self._doors.clock.now().mono_s)
        try:
            self._doors.journal.write(entry)
        except HostError as problem:
            log.warning("the journal cannot be written: a restart of this agent will need a new session",
                        problem=str(problem))
            return False
        return True

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
                if not self._returned.is_set():
                    log.error("cut off: the lease has ended", session=session.id)
                return
            if answer:
                self._renewed_at = sent
                self._doors.watchdog.feed(sent + timing.fence_s)
                if session.self_fence is not SelfFence.NONE and not self._doors.watchdog.armed and (
                        await self._undeclare(session)):
                    session = replace(session, self_fence=SelfFence.NONE)
            pause_s = timing.renew_s if answer else timing.renew_s / 4
            await self._sleep(sent + pause_s - clock.now().mono_s)

    async def _ask(self, lease: LeaseId, within_s: float) -> bool | None:
        """Renew once; None: no answer."""
        try:
            async with asyncio.timeout(within_s):
                return await self._doors.store.renew(lease)
        except (StoreUnavailable, TimeoutError) as problem:
            log.warning("the lease is not renewed", problem=str(problem) or "no answer in time")
            return None

    async def _sleep(self, pause_s: float) -> None:
        if pause_s <= 0:
            return
        try:
            async with asyncio.timeout(pause_s):
                await self._returned.wait()
        except TimeoutError:
            return

    async def _undeclare(self, session: Session) -> bool:
        """Take a declared self-fence back as soon as it is not armed any more: a proof may not rest on it.

        False: it is not written yet.
        """
        log.error("the watchdog is lost: this node is unprotected", session=session.id)
        try:
            transaction = undeclared(await read(self._doors.store), session, self._doors.clock.now())
            return transaction is not None and isinstance(await self._doors.store.commit(transaction), Committed)
        except StoreUnavailable as problem:
            log.warning("not yet told to the cluster", problem=str(problem))
            return False

    async def _cut_off(self, session: Session) -> None:
        """Halt what runs here; feed the watchdog again only once every machine was seen gone."""
        self._halted = session.id
        self._post(CutOff())
        try:
            async with asyncio.timeout(session.timing.fence_s):
                while not self._safe():
                    await self._changed()
        except TimeoutError:
            log.critical("not every machine was seen gone: the watchdog is left to fire", session=session.id)
            return
        self._doors.watchdog.feed(self._doors.clock.now().mono_s + session.timing.fence_s)
