"""One agent: the parts put together, and the order in which they begin and end.

Everything runs in one task group: when any part fails, all end, and the supervisor starts the agent anew; machines and
scripts live in processes of their own and notice nothing. An orderly end gives the session back when nothing is held
here; otherwise the session stands, and the restarted agent resumes it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from stanchion.agent.doors import Doors, Identity
from stanchion.agent.executor import Executor
from stanchion.agent.failsafe import Failsafe
from stanchion.agent.follow import follow
from stanchion.agent.hearing import Hearing
from stanchion.agent.loop import Loop
from stanchion.agent.mastery import Mastery
from stanchion.agent.patrol import Patrol
from stanchion.agent.promises import Promises
from stanchion.agent.tally import Tally
from stanchion.agent.tenure import Tenure
from stanchion.model.actions import Action, ViewChanged
from stanchion.model.cluster import ClusterView
from stanchion.model.errors import StoreUnavailable
from stanchion.model.ids import SessionId
from stanchion.model.statistics import Statistics

GOODBYE_S = 2.0
"""How long an orderly end may take to give the session back."""

log = structlog.get_logger(__name__)


class Daemon:
    """The agent of one node."""

    def __init__(self, doors: Doors, identity: Identity) -> None:
        self._doors = doors
        self._identity = identity
        self.loop = Loop(identity.node, doors.clock, self._begin)
        self._tally = Tally(doors.clock)
        promises = Promises(doors)
        self.tenure = Tenure(doors, identity, self.loop.post, safe=lambda: self.loop.state.holds_nothing,
                             changed=self.loop.changed, promises=promises, tally=self._tally)
        self._executor = Executor(doors, identity, post=self.loop.post, in_time=lambda: self.tenure.in_time,
                                  master=self._master, halt_within_s=self._halt_within_s,
                                  give_back=self.tenure.give_back, free=promises.over)
        self._mastery = Mastery(doors, self.loop, lambda: self.tenure.session, lambda: self._hearing.senses, promises)
        self._failsafe = Failsafe(doors, identity, self.tenure, promises, view=lambda: self.view,
                                  changed=self.loop.changed)
        self._hearing = Hearing(doors, identity, view=lambda: self.view, session=lambda: self.tenure.session,
                                opened=self.tenure.opened, changed=self._mastery.sensed, told=self._failsafe.heard,
                                tally=self._tally)
        self._patrol = Patrol(doors, view=lambda: self.view, session=lambda: self.tenure.session,
                              busy=lambda: self.loop.state.busy, changed=self.loop.changed)

    @property
    def view(self) -> ClusterView:
        """What this agent sees of the cluster now."""
        return self.loop.view

    @property
    def statistics(self) -> Statistics:
        """What was counted of signs of life and of calls to the store."""
        return self._tally.told(self._hearing.members)

    @property
    def silent(self) -> frozenset[SessionId]:
        """The sessions of members that nobody hears now."""
        return self._hearing.senses.silent

    def clear_statistics(self) -> None:
        """Count anew."""
        self._tally.clear()

    async def run(self, *others: Coroutine[Any, Any, None]) -> None:
        """Run until cancelled, with whatever else belongs to the agent (its API)."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._executor.run())
                group.create_task(self.loop.run())
                group.create_task(self.tenure.keep())
                group.create_task(follow(self._doors.store, self._seen))
                group.create_task(self._mastery.run())
                group.create_task(self._hearing.run())
                group.create_task(self._failsafe.run())
                group.create_task(self._patrol.run())
                for other in others:
                    group.create_task(other)
        except asyncio.CancelledError:
            await self._say_goodbye()
            raise

    def _begin(self, action: Action) -> None:
        self._executor.begin(action)

    def _seen(self, view: ClusterView) -> None:
        self.loop.post(ViewChanged(view=view))

    def _master(self) -> str:
        return self.view.master.value.node if self.view.master else ""

    def _halt_within_s(self) -> float:
        """Give the time between the local deadline and the watchdog, less a little for the last look."""
        settings = self.view.sessions.get(self._identity.node)
        if settings is None:
            return 1.0
        timing = settings.value.timing
        return (timing.fence_s - timing.halt_s) * 0.9

    async def _say_goodbye(self) -> None:
        """Give the session back when nothing is held here; else leave everything as it is, for the next agent."""
        session = self.tenure.session
        if session is None:
            return
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self.tenure.give_back(session.id, leaving=False)
        except (StoreUnavailable, TimeoutError) as problem:
            log.warning("the session is not given back", problem=str(problem))
