"""A tiny identity provider on the loopback interface: OpenID Connect's code flow with PKCE, over real HTTP.

What a test changes in ``claims`` (on top of what is right), ``headers`` of the token, or ``key`` it signs with, makes
it lie. ``browse`` is the browser that follows it there and back.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

SECRET = "the provider's secret"


class Provider:
    """The provider's state, and what a test makes of it."""

    def __init__(self) -> None:
        self.issuer = ""
        self.key = RSAKey.generate_key(2048, {"kid": "first"}, auto_kid=False)
        self.signs_with: RSAKey | OctKey = self.key
        self.algorithm = "RS256"
        self.person: dict[str, Any] = {"sub": "42", "preferred_username": "Anna", "groups": ["staff", "cluster-admins"]}
        self.claims: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.refuses = ""
        self.asked: list[str] = []

    def authorize(self, asked: dict[str, str]) -> str:
        """Sign the person in, and send the browser back."""
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        back = {"state": asked["state"]}
        if self.refuses:
            back |= {"error": "access_denied", "error_description": self.refuses}
        else:
            code = f"code-{len(self.codes)}"
            self.codes[code] = asked
            back["code"] = code
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Exchange a code, once, for who proves to be who began."""
        began = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        client, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        good = (began is not None and began["redirect_uri"] == form["redirect_uri"] and client == "stanchion"
                and secret == SECRET.replace(" ", "%20").replace("'", "%27")
                and challenge.decode().rstrip("=") == began["code_challenge"])
        if began is None or not good:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "stanchion", "iat": now, "exp": now + 300, "nonce": began["nonce"],
                  **self.person, **self.claims}
        given = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.signs_with.kid}
        return 200, {"token_type": "Bearer", "access_token": "x", "id_token": jwt.encode(
            header, given, self.signs_with, algorithms=[self.algorithm])}

    def described(self) -> dict[str, Any]:
        """Say where all is."""
        return {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys"}


@contextmanager
def running() -> Iterator[Provider]:
    """Let a provider answer on a free port."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            at = urlsplit(self.path)
            provider.asked.append(at.path)
            match at.path:
                case "/.well-known/openid-configuration":
                    self._tell(200, provider.described())
                case "/keys":
                    self._tell(200, {"keys": [provider.key.as_dict(private=False)]})
                case "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(dict(parse_qsl(at.query))))
                    self.end_headers()
                case _:
                    self._tell(404, {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._tell(*provider.token(dict(parse_qsl(body)), self.headers.get("Authorization", "")))

        def _tell(self, status: int, told: dict[str, Any]) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def browse(door: str) -> dict[str, str]:
    """Go where a browser is sent, and give the query with which it comes back."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.get(door)
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
