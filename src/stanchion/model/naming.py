"""The keys of records: each record names where it stands."""

from collections.abc import Mapping

from stanchion.model.access import ApiToken, Invitation, SignIn, User
from stanchion.model.cluster import Key, Kind, Live, Master, Membership, Node, Proof, Record, Session, Settings
from stanchion.model.fencing import Fencing
from stanchion.model.history import Run
from stanchion.model.neighbour import Neighbour
from stanchion.model.notification import Notification, Notified
from stanchion.model.orders import Intent
from stanchion.model.past import Bound, Past, past_name
from stanchion.model.resource import ResourceSpec
from stanchion.model.standing import Standing
from stanchion.model.state import ResourceState
from stanchion.model.stray import Stray
from stanchion.model.template import Template
from stanchion.model.trust import Authority, JoinToken

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
