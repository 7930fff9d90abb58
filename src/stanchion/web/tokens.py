"""API tokens, for programs: made here, shown once, and revoked."""

from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api.access import routes
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.access import Role
from stanchion.model.errors import StanchionError
from stanchion.web import confirm, forms, screen, visit
from stanchion.web.live import Rows
from stanchion.web.screen import Screen
from stanchion.wire.access import ApiTokenOrder

router = APIRouter()

DAY_S = 86_400
LIVES = {"30 days": 30 * DAY_S, "90 days": 90 * DAY_S, "1 year": 365 * DAY_S, "until it is revoked": 0}
"""How long a token can be good, in seconds, by what people read; 0: without an end."""

HERE = "/console/users/tokens"


async def shown(here: Services, *, by: str = "", back: str = HERE) -> dict[str, Any]:
    """Give what a page with API tokens shows: all of them, or those that somebody made."""
    found = [each for each in (await routes.tokens(here)).tokens if not by or each.by == by]
    rows = tuple((f"token-{each.id}", each) for each in found)
    return {"tokens": Rows(id="token-rows", template="parts/token_row.html", rows=rows, common={"back": back}),
            "roles": tuple(Role), "lives": LIVES, "token_count": len(found), "back": back, "made": None}


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at all API tokens."""
    del who, request
    return await shown(here)


page = screen.show(router, "/users/tokens", "tokens.html", look)

pages: dict[str, Screen] = {HERE: page}
"""The pages on which tokens are made, by their paths."""


@router.post("/tokens")
async def make(here: Here, request: Request) -> Response:
    """Make an API token and show it, this once."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    shown_on = pages.get(entered["back"], page)
    visit.about(request, entered["token"].strip())
    try:
        order = forms.shaped(
            ApiTokenOrder, name=entered["token"].strip(), role=entered["role"] or Role.VIEWER,
            valid_s=LIVES.get(entered["valid"]) or None,
            resources=tuple(entered["resources"].replace(",", " ").split()))
        made = await routes.make_token(here, who, order)
    except StanchionError as problem:
        return await shown_on.answer(here, request, status_of(problem), error=str(problem), entered=entered)
    return await shown_on.answer(here, request, 201, made=made)


@router.post("/tokens/{name}/revoke")
async def revoke(here: Here, name: str, request: Request) -> Response:
    """Revoke an API token."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    back = entered["back"] or HERE
    if not entered.on("confirmed"):
        return await confirm.ask(
            here, request, entered, title=f"Revoke the API token {name}?", button="Revoke", back=back,
            happens=["Whatever shows this token is refused from then on, on every node.",
                     "It cannot be made good again; a program needs another one."])
    try:
        await routes.revoke_token(here, who, name)
    except StanchionError as problem:
        return forms.refused(back, problem)
    return forms.done(back, f"The API token {name} is revoked.")
