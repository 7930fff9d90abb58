"""What an operator asks: new resources, edits and orders.

Every request is a frozen pydantic model that refuses unknown fields. What an edit leaves out stays as it is. Whether
the numbers make sense is judged in one place, ``plan.making.faults``, for edits and new resources alike; the wire
only knows their types.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stanchion.model.resource import (
    FailbackMode,
    FailoverMode,
    FailureAction,
    LoadFailure,
    RetryComatose,
    ScriptKind,
    StartMode,
)
from stanchion.wire.bounds import (
    AGENT_SHAPE,
    LONGEST_NAME,
    MOST_ITEMS,
    Count,
    Flag,
    HostPath,
    Line,
    Name,
    NewName,
    ParameterName,
    ScriptText,
    Timeout,
    Value,
)
from stanchion.wire.capacity import SizeChange

KEPT_S = 30
"""How long an agent keeps a connection on which nobody asks anything, in seconds; a client gives it up at half of that.

Were both the same, a request would now and then meet the end of its connection, and nobody would know what it did.
"""

BY_HEADER = "Stanchion-Operator"
"""The request header that says who asks, for the history."""


MASK = "********"
"""What stands in a reply for a value that is secret; in a request it means the value that stands already."""


class Request(BaseModel):
    """What an operator asks. Unknown fields are refused: they are typing mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScriptChange(Request):
    """What to change of one script; what is left out stays."""

    text: ScriptText | None = None
    timeout_s: Timeout | None = None


class MonitoringChange(Request):
    """What to change of the monitoring; what is left out stays."""

    enabled: Flag | None = None
    interval_s: Timeout | None = None
    max_failures: Annotated[Count, Field(json_schema_extra={"minimum": 1, "maximum": 1000})] | None = None
    window_s: Timeout | None = None
    action: FailureAction | None = None


class PoliciesChange(Request):
    """What to change of the modes and policies; what is left out stays."""

    start: StartMode | None = None
    failover: FailoverMode | None = None
    failback: FailbackMode | None = None
    failback_live: Flag | None = None
    follows_master: Flag | None = None
    ignore_quorum: Flag | None = None
    priority: Annotated[Count, Field(json_schema_extra={"minimum": 0, "maximum": 65_535})] | None = None
    restart_after_failed_migration: Flag | None = None
    load_failure: LoadFailure | None = None
    retry_comatose: RetryComatose | None = None
    moves_per_hour: Count | None = None
    gives_way: Flag | None = None


class ResourceChange(Request):
    """What to change of a resource; what is left out stays. An empty ``preferred`` means all nodes.

    ``why`` is kept with the revision. ``at_once``: scripts that are saved count at once for a resource that is loaded,
    not only from its next load on. ``size`` is the room that it takes, where that should not be measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"policies": {"failback": "AUTO"}, "preferred": ["node1", "node2"]},
        {"monitoring": {"enabled": True, "interval_s": 30, "max_failures": 3, "window_s": 600, "action": "migrate"}},
    ]})

    scripts: dict[ScriptKind, ScriptChange] = Field(default_factory=dict)
    monitoring: MonitoringChange = MonitoringChange()
    policies: PoliciesChange = PoliciesChange()
    preferred: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS)] | None = None
    files: Annotated[tuple[HostPath, ...], Field(max_length=MOST_ITEMS)] | None = None
    size: SizeChange = SizeChange()
    why: Line = ""
    at_once: Flag = False


class ResourceCreate(Request):
    """A new resource: its name, its template, the answers to the template's form, and what differs from it."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"name": "web", "template": "QemuLive_Template", "parameters": {"MEMORY": "256"},
         "overrides": {"policies": {"failback": "AUTO"}}},
    ]})

    name: NewName
    template: Name
    parameters: Annotated[dict[ParameterName, Value], Field(max_length=MOST_ITEMS)] = Field(default_factory=dict)
    overrides: ResourceChange = ResourceChange()


class FenceDeviceChange(Request):
    """One way to switch a host off. A value that was told masked, sent back as it was, stays what it is."""

    agent: Annotated[str, Field(max_length=LONGEST_NAME, json_schema_extra={"pattern": AGENT_SHAPE})]
    parameters: Annotated[dict[Name, Value], Field(max_length=MOST_ITEMS)] = Field(default_factory=dict)
    timeout_s: Annotated[Timeout, Field(json_schema_extra={
        "minimum": 0, "exclusiveMinimum": 0, "maximum": 600})] = 20.0


class NodeChange(Request):
    """What to change of a node; what is left out stays. ``fence`` are all its devices, tried in this order.

    ``capacity`` is what the host has, where that should not be measured; ``reserve`` is kept for the host itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"fence": [{"agent": "fence_ipmilan", "parameters": {"ip": "10.0.0.7", "username": "fence", "password": "..."},
                    "timeout_s": 20}]},
    ]})

    fence: Annotated[tuple[FenceDeviceChange, ...], Field(max_length=MOST_ITEMS, json_schema_extra={
        "maxItems": 8})] | None = None
    capacity: SizeChange = SizeChange()
    reserve: SizeChange = SizeChange()


class FenceTestOrder(Request):
    """Ask a node's fence devices for its power state; ``really``: switch the host off and on again by each."""

    really: Flag = False


class OnlineOrder(Request):
    """Bring a resource online; without a node, on the first preferred node that can hold it."""

    node: Name | None = None


class MigrateOrder(Request):
    """Move a resource. ``live`` left out: live where its scripts can, else by unload and load."""

    node: Name
    live: Flag | None = None


class AdoptOrder(Request):
    """Take a resource over on the node where it runs already."""

    node: Name


class AlertOrder(Request):
    """Answer the question that the resource's alert asks."""

    answer: Literal["yes", "no"]
