"""The console as an application of its own, mounted at ``/console`` beside the API, with the same services.

What a page cannot do it says in the console's own way: an error is a page with one sentence on it, and who is not
signed in is led to the sign-in. The headers are strict on every answer: no script, style or picture but our own, and
no page of ours inside another.
"""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stanchion.api import access
from stanchion.api.problems import invalid_sentence, status_of
from stanchion.api.services import Services
from stanchion.model.errors import NotAllowed, StanchionError, TooSoon
from stanchion.web import (
    alerts,
    audit,
    balance,
    capacity,
    clusters,
    events,
    fences,
    me,
    moving_in,
    node,
    nodes,
    overview,
    render,
    report,
    resources,
    shell,
    signing_in,
    tokens,
    users,
    what_if,
)
from stanchion.web.resource import pages as resource
from stanchion.web.settings import routes as settings
from stanchion.web.tailoring import editing as template_editing
from stanchion.web.tailoring import pages as templates
from stanchion.web.visit import SignInFirst
from stanchion.web.wizard import pages as wizard

PAGES = (
    alerts, audit, balance, capacity, clusters, events, fences, me, moving_in, node, nodes, overview, report, resource,
    resources,
    settings, signing_in, template_editing, templates, tokens, users, what_if, wizard,
)
"""Every page's module, by name."""

HEADERS = {
    "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

FRAMEWORK: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: "there is no such page; the ways above lead to those that there are",
    HTTPStatus.METHOD_NOT_ALLOWED: "there is nothing to see at this address; it only takes what a form sends, and the "
                                   "ways above lead to the pages",
}
"""What the framework refuses by itself, in the console's words."""

log = structlog.get_logger(__name__)


def install(app: FastAPI) -> None:
    """Mount the console on the application that answers for this agent. Raises where a template is broken."""
    render.check()
    console = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    console.state = app.state
    for part in PAGES:
        console.include_router(part.router)
    console.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    _answer_errors(console)
    app.mount("/console", console)
    app.state.refused = _refused
    app.add_middleware(_Headers)
    app.state.spoken = audit.spoken(app)

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return RedirectResponse("/console/", HTTPStatus.SEE_OTHER)

    @app.get("/favicon.ico", include_in_schema=False)
    async def icon() -> Response:
        return RedirectResponse("/console/static/icon.svg", HTTPStatus.SEE_OTHER)


class _Headers:
    """Puts the strict headers on every answer of the console; what is not static is never kept by a browser."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if path != "/console" and not path.startswith("/console/"):
            await self._app(scope, receive, send)
            return
        static = path.startswith("/console/static/")
        more = HEADERS | {"cache-control": "no-cache" if static else "no-store"}

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(
                    (name.encode(), value.encode()) for name, value in more.items() if name.encode() not in known)]
            await send(message)

        await self._app(scope, receive, told)


def _page(request: Request, status: int, text: str) -> Response:
    """Say on a page what is wrong, and what to do."""
    here: Services = request.app.state.services
    what, _, do = text.partition("; ")
    context = {**shell.around(here, access.of(request), request), "status": status, "what": what, "do": do}
    return HTMLResponse(render.template("error.html").render(context), status)


def _refused(scope: Scope, fault: NotAllowed) -> Response:
    """Answer who is known and may not, before any route is reached."""
    return _page(Request(scope), status_of(fault), str(fault))


def _answer_errors(console: FastAPI) -> None:
    """Answer every error of the console as a page."""

    @console.exception_handler(SignInFirst)
    async def unknown(_: Request, error: SignInFirst) -> Response:
        return RedirectResponse(error.way, HTTPStatus.SEE_OTHER)

    @console.exception_handler(StanchionError)
    async def stanchion(request: Request, error: StanchionError) -> Response:
        answer = _page(request, status_of(error), str(error))
        if isinstance(error, TooSoon):
            answer.headers["retry-after"] = f"{error.retry_after_s:.0f}"
        return answer

    @console.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, invalid_sentence(error.errors()))

    @console.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> Response:
        return _page(request, error.status_code, FRAMEWORK.get(error.status_code, str(error.detail)))

    @console.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("the console failed", method=request.method, path=request.url.path, exc_info=error)
        return _page(request, HTTPStatus.INTERNAL_SERVER_ERROR,
                     f"the agent met an error of its own ({type(error).__name__}); its journal holds the details")
