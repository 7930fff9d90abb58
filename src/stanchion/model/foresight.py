"""What can be asked about the future, and what can become of a resource in it."""

from enum import StrEnum


class Case(StrEnum):
    """What is asked about: a node dies, a node is drained, a resource is moved."""

    NODE_DIES = "node-dies"
    DRAIN = "drain"
    MIGRATE = "migrate"


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
