"""Key names and JSON: how records look outside this program. No other module knows either.

Keys are paths under ``/stanchion/<cluster>/``, so that a person who looks into the store finds his way. Values are
JSON in an envelope, ``{"v": 1, "d": {...}}``, whose fields are those of the frozen records, one for one.

What happens when two versions of the program share a store, as they do during every rolling upgrade:

- A field that the reader does not know is ignored, a field that is missing gets its default. So whoever adds a field
  that older programs may safely overlook, and drop when they rewrite the record, leaves the version as it is.
  Refusing instead would make an old agent let go of healthy machines because a newer one noted a label.
- Everything else (a changed meaning, a field that must not be overlooked, a new member of an enum) raises
  ``VERSION``. A value of a newer version is never guessed at: ``StoreUnusable`` says that this node needs the upgrade.
- A value that is not what it should be is never repaired by guessing either, and it is left in the store untouched.
"""

import json
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from stanchion.model.access import ApiToken, Invitation, SignIn, User
from stanchion.model.cluster import Key, Kind, Live, Master, Membership, Node, Proof, Record, Session, Settings
from stanchion.model.errors import StoreUnusable
from stanchion.model.fencing import Fencing
from stanchion.model.history import Entry, Run
from stanchion.model.neighbour import Neighbour
from stanchion.model.notification import Notification, Notified
from stanchion.model.orders import Intent
from stanchion.model.past import Bound, Past
from stanchion.model.resource import ResourceSpec
from stanchion.model.standing import Standing
from stanchion.model.state import ResourceState
from stanchion.model.stray import Stray
from stanchion.model.template import Template
from stanchion.model.trust import Authority, JoinToken

VERSION = 1

_PLACES: dict[Kind, tuple[str, str]] = {
    Kind.SETTINGS: ("settings", ""),
    Kind.NODE: ("nodes/", ""),
    Kind.SESSION: ("sessions/", ""),
    Kind.LIVE: ("live/", ""),
    Kind.MASTER: ("master", ""),
    Kind.MEMBERSHIP: ("membership", ""),
    Kind.SPEC: ("resources/", "/spec"),
    Kind.PAST: ("revisions/", ""),
    Kind.BOUND: ("resources/", "/bound"),
    Kind.STATE: ("resources/", "/state"),
    Kind.TEMPLATE: ("templates/", ""),
    Kind.INTENT: ("intents/", ""),
    Kind.PROOF: ("fences/", ""),
    Kind.FENCING: ("fencing/", ""),
    Kind.STRAY: ("strays/", ""),
    Kind.AUTHORITY: ("authority", ""),
    Kind.TOKEN: ("tokens/", ""),
    Kind.STANDING: ("standing", ""),
    Kind.NOTIFICATION: ("notification", ""),
    Kind.NOTIFIED: ("notified/", ""),
    Kind.USER: ("users/", ""),
    Kind.SIGN_IN: ("sign-ins/", ""),
    Kind.API_TOKEN: ("api-tokens/", ""),
    Kind.INVITATION: ("invitations/", ""),
    Kind.NEIGHBOUR: ("neighbours/", ""),
    Kind.RUN: ("runs/", ""),
    Kind.HISTORY: ("events/", ""),
}
"""What stands before and after the name of a key of that kind."""

_TYPES: dict[Kind, type] = {
    Kind.SETTINGS: Settings,
    Kind.NODE: Node,
    Kind.SESSION: Session,
    Kind.LIVE: Live,
    Kind.MASTER: Master,
    Kind.MEMBERSHIP: Membership,
    Kind.SPEC: ResourceSpec,
    Kind.PAST: Past,
    Kind.BOUND: Bound,
    Kind.STATE: ResourceState,
    Kind.TEMPLATE: Template,
    Kind.INTENT: Intent,
    Kind.PROOF: Proof,
    Kind.FENCING: Fencing,
    Kind.STRAY: Stray,
    Kind.AUTHORITY: Authority,
    Kind.TOKEN: JoinToken,
    Kind.STANDING: Standing,
    Kind.NOTIFICATION: Notification,
    Kind.NOTIFIED: Notified,
    Kind.USER: User,
    Kind.SIGN_IN: SignIn,
    Kind.API_TOKEN: ApiToken,
    Kind.INVITATION: Invitation,
    Kind.NEIGHBOUR: Neighbour,
    Kind.RUN: Run,
    Kind.HISTORY: Entry,
}


def root(cluster: str) -> str:
    """Give the path that all keys of a cluster begin with."""
    return f"/stanchion/{cluster}/"


def path_of(cluster: str, key: Key) -> str:
    """Write a key as its path."""
    head, tail = _PLACES[key.kind]
    return f"{root(cluster)}{head}{key.name}{tail}"


def key_at(cluster: str, path: str) -> Key:
    """Read a path back into its key. Raises ``StoreUnusable`` for a path that this version does not know."""
    if path.startswith(root(cluster)):
        place = path.removeprefix(root(cluster))
        for kind, (head, tail) in _PLACES.items():
            if head.endswith("/") and place.startswith(head) and place.endswith(tail):
                return Key(kind, place[len(head):len(place) - len(tail)])
            if place == head:
                return Key(kind)
    raise StoreUnusable(f"the store holds {path}, which this version of Stanchion does not know: "
                        "upgrade this node to the version of the others")


def encode(record: Record) -> str:
    """Write a record as JSON text. Half a character (a lone surrogate) becomes ``?``.

    Raises ``ValueError`` for a number that JSON does not have, such as infinity: that is a programming error, and
    written down it could not be read back.
    """
    shape: type = type(record)
    fields = _adapter(shape).dump_python(record, mode="json")
    text = json.dumps({"v": VERSION, "d": fields}, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace").decode()


def decode(key: Key, text: str) -> Record:
    """Read a record back from JSON text. Raises ``StoreUnusable`` for a damaged value or one of a newer version."""
    try:
        envelope = json.loads(text)
        version, fields = envelope["v"], envelope["d"]
        newer = version > VERSION
    except (ValueError, KeyError, TypeError) as fault:
        raise _damaged(key, f"it is not a versioned JSON value ({fault!r})") from fault
    if newer:
        raise StoreUnusable(f"the store's {_shown(key)} was written by a newer version of Stanchion (schema {version}, "
                            f"this one knows {VERSION}): upgrade this node")
    try:
        return cast("Record", _adapter(_TYPES[key.kind]).validate_python(fields))
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        raise _damaged(key, f"{'.'.join(map(str, first['loc'])) or 'value'}: {first['msg']}") from fault


@cache
def _adapter(of: type) -> TypeAdapter[Any]:
    return TypeAdapter(of)


def _damaged(key: Key, fault: str) -> StoreUnusable:
    return StoreUnusable(f"the store's {_shown(key)} is damaged: {fault}. Nothing was changed; "
                         "restore the store from a backup")


def _shown(key: Key) -> str:
    return f"{key.kind} record {key.name!r}" if key.name else f"{key.kind} record"
