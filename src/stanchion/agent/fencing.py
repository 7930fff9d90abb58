"""Carrying out fencings: for each that the master ordered, the node's devices one after the other, until one says off.

Only the master fences, and every word that it writes is guarded by its key. A master that dies in the middle leaves
the order standing; the next one takes it up, and a host that is off already is reported off at once. Devices that do
not answer cost their timeout and block nothing: the lease runs out beside them.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from functools import partial
from typing import Any

import structlog

from stanchion.agent.doors import Doors
from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Session
from stanchion.model.errors import StoreUnavailable
from stanchion.model.fencing import Attempt, Fencing, Power
from stanchion.model.ids import Revision, SessionId
from stanchion.plan import fencing

AGAIN_S = 0.2
"""How soon to write the end of a fencing again that the store did not take."""

log = structlog.get_logger(__name__)

Commit = Callable[[Decision, ClusterView], Coroutine[Any, Any, Revision | None]]


class Fences:
    """The fencings that this master carries out now. ``commit`` writes a decision as the master."""

    def __init__(self, doors: Doors, view: Callable[[], ClusterView], session: Callable[[], Session | None],
                 commit: Commit) -> None:
        self._doors = doors
        self._view = view
        self._session = session
        self._commit = commit
        self._under_way: dict[SessionId, asyncio.Task[None]] = {}

    def take_up(self, view: ClusterView, group: asyncio.TaskGroup, *, only: SessionId | None = None,
                without: Collection[Key] = ()) -> None:
        """Begin every ordered fencing that is not under way, or that of one session; stop those that were withdrawn.

        ``without`` are about to be withdrawn. Never our own: that order is its deputy's, who alone knows whether we
        are heard again.
        """
        mine = self._session()
        for session, task in self._under_way.items():
            if session not in view.fencings:
                task.cancel()
        for session, held in sorted(view.fencings.items()):
            wanted = only in {None, session} and session not in view.proofs and session not in self._under_way
            spared = (mine is not None and mine.id == session) or Key(Kind.FENCING, session) in without
            if wanted and not spared and held.value.attempt is Attempt.ASKED:
                task = self._under_way[session] = group.create_task(self._fence(held))
                task.add_done_callback(partial(self._ended, session))

    def _ended(self, session: SessionId, _: asyncio.Task[None]) -> None:
        self._under_way.pop(session, None)

    def drop(self) -> None:
        """Stop: we are not the master any more."""
        for task in self._under_way.values():
            task.cancel()

    async def _fence(self, held: Held[Fencing]) -> None:
        node = self._view().nodes.get(held.value.node)
        faults = []
        for device in node.value.fence if node is not None else ():
            log.warning("fencing", node=held.value.node, agent=device.agent)
            power, told = await self._doors.fencer.off(device)
            if power is Power.OFF:
                await self._write(held, told, proven=True)
                return
            faults.append(f"{device.agent}: {told}")
        await self._write(held, "; ".join(faults) or "it has no fence device any more", proven=False)

    async def _write(self, held: Held[Fencing], told: str, *, proven: bool) -> None:
        """Write how it ended; when the store does not take it, again, for nothing else would bring it up anew.

        That ends with our session and with this very order. Each attempt is decided on the view of its instant, and
        guarded by it; one that is overtaken is left to the next round, which finds the order as it stands then.
        """
        began = self._session()
        while self._view().fencings.get(held.value.session) == held:
            mine = self._session()
            if mine is None or began is None or mine.id != began.id:
                return
            if await self._written(held, mine, told, proven=proven):
                return
            await asyncio.sleep(AGAIN_S)

    async def _written(self, held: Held[Fencing], mine: Session, told: str, *, proven: bool) -> bool:
        """Try to write it once; whether there was an answer."""
        view, now = self._view(), self._doors.clock.now()
        decision = (fencing.proven(view, held, mine, now, told) if proven
                    else fencing.failed(held, mine, now, told))
        last = view.sessions.get(held.value.node)
        try:
            written = await self._commit(decision, view)
            if written is not None and proven and last is not None and last.value.id == held.value.session:
                # The host is off; should it be lying, its agent learns at its next renewal that it is out.
                await self._doors.store.revoke(last.value.lease)
        except StoreUnavailable as problem:
            log.warning("the end of a fencing is not written", node=held.value.node, problem=str(problem))
            return False
        return True
