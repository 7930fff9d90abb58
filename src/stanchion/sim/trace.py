"""One line for every event of a life, with a column for each node: what executes there, and how its agent is.

In a column stand the machines that execute there; before them ``off`` (no power), ``dead`` (no agent), ``paused`` or
``cut`` (no store), and ``*`` for the master.
"""

import asyncio
from collections.abc import Callable

from stanchion.model.cluster import Change, Kind, Master, Proof
from stanchion.model.cluster import Record as Written
from stanchion.model.ids import NodeName
from stanchion.model.reasons import sentence
from stanchion.model.state import ResourceState
from stanchion.sim.court import Court, Judge
from stanchion.sim.host import Record
from stanchion.sim.life import Watcher
from stanchion.sim.strikes import Strike

WIDTH = 16


def tracer(say: Callable[[str], None]) -> Watcher:
    """Give a watcher that says every event of a life, one line each."""

    def watch(court: Court) -> Callable[[Strike], None]:
        trace = Trace(court, say)
        court.judges.append(trace)
        say(trace.head())
        return lambda strike: trace.tell(f"! {strike.told()}")

    return watch


class Trace(Judge):
    """Hears what the judges hear, and tells it."""

    def __init__(self, court: Court, say: Callable[[str], None]) -> None:
        super().__init__(court)
        self._say = say

    def head(self) -> str:
        """Give the line above the columns."""
        return f"{'time':>9}  " + "  ".join(f"{node:<{WIDTH}}" for node in self.world.hosts) + "  event"

    def tell(self, event: str) -> None:
        """Say one event."""
        columns = "  ".join(f"{self._column(node):<{WIDTH}}" for node in self.world.hosts)
        self._say(f"{asyncio.get_running_loop().time():>9.3f}  {columns}  {event}")

    def state_written(self, before: ResourceState | None, after: ResourceState | None) -> None:
        """Tell a resource's new state, and why."""
        name = (after or before).name if (after or before) else ""  # type: ignore[union-attr]  # one of them is there
        if after is None:
            self.tell(f"  {name} is deleted")
        elif before is None or (before.state, before.node, before.reason) != (after.state, after.node, after.reason):
            move = f" to {after.move.target} ({after.move.phase})" if after.move is not None else ""
            self.tell(f"  {name}: {after.state} on {after.node or 'no node'}{move}, {sentence(after.reason)}")

    def written(self, change: Change, before: Written | None) -> None:
        """Tell who lives, who is master, and what is proven."""
        match change.key.kind:
            case Kind.LIVE:
                told = "is no member any more" if change.value is None else "is a member"
                self.tell(f"  {change.key.name} {told}")
            case Kind.MASTER if isinstance(change.value, Master):
                self.tell(f"  {change.value.node} is the master")
            case Kind.PROOF if isinstance(change.value, Proof) and before is None:
                self.tell(f"  {change.value.kind} proof of {change.value.session}")
            case _:
                return

    def executed(self, record: Record) -> None:
        """Tell that a machine begins or ends."""
        self.tell(f"> {record.machine} {'begins' if record.begins else 'ends'} on {record.host}")

    def _column(self, node: NodeName) -> str:
        world, words = self.world, []
        master = self.court.read(Kind.MASTER)
        if isinstance(master, Master) and master.node == node:
            words.append("*")
        if not world.hosts[node].powered:
            words.append("off")
        elif not world.has_agent(node):
            words.append("dead")
        elif node in world.paused:
            words.append("paused")
        if node in world.cut_off or world.store_down:
            words.append("cut")
        return " ".join((*words, *self.court.executing(node)))[:WIDTH] or "."
