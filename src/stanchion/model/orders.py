"""Intents: what an operator asked for, and what became of it.

An order is never carried out by the process that took it. It is written into the store, judged by the master against
the frozen view, and ends in one of four ways, each with a reason: done, failed, refused or superseded.
"""

from dataclasses import dataclass
from enum import StrEnum

from stanchion.model.ids import BootId, IntentId, NodeName, OperationId, ResourceName
from stanchion.model.reasons import Reason
from stanchion.model.resource import ScriptKind
from stanchion.model.state import AlertKind


class Verb(StrEnum):
    """What can be asked for."""

    ONLINE = "online"
    OFFLINE = "offline"
    MIGRATE = "migrate"
    ALERT_YES = "alert yes"
    ALERT_NO = "alert no"
    LEAVE = "leave"
    JOIN = "join"
    CONFIRM_DOWN = "confirm down"
    RELEASE = "release"
    DRAIN = "drain"
    UNDRAIN = "undrain"
    HAND_OVER = "hand over"
    END_PROCESS = "end process"
    ADOPT = "adopt"
    TEST = "test"


class Outcome(StrEnum):
    """How far an intent has come. The last four are ends."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


ENDED = frozenset({Outcome.DONE, Outcome.FAILED, Outcome.REFUSED, Outcome.SUPERSEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One order. ``live`` None means: live where the scripts can. ``operation`` is set when it is accepted.

    ``script`` is what is tried (TEST); ``dry``: nothing of it runs, its commands are only told. ``alert``
    is the question that was on the screen when it was answered: another one is not answered with it. ``boot`` is the
    life of the host that shuts down (HAND_OVER): a later one has not.
    """

    id: IntentId
    verb: Verb
    by: str
    at_s: float
    resource: ResourceName | None = None
    node: NodeName | None = None
    live: bool | None = None
    outcome: Outcome = Outcome.PENDING
    reason: Reason | None = None
    operation: OperationId | None = None
    ended_at_s: float = 0.0
    script: ScriptKind | None = None
    dry: bool = False
    alert: AlertKind | None = None
    boot: BootId | None = None
