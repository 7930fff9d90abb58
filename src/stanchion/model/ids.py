"""Identifiers and instants: the small words that all other records are made of.

``NewType`` costs nothing at run time and lets the type checker refuse a node's name where a resource's is due.
Instants come in pairs (``Moment``): decisions measure durations on the monotonic clock of their own host and show
wall time to people; a wall clock that jumps therefore never moves a deadline.
"""

from dataclasses import dataclass
from typing import NewType

NodeName = NewType("NodeName", str)
ResourceName = NewType("ResourceName", str)
TemplateName = NewType("TemplateName", str)
SessionId = NewType("SessionId", str)
BootId = NewType("BootId", str)
LeaseId = NewType("LeaseId", str)
OperationId = NewType("OperationId", str)
IntentId = NewType("IntentId", str)
Revision = NewType("Revision", int)
Epoch = NewType("Epoch", int)

NOTHING = Revision(0)
"""The revision of a key that does not exist; a guard on it means "must still be absent"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One instant on one host: ``mono_s`` measures, ``wall_s`` (seconds since 1970, UTC) is shown to people.

    ``zone_s`` is how far the clocks where the host is are ahead of UTC then.
    """

    mono_s: float
    wall_s: float
    zone_s: float = 0.0
