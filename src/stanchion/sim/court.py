"""The court: every write of the store and every execution on a host is judged in its instant.

``Court`` hears everything once, keeps what stood there before, and lets each judge (``judges``) speak. A violation
is never raised where it is found - that would be inside the agent - but kept with its time and its sentence.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from stanchion.model.cluster import Change, Key, Kind
from stanchion.model.cluster import Record as Written
from stanchion.model.history import Entry
from stanchion.model.ids import NodeName
from stanchion.model.naming import history_key
from stanchion.model.state import ResourceState
from stanchion.ports import Batch
from stanchion.sim.host import Record
from stanchion.sim.world import World


@dataclass(frozen=True, slots=True)
class Violation:
    """What must never be, was: when, which invariant, and what exactly."""

    at_s: float
    invariant: str
    text: str

    def told(self) -> str:
        """Say it in a line."""
        return f"{self.invariant} broken at {self.at_s:.3f} s: {self.text}"


class Judge:
    """One rule. ``invariant`` is its name; ``find`` records a breach. Each method hears one kind of happening."""

    invariant = ""

    def __init__(self, court: "Court") -> None:
        self.court = court
        self.world = court.world

    def find(self, text: str) -> None:
        """Note that the rule is broken now."""
        self.court.find(self.invariant, text)

    def state_written(self, before: ResourceState | None, after: ResourceState | None) -> None:
        """Hear that a resource's record was written; ``after`` None: deleted."""

    def written(self, change: Change, before: Written | None) -> None:
        """Hear that anything else was written or deleted."""

    def executed(self, record: Record) -> None:
        """Hear that a machine began or ended to execute."""

    def tick(self) -> None:
        """Hear that a little time has passed."""

    def end(self) -> None:
        """Hear that the life is over and everything had its time to settle."""


class Court:
    """Hears a world and collects violations. ``judges`` make themselves from it."""

    def __init__(self, world: World, judges: tuple[Callable[["Court"], Judge], ...]) -> None:
        self.world = world
        self.violations: list[Violation] = []
        self.revision = 0
        self._before: dict[Key, Written] = {key: held.value for key, held in world.engine.records.items()}
        self.judges = [make(self) for make in judges]
        world.engine.judges.append(self._batch)
        world.nature.judges.append(self._record)

    def find(self, invariant: str, text: str) -> None:
        """Keep a violation, unless the same was just found."""
        found = Violation(asyncio.get_running_loop().time(), invariant, text)
        if (invariant, text) not in {(known.invariant, known.text) for known in self.violations}:
            self.violations.append(found)

    def tick(self) -> None:
        """Let the judges look at what time alone breaks; agents that ended by themselves are found here too."""
        for judge in self.judges:
            judge.tick()
        for fault in self.world.fallen():
            self.find("agents live", f"an agent ended by itself: {_told(fault)}")

    def end(self) -> None:
        """Let the judges look at the end of a life."""
        self.tick()
        for judge in self.judges:
            judge.end()

    def read(self, kind: Kind, name: str = "") -> Written | None:
        """Read one record as it stands now."""
        held = self.world.engine.records.get(Key(kind, name))
        return None if held is None else held.value

    def executing(self, node: NodeName) -> list[str]:
        """Name the machines that execute on a host; those that nobody can know of were started by hand."""
        return sorted(name for name, condition in self.world.hosts[node].machines.items()
                      if condition == "executes" and not self.unseen(name, node))

    def unseen(self, machine: str, node: NodeName) -> bool:
        """Tell whether somebody started the machine there by hand, and no agent has found it yet."""
        return self.world.nature.by_hand.get((machine, node), 0.0) is None

    def entries(self) -> list[Entry]:
        """Give the history's entries of the write that is judged now."""
        found: list[Entry] = []
        while isinstance(entry := self.read(Kind.HISTORY, history_key(self.revision, len(found)).name), Entry):
            found.append(entry)
        return found

    def _record(self, record: Record) -> None:
        for judge in self.judges:
            judge.executed(record)

    def _batch(self, batch: Batch) -> None:
        self.revision = batch.revision
        for change in batch.changes:
            before = self._before.get(change.key)
            for judge in self.judges:
                if change.key.kind is Kind.STATE:
                    assert before is None or isinstance(before, ResourceState)
                    assert change.value is None or isinstance(change.value, ResourceState)
                    judge.state_written(before, change.value)
                else:
                    judge.written(change, before)
        for change in batch.changes:
            if change.value is None:
                self._before.pop(change.key, None)
            else:
                self._before[change.key] = change.value


def _told(fault: BaseException) -> str:
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return f"{type(fault).__name__}: {fault}"
