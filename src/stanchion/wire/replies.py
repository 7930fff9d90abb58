"""What an agent tells: the cluster, its nodes and resources, templates, orders, history and runs.

Every reply is a frozen pydantic model that ignores unknown fields. Enums are the model's own, so a state has one
spelling in the store, on the wire and on the screen.
"""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from stanchion.model.cluster import ProofKind, SelfFence
from stanchion.model.errors import StanchionError
from stanchion.model.fencing import Attempt, Protection
from stanchion.model.history import RunEnd
from stanchion.model.orders import Outcome, Verb
from stanchion.model.resource import (
    FailbackMode,
    FailoverMode,
    FailureAction,
    LoadFailure,
    MachineKind,
    RetryComatose,
    ScriptKind,
    StartMode,
)
from stanchion.model.state import AlertKind, Mark, Phase, State
from stanchion.model.template import ParameterKind
from stanchion.model.timing import Profile
from stanchion.wire.capacity import Measured, Room, SizeInfo
from stanchion.wire.standing import DownInfo, EmptyingInfo, PauseInfo


class Reply(BaseModel):
    """What an agent tells. Unknown fields are ignored: a newer agent may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def instant(wall_s: float) -> datetime | None:
    """Give seconds since 1970 as a UTC instant; 0 means that it never happened."""
    return datetime.fromtimestamp(wall_s, UTC) if wall_s else None


def problem_type(kind: type[StanchionError]) -> str:
    """Give the URI that stands for a kind of error in a problem, so that a client can raise the same again."""
    return f"urn:stanchion:error:{kind.__name__}"


class Problem(Reply):
    """Why something was refused (RFC 9457): one sentence in ``detail``, what to do about it in ``do``."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    do: str = ""


class HealthInfo(Reply):
    """That this agent answers; the only thing told without a token."""

    status: Literal["ok"] = "ok"
    node: str
    version: str


class ReasonInfo(Reply):
    """Why something is as it is: the stable code, its operands, and the sentence that people read."""

    code: str
    operands: tuple[str, ...] = ()
    text: str


class TimingInfo(Reply):
    """The timers of the cluster's profile, and the derivation that shows why a failover is safe."""

    profile: Profile
    beat_s: float = 0.0
    suspect_s: float = 0.0
    renew_s: float
    halt_s: float
    fence_s: float
    lease_s: float
    granularity_s: float
    derivation: tuple[str, ...] = ()


class ClusterInfo(Reply):
    """The cluster as the answering node sees it, and what holds the whole of it back, loudly."""

    name: str
    node: str
    version: str
    revision: int
    master: str | None
    epoch: int
    quorum: bool
    quorum_nodes: int
    quorum_timeout_s: float
    formed_at: datetime | None = None
    profile: Profile
    pause: PauseInfo | None = None
    down: DownInfo | None = None
    store_away: bool = False
    """The answering node does not reach the store: what it tells is what it saw last, and nothing can be ordered."""


class FenceDeviceInfo(Reply):
    """One way to switch a host off. Secret values are masked."""

    agent: str
    parameters: dict[str, str] = Field(default_factory=dict)
    timeout_s: float


class FencingInfo(Reply):
    """A fencing of the node's last session that is under way or that failed; ``text`` is the sentence about it."""

    attempt: Attempt
    tries: int
    at: datetime | None
    text: str


class NodeInfo(Room, Reply):
    """One node. ``state``: up (a member), joining (live, not yet written down as a member), leaving, left, down.

    ``proof`` says what shows that a node that is not up runs nothing; null for such a node means that its resources
    wait for a proof. ``resources`` are those that it may be executing now, ``strays`` those that nobody sent there.
    ``protected_by`` says what can prove that the node stopped, should it be lost, and ``unprotected`` what it means
    when nothing can. ``fence`` are the devices that can switch it off, tried in this order.
    A ``witness`` votes and holds nothing; ``etcd``: its member.
    ``revision`` is what a change of the devices names in If-Match.
    ``quarantine`` says why nothing new goes there, ``quarantined_at`` since when. ``emptying``: how far it has come
    where it is to hold nothing.
    """

    name: str
    state: Literal["up", "joining", "leaving", "left", "down"]
    master: bool
    silent: bool = False
    """A member that nobody hears, although its lease has not run out."""
    self_fence: SelfFence
    protected_by: Protection = Protection.NOTHING
    unprotected: ReasonInfo | None = None
    quarantine: ReasonInfo | None = None
    quarantined_at: datetime | None = None
    emptying: EmptyingInfo | None = None
    fence: tuple[FenceDeviceInfo, ...] = ()
    fencing: FencingInfo | None = None
    witness: bool = False
    etcd: str = ""
    trusted_until: datetime | None = None
    revision: int = 0
    url: str = ""
    version: str = ""
    since: datetime | None = None
    proof: ProofKind | None = None
    resources: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()


class MoveInfo(Reply):
    """Where a resource is being moved to, how, and how far it has come."""

    target: str
    live: bool
    phase: Phase


class StrayInfo(Reply):
    """A node where a resource runs unsent, or (``machine`` false) where its storage is in use; ``text`` says it."""

    node: str
    since: datetime | None
    text: str
    machine: bool = True


