"""The gate before the application: who asks, whether he may, and how much may be sent.

It finds out who asks (``access.identity``), refuses what his role does not cover (``access.permits``), and refuses what
a page of somebody else could have made his browser send. Every path but the open ones needs somebody who is known, also
those that do not exist. A request's body is read here up to a bound and handed on: a client that sends more, or that
sends without end, never reaches a parser.

For pages of the console the answer to nobody is not a problem but the sign-in page: reading ones are let through with
``request.state.who`` None and redirect by themselves, everything else is redirected here.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stanchion.api.access import identity, permits
from stanchion.api.access.principal import Principal
from stanchion.api.problems import problem, status_of
from stanchion.api.services import Services
from stanchion.model.errors import InvalidInput, NotAllowed, NotPermitted

LARGEST_BODY_BYTES = 1024 * 1024
"""Scripts are kilobytes; a megabyte is more than any resource needs."""

CONSOLE = "/console"
SIGN_IN = "/console/sign-in"

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Gate:
    """ASGI middleware that lets pass who is known and may, and bounds request bodies.

    ``app.state.refused``, where the console has set it, makes the page for a refusal on a path of the console: it is
    called with the scope and the error.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._judge(scope, headers)
        except NotAllowed as fault:
            await _refused(scope, fault)(scope, receive, send)
            return
        body = await _read(headers, receive)
        if body is None:
            text = f"the request body is larger than {LARGEST_BODY_BYTES} bytes; send less"
            await problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text, kind=InvalidInput)(scope, receive, send)
            return
        await self._app(scope, _Replay(body, receive), send)

    def _judge(self, scope: Scope, headers: Headers) -> None:
        """Find out who asks, and whether he may. Raises ``NotAllowed`` for nobody, ``NotPermitted`` for somebody."""
        method, path = scope["method"], scope["path"]
        here: Services = scope["app"].state.services
        unsafe, console = method not in permits.SAFE, _of_console(path)
        state = scope.setdefault("state", {})
        state["who"] = None
        if unsafe and console:
            _check_origin(scope, headers)
        if permits.open_to_all(path):
            state["who"] = _visitor(here, headers, scope)
            return
        who = state["who"] = _caller(here, headers, scope)
        if who is None and not (console and not unsafe):
            # Says what to do in the words of who has no browser; browsers are sent to the sign-in page.
            identity.bearer(here, headers, "")
        if who is not None and unsafe and who.how == "session":
            _check_origin(scope, headers)
            _check_content(headers, console=console)
        needed = permits.row(method, path)
        if needed is None and not _exists(scope):
            return
        fault = permits.refusal(who, needed)
        if fault:
            raise NotPermitted(fault)


def _caller(here: Services, headers: Headers, scope: Scope) -> Principal | None:
    """Tell who asks; None: nobody who says so. Raises ``NotAllowed`` for a bearer token that is no good."""
    if "authorization" in headers:
        return identity.bearer(here, headers, _address(scope))
    return _visitor(here, headers, scope)


def _visitor(here: Services, headers: Headers, scope: Scope) -> Principal | None:
    value = cookie_parser(headers.get("cookie", "")).get(identity.COOKIE, "")
    return identity.cookie(here, value, _address(scope)) if value else None


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _of_console(path: str) -> bool:
    return path == CONSOLE or path.startswith(f"{CONSOLE}/")


def _exists(scope: Scope) -> bool:
    """Tell whether any route answers this; what no route answers is answered with that."""
    asked: dict[str, Any] = dict(scope)
    return any(route.matches(asked)[0] is Match.FULL for route in scope["app"].routes)


def _check_origin(scope: Scope, headers: Headers) -> None:
    """Refuse what another site's page made a browser send. Raises ``NotPermitted``.

    Browsers say where a request comes from, and no page can make them lie. One that says nothing is refused.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        good = site in {"same-origin", "none"}
    else:
        good = origin is not None and origin != "null" and _host(origin) == (
            scope.get("scheme", "http"), headers.get("host", "").lower())
    if not good:
        raise NotPermitted("this came from a page of another site, or from a browser that does not say from where; "
                           "open the console itself and repeat it there")


def _host(origin: str) -> tuple[str, str]:
    parts = urlsplit(origin)
    return parts.scheme.lower(), parts.netloc.lower()


def _check_content(headers: Headers, *, console: bool) -> None:
    """Refuse content that a browser sends without asking first, but for the console's own forms."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    empty = not kind and headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    if not (empty or kind == "application/json" or (console and kind in FORMS)):
        raise NotPermitted("a browser's session sends application/json here; use an API token for anything else")


def _refused(scope: Scope, fault: NotAllowed) -> Response:
    """Answer somebody who may not."""
    status = status_of(fault)
    if _of_console(scope["path"]):
        if status is HTTPStatus.UNAUTHORIZED:
            return RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
        page = getattr(scope["app"].state, "refused", None)
        if page is not None:
            made: Response = page(scope, fault)
            return made
    headers = {"www-authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
    return problem(status, str(fault), kind=type(fault), headers=headers)


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
