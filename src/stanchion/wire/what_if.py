"""What would happen, on the wire: the loss or the drain of a node, the move of a resource."""

from stanchion.model.cluster import ProofKind
from stanchion.model.foresight import Case, How
from stanchion.model.state import State
from stanchion.wire.replies import ReasonInfo, Reply


class ProspectInfo(Reply):
    """What would become of one resource: where it is and in which state, and where and how it ends up.

    ``source`` null: no node holds it now; ``node`` null: none would. ``held_back`` says what keeps it from running, or
    from leaving. ``turn`` is the order in time: those of one number are decided at once, 0 means that nothing is.
    """

    resource: str
    before: State
    source: str | None = None
    after: State
    node: str | None = None
    how: How
    reason: ReasonInfo
    held_back: tuple[ReasonInfo, ...] = ()
    turn: int = 0


class TurnInfo(Reply):
    """One thing that the master would decide on the way, and why."""

    number: int
    resource: str
    node: str | None = None
    before: State
    after: State
    reason: ReasonInfo


class WhatIfInfo(Reply):
    """What would happen, and all of it in words (``sentences``).

    ``refused``: nothing, because the order would be refused. ``proof`` is what would prove that a node which dies has
    stopped, ``unproven`` why nothing would. ``heir`` is who is taken for the master after the master's loss.
    ``settled`` false: it does not come to rest. ``resources`` stand in the order in which something begins for them.
    """

    case: Case
    node: str | None = None
    resource: str | None = None
    lost: tuple[str, ...] = ()
    drained: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    revision: int = 0
    refused: ReasonInfo | None = None
    proof: ProofKind | None = None
    unproven: ReasonInfo | None = None
    heir: str | None = None
    settled: bool = True
    sentences: tuple[str, ...] = ()
    resources: tuple[ProspectInfo, ...] = ()
    turns: tuple[TurnInfo, ...] = ()


class NumberInfo(Reply):
    """How many resources a node would run."""

    node: str
    running: int


class LossInfo(Reply):
    """What the loss of one node would mean.

    ``held`` is what it holds now; of that ``placed`` would run elsewhere, ``asking`` would wait for an answer to an
    alert, and ``waiting`` would not run. ``numbers`` is what each other member would run then.
    """

    node: str
    held: int
    placed: int
    asking: int
    waiting: int
    proof: ProofKind | None = None
    text: str
    resources: tuple[ProspectInfo, ...] = ()
    numbers: tuple[NumberInfo, ...] = ()


class LossList(Reply):
    """The loss of any one member: how many each runs now, and what the loss of each would mean."""

    revision: int
    numbers: tuple[NumberInfo, ...] = ()
    losses: tuple[LossInfo, ...] = ()
