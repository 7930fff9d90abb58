"""Becoming a member: resuming the session of before a restart, or opening a new one with the proof of the last.

An agent that was restarted finds its session in the journal and resumes it, in the same life of the host: nothing
happened to its machines, and nobody notices.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from stanchion.agent.doors import Doors, Identity
from stanchion.agent.follow import read
from stanchion.agent.promises import Promises
from stanchion.model.capacity import Size
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Live, Proof, ProofKind, SelfFence, Session
from stanchion.model.errors import HostError, StoreUnavailable
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NOTHING, SessionId
from stanchion.model.journal import JournalEntry
from stanchion.model.reasons import Why, reason
from stanchion.model.timing import TIMINGS, Timing
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.plan.failsafe import peers, revived
from stanchion.plan.membership import proof_reason
from stanchion.plan.node import held_here
from stanchion.plan.sessions import invited, resumed, undeclared
from stanchion.plan.standing import begun, ends_down, may_begin

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that we live in now, and the instant before its lease was granted or renewed."""

    session: Session
    since_s: float


class Opening:
    """How one node opens its sessions. ``safe`` says that nothing can run here; ``halted`` is the session cut off."""

    def __init__(self, doors: Doors, identity: Identity, safe: Callable[[], bool], promises: Promises) -> None:
        self._doors = doors
        self._identity = identity
        self._safe = safe
        self._promises = promises
        self._rival: tuple[SessionId, float] | None = None
        self.halted: SessionId | None = None

    async def attempt(self, view: ClusterView, waited: float) -> Opened | None:
        """Try once; None: not now. Raises ``HostError`` when the name is taken."""
        me = self._identity.node
        self._promises.recall(view, me)
        if view.settings is None or me not in view.nodes:
            raise HostError(f"the store knows no node {me}; run `stanchion init` with its name")
        timing = TIMINGS[view.settings.value.profile]
        live, last, journal = view.live.get(me), view.sessions.get(me), self._doors.journal.read()
        if not (may_begin(view, me, self._doors.host.boot()) or held_here(view, me)):
            # A node that is to leave and holds something yet stays until it is empty, whatever its agent goes through.
            if (welcome := invited(view, me, self._doors.clock.now())) is not None:
                await self._doors.store.commit(welcome)
            return None
        known = last is not None and journal is not None and journal.knows(last.value.id)
        if live is not None and last is not None and not known:
            self._check_name(last.value, waited, timing)
            return None
        if last is not None and known and last.value.id not in view.proofs and self.halted is None and (
                last.value.boot == self._doors.host.boot()):
            return await self._resume(view, last.value)
        if live is not None and last is not None:
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

    async def _resume(self, view: ClusterView, session: Session) -> Opened | None:
        """Go on with the session of before, even if its lease has ended: as long as no proof stands, it is not over.

        The watchdog is put off only after that; until then it guards by what the last agent knew.
        """
        capacity = await self._doors.host.capacity()
        sent = self._doors.clock.now().mono_s
        renewed = await self._doors.store.renew(session.lease)
        opened = Opened(session, sent) if renewed else await revive(self._doors, session)
        if not opened:
            return None
        session, sent = opened.session, opened.since_s
        # The watchdog guards on from before; what the session declared must still be true.
        armed = self._doors.watchdog.arm(sent + session.timing.fence_s)
        if renewed and not await self._taken_over(view, session, capacity):
            return None
        if session.self_fence is not SelfFence.NONE and not armed:
            # Never by giving the lease up: its end would prove, with what the session declared, that nothing runs.
            if not await undeclare(self._doors, session):
                return None
            session = replace(session, self_fence=SelfFence.NONE)
        log.info("resumed", session=session.id)
        return Opened(session, sent)

    async def _taken_over(self, view: ClusterView, session: Session, capacity: Size) -> bool:
        """Make void what the agent before us may still have on its way to the store; False: that came first."""
        transaction = resumed(view, session, capacity)
        return transaction is not None and isinstance(await self._doors.store.commit(transaction), Committed)

    async def _begin(self, view: ClusterView, last: Held[Session] | None, journal: JournalEntry | None,
                     timing: Timing) -> Opened | None:
        """Open a new session, with the proof of what became of the last one where there is one."""
        capacity = await self._doors.host.capacity()
        me, now = self._identity.node, self._doors.clock.now()
        armed = self._doors.watchdog.arm(now.mono_s + timing.fence_s)
        lease = await self._doors.store.grant(timing.lease_s)
        session = Session(node=me, id=SessionId(f"{me}-{self._doors.chance.token()}"), boot=self._doors.host.boot(),
                          lease=lease, self_fence=self._identity.self_fence if armed else SelfFence.NONE,
                          timing=timing, url=self._identity.url, pulse=self._identity.pulse,
                          version=self._identity.version, door=self._identity.door, opened_at_s=now.wall_s,
                          peers=peers(view, me) if self._identity.pulse else None, capacity=capacity)
        proofs = () if last is None else self._proofs(view, last.value, journal)
        entries = tuple(Entry(at_s=now.wall_s, reason=proof_reason(proof), by=me, node=me, cause=proof.session)
                        for proof in proofs)
        if not armed and not view.nodes[me].value.fence:
            entries += (Entry(at_s=now.wall_s, reason=reason(Why.UNPROTECTED_MEANS, me),
                              severity=Severity.WARNING, by=me, node=me, cause=session.id),)
        guards: tuple[Guard, ...] = (
            Guard(Key(Kind.LIVE, me), NOTHING),
            Guard(Key(Kind.SESSION, me), NOTHING if last is None else last.revision))
        puts: tuple[Put, ...] = (
            Put(Live(node=me, session=session.id), lease), Put(session), *(Put(proof) for proof in proofs))
        if ends_down(view, me, session.boot):
            more_guards, more_puts = begun(view)
            guards, puts = (*guards, *more_guards), (*puts, *more_puts)
            entries += (Entry(at_s=now.wall_s, reason=reason(Why.UP_BY_BOOT, me), by=me, node=me, cause=session.id),)
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
        self.halted = None
        return Opened(session, now.mono_s)

    def _proofs(self, view: ClusterView, last: Session, journal: JournalEntry | None) -> tuple[Proof, ...]:
        """Prove what can be known here of the last session: only of one that was this very host's."""
        if journal is None or not journal.knows(last.id) or last.id in view.proofs:
            return ()
        at_s = self._doors.clock.now().wall_s
        if last.boot != self._doors.host.boot():
            return (Proof(node=last.node, session=last.id, kind=ProofKind.RESET, at_s=at_s),)
        if self.halted == last.id and self._safe():
            return (Proof(node=last.node, session=last.id, kind=ProofKind.CLEAN, at_s=at_s),)
        return ()

    def _remember(self, session: Session, former: SessionId | None) -> bool:
        """Write the session into the journal; False: it cannot be written."""
        entry = JournalEntry(session=session.id, lease=session.lease, boot=session.boot, former=former,
                             renewed_at=self._doors.clock.now().mono_s, promised_s=self._promises.noted_s)
        try:
            self._doors.journal.write(entry)
        except HostError as problem:
            log.warning("the journal cannot be written: a restart of this agent will need a new session",
                        problem=str(problem))
            return False
        return True


