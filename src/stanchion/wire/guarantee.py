"""The guarantee on the wire: how many nodes the cluster can lose at once, and what the hardest loss would mean."""

from stanchion.wire.replies import ReasonInfo, Reply


class FullnessInfo(Reply):
    """How full a node is: the greater of its shares of memory and processors, 1 is full, 0 where nothing is known."""

    node: str
    level: float


class StrandedInfo(Reply):
    """A resource for which there would be no place, and why."""

    resource: str
    reason: ReasonInfo


class SurvivalInfo(Reply):
    """Whether any so many ``nodes`` may be lost at once.

    ``lost`` is the loss that shows it: one that strands something, or the one that fills a node the most. ``levels`` is
    how full the others are then. ``tried`` of all ``sets`` of so many nodes were looked at, the fullest nodes first.
    """

    nodes: int
    holds: bool
    tried: int
    sets: int
    lost: tuple[str, ...] = ()
    stranded: tuple[StrandedInfo, ...] = ()
    levels: tuple[FullnessInfo, ...] = ()


class GuaranteeInfo(Reply):
    """What is asked for by the setting ``survives``, whether it is ``kept``, and what holds (``survives``).

    ``levels`` is how full each node is now.
    """

    revision: int
    asked: int
    survives: int
    kept: bool
    sentences: tuple[str, ...] = ()
    levels: tuple[FullnessInfo, ...] = ()
    answers: tuple[SurvivalInfo, ...] = ()
