"""Finding out who asks: from a bearer token, which may be the cluster's or one of the API, or from a cookie.

Secrets are compared in constant time, or looked up by a digest that nobody can steer, so that answering times tell
nothing about them. A user's role is read anew for every request: what an administrator changes counts at once.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Protocol

from stanchion.api.access.principal import Principal, spoken
from stanchion.model.access import ApiToken, Role, User
from stanchion.model.cluster import ClusterView
from stanchion.model.errors import NotAllowed
from stanchion.ports import Clock
from stanchion.wire.requests import BY_HEADER

COOKIE = "__Host-stanchion"
"""The name of the sessions' cookie; browsers send one of such a name over TLS, to the host alone that set it."""

TOKEN_MARK = "stanchion"  # noqa: S105 - what every API token begins with, so that leaks are found by searching
IDLE_S = 3600.0
"""How long a session lives without a request."""


class Doorman(Protocol):
    """What is needed to know somebody: part of ``api.services.Services``."""

    @property
    def token(self) -> str:
        """The cluster's token."""
        ...

    @property
    def token_file(self) -> str:
        """Where it stands on this host."""
        ...

    @property
    def clock(self) -> Clock:
        """The host's clocks."""
        ...

    def view(self) -> ClusterView:
        """Give the agent's present view."""
        ...


def digest(secret: str) -> str:
    """Give what is kept of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def bearer(here: Doorman, headers: Mapping[str, str], address: str) -> Principal:
    """Tell who sent an ``Authorization`` header. Raises ``NotAllowed``, with what to do about it."""
    where = f"it stands in {here.token_file} on this host" if here.token_file else "it stands in the agent's token file"
    scheme, _, given = headers.get("authorization", "").partition(" ")
    given = given.strip()
    if scheme.lower() != "bearer" or not given:
        raise NotAllowed(f"this needs the cluster's token; {where}, give it with --token-file")
    if hmac.compare_digest(given.encode(), here.token.encode()):
        return Principal(name=spoken(headers.get(BY_HEADER.lower(), "")), role=Role.ADMINISTRATOR, how="cluster",
                         address=address)
    if not given.startswith(f"{TOKEN_MARK}_"):
        raise NotAllowed(f"the token is not this cluster's; {where}, give it with --token-file")
    found = _api_token(here, given)
    return Principal(name=f"token:{found.name}", role=found.role, how="token", address=address,
                     resources=found.resources)


def cookie(here: Doorman, value: str, address: str) -> Principal | None:
    """Tell whose session a cookie is; None: of nobody, or it has ended."""
    name = digest(value)
    user = session_of(here.view(), name, here.clock.now().wall_s)
    if user is None:
        return None
    return Principal(name=user.name, role=user.role, how="session", address=address, sign_in=name)


def session_of(view: ClusterView, name: str, now_s: float) -> User | None:
    """Give the user of a session that is good: not too old, used lately, and the user is as he was when it began."""
    held = view.sign_ins.get(name)
    if held is None or now_s >= min(held.value.expires_at_s, held.value.seen_at_s + IDLE_S):
        return None
    user = view.users.get(held.value.user)
    if user is None or user.value.locked or user.revision != held.value.vouched:
        return None
    return user.value


def still(here: Doorman, who: Principal) -> bool:
    """Tell whether who was known a while ago still is, for what goes on long after its request was let in."""
    view, now_s = here.view(), here.clock.now().wall_s
    match who.how:
        case "session":
            return session_of(view, who.sign_in, now_s) is not None
        case "token":
            return any(f"token:{held.value.name}" == who.name and not held.value.expired(now_s)
                       for held in view.api_tokens.values())
        case "cluster":
            return True


def _api_token(here: Doorman, given: str) -> ApiToken:
    another = "an administrator makes another: `stanchion api-token create`"
    name, _, secret = given.removeprefix(f"{TOKEN_MARK}_").partition("_")
    held = here.view().api_tokens.get(name)
    kept = held.value.digest if held else digest("")
    if not hmac.compare_digest(kept, digest(secret)) or held is None or not secret:
        raise NotAllowed(f"there is no such API token: it was revoked, or it is another cluster's; {another}")
    if held.value.expired(here.clock.now().wall_s):
        raise NotAllowed(f"the API token {held.value.name} has expired; {another}")
    return held.value
