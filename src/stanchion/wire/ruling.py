"""Settings of the whole cluster on the wire: timers and quorum, groups, and the order in which resources load."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from stanchion.model.balance import OFF
from stanchion.model.capacity import Admission
from stanchion.model.groups import Bond
from stanchion.model.standing import Shutdown
from stanchion.model.timing import Profile
from stanchion.wire.bounds import BALANCE_SHAPE, DAY_S, LONGEST_NAME, MOST_ITEMS, Count, Name, Seconds
from stanchion.wire.replies import Reply
from stanchion.wire.requests import Request

MOST_ORDERED = 5000


class SettingsChange(Request):
    """What to change of the cluster's settings; what is left out stays.

    ``survives``: so many nodes may be lost at once and everything runs again; 0: nothing is guaranteed. ``admission``:
    an order that would break this is carried out with a warning, or refused. ``balance``: when the cluster evens the
    nodes out by itself: off, or daily from HH:MM to HH:MM by the clock of the master's host.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"quorum_nodes": 2, "quorum_timeout_s": 120}]})

    profile: Profile | None = None
    quorum_nodes: Annotated[Count, Field(json_schema_extra={"minimum": 1})] | None = None
    quorum_timeout_s: Annotated[Seconds, Field(json_schema_extra={"minimum": 0, "maximum": DAY_S})] | None = None
    history_kept: Annotated[Count, Field(json_schema_extra={"minimum": 100, "maximum": 1_000_000})] | None = None
    shutdown: Shutdown | None = None
    survives: Annotated[Count, Field(json_schema_extra={"minimum": 0})] | None = None
    admission: Admission | None = None
    balance: Annotated[str, Field(max_length=LONGEST_NAME, json_schema_extra={"pattern": BALANCE_SHAPE})] | None = None


class GroupChange(Request):
    """A group as it is to be. The order of members counts where they are kept together: the first one leads."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"bond": "apart", "members": ["web1", "web2"]}]})

    bond: Bond
    members: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS, json_schema_extra={"minItems": 2})]


class PriorityOrder(Request):
    """Resources in the order in which they are to load; those that are not named keep theirs, after these.

    None named: all are equal again.
    """

    resources: Annotated[tuple[Name, ...], Field(max_length=MOST_ORDERED)] = ()


class GroupInfo(Reply):
    """Resources that are kept together (the first one leads) or apart."""

    name: str
    bond: Bond
    members: tuple[str, ...]


class GroupList(Reply):
    """All groups. ``revision`` is what a change names in If-Match; ``warnings`` say what may not be meant."""

    groups: tuple[GroupInfo, ...]
    revision: int
    warnings: tuple[str, ...] = ()


class SettingsInfo(Reply):
    """The settings of the whole cluster.

    ``shutdown`` is what becomes of the machines of a host that shuts down. ``survives`` is how many nodes may be lost
    at once, ``admission`` what becomes of an order that would break this.
    ``other_timers`` are the nodes that are members in a session which was opened under another profile: they keep its
    timers until they join anew. ``revision`` is what a change names in If-Match.
    """

    cluster: str
    profile: Profile
    other_timers: tuple[str, ...] = ()
    quorum_nodes: int
    quorum_timeout_s: float
    history_kept: int
    shutdown: Shutdown = Shutdown.MIGRATE
    survives: int = 0
    admission: Admission = Admission.WARN
    balance: str = OFF
    groups: tuple[GroupInfo, ...] = ()
    revision: int
    saved_by: str = ""
    saved_at: datetime | None = None


class PriorityInfo(Reply):
    """A resource and its priority: 0 to 65535, higher ones load first."""

    resource: str
    priority: int


class PriorityList(Reply):
    """All resources in the order in which they load. ``revision`` is what a change names in If-Match."""

    resources: tuple[PriorityInfo, ...] = Field(default=())
    revision: int
