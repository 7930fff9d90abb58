"""What can be asked about the future, and what can become of a resource in it."""

from dataclasses import dataclass
from enum import StrEnum

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.ids import NodeName


class Case(StrEnum):
    """What is asked about: a node dies, a node is drained, a resource is moved, several nodes come and go at once."""

    NODE_DIES = "node-dies"
    DRAIN = "drain"
    MIGRATE = "migrate"
    NODES = "nodes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A node that would join, and what it would have; a size that is not given is not known."""

    name: NodeName
    capacity: Size = NOTHING_KNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Upheaval:
    """Nodes that are lost at once, nodes that are drained, and nodes that join."""

    lost: tuple[NodeName, ...] = ()
    drained: tuple[NodeName, ...] = ()
    added: tuple[Newcomer, ...] = ()


CALM = Upheaval()
"""Nothing comes and nothing goes."""


class How(StrEnum):
    """What becomes of a resource.

    STAYS: it runs on where it is. LIVE: it runs on elsewhere, without an interruption. RESTARTS: it is interrupted, and
    runs again. ASKS: it does not run until an alert is answered. WAITS: it does not run until there is a node, a proof
    or a quorum for it. RESTS: it does not run, and nothing is done about that by itself.
    """

    STAYS = "stays"
    LIVE = "live"
    RESTARTS = "restarts"
    ASKS = "asks"
    WAITS = "waits"
    RESTS = "rests"


RUNS = frozenset({How.STAYS, How.LIVE, How.RESTARTS})
"""What leaves a resource running in the end."""
