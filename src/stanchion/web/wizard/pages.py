"""The wizard's pages: one URL, one step shown at a time, everything else carried along unseen."""

from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import templates
from stanchion.api.access.principal import Principal
from stanchion.api.gate import UNCHANGED
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.web import fields, forms, screen, visit
from stanchion.web.forms import Entered
from stanchion.web.wizard import made, steps
from stanchion.wire.documents import FieldInfo

router = APIRouter()

KINDS = ("resource", "template")
CHECKED = frozenset({"type", "name"})
"""Steps at which not enough is known yet to judge the whole."""


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Begin; the URL may choose the type and the template beforehand."""
    asked = [(name, text) for name, text in screen.queried(request, "kind", "template").items() if text]
    return await _shown(here, Entered(asked), "type", who.name)


page = screen.show(router, "/new", "new.html", look)


@router.post("/new")
async def step(here: Here, request: Request) -> Response:
    """Make what was entered; before the last step, go to another one with all of it."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    at, go = entered["at"] or "type", entered["go"]
    known = await made.infos(here, entered)
    way = steps.way(entered, known)
    try:
        if go == "make":
            visit.about(request, f"{entered['kind']} {entered['name'].strip()}")
            to, told, good = await made.make(here, entered, known, who.name)
            return forms.done(to, told, good=good)
        if go == "next":
            await _check(here, entered, at, known, who.name)
            at = steps.beside(way, at, 1).key
        elif go == "back":
            at = steps.beside(way, at, -1).key
        elif go in {each.key for each in way}:
            at = go
        answer = await page.answer(here, request, **await _shown(here, entered, at, who.name))
    except StanchionError as problem:
        shown = await _shown(here, entered, at, who.name)
        answer = await page.answer(here, request, status_of(problem), **shown | {"error": _sentence(problem)})
    answer.headers[UNCHANGED] = "1"  # nothing is made before the last step, so there is nothing to audit
    return answer


async def _check(here: Services, entered: Entered, at: str, known: tuple[FieldInfo, ...], by: str) -> None:
    """Judge what was entered so far. Raises ``StanchionError``."""
    if at == "type":
        if entered["kind"] not in KINDS:
            raise InvalidInput("no type is chosen; choose what is to be made")
        return
    made.check_name(here, entered)
    if at not in CHECKED or not any(info.name.startswith("parameters.") for info in known):
        await made.plan(here, entered, known, by)


async def _shown(here: Services, entered: Entered, at: str, by: str) -> dict[str, Any]:
    """Give what the page of a step names."""
    known = await made.infos(here, entered)
    way = steps.way(entered, known)
    step = next((each for each in way if each.key == at), way[0])
    context: dict[str, Any] = {
        "way": way, "step": step, "number": way.index(step) + 1, "entered": entered,
        "is_template": steps.makes_template(entered), "kept": steps.kept(entered, step, known),
        "fields": [fields.shown(info, entered) for info in step.fields(known)],
        "templates": (await templates.templates(here)).templates, "parts": (), "planned": None,
    }
    if step.key == "summary":
        context |= await _summary(here, entered, way, known, by)
    return context


async def _summary(here: Services, entered: Entered, way: tuple[steps.Step, ...], known: tuple[FieldInfo, ...],
                   by: str) -> dict[str, Any]:
    """Give what the last page tells: what differs from the template, step by step, and the lint's doubts."""
    parts = [(each, [(info, fields.shown(info, entered)) for info in each.fields(known)
                     if each.key == "parameters" or fields.differs(info, entered)]) for each in way if each.asks]
    told = {"parts": [(each, rows) for each, rows in parts if rows or each.additional]}
    try:
        return told | {"planned": await made.plan(here, entered, known, by)}
    except StanchionError as problem:
        return told | {"error": _sentence(problem)}


def _sentence(problem: StanchionError) -> str:
    text = str(problem)
    return f"{text[:1].upper()}{text[1:]}{'' if text[-1:] in '.!?' else '.'}"