class ResourceInfo(Reply):
    """One resource in a list.

    ``pending``: other scripts are saved than those that it goes by. ``possible``: what can be ordered now.
    ``process``: the pid of the script that is waited for, known only to its node. ``needs`` is the room that it takes.
    """

    name: str
    template: str
    state: State
    node: str | None = None
    lives: int = 0
    since: datetime | None = None
    reason: ReasonInfo
    alert: AlertKind | None = None
    move: MoveInfo | None = None
    pending: bool = False
    possible: tuple[Verb, ...] = ()
    process: int | None = None
    strays: tuple[StrayInfo, ...] = ()
    needs: SizeInfo = SizeInfo()


class ScriptInfo(Reply):
    """One script and the seconds that it may take."""

    text: str = ""
    timeout_s: float


class MonitoringInfo(Reply):
    """When the monitor script runs, and what its failures lead to."""

    enabled: bool
    interval_s: float
    max_failures: int
    window_s: float
    action: FailureAction


class PoliciesInfo(Reply):
    """The modes and policy boxes of a resource."""

    start: StartMode
    failover: FailoverMode
    failback: FailbackMode
    failback_live: bool
    follows_master: bool
    ignore_quorum: bool
    priority: int
    restart_after_failed_migration: bool
    load_failure: LoadFailure = LoadFailure.COMATOSE
    retry_comatose: RetryComatose = RetryComatose.NEVER
    moves_per_hour: int
    gives_way: bool = False


class MachineInfo(Reply):
    """How the machine is looked for on a host."""

    kind: MachineKind
    name: str = ""


class RunInfo(Reply):
    """One run of one script. ``output`` is left out of lists unless asked for."""

    resource: str
    script: ScriptKind
    operation: str
    node: str
    started_at: datetime | None
    ended_at: datetime | None = None
    end: RunEnd
    code: int
    command: str = ""
    pid: int = 0
    output: str | None = None


class RunList(Reply):
    """Runs, the newest first."""

    runs: tuple[RunInfo, ...]


class ResourceDetail(Measured, ResourceInfo):
    """One resource with its configuration. ``spec_revision`` is what an edit names in If-Match.

    ``pending_scripts`` are saved, and count from its next load on; until then it goes by those it was loaded with.
    ``failures`` are those of its monitor that are remembered; they count while they lie within the window.
    """

    spec_revision: int
    live: bool
    files: tuple[str, ...] = ()
    machine: MachineInfo
    scripts: dict[ScriptKind, ScriptInfo]
    monitoring: MonitoringInfo
    monitoring_text: str = ""
    policies: PoliciesInfo
    preferred: tuple[str, ...] = ()
    parameters: dict[str, str] = Field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    saved_by: str = ""
    saved_at: datetime | None = None
    saved_why: str = ""
    pending_scripts: tuple[ScriptKind, ...] = ()
    failures: tuple[datetime, ...] = ()
    last_runs: tuple[RunInfo, ...] = ()


class Saved(Reply):
    """A configuration was saved; ``warnings`` are what the lint thinks is likely wrong."""

    resource: ResourceDetail
    warnings: tuple[str, ...] = ()


class Status(Reply):
    """Everything that one look at the cluster needs. ``cluster.revision`` goes into ``after`` to wait for the next."""

    cluster: ClusterInfo
    nodes: tuple[NodeInfo, ...]
    resources: tuple[ResourceInfo, ...]


class NodeList(Reply):
    """All nodes that the cluster knows."""

    nodes: tuple[NodeInfo, ...]


class ResourceList(Reply):
    """All resources."""

    resources: tuple[ResourceInfo, ...]


class ParameterInfo(Reply):
    """One blank of a template's form; ``kind`` says what an answer looks like, ``help`` more than the label."""

    name: str
    label: str
    default: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    kind: ParameterKind = ParameterKind.TEXT
    help: str = ""


class TemplateInfo(Reply):
    """A template with its form."""

    name: str
    title: str
    description: str
    live: bool
    parameters: tuple[ParameterInfo, ...] = ()


class TemplateDetail(TemplateInfo):
    """A template with everything that a resource made from it will have.

    ``revision`` is what an edit names in If-Match; ``used_by`` are the resources that were made from it.
    """

    revision: int = 0
    used_by: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    machine: MachineInfo
    scripts: dict[ScriptKind, ScriptInfo]
    monitoring: MonitoringInfo
    policies: PoliciesInfo


class TemplateSaved(Reply):
    """A template was saved; ``warnings`` are what the lint thinks is likely wrong."""

    template: TemplateDetail
    warnings: tuple[str, ...] = ()


class TemplateList(Reply):
    """All templates."""

    templates: tuple[TemplateInfo, ...]


class IntentInfo(Reply):
    """An order and what became of it."""

    id: str
    verb: Verb
    by: str
    at: datetime | None
    resource: str | None = None
    node: str | None = None
    live: bool | None = None
    outcome: Outcome
    ended: bool
    reason: ReasonInfo | None = None
    operation: str | None = None
    ended_at: datetime | None = None


class AnswerInfo(Reply):
    """One question about a resource, and the reasons that answer it."""

    question: str
    reasons: tuple[ReasonInfo, ...]


class Explanation(Reply):
    """Why a resource is where it is, and where it would go."""

    resource: str
    answers: tuple[AnswerInfo, ...]
