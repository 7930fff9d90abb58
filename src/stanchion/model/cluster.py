"""Nodes, sessions, the master, and the frozen snapshot of them all that decisions are made from.

A *session* is one life of a node's membership: it begins when the agent opens it with a lease, and it ends when the
lease does. The declaration of how the node fences itself is kept after the session ended (``sessions``), because that
is when it is needed. ``ClusterView`` is everything in the store at one revision; it is never changed, ``store.codec``
and ``ClusterView.apply`` make the next one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, TypeVar

from stanchion.model.access import ApiToken, Invitation, SignIn, User
from stanchion.model.fencing import FenceDevice, Fencing
from stanchion.model.groups import Bond, Group
from stanchion.model.history import Entry, Run
from stanchion.model.ids import (
    NOTHING,
    BootId,
    Epoch,
    LeaseId,
    NodeName,
    ResourceName,
    Revision,
    SessionId,
    TemplateName,
)
from stanchion.model.neighbour import Neighbour
from stanchion.model.notification import Notification, Notified
from stanchion.model.orders import Intent
from stanchion.model.past import Bound, Past, past_name
from stanchion.model.resource import ResourceSpec
from stanchion.model.standing import Drained, Shutdown, Standing
from stanchion.model.state import ResourceState
from stanchion.model.stray import Stray
from stanchion.model.template import Template
from stanchion.model.timing import Profile, Timing
from stanchion.model.trust import Authority, JoinToken


class Kind(StrEnum):
    """The kinds of record in the store; with a name they make a ``Key``."""

    SETTINGS = "settings"
    NODE = "node"
    SESSION = "session"
    LIVE = "live"
    MASTER = "master"
    MEMBERSHIP = "membership"
    SPEC = "spec"
    PAST = "past"
    BOUND = "bound"
    STATE = "state"
    TEMPLATE = "template"
    INTENT = "intent"
    PROOF = "proof"
    FENCING = "fencing"
    STRAY = "stray"
    STANDING = "standing"
    NOTIFICATION = "notification"
    NOTIFIED = "notified"
    AUTHORITY = "authority"
    TOKEN = "token"  # noqa: S105 - a kind of record
    USER = "user"
    SIGN_IN = "sign_in"
    API_TOKEN = "api_token"  # noqa: S105 - a kind of record
    INVITATION = "invitation"
    NEIGHBOUR = "neighbour"
    RUN = "run"
    HISTORY = "history"


UNWATCHED = frozenset({Kind.HISTORY, Kind.RUN, Kind.PAST})
"""The kinds that snapshots and watches leave out: they are only ever added to, and nothing is decided from them."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Where a record stands. ``name`` is empty for the kinds of which there is one only."""

    kind: Kind
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for the whole cluster. ``saved_by`` is who changed it last, to be told to whoever comes second."""

    cluster: str
    profile: Profile = Profile.DEFAULT
    quorum_nodes: int = 1
    quorum_timeout_s: float = 60.0
    groups: tuple[Group, ...] = ()
    history_kept: int = 10_000
    shutdown: Shutdown = Shutdown.MIGRATE
    saved_by: str = ""
    saved_at_s: float = 0.0

    @property
    def exclusions(self) -> tuple[tuple[ResourceName, ...], ...]:
        """Give the sets of resources that never share a node."""
        return tuple(group.members for group in self.groups if group.bond is Bond.APART)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One host that the cluster knows. ``wanted`` False: an operator asked it to leave.

    ``closing`` is the life of the host that is about to end by its own shutdown: until the host is started anew, the
    node is emptied and leaves. ``drained``: it is emptied and stays a member.

    ``fence`` are the devices that can switch it off, tried in this order. ``quarantined_at_s`` is since when it is
    given nothing to hold (0: it is not in quarantine); ``pardoned`` are ends of its sessions that do not count there.

    A ``witness`` votes, sees and may be the master, and never holds a resource. ``etcd`` is where the member of etcd
    that was made for this host answers clients; ``serial`` and ``trusted_until_s`` are those of the certificate that
    the cluster gave it.
    """

    name: NodeName
    wanted: bool = True
    fence: tuple[FenceDevice, ...] = ()
    added_at_s: float = 0.0
    witness: bool = False
    etcd: str = ""
    serial: str = ""
    trusted_until_s: float = 0.0
    quarantined_at_s: float = 0.0
    pardoned: tuple[SessionId, ...] = ()
    closing: BootId | None = None
    drained: Drained | None = None


