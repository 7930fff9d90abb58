"""A request's body comes whole, in time, and not too large; or the request is not carried out.

The body is not read here. What is handed on is a ``receive`` that has patience for ``BODY_S`` in all, however the body
is dripped, counts what comes, whatever ``Content-Length`` says, and ends the request when its sender is gone before it
was complete: half a body can be a whole order, another one than was meant. A refusal leaves the connection open for a
while, so that who is still sending hears of it; ``connections`` ends it.

Who hangs up in the middle of an answer is owed no more of it, and the journal no word about it.
"""

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stanchion.api.access import permits
from stanchion.api.problems import problem
from stanchion.model.errors import InvalidInput
from stanchion.wire.bounds import LARGEST_BODY_BYTES

BODY_S = 30.0
STRANGERS_BYTES = 32 * 1024
"""What is open to anybody takes a name and a password, or a certificate request. Reading more costs the agent time, in
the loop in which it renews its lease, and strangers have none to claim.
"""


class _NotWhole(BaseException):
    """There is no whole body. No ``Exception``, so that no layer in between takes it for a fault of its own."""

    def __init__(self, status: HTTPStatus | None = None, text: str = "") -> None:
        self.status = status
        self.text = text


class Patience:
    """ASGI middleware that hands requests on whose bodies come as they should."""

    def __init__(self, app: ASGIApp, *, body_s: float = BODY_S) -> None:
        self._app = app
        self._body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, until its body proves to be no good."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "transfer-encoding" in headers and "content-length" in headers:
            # Who stands in between may have believed the other one, and taken the rest for another's request.
            await problem(HTTPStatus.BAD_REQUEST, "the request gives its length twice, in two ways; send one",
                          kind=InvalidInput, headers={"connection": "close"})(scope, receive, send)
            return
        most = STRANGERS_BYTES if permits.open_to_all(scope["path"]) else LARGEST_BODY_BYTES
        said = False

        async def watched(message: Message) -> None:
            nonlocal said
            said = True
            await send(message)

        arriving = _Arriving(receive, self._body_s, most)
        try:
            arriving.expect(headers.get("content-length", "0"))
            await self._app(scope, arriving, watched)
        except _NotWhole as fault:
            if fault.status is not None and not said:
                await problem(fault.status, fault.text, kind=InvalidInput)(scope, receive, send)
        except Exception:
            if not (said and arriving.is_gone):
                raise


class _Arriving:
    """Receives a body, up to its bounds in time and size."""

    def __init__(self, receive: Receive, body_s: float, most: int) -> None:
        self._receive = receive
        self._most = most
        self._until_s = asyncio.get_running_loop().time() + body_s
        self._bytes = 0
        self._whole = False
        self.is_gone = False

    def expect(self, length: str) -> None:
        """Refuse a body that is announced as too large. Raises ``_NotWhole``."""
        self._check(int(length) if length.isdecimal() else self._most + 1)

    def _check(self, size: int) -> None:
        if size > self._most:
            raise _NotWhole(HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                            f"the request body is larger than {self._most} bytes; send less")

    async def __call__(self) -> Message:
        if self._whole:
            message = await self._receive()
            self.is_gone = message["type"] == "http.disconnect"
            return message
        try:
            async with asyncio.timeout_at(self._until_s):
                message = await self._receive()
        except TimeoutError:
            raise _NotWhole(HTTPStatus.REQUEST_TIMEOUT,
                            "the body of the request did not come in time; send it again at once") from None
        if message["type"] != "http.request":
            raise _NotWhole
        self._bytes += len(message.get("body", b""))
        self._check(self._bytes)
        self._whole = not message.get("more_body", False)
        return message