async def revive(doors: Doors, session: Session) -> Opened | Literal[False] | None:
    """Give a session whose lease has ended a new one; False: that life is over, None: somebody was faster, try again.

    Raises ``StoreUnavailable``; then it may have come back to life all the same, and trying again does no harm.
    """
    view = await read(doors.store)
    if revived(view, session, session.lease) is None:
        return False
    sent = doors.clock.now().mono_s
    lease = await doors.store.grant(session.timing.lease_s)
    transaction = revived(view, session, lease)
    assert transaction is not None
    if not isinstance(await doors.store.commit(transaction), Committed):
        await doors.store.revoke(lease)
        return None
    log.warning("the session has a new lease", session=session.id)
    return Opened(replace(view.sessions[session.node].value, lease=lease), sent)


async def undeclare(doors: Doors, session: Session) -> bool:
    """Take a declared self-fence back as soon as it is not armed any more: a proof may not rest on it.

    False: it is not written yet.
    """
    log.error("the watchdog is lost: this node is unprotected", session=session.id)
    try:
        transaction = undeclared(await read(doors.store), session, doors.clock.now())
        return transaction is not None and isinstance(await doors.store.commit(transaction), Committed)
    except StoreUnavailable as problem:
        log.warning("not yet told to the cluster", problem=str(problem))
        return False
