"""The shapes that cross HTTP: what the API answers and what it can be asked, field by field.

The API, the client and the command line share these pydantic models, so a field is renamed in one place or not at
all. Two families: a ``Reply`` is what an agent tells, and a reader ignores fields that it does not know, so that an
older command line can talk to a newer agent; a ``Request`` is what an operator asks, and an unknown field is an
error, because a typing mistake in ``max_failures`` must not be ignored silently. All instants are UTC, written as
ISO 8601; all durations are seconds and say so by the suffix ``_s``. Words for states, modes and verbs are those of
``model``; nothing here decides and nothing here knows the web framework.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stanchion.model.cluster import ProofKind, SelfFence
from stanchion.model.history import RunEnd, Severity
from stanchion.model.orders import Outcome, Verb
from stanchion.model.resource import (
    FailbackMode,
    FailoverMode,
    FailureAction,
    MachineKind,
    ScriptKind,
    StartMode,
)
from stanchion.model.state import AlertKind, Mark, Phase, State
from stanchion.model.timing import Profile

Seconds = Annotated[float, Field(allow_inf_nan=False)]
"""A duration on the wire."""

BY_HEADER = "Stanchion-Operator"
"""The request header that says who asks, for the history."""


class Reply(BaseModel):
    """What an agent tells. Unknown fields are ignored: a newer agent may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Request(BaseModel):
    """What an operator asks. Unknown fields are refused: they are typing mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def instant(wall_s: float) -> datetime | None:
    """Give seconds since 1970 as a UTC instant; 0 means that it never happened."""
    return datetime.fromtimestamp(wall_s, UTC) if wall_s else None


class Problem(Reply):
    """Why something was refused (RFC 9457): one sentence in ``detail``, what to do about it in ``do``."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    do: str = ""


class Health(Reply):
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
    renew_s: Seconds
    halt_s: Seconds
    fence_s: Seconds
    lease_s: Seconds
    granularity_s: Seconds
    derivation: tuple[str, ...] = ()


class ClusterInfo(Reply):
    """The cluster as the answering node sees it."""

    name: str
    node: str
    version: str
    revision: int
    master: str | None
    epoch: int
    quorum: bool
    quorum_nodes: int
    quorum_timeout_s: Seconds
    formed_at: datetime | None = None
    profile: Profile


class NodeInfo(Reply):
    """One node. ``state``: up (a member), joining (live, not yet written down as a member), leaving, left, down.

    ``proof`` says what shows that a node that is not up runs nothing; null for such a node means that its resources
    wait for a proof. ``resources`` are those that it may be executing now.
    """

    name: str
    state: Literal["up", "joining", "leaving", "left", "down"]
    master: bool
    self_fence: SelfFence
    url: str = ""
    version: str = ""
    since: datetime | None = None
    proof: ProofKind | None = None
    resources: tuple[str, ...] = ()


class MoveInfo(Reply):
    """Where a resource is being moved to, how, and how far it has come."""

    target: str
    live: bool
    phase: Phase


class ResourceInfo(Reply):
    """One resource in a list.

    ``pending``: a newer configuration is saved than the one it was loaded with. ``possible``: what can be ordered
    now. ``process``: the pid of the script that is waited for, known only to the node that runs it.
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


class ScriptInfo(Reply):
    """One script and the seconds that it may take."""

    text: str = ""
    timeout_s: Seconds


class MonitoringInfo(Reply):
    """When the monitor script runs, and what its failures lead to."""

    enabled: bool
    interval_s: Seconds
    max_failures: int
    window_s: Seconds
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
    moves_per_hour: int


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


class ResourceDetail(ResourceInfo):
    """One resource with its configuration. ``spec_revision`` is what an edit names in If-Match."""

    spec_revision: int
    live: bool
    files: tuple[str, ...] = ()
    machine: MachineInfo
    scripts: dict[ScriptKind, ScriptInfo]
    monitoring: MonitoringInfo
    policies: PoliciesInfo
    preferred: tuple[str, ...] = ()
    parameters: dict[str, str] = {}
    marks: tuple[Mark, ...] = ()
    saved_by: str = ""
    saved_at: datetime | None = None
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
    """One blank of a template's form."""

    name: str
    label: str
    default: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()


class TemplateInfo(Reply):
    """A template with its form."""

    name: str
    title: str
    description: str
    live: bool
    parameters: tuple[ParameterInfo, ...] = ()


class TemplateDetail(TemplateInfo):
    """A template with everything that a resource made from it will have."""

    files: tuple[str, ...] = ()
    machine: MachineInfo
    scripts: dict[ScriptKind, ScriptInfo]
    monitoring: MonitoringInfo
    policies: PoliciesInfo


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


class EventInfo(Reply):
    """One line of the cluster's history. ``id`` grows with time; reading continues after it."""

    id: str
    at: datetime | None
    severity: Severity
    reason: ReasonInfo
    by: str | None = None
    node: str | None = None
    resource: str | None = None
    before: State | None = None
    after: State | None = None
    cause: str = ""


class EventPage(Reply):
    """Events, the oldest first; ``last`` is the id to continue after."""

    events: tuple[EventInfo, ...]
    last: str = ""


class AnswerInfo(Reply):
    """One question about a resource, and the reasons that answer it."""

    question: str
    reasons: tuple[ReasonInfo, ...]


class Explanation(Reply):
    """Why a resource is where it is, and where it would go."""

    resource: str
    answers: tuple[AnswerInfo, ...]


class ScriptChange(Request):
    """What to change of one script; what is left out stays."""

    text: str | None = None
    timeout_s: Seconds | None = None


class MonitoringChange(Request):
    """What to change of the monitoring; what is left out stays."""

    enabled: bool | None = None
    interval_s: Seconds | None = None
    max_failures: int | None = None
    window_s: Seconds | None = None
    action: FailureAction | None = None


class PoliciesChange(Request):
    """What to change of the modes and policies; what is left out stays."""

    start: StartMode | None = None
    failover: FailoverMode | None = None
    failback: FailbackMode | None = None
    failback_live: bool | None = None
    follows_master: bool | None = None
    ignore_quorum: bool | None = None
    priority: int | None = None
    restart_after_failed_migration: bool | None = None
    moves_per_hour: int | None = None


class ResourceChange(Request):
    """What to change of a resource; what is left out stays. An empty ``preferred`` means all nodes."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"policies": {"failback": "AUTO"}, "preferred": ["node1", "node2"]},
        {"monitoring": {"enabled": True, "interval_s": 30, "max_failures": 3, "window_s": 600, "action": "migrate"}},
    ]})

    scripts: dict[ScriptKind, ScriptChange] = {}
    monitoring: MonitoringChange = MonitoringChange()
    policies: PoliciesChange = PoliciesChange()
    preferred: tuple[str, ...] | None = None
    files: tuple[str, ...] | None = None


class ResourceCreate(Request):
    """A new resource: its name, its template, the answers to the template's form, and what differs from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"name": "web", "template": "QemuLive_Template", "parameters": {"MEMORY": "256"},
         "overrides": {"policies": {"failback": "AUTO"}}},
    ]})

    name: str
    template: str
    parameters: dict[str, str] = {}
    overrides: ResourceChange = ResourceChange()


class OnlineOrder(Request):
    """Bring a resource online; without a node, on the first preferred node that can hold it."""

    node: str | None = None


class MigrateOrder(Request):
    """Move a resource. ``live`` left out: live where its scripts can, else by unload and load."""

    node: str
    live: bool | None = None


class AlertOrder(Request):
    """Answer the question that the resource's alert asks."""

    answer: Literal["yes", "no"]
