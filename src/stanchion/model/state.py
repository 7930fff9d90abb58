"""What the cluster knows about a resource now: its state, where it is, and what is being done to it.

The nine states are the original's (``docs/states.md`` holds the diagram that is generated from the transition table),
plus ``MIGRATING``, shown while a machine moves live. The record is changed by compare-and-swap only: the master
writes where a resource goes, the node that holds it writes what became of it.

``operation`` is the name of the order that the record carries out; it is made from the revision that the order was
decided on, so it is unique without any chance. ``session`` tells which life of the node holds the resource: it is set
when the node claims the operation, and a *proof* about that session, not about the node's name, is what allows the
resource to start elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.ids import NodeName, OperationId, ResourceName, SessionId
from stanchion.model.reasons import Reason


class State(StrEnum):
    """The states of a resource, as people read them."""

    OFFLINE = "Offline"
    LOADING = "Loading"
    RUNNING = "Running"
    UNLOADING = "Unloading"
    COMATOSE = "Comatose"
    ALERT = "Alert"
    UNASSIGNED = "Unassigned"
    QUORUM_WAIT = "Quorum Wait"
    MIGRATING = "Migrating"


class AlertKind(StrEnum):
    """Which question an alert asks. A failback alert's machine keeps running meanwhile."""

    START = "start"
    FAILOVER = "failover"
    FAILBACK = "failback"


class Phase(StrEnum):
    """How far a move has come.

    PREPARE: the target checks that it can receive, and opens the door. OUT: the source sends the machine. IN: the
    target takes it over. ABORT: the move failed, the machine runs on the source, and the target cleans up.
    """

    PREPARE = "prepare"
    OUT = "out"
    IN = "in"
    ABORT = "abort"


class Presence(StrEnum):
    """What a look at the host found. ``UNKNOWN`` is a value of its own: it blocks every start elsewhere."""

    RUNNING = "running"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Mark(StrEnum):
    """What a resource remembers across states.

    MOVED_BY_MONITOR: the monitor's failure action moved it; it does not fail back until a manual migrate or an
    offline clears the mark (seed, step 7).
    """

    MOVED_BY_MONITOR = "moved_by_monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Where a resource is being moved to, how, and how far it has come.

    ``session`` is the target's session, once it prepared. ``door`` is where the target waits for the incoming
    machine, as its prepare script printed it. ``fault`` says what went wrong when the phase is ABORT.
    ``stop``: once the target is clean, the machine is to be unloaded on the source.
    """

    target: NodeName
    live: bool
    phase: Phase
    why: Reason
    session: SessionId | None = None
    door: str = ""
    fault: str = ""
    stop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceState:
    """One resource now. See the module's text for ``operation`` and ``session``.

    ``spec_revision`` is the revision of the configuration that it was loaded with: a newer configuration is
    *pending*. ``settled_for`` is the session of its first preferred node when it was placed: another session there
    means that the node joined anew, which is when failback is asked. ``failures`` and ``moves`` hold wall times in
    seconds, oldest first. ``early_losses`` counts hosts lost just after the resource started there. ``tried`` are
    the nodes on which the load in hand failed already, ``retries`` how often a failed load was tried again since the
    resource ran last. ``awaits`` is the node that alone may load it, once its host is back from a shutdown. ``digests``
    are the SHA-256 sums of the configuration files on the node that loaded it, and ``size`` is the room that the
    machine takes by those files.
    """

    name: ResourceName
    state: State
    reason: Reason
    node: NodeName | None = None
    session: SessionId | None = None
    operation: OperationId | None = None
    move: Move | None = None
    alert: AlertKind | None = None
    lives: int = 0
    since_s: float = 0.0
    spec_revision: int = 0
    settled_for: SessionId | None = None
    marks: tuple[Mark, ...] = ()
    failures: tuple[float, ...] = ()
    moves: tuple[float, ...] = ()
    early_losses: int = 0
    tried: tuple[NodeName, ...] = ()
    retries: int = 0
    awaits: NodeName | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    size: Size = NOTHING_KNOWN


def actor(state: ResourceState) -> NodeName | None:
    """Name the node whose scripts carry out what is being done to the resource now, if a node holds it."""
    if state.state is State.MIGRATING and state.move is not None and state.move.phase is not Phase.OUT:
        return state.move.target
    return next(iter(holders(state)), None)


LOADED_STATES = frozenset({State.LOADING, State.RUNNING, State.UNLOADING, State.COMATOSE, State.MIGRATING})


def holders(state: ResourceState) -> tuple[NodeName, ...]:
    """Name the nodes on which the machine may be executing now, the one that it belongs to first."""
    held = state.state in LOADED_STATES or state.alert is AlertKind.FAILBACK
    if not held or state.node is None:
        return ()
    if state.move is not None and state.state in {State.MIGRATING, State.COMATOSE}:
        return (state.node, state.move.target)
    if state.state is State.COMATOSE and state.session is None:
        return ()
    return (state.node,)


def next_operation(name: ResourceName, revision: int) -> OperationId:
    """Name the operation decided on this revision: unique, as only one compare-and-swap on it succeeds."""
    return OperationId(f"{name}@{revision}")
