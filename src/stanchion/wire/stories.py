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


class PhaseInfo(Reply):
    """One part of a failover, to be drawn as a piece of a bar. ``until`` null: it goes on, ``seconds`` null with it.

    ``detect``: until the loss was noticed. ``prove``: until it was proven that the node had stopped. ``decide``: until
    the resource (the first of them, for the whole incident) was sent to another node. ``load``: until it (the last of
    them) ran there. Clocks of hosts differ: an instant may lie before the one that it follows, a length is never
    negative.
    """

    name: Literal["detect", "prove", "decide", "load"]
    at: datetime | None
    until: datetime | None = None
    seconds: float | None = None


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
    over: bool = False
    ended_at: datetime | None = None
    phases: tuple[PhaseInfo, ...] = ()


class IncidentInfo(Reply):
    """The loss of a node: when it was told, how long nothing had been heard then, and how long the proof took.

    ``id`` names the incident (it is the session that ended), ``over`` says that nothing is left to come, ``ended_at``
    since when. ``began_at`` is the last sign of life, ``proven_at`` the first proof that the node had stopped, and
    ``returned_at`` when it joined again. ``phases`` are those of the whole incident, in their order.
    """

    id: str = ""
    node: str
    at: datetime | None
    event: str
    detect_s: float | None = None
    prove_s: float | None = None
    proof: ReasonInfo | None = None
    over: bool = False
    began_at: datetime | None = None
    proven_at: datetime | None = None
    ended_at: datetime | None = None
    returned_at: datetime | None = None
    total_s: float | None = None
    phases: tuple[PhaseInfo, ...] = ()
    recoveries: tuple[RecoveryInfo, ...] = ()


class IncidentList(Reply):
    """Incidents, the newest first."""

    incidents: tuple[IncidentInfo, ...]
