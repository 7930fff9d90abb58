"""People and programs that use a cluster, as they cross HTTP: users, sessions, API tokens, and what they did."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from stanchion.model.access import Origin, Role
from stanchion.wire.bounds import Flag, Name, Seconds
from stanchion.wire.replies import Reply
from stanchion.wire.requests import Request

DAY_S = 86_400

UserName = Annotated[str, Field(min_length=1, max_length=64)]
"""A user's name, in any case: letters, digits and . _ @ + -, the first a letter or digit."""
Password = Annotated[str, Field(max_length=1024)]
"""A password: at least 12 letters, whichever they are."""


class UserInfo(Reply):
    """A user. ``sessions``: how many browsers he is signed in with now."""

    name: str
    role: Role
    origin: Origin
    locked: bool
    made_at: datetime | None
    by: str
    sessions: int


class InvitationInfo(Reply):
    """An invitation that nobody has accepted yet."""

    user: str
    role: Role
    by: str
    expires_at: datetime | None


class UserList(Reply):
    """The users, and who is invited."""

    users: tuple[UserInfo, ...]
    invitations: tuple[InvitationInfo, ...]


class InviteOrder(Request):
    """Invite somebody, or give a user who lost his password a link for a new one; he keeps the role that he has."""

    name: UserName
    role: Role = Role.VIEWER
    valid_s: Annotated[Seconds, Field(ge=60, le=7 * DAY_S)] = 3600.0


class InvitationMade(Reply):
    """A one-time link. ``path`` is told this once and kept nowhere; ``url`` is it at the node that answered."""

    user: str
    role: Role
    path: str
    url: str
    expires_at: datetime | None


class UserChange(Request):
    """What to change of a user; what is left out stays."""

    role: Role | None = None
    locked: Flag | None = None


class PasswordChange(Request):
    """A new password for who is signed in."""

    old: Password
    new: Password


class ApiTokenOrder(Request):
    """Make an API token. Without ``valid_s`` it is good until it is revoked.

    ``resources``: it gives orders to these alone; left out, to all.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    role: Role = Role.VIEWER
    valid_s: Annotated[Seconds, Field(ge=60, le=3650 * DAY_S)] | None = None
    resources: Annotated[tuple[Name, ...], Field(max_length=100)] = ()


class ApiTokenInfo(Reply):
    """An API token without its secret."""

    id: str
    name: str
    role: Role
    by: str
    made_at: datetime | None
    expires_at: datetime | None
    expired: bool
    resources: tuple[str, ...] = ()


class ApiTokenMade(Reply):
    """A new API token. ``token`` is told this once and kept nowhere."""

    token: str
    info: ApiTokenInfo


class ApiTokenList(Reply):
    """The API tokens."""

    tokens: tuple[ApiTokenInfo, ...]


class SignInInfo(Reply):
    """A browser's session. ``mine``: it is the one that asks. ``agent``: what the browser calls itself."""

    id: str
    user: str
    address: str
    agent: str
    made_at: datetime | None
    seen_at: datetime | None
    expires_at: datetime | None
    mine: bool = False


class SignInList(Reply):
    """Sessions, the newest first."""

    sign_ins: tuple[SignInInfo, ...]


class Me(Reply):
    """Who asks, and how he is known."""

    name: str
    role: Role
    how: Literal["session", "token", "cluster"]
    address: str
    sign_in: str | None = None
    resources: tuple[str, ...] = ()


class AuditInfo(Reply):
    """One thing that somebody did or tried. ``what`` says it in one clause.

    ``status`` is the answer to a request, null for what was no request of its own; ``why`` is what he said about it.
    """

    id: str
    at: datetime | None
    node: str | None
    user: str
    address: str
    what: str
    route: str = ""
    object: str = ""
    status: int | None = None
    why: str = ""


class AuditPage(Reply):
    """What was done, the oldest first; ``last`` is the id to continue after."""

    entries: tuple[AuditInfo, ...]
    last: str = ""
