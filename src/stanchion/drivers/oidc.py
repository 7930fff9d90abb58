"""An identity provider that speaks OpenID Connect: the code flow with PKCE.

The provider's own description (``/.well-known/openid-configuration``) says where all is; it is read once an hour, its
keys when a token names one that is not known yet. Of its answer nothing counts but the identity token, and of that only
what its signature, issuer, audience, times and nonce prove. Symmetric signatures and ``none`` are never taken.

Needs the package ``joserfc`` (``stanchion[oidc]``). Requests are made in threads; answers are bounded in size and time,
and a redirect is an error.
"""

import asyncio
import base64
import http.client
import json
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from stanchion.model.errors import HostError, NotAllowed
from stanchion.ports import Vouched

PATIENCE_S = 10.0
LARGEST_BYTES = 1024 * 1024
FRESH_S = 3600.0
LEEWAY_S = 60
"""How far the provider's clock and ours may be apart."""
SIGNED_WITH = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class OidcProvider:
    """One provider, and what we are to it. ``secret_file`` None: we are a public client, known by PKCE alone.

    ``name_claim`` holds the user's name, ``groups_claim`` his groups, a list or one text; with dots, one inside
    another.
    """

    def __init__(self, issuer: str, client: str, *, secret_file: Path | None = None, ca: Path | None = None,
                 name_claim: str = "preferred_username", groups_claim: str = "groups") -> None:
        self._issuer = issuer.rstrip("/")
        self._client = client
        self._secret_file = secret_file
        self._ca = ca
        self._name_claim = name_claim
        self._groups_claim = groups_claim
        self._description: Mapping[str, Any] = {}
        self._read_at = -FRESH_S
        self._keys: Mapping[str, Any] = {}

    async def door(self, back: str, *, state: str, nonce: str, challenge: str) -> str:
        """Give the address to which a browser is sent. Raises ``HostError``."""
        where = str((await asyncio.to_thread(self._described)).get("authorization_endpoint", ""))
        asked = {"response_type": "code", "client_id": self._client, "redirect_uri": back,
                 "scope": "openid profile email", "state": state, "nonce": nonce,
                 "code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{_checked(where)}{'&' if '?' in where else '?'}{urlencode(asked)}"

    async def redeem(self, code: str, back: str, *, verifier: str, nonce: str) -> Vouched:
        """Exchange a code for an identity. Raises ``NotAllowed`` where it proves nothing, ``HostError``."""
        return await asyncio.to_thread(self._redeemed, code, back, verifier, nonce)

    def _redeemed(self, code: str, back: str, verifier: str, nonce: str) -> Vouched:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier,
                "client_id": self._client}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._secret_file is not None:
            pair = f"{quote(self._client, safe='')}:{quote(_secret(self._secret_file), safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        status, told = self._asked("POST", str(self._described().get("token_endpoint", "")),
                                   urlencode(form), headers)
        token = told.get("id_token")
        if status != http.HTTPStatus.OK or not isinstance(token, str):
            said = str(told.get("error_description") or told.get("error") or f"HTTP {status}")[:200]
            raise NotAllowed(f"the identity provider does not take its code back ({said}); begin the sign-in again")
        claims = self._proven(token, nonce)
        name = _claim(claims, self._name_claim)
        if not isinstance(name, str) or not name:
            raise NotAllowed(f"the identity provider names nobody in its claim {self._name_claim}; an administrator "
                             "can name another in agent.toml")
        groups = _claim(claims, self._groups_claim)
        listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        return Vouched(name=name, groups=tuple(each for each in listed if isinstance(each, str)))

    def _proven(self, token: str, nonce: str) -> Mapping[str, Any]:
        """Give the claims of a token that is the provider's, for us, now, and for this sign-in."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            try:
                read = jwt.decode(token, KeySet.import_key_set(self._known_keys(anew=False)), algorithms=SIGNED_WITH)
            except (JoseError, ValueError, KeyError):  # perhaps signed with a new key
                read = jwt.decode(token, KeySet.import_key_set(self._known_keys(anew=True)), algorithms=SIGNED_WITH)
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY_S, iss={"essential": True, "value": str(self._described()["issuer"])},
                aud={"essential": True, "value": self._client}, exp={"essential": True}, iat={"essential": True},
                nonce={"essential": True, "value": nonce}).validate(read.claims)
        except (JoseError, ValueError, KeyError, TypeError) as fault:
            raise NotAllowed(f"the identity provider's token proves nothing ({fault}); begin the sign-in "
                             "again") from None
        party = read.claims.get("azp", self._client)
        if party != self._client:
            raise NotAllowed("the identity provider's token is for another program; begin the sign-in again")
        return read.claims

    def _described(self) -> Mapping[str, Any]:
        """Give the provider's description of itself. Raises ``HostError``."""
        if time.monotonic() - self._read_at >= FRESH_S:
            status, told = self._asked("GET", f"{self._issuer}/.well-known/openid-configuration")
            if status != http.HTTPStatus.OK or str(told.get("issuer", "")).rstrip("/") != self._issuer:
                raise HostError(f"the identity provider at {self._issuer} does not describe itself (HTTP {status}); "
                                "correct oidc_issuer in agent.toml")
            self._description, self._read_at = told, time.monotonic()
        return self._description

    def _known_keys(self, *, anew: bool) -> Any:
        if anew or not self._keys:
            _, self._keys = self._asked("GET", str(self._described().get("jwks_uri", "")))
        return self._keys

    def _asked(self, method: str, url: str, body: str | None = None,
               headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """Ask the provider; give the status and what it told. Raises ``HostError``."""
        at = urlsplit(_checked(url))
        assert at.hostname is not None
        try:
            if at.scheme == "https":
                trusted = ssl.create_default_context(cafile=self._ca)
                line: http.client.HTTPConnection = http.client.HTTPSConnection(
                    at.hostname, at.port, timeout=PATIENCE_S, context=trusted)
            else:
                line = http.client.HTTPConnection(at.hostname, at.port, timeout=PATIENCE_S)
            try:
                line.request(method, f"{at.path or '/'}{'?' + at.query if at.query else ''}", body,
                             {"Accept": "application/json", **(headers or {})})
                answer = line.getresponse()
                told = json.loads(answer.read(LARGEST_BYTES))
            finally:
                line.close()
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise HostError(f"the identity provider at {at.netloc} cannot be asked ({problem}); try again, or sign in "
                            "with a password") from None
        return answer.status, told if isinstance(told, dict) else {}


def _checked(url: str) -> str:
    """Refuse an address where others could listen. Raises ``HostError``."""
    at = urlsplit(url)
    if not at.hostname or (at.scheme != "https" and not (at.scheme == "http" and at.hostname in LOOPBACK)):
        raise HostError(f"the identity provider's address {url!r} is no https:// address; correct oidc_issuer in "
                        "agent.toml")
    return url


def _secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise HostError(f"the file {path} with the identity provider's secret cannot be read: {problem}") from None


def _claim(claims: Mapping[str, Any], path: str) -> object:
    """Give a claim; a path with dots leads into another one, unless there is one of that very name."""
    if path in claims:
        return claims[path]
    found: object = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
