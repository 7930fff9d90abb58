"""Nodes, sessions, the master, and the frozen snapshot of them all that decisions are made from.

A *session* is one life of a node's membership: it begins when the agent opens it with a lease, and it ends when the
lease does. The declaration of how the node fences itself is kept after the session ended (``sessions``), because that
is when it is needed. ``ClusterView`` is everything in the store at one revision; it is never changed, ``store.codec``
and ``ClusterView.apply`` make the next one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Generic, TypeVar

from immutables import Map, MapMutation

from stanchion.model.access import ApiToken, Invitation, SignIn, User
from stanchion.model.balance import OFF
from stanchion.model.capacity import NOTHING_KNOWN, Admission, Size
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
from stanchion.model.index import Index, Pair, indexed
from stanchion.model.neighbour import Neighbour
from stanchion.model.notification import Notification, Notified
from stanchion.model.orders import Intent
from stanchion.model.past import Bound, Past
from stanchion.model.resource import ResourceSpec
from stanchion.model.standing import Drained, Shutdown, Standing
from stanchion.model.state import ResourceState
from stanchion.model.stray import Stray
from stanchion.model.template import Template
from stanchion.model.timing import Profile, Timing
from stanchion.model.trail import Trail
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
    """What holds for the whole cluster. ``saved_by`` is who changed it last, to be told to whoever comes second.

    ``survives`` is the guarantee: so many nodes may be lost at once, whichever they are, and everything runs again
    (0: nothing is guaranteed). ``admission`` says what becomes of an order that would break it. ``balance`` is when the
    cluster moves machines by itself to even the nodes out: ``off``, or a daily window (``model.balance``).
    """

    cluster: str
    profile: Profile = Profile.DEFAULT
    quorum_nodes: int = 1
    quorum_timeout_s: float = 60.0
    groups: tuple[Group, ...] = ()
    history_kept: int = 10_000
    shutdown: Shutdown = Shutdown.MIGRATE
    survives: int = 0
    admission: Admission = Admission.WARN
    balance: str = OFF
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

    ``capacity`` is what an operator says that the host has; what he leaves out is measured (``Session``). ``reserve``
    is what is kept for the host itself; where it says nothing, ``plan.capacity`` does.
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
    capacity: Size = NOTHING_KNOWN
    reserve: Size = NOTHING_KNOWN


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
    anybody may. ``capacity`` is what the host was found to have.
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
    capacity: Size = NOTHING_KNOWN


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

    _index: Index | None = field(default=None, init=False, compare=False, repr=False)
    _trail: Trail[Key] = field(default=Trail(), init=False, compare=False, repr=False)

    @property
    def index(self) -> Index:
        """Give what the view knows by heart; it is made with the first question."""
        if self._index is None:
            known = indexed(_pair(self.specs, self.states, name) for name in {*self.specs, *self.states})
            object.__setattr__(self, "_index", known)
            return known
        return self._index

    def apply(self, changes: Iterable[Change], revision: Revision) -> "ClusterView":
        """Give the view after these changes; ``self`` stays as it is. It costs what changes, not what exists."""
        fresh: dict[str, object] = {"revision": revision}
        tables: dict[str, MapMutation[str, Held[Record]]] = {}
        keys: list[Key] = []
        for change in changes:
            slot = _SLOTS.get(change.key.kind)
            if slot is None:
                continue
            keys.append(change.key)
            held = None if change.value is None else Held(change.value, change.revision)
            if change.key.kind in _SINGLE:
                fresh[slot] = held
                continue
            table = tables.get(slot)
            if table is None:
                table = tables[slot] = _mutable(getattr(self, slot))
            if held is None:
                table.pop(change.key.name, None)
            else:
                table[change.key.name] = held
        fresh |= {slot: table.finish() for slot, table in tables.items()}
        view = replace(self, **fresh)  # type: ignore[arg-type]  # the slots above are fields of this class
        self._hand_on(view, keys)
        return view

    def _hand_on(self, view: "ClusterView", keys: Sequence[Key]) -> None:
        """Tell the view after this one which keys changed, and what this one knows by heart."""
        object.__setattr__(view, "_trail", self._trail.after(self.revision, view.revision, keys))
        if self._index is None:
            return
        index = self._index
        for name in {ResourceName(key.name) for key in keys if key.kind in _INDEXED}:
            index = index.after(_pair(self.specs, self.states, name), _pair(view.specs, view.states, name))
        object.__setattr__(view, "_index", index)

    def changed_since(self, revision: Revision) -> frozenset[Key] | None:
        """Name the keys that changed after that revision; None: nobody remembers."""
        return frozenset() if revision == self.revision else self._trail.since(revision)

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


_INDEXED = frozenset({Kind.SPEC, Kind.STATE})


def _mutable(table: "Mapping[str, Held[Record]]") -> "MapMutation[str, Held[Record]]":
    """Give a copy that can be changed and shares with the table what it does not change."""
    return (table if isinstance(table, Map) else Map(table)).mutate()


def _pair(specs: Mapping[ResourceName, Held[ResourceSpec]], states: Mapping[ResourceName, Held[ResourceState]],
          name: ResourceName) -> Pair:
    spec, state = specs.get(name), states.get(name)
    return Pair(name, None if spec is None else spec.value, None if state is None else state.value)
