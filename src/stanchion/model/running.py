"""A script that runs at this moment, as the host that runs it sees it; nothing of it stands in the store."""

from dataclasses import dataclass, field

from stanchion.model.resource import ScriptKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A run that has not ended. ``started_at_s`` is a wall time; ``output`` is what it has printed, head and tail.

    Past ``timeout_s`` it is told as overdue, and goes on: only an operator's word ends it.
    """

    script: ScriptKind
    pid: int
    started_at_s: float
    timeout_s: float
    output: str = field(default="", repr=False)
