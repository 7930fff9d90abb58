"""Signing in at an identity provider: the browser is sent there, and comes back with a code.

What must come back unchanged is remembered here for ten minutes, bound to the browser by a cookie of its own, so that
nobody can have somebody else signed in under his own name (``state``), use a code that was taken elsewhere (PKCE's
``verifier``), or replay an answer (``nonce``). The way back leads to the node that sent the browser away.

The session's cookie is never sent with what another site began, and the way back began there. So the page that answers
it must be a page with a link or a refresh to the console, not a redirect.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from starlette.responses import Response

from stanchion.api.access import identity, outside, sessions
from stanchion.api.access.brake import Away
from stanchion.api.services import Services
from stanchion.model.access import Origin
from stanchion.model.errors import NotAllowed, NotFound
from stanchion.ports import IdentityProvider

COOKIE = "__Host-stanchion-away"
AWAY_S = 600.0
MOST = 1000

_AGAIN = "begin the sign-in again"


def offered(here: Services) -> bool:
    """Tell whether there is an identity provider to sign in at."""
    return here.outside.provider is not None


async def begin(here: Services, back: str) -> tuple[str, str]:
    """Give the address to send a browser to, and the value for its cookie ``COOKIE``. Raises ``HostError``.

    ``back`` is the whole address to which it comes back.
    """
    provider, now_s, known = _provider(here), here.clock.now().mono_s, here.vigil.away
    state, nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(4))
    door = await provider.door(back, state=state, nonce=nonce, challenge=_challenge(verifier))
    for old in [key for key, away in known.items() if away.until_s <= now_s]:
        del known[old]
    while len(known) >= MOST:
        del known[next(iter(known))]
    known[state] = Away(browser=identity.digest(browser), nonce=nonce, verifier=verifier, back=back,
                        until_s=now_s + AWAY_S)
    return door, browser


async def finish(here: Services, query: Mapping[str, str], browser: str, address: str, agent: str = "") -> str:
    """Take a browser that came back, and give the value for its session's cookie.

    ``query`` is that of the address at which it came back, ``browser`` the value of ``COOKIE``. Raises ``NotAllowed``,
    ``HostError``.
    """
    provider = _provider(here)
    away = here.vigil.away.pop(query.get("state", ""), None)
    if away is None or here.clock.now().mono_s >= away.until_s:
        raise NotAllowed(f"this sign-in was not begun here, or too long ago; {_AGAIN}")
    if not hmac.compare_digest(away.browser, identity.digest(browser)):
        raise NotAllowed(f"this sign-in was begun in another browser; {_AGAIN}")
    if "error" in query or "code" not in query:
        said = query.get("error_description") or query.get("error") or "no code"
        raise NotAllowed(f"the identity provider did not let you in ({said[:200]}); {_AGAIN}")
    vouched = await provider.redeem(query["code"], away.back, verifier=away.verifier, nonce=away.nonce)
    held = await outside.admit(here, vouched, Origin.OIDC, address)
    return await sessions.begin(here, held, address, agent)


def set_cookie(answer: Response, browser: str) -> None:
    """Have a browser keep what binds it to its sign-in; it must be sent on the way back, which another site begins."""
    answer.set_cookie(COOKIE, browser, max_age=int(AWAY_S), path="/", secure=True, httponly=True, samesite="lax")


def _provider(here: Services) -> IdentityProvider:
    if here.outside.provider is None:
        raise NotFound("there is no identity provider here; agent.toml names one in `oidc_issuer`")
    return here.outside.provider


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
