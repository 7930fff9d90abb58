"""Sending and hearing signs of life: who of the members is silent.

Silence is judged on this host's own monotonic clock, and only of members that the store shows alive: for the others
their lease has spoken already. One ear is not enough: each sign of life says whom its sender does not hear, and a
member counts as silent only when everybody that we hear agrees; a single broken link makes nobody suspect. An agent
that was itself paused hears nobody for that time, so after a stall of its own it begins to listen anew instead of
suspecting everybody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from stanchion.agent.doors import Doors, Identity
from stanchion.agent.tally import Tally
from stanchion.model.cluster import ClusterView, Session
from stanchion.model.fencing import Senses
from stanchion.model.ids import SessionId
from stanchion.ports import Plea, Promise, Sign

STALL_BEATS = 3
"""A pause of so many beats between two of our own is a stall: what was not heard meanwhile tells nothing."""


class Hearing:
    """One agent's ears and voice. ``changed`` is called when a member falls silent or is heard again.

    ``opened`` returns when there is a session: a restarted agent is heard again in that instant. ``told`` is called
    with the words that are no signs of life. ``tally`` counts what is heard.
    """

    def __init__(self, doors: Doors, identity: Identity, *, view: Callable[[], ClusterView],
                 session: Callable[[], Session | None], opened: Callable[[], Awaitable[None]],
                 changed: Callable[[], None], told: Callable[[Plea | Promise], None], tally: Tally) -> None:
        self._doors = doors
        self._identity = identity
        self._view = view
        self._session = session
        self._opened = opened
        self._changed = changed
        self._told = told
        self._tally = tally
        self._heard_at: dict[SessionId, float] = {}
        self._said: dict[SessionId, frozenset[SessionId]] = {}
        self._unheard: tuple[SessionId, ...] = ()
        self._seen: ClusterView | None = None
        self._members: tuple[Session, ...] = ()
        self._by_id: Mapping[SessionId, Session] = {}
        self._silent: frozenset[SessionId] = frozenset()

    @property
    def senses(self) -> Senses:
        """What this agent perceives now."""
        return Senses(silent=self._silent)

    @property
    def members(self) -> Mapping[SessionId, Session]:
        """The sessions of the other members that listen."""
        return self._by_id

    async def run(self) -> None:
        """Send and listen for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._speak())

    async def _listen(self) -> None:
        while True:
            word = await self._doors.pulse.hear()
            if not isinstance(word, Sign):
                self._told(word)
            elif word.session in self._heard_at:
                self._heard_at[word.session] = self._doors.clock.now().mono_s
                self._said[word.session] = frozenset(word.silent)
                if word.session in self._by_id:
                    self._tally.heard(self._by_id[word.session])

    async def _speak(self) -> None:
        last_s = self._doors.clock.now().mono_s
        while True:
            mine, now_s = self._session(), self._doors.clock.now().mono_s
            stalled = mine is None or now_s - last_s > STALL_BEATS * mine.timing.beat_s
            self._judge(mine, now_s, stalled=stalled)
            last_s = now_s
            if mine is None:
                await self._opened()
                continue
            sign = Sign(node=mine.node, session=mine.id, silent=self._unheard)
            for other in self._others():
                self._doors.pulse.send(other.pulse, sign)
            await asyncio.sleep(mine.timing.beat_s)

    def _others(self) -> tuple[Session, ...]:
        """Give the sessions of the other members that listen; worked out once for each view."""
        view = self._view()
        if view is not self._seen:
            live = {node: held.value.session for node, held in view.live.items() if node != self._identity.node}
            self._members = tuple(held.value for node, held in sorted(view.sessions.items())
                                  if live.get(node) == held.value.id and held.value.pulse)
            self._by_id = {other.id: other for other in self._members}
            self._seen = view
        return self._members

    def _judge(self, mine: Session | None, now_s: float, *, stalled: bool) -> None:
        """Say who is silent; a member that is new here, or anybody after a stall of ours, begins as heard just now."""
        others = self._others()
        before = {} if stalled else self._heard_at
        self._heard_at = {other.id: before.get(other.id, now_s) for other in others}
        # Sessions of two profiles live side by side while a cluster changes its own: the slower one sets the measure.
        suspect_s = mine.timing.suspect_s if mine is not None else 0.0
        unheard = {other.id for other in others
                   if now_s - self._heard_at[other.id] > max(suspect_s, other.timing.suspect_s)}
        self._unheard = tuple(sorted(unheard))
        voices = [self._said.get(other.id, frozenset()) for other in others if other.id not in unheard]
        silent = frozenset(session for session in unheard if all(session in voice for voice in voices))
        if silent != self._silent:
            self._silent = silent
            self._changed()
