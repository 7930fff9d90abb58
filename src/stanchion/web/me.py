"""What belongs to who looks: his password, the browsers in which he is signed in, and the API tokens that he made."""

from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api.access import people, routes, sessions
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.access import Origin, Role
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.web import forms, screen, tokens, visit
from stanchion.web.live import Rows
from stanchion.web.signing_in import agent
from stanchion.wire.access import SignInInfo

router = APIRouter()


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at one's own user."""
    del request
    held = here.view().users.get(who.name)
    mine = (await routes.sign_ins(here, who)).sign_ins
    return {
        "origin": held.value.origin if held else None, "local": Origin.LOCAL, "shortest": people.SHORTEST,
        "sessions": session_rows(mine, "/console/me"),
        **(await tokens.shown(here, by=who.name, back="/console/me") if who.role.covers(Role.ADMINISTRATOR) else {}),
    }


def session_rows(found: tuple[SignInInfo, ...], back: str) -> Rows:
    """Show sessions of browsers, each with a way to end it."""
    return Rows(id="session-rows", template="parts/session_row.html", common={"back": back},
                rows=tuple((f"session-{each.id[:24]}", each) for each in found))


page = screen.show(router, "/me", "me.html", look)
tokens.pages["/console/me"] = page


@router.post("/me/password")
async def change_password(here: Here, request: Request) -> Response:
    """Change one's own password; every other session ends."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        if entered["new"] != entered["again"]:
            raise InvalidInput("the two new passwords differ; enter the same one twice")
        value = await people.change_password(here, who, entered["old"], entered["new"], agent(request))
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem))
    answer = forms.done("/console/me", "Your password is changed. Every other browser in which you were signed in is "
                                       "signed out.")
    sessions.set_cookie(answer, value)
    return answer


@router.post("/sign-ins/{name}/end")
async def end_session(here: Here, name: str, request: Request) -> Response:
    """End the session of a browser: one's own, or as an administrator anybody's."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    back = entered["back"] or "/console/me"
    try:
        await routes.end_sign_in(here, who, name)
    except StanchionError as problem:
        return forms.refused(back, problem)
    return forms.done(back, "The session is ended; that browser has to sign in again.")
