"""Telling the world: the master's part in notification, beside its other work and never in its way.

Each channel has a task of its own that reads the history from the channel's place on, sends what is wanted, and writes
the new place down. Whatever goes wrong there, a mail server that hangs or a store that is silent, costs that channel's
messages time and nothing else. The history is the queue, so nothing piles up in memory: one message reads at most
``READ`` entries.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from stanchion.model.cluster import ClusterView, Held, Key, Kind, Session
from stanchion.model.errors import HostError, StoreError
from stanchion.model.history import Entry, Line
from stanchion.model.notification import Channel, Notified, Way
from stanchion.model.transaction import Conflict, Guard, Transaction
from stanchion.plan import notifying
from stanchion.ports import Clock, Notifier, Store

PAGE = 500
READ = 2000
BEFORE = 300
"""So many entries before the first that is told are read for its story."""

AGAIN_S = 5.0
BROKEN_S = 60.0
INSTANT_S = 0.001
"""A rest that is shorter is over: two clocks that were read one after the other differ by as much."""

log = structlog.get_logger(__name__)


class Notifying:
    """All channels of one agent. ``session`` gives the session that we live in now; ``changed`` returns at a change."""

    def __init__(self, *, store: Store, notifier: Notifier, clock: Clock, view: Callable[[], ClusterView],
                 changed: Callable[[], Awaitable[None]], session: Callable[[], Session | None]) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._view = view
        self._changed = changed
        self._session = session

    async def run(self) -> None:
        """Tell for ever, whenever we are the master."""
        async with asyncio.TaskGroup() as group:
            for channel in Channel:
                group.create_task(self._keep(channel))

    async def _keep(self, channel: Channel) -> None:
        place = _Place(channel=channel)
        while True:
            revision = self._view().revision
            try:
                wait_s = await self._once(place)
            except StoreError as problem:
                log.warning("nobody is notified now", channel=channel, problem=str(problem))
                wait_s = AGAIN_S
            except Exception:  # a fault here must never end the agent, which keeps machines alive
                log.exception("notification is broken", channel=channel)
                wait_s = BROKEN_S
            await self._until_changed(revision, wait_s)

    async def _until_changed(self, revision: int, wait_s: float | None) -> None:
        try:
            async with asyncio.timeout(wait_s):
                while self._view().revision == revision:
                    await self._changed()
        except TimeoutError:
            return

    async def _once(self, place: "_Place") -> float | None:
        """Tell what there is to tell by one channel; give the seconds after which to look again, None: at a change."""
        charge = notifying.in_charge(self._view(), self._session(), place.channel)
        if charge is None:
            place.forget()
            return None
        way, held = charge
        if way != place.way:
            place.forget()
            place.way = way
        rest_s = place.rest_until_s - self._clock.now().mono_s
        if rest_s > INSTANT_S:
            return rest_s
        lines = await self._lines(max(place.read, held.value.position))
        wanted = [line for line in lines if notifying.wanted(place.channel, way.volume, line.entry)]
        if not wanted:
            place.read = lines[-1].id if lines else place.read
            return 0.0 if len(lines) >= READ else None
        return await self._tell(place, way, held, wanted, lines[-1].id)

    async def _tell(self, place: "_Place", way: Way, held: Held[Notified], wanted: list[Line],
                    position: str) -> float | None:
        settings = self._view().settings
        cluster = settings.value.cluster if settings else ""
        known = await self._before(wanted[0].id) + wanted
        message = notifying.compose(cluster, place.channel, wanted, known, instant)
        me = self._session()
        if me is None:
            return None
        try:
            answer = await self._notifier.send(way, message)
        except HostError as problem:
            place.failures += 1
            rest_s = notifying.retry_in_s(place.failures)
            log.warning("nobody was notified", channel=place.channel, problem=str(problem), again_in_s=rest_s)
            await self._write(notifying.failed(held, str(problem), me, self._clock.now()), me)
        else:
            place.failures, place.read, rest_s = 0, position, notifying.PAUSE_S
            await self._write(notifying.told(held, position, me, self._clock.now(), answer=answer), me)
        place.rest_until_s = self._clock.now().mono_s + rest_s
        return rest_s

    async def _lines(self, after: str) -> list[Line]:
        """Read what stands in the history beyond that entry, so much as one message may tell."""
        lines: list[Line] = []
        while len(lines) < READ:
            page = await self._store.records(Kind.HISTORY, after=after, limit=PAGE)
            lines += [Line(name, held.value) for name, held in page if isinstance(held.value, Entry)]
            if len(page) < PAGE:
                break
            after = page[-1][0]
        return lines

    async def _before(self, name: str) -> list[Line]:
        page = await self._store.records(Kind.HISTORY, after=name, limit=BEFORE, newest_first=True)
        return [Line(each, held.value) for each, held in reversed(page) if isinstance(held.value, Entry)]

    async def _write(self, wanted: Transaction | None, me: Session) -> None:
        """Write as the master; who is it no more leaves it to the next, who tells it again."""
        view = self._view()
        live = view.live.get(me.node)
        if wanted is None or live is None or view.master is None or view.master.value.session != me.id:
            return
        guards = (Guard(Key(Kind.LIVE, me.node), live.revision), Guard(Key(Kind.MASTER), view.master.revision))
        done = await self._store.commit(replace(wanted, guards=(*wanted.guards, *guards)))
        if isinstance(done, Conflict):
            log.info("the notification's place was not written", key=str(done.key))


class _Place:
    """What one task remembers of its channel: how far it has read, and when it may try again."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.way: Way | None = None
        self.forget()

    def forget(self) -> None:
        """Begin anew: another configuration, or another master was in charge meanwhile."""
        self.way = None
        self.read = ""
        self.failures = 0
        self.rest_until_s = 0.0


def instant(at_s: float) -> str:
    """Show an instant in UTC: the readers of a message may sit anywhere."""
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
