"""Strikes that lie in wait: each falls just after the first write of the store that fits its cue.

What goes wrong between two instants is seldom hit by chance: an agent that is stopped after it decided and before it
wrote, a host that loses its power while the machine is on its way to it. An ambush hears every write in its instant,
fills in whom the strike hits (``Role``) from the records as they stand, and lets it fall its moment later.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from stanchion.model.cluster import Change, Kind, Live, Master, Proof
from stanchion.model.fencing import Attempt, Fencing
from stanchion.model.orders import Intent, Outcome
from stanchion.model.state import Phase, ResourceState, State
from stanchion.ports import Batch
from stanchion.sim.loop import apart
from stanchion.sim.strikes import Cue, Role, Strike
from stanchion.sim.world import World

PHASES = {Phase.PREPARE: Cue.PREPARE, Phase.OUT: Cue.OUT, Phase.IN: Cue.IN, Phase.ABORT: Cue.ABORT}
OTHERS = {Intent: Cue.ORDERED, Live: Cue.JOINED, Proof: Cue.PROVEN, Fencing: Cue.FENCING}
STATES = {State.UNLOADING: Cue.UNLOADING, State.RUNNING: Cue.RUNNING}


class Ambush:
    """The strikes of a life that lie in wait. ``do`` lets one fall; ``told`` hears of it."""

    def __init__(self, world: World, do: Callable[[Strike], Coroutine[Any, Any, None]]) -> None:
        self.told: Callable[[Strike], None] | None = None
        self._world = world
        self._do = do
        self._waiting: list[Strike] = []
        self._falling: set[asyncio.Task[None]] = set()
        world.engine.judges.append(self._heard)

    def lay(self, strike: Strike) -> None:
        """Let a strike lie in wait from now on."""
        self._waiting.append(strike)

    def lift(self) -> None:
        """Forget all that wait, and stop those that are about to fall."""
        self._waiting.clear()
        for task in self._falling:
            task.cancel()

    def _heard(self, batch: Batch) -> None:
        if not self._waiting:
            return
        for change in batch.changes:
            cue = cue_of(change)
            for strike in [strike for strike in self._waiting if strike.cue is cue]:
                if not strike.resource or strike.resource == change.key.name:
                    self._waiting.remove(strike)
                    self._spring(strike, change)

    def _spring(self, strike: Strike, change: Change) -> None:
        node = self._whom(strike.node, change)
        if node is None:
            return
        task = asyncio.get_running_loop().create_task(self._fall(replace(strike, node=node, cue=None)),
                                                      context=apart())
        self._falling.add(task)
        task.add_done_callback(self._falling.discard)

    async def _fall(self, strike: Strike) -> None:
        await asyncio.sleep(strike.after_s)
        if self.told is not None:
            self.told(strike)
        await self._do(strike)

    def _whom(self, node: str, change: Change) -> str | None:
        """Fill a role in; None: nobody has it."""
        state = change.value if isinstance(change.value, ResourceState) else None
        match node:
            case Role.MASTER:
                held = next((held.value for key, held in self._world.engine.records.items()
                             if key.kind is Kind.MASTER), None)
                return held.node if isinstance(held, Master) else None
            case Role.HOLDER | Role.SOURCE:
                return None if state is None else state.node
            case Role.TARGET:
                return None if state is None or state.move is None else state.move.target
            case Role.IT:
                about = change.key.name if change.value is None else getattr(change.value, "node", None)
                return about if about in self._world.hosts else None
            case _:
                return node


def cue_of(change: Change) -> Cue | None:
    """Give what strikes lie in wait for, if this write is such a thing."""
    match change.value:
        case ResourceState(state=State.MIGRATING, move=move) if move is not None:
            return PHASES[move.phase]
        case ResourceState(state=State.LOADING, session=session):
            return Cue.LOADING if session is None else Cue.CLAIMED
        case ResourceState(state=state):
            return STATES.get(state)
        case Intent() as intent if intent.outcome is not Outcome.PENDING:
            return None
        case Fencing() as fencing if fencing.attempt is not Attempt.ASKED:
            return None
        case None:
            return Cue.LOST if change.key.kind is Kind.LIVE else None
    return OTHERS.get(type(change.value))
