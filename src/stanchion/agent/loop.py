"""The agent's loop: happening in, ``react``, actions out. It holds the one mutable reference, to a frozen state.

Happenings are taken one at a time, in the order in which they came, so a reaction never races with another one.
"""

import asyncio
from collections.abc import Callable

from stanchion.model.actions import Action, Happening, WakeAt, Woken
from stanchion.model.cluster import ClusterView
from stanchion.model.ids import NodeName
from stanchion.plan.node import NodeState, react
from stanchion.ports import Clock


class Loop:
    """Takes happenings, keeps the state, hands actions to ``begin``."""

    def __init__(self, me: NodeName, clock: Clock, begin: Callable[[Action], None]) -> None:
        self.state = NodeState(me=me)
        self._clock = clock
        self._begin = begin
        self._queue: asyncio.Queue[Happening] = asyncio.Queue()
        self._alarm: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    @property
    def view(self) -> ClusterView:
        """The view that the latest reaction rested on."""
        return self.state.view

    def post(self, happening: Happening) -> None:
        """Put a happening at the end of the queue."""
        self._queue.put_nowait(happening)

    async def changed(self) -> None:
        """Return after the next reaction."""
        await self._changed.wait()

    async def run(self) -> None:
        """React for ever."""
        while True:
            happening = await self._queue.get()
            self.state, actions = react(self.state, happening, self._clock.now())
            for action in actions:
                if isinstance(action, WakeAt):
                    self._wake_at(action.at_s)
                else:
                    self._begin(action)
            told, self._changed = self._changed, asyncio.Event()
            told.set()

    def _wake_at(self, at_s: float) -> None:
        """Set the alarm; one is enough, because every reaction names the earliest instant that is due."""
        if self._alarm is not None:
            self._alarm.cancel()
        delay_s = max(0.0, at_s - self._clock.now().mono_s)
        self._alarm = asyncio.get_running_loop().call_later(delay_s, self.post, Woken())
