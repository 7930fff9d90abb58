"""The gate before the application: who may pass, and how much may be sent.

The token is compared in constant time, so that answering times tell nothing about it. Every path but the health
check needs it, also those that do not exist. A request's body is read here up to a bound and handed on: a client that
sends more, or that sends without end, never reaches a parser.
"""

import hmac
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stanchion.api.problems import problem
from stanchion.model.errors import InvalidInput, NotAllowed

LARGEST_BODY_BYTES = 1024 * 1024
"""Scripts are kilobytes; a megabyte is more than any resource needs."""

OPEN_PATHS = frozenset({"/v1/health", "/v1/join"})
"""What is answered without the token; who joins has a token of another kind."""


class Gate:
    """ASGI middleware that asks for the bearer token and bounds request bodies."""

    def __init__(self, app: ASGIApp, *, token: str, token_file: str) -> None:
        self._app = app
        self._token = token.encode()
        self._where = f"it stands in {token_file} on this host" if token_file else "it stands in the agent's token file"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["path"] not in OPEN_PATHS:
            fault = self._token_fault(headers.get("authorization", ""))
            if fault:
                refusal = problem(HTTPStatus.UNAUTHORIZED, fault, kind=NotAllowed,
                                  headers={"www-authenticate": "Bearer"})
                await refusal(scope, receive, send)
                return
        body = await _read(headers, receive)
        if body is None:
            text = f"the request body is larger than {LARGEST_BODY_BYTES} bytes; send less"
            await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text, kind=InvalidInput)(scope, receive, send)
            return
        await self._app(scope, _Replay(body, receive), send)

    def _token_fault(self, authorization: str) -> str:
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer" or not given:
            return f"this needs the cluster's token; {self._where}, give it with --token-file"
        if not hmac.compare_digest(given.strip().encode(), self._token):
            return f"the token is not this cluster's; {self._where}, give it with --token-file"
        return ""


async def _read(headers: Headers, receive: Receive) -> bytes | None:
    """Read the whole body; None: it is too large."""
    announced = headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > LARGEST_BODY_BYTES:
        return None
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        body += bytes(message.get("body", b""))
        if len(body) > LARGEST_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return body


class _Replay:
    """Hands the body that was read on, then whatever the connection says."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
