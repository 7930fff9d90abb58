"""The doors of the console: signing in and out, and the one-time link with which a person sets his own password.

Nobody is known here yet, so these pages tell nothing of the cluster but its name. Where people wanted to go is kept
over the sign-in, as far as it is a page of this console: a link in somebody's mail cannot lead them elsewhere.
"""

import math
from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from stanchion.api import access
from stanchion.api.access import identity, people, provider, sessions
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, NotAllowed, StanchionError, TooSoon
from stanchion.web import forms, render, shell
from stanchion.web.visit import SIGN_IN

router = APIRouter()

HOME = "/console/"
BACK = f"{SIGN_IN}/back"
"""Where an identity provider sends a browser back to; it has to know this address of each node."""
TO = "__Host-stanchion-to"
"""The cookie that keeps where somebody wanted to go, while he is at the identity provider."""


@router.get("/sign-in")
async def sign_in_page(here: Here, request: Request) -> Response:
    """Ask who it is; who is signed in already goes on."""
    to = _local(request.query_params.get("to", ""))
    if access.of(request) is not None:
        return forms.done(to)
    return _page(here, request, "sign_in.html", {"to": to})


@router.post("/sign-in")
async def sign_in(here: Here, request: Request) -> Response:
    """Sign in, and go on to where people wanted to go."""
    entered = await forms.read(request)
    to = _local(entered["to"])
    try:
        value = await sessions.sign_in(here, entered["name"], entered["password"], address(request), agent(request))
    except StanchionError as problem:
        more: dict[str, Any] = {"to": to, "name": entered["name"], "error": str(problem)}
        return _page(here, request, "sign_in.html", more, problem)
    answer = forms.done(to)
    sessions.set_cookie(answer, value)
    return answer


@router.get("/sign-in/provider")
async def go_to_provider(here: Here, request: Request) -> Response:
    """Send a browser to the identity provider. A link and no form: forms may lead to this console alone."""
    to = _local(request.query_params.get("to", ""))
    try:
        door, browser = await provider.begin(here, f"{request.url.scheme}://{request.url.netloc}{BACK}")
    except StanchionError as problem:
        return _page(here, request, "sign_in.html", {"to": to, "error": str(problem)}, problem)
    answer = RedirectResponse(door, HTTPStatus.SEE_OTHER)
    provider.set_cookie(answer, browser)
    answer.set_cookie(TO, quote(to), max_age=int(provider.AWAY_S), path="/", secure=True, httponly=True, samesite="lax")
    return answer


@router.get("/sign-in/back")
async def come_back(here: Here, request: Request) -> Response:
    """Let in who comes back from the identity provider; a page leads on, since the way here began at another site."""
    to = _local(unquote(request.cookies.get(TO, "")))
    try:
        value = await provider.finish(here, dict(request.query_params), request.cookies.get(provider.COOKIE, ""),
                                      address(request), agent(request))
    except StanchionError as problem:
        return _page(here, request, "sign_in.html", {"to": to, "error": str(problem)}, problem)
    answer = _page(here, request, "back.html", {"to": to})
    sessions.set_cookie(answer, value)
    for done in (TO, provider.COOKIE):
        answer.delete_cookie(done, path="/", secure=True, httponly=True, samesite="lax")
    return answer


@router.post("/sign-out")
async def sign_out(here: Here, request: Request) -> Response:
    """End this browser's session."""
    await sessions.sign_out(here, request.cookies.get(identity.COOKIE, ""))
    answer = forms.done(SIGN_IN, "You are signed out.")
    sessions.forget_cookie(answer)
    return answer


@router.get("/first/{token}")
async def first_page(here: Here, token: str, request: Request) -> Response:
    """Ask who was invited for his password."""
    try:
        invitation = people.invited(here, token)
    except NotAllowed as problem:
        return _page(here, request, "first.html", {"invitation": None, "gone": str(problem)}, problem)
    return _page(here, request, "first.html", _welcome(here, invitation.user, invitation.role))


@router.post("/first/{token}")
async def first(here: Here, token: str, request: Request) -> Response:
    """Set the password of who was invited, and let him in."""
    entered = await forms.read(request)
    try:
        invitation = people.invited(here, token)
    except NotAllowed as problem:
        return _page(here, request, "first.html", {"invitation": None, "gone": str(problem)}, problem)
    try:
        if entered["password"] != entered["again"]:
            raise InvalidInput("the two passwords differ; enter the same one twice")
        value = await people.accept(here, token, entered["password"], address(request), agent(request))
    except StanchionError as problem:
        more = {**_welcome(here, invitation.user, invitation.role), "error": str(problem)}
        return _page(here, request, "first.html", more, problem)
    answer = forms.done(HOME, f"Welcome, {invitation.user}: your password is set, and you are signed in.")
    sessions.set_cookie(answer, value)
    return answer


def address(request: Request) -> str:
    """Give where a request comes from."""
    return request.client.host if request.client else ""


def agent(request: Request) -> str:
    """Give what a browser calls itself."""
    return request.headers.get("user-agent", "")


def _welcome(here: Services, user: str, role: str) -> dict[str, Any]:
    return {"invitation": {"user": user, "role": role, "known": user in here.view().users},
            "shortest": people.SHORTEST}


def _page(here: Services, request: Request, template: str, more: Mapping[str, Any],
          problem: StanchionError | None = None) -> Response:
    context = {**shell.around(here, None, request), "name": "", "unsafe": _unsafe(request),
               "provider": provider.offered(here), **more}
    status = HTTPStatus.OK if problem is None else status_of(problem)
    answer = HTMLResponse(render.template(template).render(context), status)
    if isinstance(problem, TooSoon):
        answer.headers["retry-after"] = f"{math.ceil(problem.retry_after_s)}"
    shell.take_notice(answer, request)
    return answer


def _unsafe(request: Request) -> bool:
    """Tell whether a browser would not keep a session here: without TLS it does so for its own host alone."""
    host = request.url.hostname or ""
    if request.url.scheme == "https" or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True


def _local(to: str) -> str:
    """Give a path of the console to go on to; anything else leads to its first page."""
    good = to == "/console" or to.startswith(("/console/", "/console?"))
    return to if good and "\\" not in to and not to.startswith(SIGN_IN) else HOME
