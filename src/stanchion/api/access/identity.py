"""Finding out who asks: from a bearer token, which may be the cluster's or one of the API, or from a cookie.

Secrets are compared in constant time, or looked up by a digest that nobody can steer, so that answering times tell
nothing about them. A user's role is read anew for every request: what an administrator changes counts at once.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Protocol

from stanchion.api.access.principal import Principal, spoken
from stanchion.model.access import ApiToken, Role, SignIn
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
    view = here.view()
    held = view.sign_ins.get(digest(value))
    if held is None or ended(held.value, here.clock.now().wall_s):
        return None
    user = view.users.get(held.value.user)
    if user is None or user.value.locked:
        return None
    return Principal(name=user.value.name, role=user.value.role, how="session", address=address, sign_in=held.value.id)


def ended(session: SignIn, now_s: float) -> bool:
    """Tell whether a session is over, by its age or because nobody used it."""
    return now_s >= session.expires_at_s or now_s >= session.seen_at_s + IDLE_S


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