class SelfFence(StrEnum):
    """What stops a node's machines when its agent cannot."""

    NONE = "none"
    SUPERVISOR = "supervisor"
    WATCHDOG = "watchdog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One life of a node's membership, as the node declared it.

    ``url`` is where its API answers, ``door`` where it answers other agents (empty: it does not), ``pulse`` the address
    for direct signs of life (empty: it hears none). ``peers`` are the nodes whose consent it asks for when the store is
    away; they alone may take the end of its lease for a proof. None: it asks nobody and never outlives its lease, so
    anybody may.
    """

    node: NodeName
    id: SessionId
    boot: BootId
    lease: LeaseId
    self_fence: SelfFence
    timing: Timing
    url: str = ""
    pulse: str = ""
    version: str = ""
    door: str = ""
    opened_at_s: float = 0.0
    peers: tuple[NodeName, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The leased half of a session: this record's presence means that the lease lives."""

    node: NodeName
    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """Who decides. Leased with the master's session."""

    node: NodeName
    session: SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The members as the master last wrote them down.

    ``epoch`` rises by one with every join, leave and change of master. ``before`` are the sessions that a whole
    cluster's stop ended: what they held starts by its start mode. ``quorum`` is the start-up latch: set once by count
    or by time, never cleared while the cluster is up.
    """

    epoch: Epoch
    members: Mapping[NodeName, SessionId]
    master: NodeName
    formed_at_s: float
    quorum: bool = False
    before: tuple[SessionId, ...] = ()


class ProofKind(StrEnum):
    """What shows that a session executes nothing any more (``docs/safety.md``)."""

    CLEAN = "clean"
    FENCED = "fenced"
    EXPIRED = "expired"
    CONFIRMED = "confirmed"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The record that a session executes nothing any more."""

    node: NodeName
    session: SessionId
    kind: ProofKind
    at_s: float
    by: str = ""


