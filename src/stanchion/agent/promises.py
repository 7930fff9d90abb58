"""What this node has promised the others: to start nothing for a while.

A promise is noted before it is given, and it outlives the agent: before the first one of an episode a flag goes into
the journal, and the next agent keeps for its whole length what the last one may have promised in its last moment. An
agent whose journal is gone, though the store remembers a session of its node, may have promised as well. A promise
that cannot be remembered is not given.
"""

import asyncio
from dataclasses import replace

import structlog

from stanchion.agent.doors import Doors
from stanchion.model.cluster import ClusterView
from stanchion.model.errors import HostError
from stanchion.model.ids import NodeName
from stanchion.model.timing import CLOCK_RATE_ERROR

TICK_S = 0.001
"""No wait is shorter: a rest that is lost in rounding would be waited for again and again."""

log = structlog.get_logger(__name__)


class Promises:
    """One host's promises, across its agents."""

    def __init__(self, doors: Doors) -> None:
        self._clock = doors.clock
        self._journal = doors.journal
        self._until_s = 0.0
        self.noted_s = 0.0
        entry = self._journal.read()
        self._forgetful = entry is None
        if entry is not None and entry.promised_s:
            self.noted_s = entry.promised_s
            self._extend(entry.promised_s)

    @property
    def left_s(self) -> float:
        """How long the promise still lasts, at least ``TICK_S``; 0 when there is none."""
        left_s = self._until_s - self._clock.now().mono_s
        return max(left_s, TICK_S) if left_s > 0 else 0.0

    def give(self, lease_s: float) -> bool:
        """Promise to start nothing for as long as such a lease lasts; False: it cannot be remembered."""
        if lease_s > self.noted_s and not self._note(lease_s):
            return False
        if not self.left_s:
            log.warning("promised to start nothing while the store is away", for_s=lease_s)
        self._extend(lease_s)
        return True

    def recall(self, view: ClusterView, me: NodeName) -> None:
        """Assume the worst of an earlier agent that left no journal, once the store tells that there was one."""
        if self._forgetful and me in view.sessions:
            self._extend(max(held.value.timing.lease_s for held in view.sessions.values()))
        self._forgetful = False

    def settle(self) -> None:
        """Take the flag back once nothing is promised any more."""
        if self.noted_s and not self.left_s:
            self._note(0.0)

    async def over(self) -> bool:
        """Wait until nothing is promised, however often that is put off meanwhile; tell whether that took any time."""
        waited = False
        while True:
            left_s = self.left_s
            if not left_s:
                return waited
            waited = True
            await asyncio.sleep(left_s)

    def _extend(self, lease_s: float) -> None:
        until_s = self._clock.now().mono_s + lease_s * (1 + CLOCK_RATE_ERROR)
        self._until_s = max(self._until_s, until_s)

    def _note(self, lease_s: float) -> bool:
        entry = self._journal.read()
        if entry is None:
            return False
        try:
            self._journal.write(replace(entry, promised_s=lease_s))
        except HostError as problem:
            log.warning("a promise cannot be noted", problem=str(problem))
            return False
        self.noted_s = lease_s
        return True
