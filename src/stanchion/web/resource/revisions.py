"""Revisions: what a configuration was, who saved it and why, what two of them differ in, and the way back."""

from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import scripts as api
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, NotFound, StanchionError
from stanchion.model.resource import ScriptKind
from stanchion.web import forms, screen, visit
from stanchion.web.resource import differences
from stanchion.web.resource.around import around, path_of
from stanchion.wire.replies import ResourceDetail
from stanchion.wire.scripts import Restore, RevisionInfo

router = APIRouter()

LONGEST = 18
"""No revision has more digits."""


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at all revisions, and at what differs between the two that the URL names; else between the last two."""
    del who
    shared = await around(here, request, "/scripts")
    resource: ResourceDetail = shared["resource"]
    known = (await api.revisions(here, resource.name)).revisions
    after = _number(request, "to", known[0].revision)
    before = _number(request, "from", _before(known, after))
    old, new = await api.revision(here, resource.name, before), await api.revision(here, resource.name, after)
    return {**shared, "revisions": known, "old": old, "new": new, "kinds": tuple(ScriptKind),
            "scripts": differences.scripts(old, new), "settings": differences.settings(old, new)}


page = screen.show(router, "/resources/{name}/revisions", "resource/revisions.html", look)


@router.post("/resources/{name}/restore")
async def restore(here: Here, request: Request, name: str) -> Response:
    """Save a past revision anew, all of it or one script."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        number = _whole(entered["past"])
        asked = forms.shaped(Restore, revision=number, script=entered["script"] or None, why=entered["why"],
                             at_once=entered.on("at_once"))
        saved = await api.restore(here, who.name, name, asked, f'"{entered["revision"]}"')
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered)
    what = f"The {entered['script']} script" if entered["script"] else "Everything"
    waits = saved.resource.pending_scripts
    counts = f" {', '.join(waits)}: from the next load on." if waits else ""
    return forms.done(path_of(name, "/revisions"), f"{what} is as it was in revision {number}.{counts}")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    try:
        return _whole(text)
    except InvalidInput as problem:
        raise NotFound(str(problem)) from None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= LONGEST):
        raise InvalidInput(f"a revision is a number, and {text!r} is none; choose one of the list")
    return int(text)


def _before(known: tuple[RevisionInfo, ...], number: int) -> int:
    """Give the revision before one; the same where there is none."""
    return next((each.revision for each in known if each.revision < number), number)
