"""Everything that can be asked for: the master's decisions and a node's actions.

A ``Decision`` is a guarded change of the store with its reason. An ``Action`` is something that one node's executor
does; its result comes back as a happening with the same ``stage``, the name of the step of the operation that it
belongs to. The order of a returned tuple is the order in which the actions begin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.cluster import ClusterView, Held, Session
from stanchion.model.history import Run
from stanchion.model.ids import ResourceName, Revision, SessionId
from stanchion.model.orders import Intent
from stanchion.model.reasons import Reason
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.model.state import Presence, ResourceState
from stanchion.model.storage import InUse
from stanchion.model.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What should change in the cluster: commit it only if every revision that it was decided on still stands."""

    transaction: Transaction
    why: Reason


class Step(StrEnum):
    """What a node can be doing for a resource; at most one at a time."""

    LOOK = "look"
    CHECK = "check"
    LOAD = "load"
    UNLOAD = "unload"
    PREPARE = "prepare"
    HALT = "halt"
    LOOK_AFTER = "look after"
    LOOK_LAST = "look last"
    MONITOR = "monitor"
    REPORT = "report"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScript:
    """Run a script of the resource. Repeating it joins the run that is known by ``stage``."""

    step: Step
    stage: str
    spec: ResourceSpec
    script: ScriptKind
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Look at the host whether the machine executes here.

    ``after_unload``: a monitor script that fails then means that the machine is gone, where only the script can tell;
    and what storage is in use here is told as well.
    """

    step: Step
    stage: str
    spec: ResourceSpec
    after_unload: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckHost:
    """Check that the machine's files are here, and the same as on the node that ``digests`` come from.

    ``source`` is where the machine runs, before a move: its agent is asked what they are like there now. ``live``: who
    does not answer stands in the way of the move; otherwise what was noted at the load counts.
    """

    stage: str
    spec: ResourceSpec
    digests: Mapping[str, str] = field(default_factory=dict)
    source: Session | None = None
    live: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Write what became of the resource. ``state`` is the record that it was decided on."""

    resource: ResourceName
    state: Held[ResourceState]
    transaction: Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltAll:
    """End these machines at once and look whether each is gone: this node lost the cluster.

    ``others`` are looked for too, and ended where they run: nobody sent them here, but a proof about this node must be
    true of them as well.
    """

    specs: tuple[ResourceSpec, ...]
    others: tuple[ResourceSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DropAll:
    """Drop whatever is in the air, halts too: it belongs to a session that is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetHost:
    """Reset this host hard, without sync or unmount."""

    resource: ResourceName


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """Give the session back: nothing runs here, and an operator asked the node to leave."""

    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeAt:
    """Call again at this instant of the monotonic clock, at the latest."""

    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EndProcess:
    """End the resource's running script, because an operator asked for it."""

    resource: ResourceName
    intent: Held[Intent]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestScript:
    """Try one script of a resource, because an operator asked for it: really, or only telling what it would do."""

    spec: ResourceSpec
    intent: Held[Intent]


Action = (DropAll | EndProcess | TestScript | RunScript | Look | CheckHost | Commit | HaltAll | ResetHost | GiveBack
          | WakeAt)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewChanged:
    """The store changed."""

    view: ClusterView


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptEnded:
    """A script ended, or is past its timeout."""

    resource: ResourceName
    step: Step
    stage: str
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a look found; ``storage`` is what is in use on the host, where that was asked for."""

    resource: ResourceName
    step: Step
    stage: str
    presence: Presence
    text: str = ""
    storage: InUse | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the check of the host found; ``fault`` empty means that all is well, ``size`` is the machine's."""

    resource: ResourceName
    stage: str
    fault: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    size: Size = NOTHING_KNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A commit ended: written, refused by a guard (``written`` False), or unknown (None).

    ``decided_on`` is the revision of the record that it was decided on.
    """

    resource: ResourceName
    decided_on: Revision
    written: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOff:
    """A script was not begun, because the node had promised to start nothing. By now it may: ask anew."""

    resource: ResourceName


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """Time passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened:
    """This node is a member in this session. ``view`` is what its membership was decided on.

    Whatever an earlier life of this agent began is in that view, however late the first news of the store may come.
    """

    session: SessionId
    view: ClusterView = field(default_factory=ClusterView)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """The local deadline passed: whatever the store says, this node must halt what it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halted:
    """What the look after the halt found, for each machine."""

    presences: Mapping[ResourceName, Presence]


Happening = ViewChanged | ScriptEnded | Looked | Checked | Reported | PutOff | Woken | SessionOpened | CutOff | Halted

