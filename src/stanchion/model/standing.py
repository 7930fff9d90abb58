"""What operators have ordered for the time being: a pause, the stop of the whole cluster, a drained node.

None of it is about one resource, and all of it is told in places where nobody can overlook it, because it holds back
what the cluster would otherwise do. ``Standing`` is one record of the store; what a node is drained for stands in the
node's own.
"""

from dataclasses import dataclass
from enum import StrEnum

from stanchion.model.balance import Balancing
from stanchion.model.ids import BootId


class Shutdown(StrEnum):
    """What becomes of the machines of a host that shuts down.

    MIGRATE: live to another node where the scripts can, else as FAILOVER. FAILOVER: unloaded, then loaded on another
    node. FREEZE: unloaded, and loaded again on the same node when that is back.
    """

    MIGRATE = "migrate"
    FAILOVER = "failover"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The cluster begins nothing by itself. ``until_s`` 0: until somebody ends it; ``ended_at_s`` 0: it stands."""

    by: str
    since_s: float
    until_s: float = 0.0
    why: str = ""
    ended_at_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """The whole cluster is stopped. ``boots`` are the lives of the hosts that were members then.

    When all have left, the next start of one of these hosts ends it.
    """

    by: str
    at_s: float
    why: str = ""
    boots: tuple[BootId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands for the whole cluster: the last pause, its stop, and the moves that are to even it out.

    ``down`` None: it is not stopped. ``balancing`` None: no moves are left to begin.
    """

    pause: Pause | None = None
    down: Down | None = None
    balancing: Balancing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """A node is emptied and stays a member. ``held`` is how many resources it held when that was ordered."""

    by: str
    at_s: float
    held: int = 0
