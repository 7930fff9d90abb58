"""The agent's loop: happening in, ``react``, actions out. It holds the one mutable reference, to a frozen state.

Happenings are taken one at a time, in the order in which they came, so a reaction never races with another one. Of
views that follow one another at once only the last is taken: what counts is how things stand, and an agent that is
behind must not fall back further by going through all that is past.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from stanchion.model.actions import Action, Happening, ViewChanged, WakeAt, Woken
from stanchion.model.cluster import ClusterView
from stanchion.model.ids import NodeName
from stanchion.plan.node import TICK_S, NodeState, react
from stanchion.ports import Clock


class Loop:
    """Takes happenings, keeps the state, hands actions to ``begin``."""

    def __init__(self, me: NodeName, clock: Clock, begin: Callable[[Action], None]) -> None:
        self.state = NodeState(me=me)
        self._clock = clock
        self._begin = begin
        self._queue: deque[Happening] = deque()
        self._posted = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    @property
    def view(self) -> ClusterView:
        """The view that the latest reaction rested on."""
        return self.state.view

    def post(self, happening: Happening) -> None:
        """Put a happening at the end of the queue; a view takes the place of one that is last there."""
        if isinstance(happening, ViewChanged) and self._queue and isinstance(self._queue[-1], ViewChanged):
            self._queue.pop()
        self._queue.append(happening)
        self._posted.set()

    async def changed(self) -> None:
        """Return after the next reaction."""
        await self._changed.wait()

    async def run(self) -> None:
        """React for ever."""
        while True:
            while not self._queue:
                self._posted.clear()
                await self._posted.wait()
            self.state, actions = react(self.state, self._queue.popleft(), self._clock.now())
            for action in actions:
                if isinstance(action, WakeAt):
                    self._wake_at(action.at_s)
                else:
                    self._begin(action)
            told, self._changed = self._changed, asyncio.Event()
            told.set()

    def _wake_at(self, at_s: float) -> None:
        """Set the alarm; one is enough, because every reaction names the earliest instant that is yet to come.

        One that is due by now, and has not rung because this host is busy, is left to ring: the reaction in between may
        have been about something else.
        """
        loop = asyncio.get_running_loop()
        if self._alarm is not None and self._alarm.when() > loop.time() + TICK_S:
            self._alarm.cancel()
        delay_s = max(0.0, at_s - self._clock.now().mono_s)
        self._alarm = loop.call_later(delay_s, self.post, Woken())
