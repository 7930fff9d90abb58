"""Stories: why something happened, and how long each part of a failover took."""

from datetime import datetime
from typing import Literal

from stanchion.model.history import Severity
from stanchion.model.state import State
from stanchion.wire.replies import ReasonInfo, Reply


class StepInfo(Reply):
    """One sentence of a story: an event, an operator's order, or the run of a script; ``after_s`` since the last."""

    kind: Literal["order", "event", "run"]
    at: datetime | None
    after_s: float = 0.0
    text: str
    severity: Severity = Severity.INFO
    id: str = ""
    resource: str | None = None
    node: str | None = None


class StoryInfo(Reply):
    """What led to something, the beginning first and the thing itself last."""

    steps: tuple[StepInfo, ...]


class RecoveryInfo(Reply):
    """What became of one resource of a lost node. ``total_s`` counts from the last sign of life."""

    resource: str
    node: str | None
    state: State
    reason: ReasonInfo
    event: str
    decide_s: float
    load_s: float | None = None
    total_s: float | None = None


class IncidentInfo(Reply):
    """The loss of a node: when it was told, how long nothing had been heard then, and how long the proof took."""

    node: str
    at: datetime | None
    event: str
    detect_s: float | None = None
    prove_s: float | None = None
    proof: ReasonInfo | None = None
    recoveries: tuple[RecoveryInfo, ...] = ()


class IncidentList(Reply):
    """Incidents, the newest first."""

    incidents: tuple[IncidentInfo, ...]