Record = (
    Settings | Node | Session | Live | Master | Membership | ResourceSpec | ResourceState | Template | Intent | Proof
    | Fencing | Stray | Standing | Authority | JoinToken | Notification | Notified | User | SignIn | ApiToken
    | Invitation | Neighbour | Run | Past | Bound | Entry
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """A record together with the store revision at which it was last written."""

    value: T
    revision: Revision


@dataclass(frozen=True, slots=True)
class Change:
    """One key as it stands after a write; ``value`` None means that it was deleted."""

    key: Key
    value: Record | None
    revision: Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """Everything that decisions may know, at one revision. History and runs are not part of it."""

    revision: Revision = NOTHING
    settings: Held[Settings] | None = None
    master: Held[Master] | None = None
    membership: Held[Membership] | None = None
    nodes: Mapping[NodeName, Held[Node]] = field(default_factory=dict)
    sessions: Mapping[NodeName, Held[Session]] = field(default_factory=dict)
    live: Mapping[NodeName, Held[Live]] = field(default_factory=dict)
    specs: Mapping[ResourceName, Held[ResourceSpec]] = field(default_factory=dict)
    bounds: Mapping[ResourceName, Held[Bound]] = field(default_factory=dict)
    states: Mapping[ResourceName, Held[ResourceState]] = field(default_factory=dict)
    templates: Mapping[TemplateName, Held[Template]] = field(default_factory=dict)
    intents: Mapping[str, Held[Intent]] = field(default_factory=dict)
    proofs: Mapping[SessionId, Held[Proof]] = field(default_factory=dict)
    fencings: Mapping[SessionId, Held[Fencing]] = field(default_factory=dict)
    strays: Mapping[ResourceName, Held[Stray]] = field(default_factory=dict)
    authority: Held[Authority] | None = None
    tokens: Mapping[str, Held[JoinToken]] = field(default_factory=dict)
    standing: Held[Standing] | None = None
    notification: Held[Notification] | None = None
    notified: Mapping[str, Held[Notified]] = field(default_factory=dict)
    users: Mapping[str, Held[User]] = field(default_factory=dict)
    sign_ins: Mapping[str, Held[SignIn]] = field(default_factory=dict)
    api_tokens: Mapping[str, Held[ApiToken]] = field(default_factory=dict)
    invitations: Mapping[str, Held[Invitation]] = field(default_factory=dict)
    neighbours: Mapping[str, Held[Neighbour]] = field(default_factory=dict)

    def apply(self, changes: Iterable[Change], revision: Revision) -> "ClusterView":
        """Give the view after these changes; ``self`` stays as it is."""
        fresh: dict[str, object] = {"revision": revision}
        for change in changes:
            slot = _SLOTS.get(change.key.kind)
            if slot is None:
                continue
            held = None if change.value is None else Held(change.value, change.revision)
            if change.key.kind in _SINGLE:
                fresh[slot] = held
                continue
            table = fresh.setdefault(slot, dict(getattr(self, slot)))
            assert isinstance(table, dict)
            if held is None:
                table.pop(change.key.name, None)
            else:
                table[change.key.name] = held
        return replace(self, **fresh)  # type: ignore[arg-type]  # the slots above are fields of this class

    def is_live(self, node: NodeName) -> bool:
        """Tell whether the node's session holds its lease and the node is wanted."""
        return node in self.live

    def session_of(self, node: NodeName) -> SessionId | None:
        """Give the session that the node lives in now, or None."""
        held = self.live.get(node)
        return None if held is None else held.value.session


_SINGLE = frozenset({Kind.SETTINGS, Kind.MASTER, Kind.MEMBERSHIP, Kind.AUTHORITY, Kind.STANDING, Kind.NOTIFICATION})
_SLOTS = {
    Kind.SETTINGS: "settings",
    Kind.MASTER: "master",
    Kind.MEMBERSHIP: "membership",
    Kind.NODE: "nodes",
    Kind.SESSION: "sessions",
    Kind.LIVE: "live",
    Kind.SPEC: "specs",
    Kind.BOUND: "bounds",
    Kind.STATE: "states",
    Kind.TEMPLATE: "templates",
    Kind.INTENT: "intents",
    Kind.PROOF: "proofs",
    Kind.FENCING: "fencings",
    Kind.STRAY: "strays",
    Kind.AUTHORITY: "authority",
    Kind.TOKEN: "tokens",
    Kind.STANDING: "standing",
    Kind.NOTIFICATION: "notification",
    Kind.NOTIFIED: "notified",
    Kind.USER: "users",
    Kind.SIGN_IN: "sign_ins",
    Kind.API_TOKEN: "api_tokens",
    Kind.INVITATION: "invitations",
    Kind.NEIGHBOUR: "neighbours",
}


_NAMED_BY: Mapping[type, tuple[Kind, str]] = {
    Settings: (Kind.SETTINGS, ""),
    Master: (Kind.MASTER, ""),
    Membership: (Kind.MEMBERSHIP, ""),
    Node: (Kind.NODE, "name"),
    Session: (Kind.SESSION, "node"),
    Live: (Kind.LIVE, "node"),
    ResourceSpec: (Kind.SPEC, "name"),
    Bound: (Kind.BOUND, "resource"),
    ResourceState: (Kind.STATE, "name"),
    Template: (Kind.TEMPLATE, "name"),
    Intent: (Kind.INTENT, "id"),
    Proof: (Kind.PROOF, "session"),
    Fencing: (Kind.FENCING, "session"),
    Stray: (Kind.STRAY, "resource"),
    Authority: (Kind.AUTHORITY, ""),
    JoinToken: (Kind.TOKEN, "id"),
    Standing: (Kind.STANDING, ""),
    Notification: (Kind.NOTIFICATION, ""),
    Notified: (Kind.NOTIFIED, "channel"),
    User: (Kind.USER, "name"),
    SignIn: (Kind.SIGN_IN, "id"),
    ApiToken: (Kind.API_TOKEN, "id"),
    Invitation: (Kind.INVITATION, "id"),
    Neighbour: (Kind.NEIGHBOUR, "name"),
}


def key_of(record: Record) -> Key:
    """Name the key that a record stands under. The keys of history entries are made by the store alone."""
    if isinstance(record, Past):
        return Key(Kind.PAST, past_name(record.resource, record.revision))
    if isinstance(record, Run):
        return Key(Kind.RUN, f"{record.resource}/{record.script}/{record.operation}")
    kind, attribute = _NAMED_BY[type(record)]
    return Key(kind, str(getattr(record, attribute)) if attribute else "")


def history_key(revision: int, index: int) -> Key:
    """Name the key of a transaction's entry number ``index``: names sort in the order of what happened."""
    return Key(Kind.HISTORY, f"{revision:016d}-{index:04d}")
