"""Balance on the wire: how uneven the cluster is, which moves are proposed, and those that were asked for.

Levels are shares of a node's room: 1.0 means that all of its memory, or all of its processors, are promised.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from stanchion.wire.bounds import Count, Flag
from stanchion.wire.replies import ReasonInfo, Reply
from stanchion.wire.requests import Request
from stanchion.wire.standing import BalancingInfo, MigrationInfo


class BalanceOrder(Request):
    """Carry out what is proposed, one move after the other: the first so many, or all of it.

    ``cold``: machines that cannot move live are moved too, which interrupts them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [{"first": 3}]})

    first: Annotated[Count, Field(json_schema_extra={"minimum": 1})] | None = None
    cold: Flag = False


class MeasureInfo(Reply):
    """How uneven the cluster is: the levels of its fullest and of its emptiest node, and the difference."""

    highest: float
    lowest: float
    spread: float


class LevelInfo(Reply):
    """How full a node is now, and how full it would be after all proposals."""

    node: str
    before: float
    after: float


class ProposalInfo(Reply):
    """One proposal, made after those before it: its moves, the leader first where resources are kept together.

    ``gain`` is by how much its node is emptier after the move than before. ``left`` and ``reached`` are the levels of
    the two nodes, before and after; ``before`` and ``after`` measure the whole cluster.
    """

    migrations: tuple[MigrationInfo, ...]
    gain: float
    reason: ReasonInfo
    left: tuple[float, float]
    reached: tuple[float, float]
    before: MeasureInfo
    after: MeasureInfo


class BalanceInfo(Reply):
    """How uneven the cluster is, what is proposed, in order, and how it would be then.

    Nodes whose room is not known are not among ``nodes``. ``held_back`` says why the node that stays the fullest is
    not relieved any further; ``more``: there may be more to gain than is proposed. ``schedule`` is the setting, and
    ``due`` whether it is its time. ``under_way`` null: nobody has asked for moves that are still to begin.
    """

    revision: int
    now: MeasureInfo
    then: MeasureInfo
    nodes: tuple[LevelInfo, ...] = ()
    proposals: tuple[ProposalInfo, ...] = ()
    held_back: tuple[ReasonInfo, ...] = ()
    more: bool = False
    schedule: str = "off"
    due: bool = False
    text: str = ""
    under_way: BalancingInfo | None = None
