"""Everything that can happen to a resource: the words of the transition table.

An event carries what its arrow needs and nothing else, and always says why. The master's events place and move
resources, a node's events tell what became of them; ``plan.lifecycle`` holds the table that says which event may
follow which state and what the record looks like afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.ids import NodeName, OperationId, SessionId
from stanchion.model.reasons import Reason
from stanchion.model.state import AlertKind, Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a resource."""

    why: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed(Event):
    """It is to load on this node: by order, at cluster start, or because a node can hold it again."""

    node: NodeName
    operation: OperationId
    settled_for: SessionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered(Event):
    """The node that held it provably runs nothing any more, and it is to load on another one.

    ``early_losses`` is the new count of hosts lost just after it started there; ``moved_at_s`` counts for its move
    budget. ``session`` is set where the machine may be executing on ``node`` already, because it was moving there:
    then only a proof about that session allows it to start elsewhere.
    """

    node: NodeName
    operation: OperationId
    session: SessionId | None = None
    early_losses: int = 0
    moved_at_s: float | None = None
    settled_for: SessionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderGone(Event):
    """The node that held it provably runs nothing any more, and it is not to load elsewhere by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoNode(Event):
    """No node can hold it now; or only ``awaits`` may, when that is back."""

    awaits: NodeName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumAwaited(Event):
    """The whole cluster was down; it waits for the start-up quorum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised(Event):
    """An operator must decide. ``node`` is the proposal; for a failback the machine keeps running meanwhile."""

    kind: AlertKind
    node: NodeName
    settled_for: SessionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDeclined(Event):
    """The operator said no."""

    settled_for: SessionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrdered(Event):
    """It is to be offline."""

    operation: OperationId


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOrdered(Event):
    """A move of which the target is asked first whether it can receive; then live, or by unload and load.

    ``moved_at_s`` counts for the resource's move budget, when the cluster moves it by itself.
    """

    target: NodeName
    live: bool
    operation: OperationId
    moved_at_s: float | None = None
    settled_for: SessionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Event):
    """A cold move by the cluster itself: unload here, then load on ``target``, which may be the same node.

    ``mark`` is remembered; ``failures`` replaces the monitor failures; ``moved_at_s`` counts for its move budget.
    """

    target: NodeName
    operation: OperationId
    mark: Mark | None = None
    failures: tuple[float, ...] = ()
    moved_at_s: float | None = None
    settled_for: SessionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(Event):
    """The node takes the resource over into its present session: it begins to load, or it adopts what runs.

    ``spec_revision`` is the revision of the configuration that a load binds itself to; 0: it stays what it was.
    """

    session: SessionId
    spec_revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptOrdered(Event):
    """It is said to run on this node already: the node is to look, and to hold it if that is so.

    ``session`` is the node's present one: the machine may be executing there now, so only a proof about that session
    allows it to start elsewhere.
    """

    node: NodeName
    session: SessionId
    operation: OperationId
    spec_revision: int
    settled_for: SessionId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotThere(Event):
    """It should be adopted, and is not found running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Event):
    """The machine runs. ``born`` False: it was found running, so it was not brought to life anew.

    ``size`` is how large it is by its configuration here.
    """

    spec_revision: int
    digests: Mapping[str, str] = field(default_factory=dict)
    size: Size = NOTHING_KNOWN
    born: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Event):
    """It needs an administrator; parts of it may be live on its node, or on ``node`` when the move got that far.

    ``astray``: it is not known how far a move got, so the target may hold the machine as well.
    """

    node: NodeName | None = None
    session: SessionId | None = None
    astray: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condemned(Event):
    """The failure action is to reset the host hard; the host does so once this is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unloaded(Event):
    """The machine is gone from its node. ``operation`` names the load that follows where it is being moved."""

    operation: OperationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Event):
    """The target can receive; ``door`` is where it waits for the machine (live moves)."""

    session: SessionId
    operation: OperationId
    door: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stayed(Event):
    """The move did not come about, and the machine is where it was. ``operation`` names the stop that may follow."""

    operation: OperationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Departed(Event):
    """The machine left the source: it is stopped there. With a ``fault``, it may not have reached the target."""

    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faltered(Event):
    """The live move failed and the machine still runs on the source; the target is to clean up."""

    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived(Event):
    """The machine runs on the target now, the same machine that ran on the source."""

    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped(Event):
    """The machine was lost in the move; it is to load anew on ``node``."""

    node: NodeName
    operation: OperationId
