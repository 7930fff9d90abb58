"""The gate before the application: who asks, whether he may, and how much may be sent.

It finds out who asks (``access.identity``), refuses what his role does not cover (``access.permits``), and refuses what
a page of somebody else could have made his browser send. Every path but the open ones needs somebody who is known, also
those that do not exist. A request's body is read here up to a bound and handed on: a client that sends more, or that
sends without end, never reaches a parser.

For pages of the console the answer to nobody is not a problem but the sign-in page: reading ones are let through with
``request.state.who`` None and redirect by themselves, everything else is redirected here.
"""

import json
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stanchion.api.access import audit, identity, permits, sessions
from stanchion.api.access.principal import Principal
from stanchion.api.problems import problem, status_of
from stanchion.api.services import Services
from stanchion.model.errors import InvalidInput, NotAllowed, NotPermitted
from stanchion.wire.bounds import LARGEST_BODY_BYTES

CONSOLE = "/console"
SIGN_IN = "/console/sign-in?to=/console/"

MOST_FIELDS = 2000
CHANGED_NOTHING = frozenset(range(400, 500)) - {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
"""Answers after which the audit says nothing: the request was wrong, and nothing became of it."""
UNCHANGED = "x-stanchion-unchanged"
"""A header of the console's answers that are no error and yet changed nothing: a question whether it is wanted, say."""
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


_TOO_LARGE = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                     f"the request body is larger than {LARGEST_BODY_BYTES} bytes; send less", kind=InvalidInput)


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
        body: bytes | None = b""
        try:
            _judge(scope, headers)
        except NotAllowed as fault:
            answer: ASGIApp = _refused(scope, fault)
        else:
            body = await _read(headers, receive)
            answer = self._app if body is not None else _TOO_LARGE
        told = _Audited(scope, headers, body or b"", send)
        try:
            await answer(scope, _Replay(body or b"", receive), told)
        except Exception:
            await told.failed()
            raise


class _Audited:
    """Hands an answer on, and writes down before it goes out what somebody asked who is known."""

    def __init__(self, scope: Scope, headers: Headers, body: bytes, send: Send) -> None:
        self._scope = scope
        self._headers = headers
        self._body = body
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and UNCHANGED not in Headers(raw=message["headers"]):
            await self._note(message["status"])
        await self._send(message)

    async def failed(self) -> None:
        """Write down what met an error of the agent's own: something may have become of it."""
        await self._note(HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _note(self, status: int) -> None:
        method, path, who = self._scope["method"], self._scope["path"], self._scope["state"]["who"]
        if who is None or method in permits.SAFE or permits.open_to_all(path) or status in CHANGED_NOTHING:
            return
        row = permits.row(method, path)
        if row is not None and not row.changes:
            return
        about = self._scope["state"].get("about") or "/".join(str(part) for part in row.parts.values()) if row else ""
        await audit.note(self._scope["app"].state.services, audit.Deed(
            who=who, method=method, route=row.route if row else path[:200], status=status, object=about[:200],
            comment=_comment(self._headers, self._body)))


def _judge(scope: Scope, headers: Headers) -> None:
    """Find out who asks, and whether he may. Raises ``NotAllowed`` for nobody, ``NotPermitted`` for somebody."""
    method, path = scope["method"], scope["path"]
    here: Services = scope["app"].state.services
    unsafe, console = method not in permits.SAFE, _of_console(path)
    state = scope.setdefault("state", {})
    state["who"] = None
    if permits.open_to_all(path):
        state["who"] = _visitor(here, headers, scope)
        if unsafe and console:
            _check_origin(scope, headers)
        return
    who = state["who"] = _caller(here, headers, scope)
    if who is None and (unsafe or not console):
        # Says what to do in the words of who has no browser; browsers are sent to the sign-in page.
        identity.bearer(here, headers, "")
    if unsafe and (console or (who is not None and who.how == "session")):
        _check_origin(scope, headers)
        _check_content(headers, console=console)
    needed = permits.row(method, path)
    if needed is None and not _exists(scope, scope["app"].routes):
        return
    fault = permits.refusal(who, needed)
    if fault:
        raise NotPermitted(fault)
    if who is not None and who.how == "session":
        sessions.seen(here, who.sign_in)


def _comment(headers: Headers, body: bytes) -> str:
    """Give what somebody says about a request: in its header, or as the field ``why`` of a form or of JSON."""
    said: object = headers.get(audit.COMMENT_HEADER)
    if said is None:
        kind = headers.get("content-type", "")
        try:
            if kind.startswith(FORMS[0]):
                said = parse_qs(body.decode(), max_num_fields=MOST_FIELDS).get("why", [""])[0]
            elif kind.startswith("application/json") and b'"why"' in body:
                said = json.loads(body).get("why")
        except (ValueError, AttributeError, RecursionError):
            said = None
    return audit.comment(said) if isinstance(said, str) else ""


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


def _exists(scope: Scope, routes: Sequence[BaseRoute]) -> bool:
    """Tell whether any route answers this; what no route answers is answered with that."""
    for route in routes:
        match, below = route.matches(scope)
        if match is Match.FULL and (not isinstance(route, Mount) or not route.routes
                                    or _exists({**scope, **below}, route.routes)):
            return True
    return False


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
