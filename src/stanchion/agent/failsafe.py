"""When the store itself is gone: living on by the consent of every other member, and giving ours to the others.

A member that does not reach the store pleads with all the others, several times a second, each time with a new token.
Another one that does not reach it either promises to start nothing for as long as a lease lasts, and answers with the
token. The oldest of the instants *before* the newest pleas that each of them answered takes the place of the last
renewal: everybody together renewed the lease. So nothing else in the arithmetic of deadlines changes, and who is
missing one single answer stops its machines as ever. A node that is alone in its cluster has nobody to ask.

A promise binds even when the others' never come. So each is first asked without being bound (a plea for 0 s), and
bound only while all of them answer and the deadline is near: after the loss of a host that took the store's leader
with it nobody promises anything, and the failover waits for nothing but the store.

Whose consent counts is what this session wrote into the store (``plan.failsafe``), and whatever it may have written.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from stanchion.agent.doors import Doors, Identity
from stanchion.agent.promises import Promises
from stanchion.agent.tenure import Tenure
from stanchion.model.cluster import ClusterView, SelfFence, Session
from stanchion.model.errors import StoreUnavailable
from stanchion.model.ids import NodeName, Revision, SessionId
from stanchion.plan.failsafe import declared, peers
from stanchion.ports import Plea, Promise

RETRY_S = 0.5

log = structlog.get_logger(__name__)


class Failsafe:
    """One agent's part, as who asks and as who is asked. ``changed`` returns when there may be another view."""

    def __init__(self, doors: Doors, identity: Identity, tenure: Tenure, promises: Promises, *,
                 view: Callable[[], ClusterView], changed: Callable[[], Awaitable[None]]) -> None:
        self._doors = doors
        self._identity = identity
        self._tenure = tenure
        self._promises = promises
        self._view = view
        self._changed = changed
        self._sent: dict[str, tuple[float, bool]] = {}
        self._answered: dict[SessionId, float] = {}
        self._granted: dict[SessionId, float] = {}
        self._attempted: tuple[Revision, frozenset[NodeName]] | None = None

    async def run(self) -> None:
        """Plead while the store is away; keep in the store whose consent counts. For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._plead())
            group.create_task(self._declare())

    def heard(self, word: Plea | Promise) -> None:
        """Take what another member says."""
        if isinstance(word, Plea):
            self._answer(word)
        elif word.token in self._sent:
            sent_s, binding = self._sent[word.token]
            for session in word.sessions:
                self._answered[session] = max(sent_s, self._answered.get(session, sent_s))
                if binding:
                    self._granted[session] = max(sent_s, self._granted.get(session, sent_s))
            self._weigh()
            if not binding and self._tenure.session is not None:
                self._bind(self._tenure.session)

    # As who is asked.

    def _answer(self, plea: Plea) -> None:
        """Promise, or say that we would; unless we reach the store, or know that the other one's life is over."""
        voices, reach = self._tenure.voices, self._tenure.reach
        # Who has the store back goes on to promise, for those who have not; but does not begin to.
        wills = reach.away or (reach.lenient and self._promises.left_s > 0)
        if not (voices and wills) or plea.session in self._view().proofs:
            return
        if not plea.lease_s or self._promises.give(plea.lease_s):
            self._doors.pulse.send(plea.reply, Promise(sessions=voices, token=plea.token))

    # As who asks.

    async def _plead(self) -> None:
        while True:
            session = self._tenure.session
            if session is None:
                await self._tenure.opened()
                continue
            if not self._tenure.reach.away:
                self._sent.clear()
                self._answered.clear()
                self._granted.clear()
            elif self._identity.pulse and (needed := self._needed(session)) is not None:
                self._ask(session, needed, binding=self._willing(session, needed))
            await asyncio.sleep(session.timing.beat_s)

    def _willing(self, session: Session, needed: tuple[Session, ...]) -> bool:
        """Whether all of these answered lately, and the deadline is near: else promises bind them for nothing."""
        if not self._tenure.pressed:
            return False
        since_s = self._doors.clock.now().mono_s - session.timing.suspect_s
        return all(self._answered.get(other.id, since_s) > since_s for other in needed)

    def _bind(self, session: Session) -> None:
        """The last one said that it would: ask all for their word at once, the deadline is near."""
        needed = self._needed(session)
        if needed is not None and self._tenure.reach.away and self._willing(session, needed) and not any(
                other.id in self._granted for other in needed):
            self._ask(session, needed, binding=True)

    def _ask(self, session: Session, needed: tuple[Session, ...], *, binding: bool) -> None:
        now_s, token = self._doors.clock.now().mono_s, self._doors.chance.token()
        self._sent = {known: sent for known, sent in self._sent.items() if sent[0] > now_s - session.timing.halt_s}
        self._sent[token] = now_s, binding
        plea = Plea(node=session.node, session=session.id, token=token, reply=self._identity.pulse,
                    lease_s=session.timing.lease_s if binding else 0.0)
        for other in needed:
            self._doors.pulse.send(other.pulse, plea)
        self._weigh()

    def _weigh(self) -> None:
        """Let the local deadline count from the oldest of the newest pleas that each of the others answered."""
        session = self._tenure.session
        needed = None if session is None else self._needed(session)
        if session is None or needed is None or not all(other.id in self._granted for other in needed):
            return
        latest_s = max(sent for sent, _ in self._sent.values())
        since_s = min((self._granted[other.id] for other in needed), default=latest_s)
        if session.self_fence is SelfFence.NONE or self._doors.watchdog.armed:
            self._tenure.extend(since_s, tuple(other.node for other in needed))

    def _needed(self, mine: Session) -> tuple[Session, ...] | None:
        """Give the sessions whose consent counts; None: it cannot be known."""
        view = self._view()
        held = view.sessions.get(mine.node)
        if held is None or held.value.id != mine.id or held.value.peers is None:
            return None
        nodes = {*held.value.peers, *peers(view, mine.node)}
        if self._attempted is not None and self._attempted[0] >= held.revision:
            # Written or not, nobody knows; what rests on an older revision is refused.
            nodes |= self._attempted[1]
        if not nodes <= set(view.sessions):
            return None
        return tuple(view.sessions[node].value for node in sorted(nodes))

    async def _declare(self) -> None:
        """Write down whose consent counts as soon as that changes.

        Never while this node lives by the consent of those that count now: one more has promised nothing yet.
        """
        while True:
            view, mine = self._view(), self._tenure.session
            held = view.sessions.get(self._identity.node)
            wanted = peers(view, self._identity.node)
            if mine is None or held is None or held.value.id != mine.id or held.value.peers in {None, wanted}:
                await self._changed()
                continue
            if self._tenure.by_consent:
                await asyncio.sleep(mine.timing.beat_s)
                continue
            transaction = declared(view, mine, wanted)
            if transaction is not None:
                before = self._attempted[1] if self._attempted and self._attempted[0] == held.revision else frozenset()
                self._attempted = held.revision, before | set(wanted)
                try:
                    await self._doors.store.commit(transaction)
                except StoreUnavailable as problem:
                    log.warning("not yet told whose consent counts", problem=str(problem))
                    await asyncio.sleep(RETRY_S)
                    continue
            await self._changed()
