"""Details: what a resource is doing and why, what led to it, where it could go, and every order that it can be given.

The buttons are those of the planner: what is possible now is enabled, and what is not says why, in the sentence with
which the order would be refused.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import events, finding, stories, telling, templates, whereabouts
from stanchion.api import resources as api
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, NotFound, StanchionError
from stanchion.model.health import Answer
from stanchion.model.ids import IntentId, ResourceName
from stanchion.model.orders import Intent, Verb
from stanchion.model.state import AlertKind
from stanchion.plan import orders as planned
from stanchion.web import forms, screen, visit
from stanchion.web.needs import does
from stanchion.web.render import said
from stanchion.web.resource import files
from stanchion.web.resource.around import around, path_of
from stanchion.web.seldom import Seldom
from stanchion.wire.documents import CloneOrder
from stanchion.wire.replies import IntentInfo, ResourceDetail
from stanchion.wire.stories import StoryInfo
from stanchion.wire.whereabouts import ProcessInfo

router = APIRouter()

STORIES_KEPT = 256
AGAIN_S = 1.0
"""How soon to look again while a script runs here: what it prints stands in no store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """An order, and why it cannot be given now; empty: it can."""

    verb: Verb
    why_not: str


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at everything about a resource but its configuration."""
    shared = await around(here, request, "")
    resource: ResourceDetail = shared["resource"]
    process = (await whereabouts.process(here, resource.name)).process
    places = (await whereabouts.places(here, resource.name)).places
    told = await _story(resource.name).answer(here)
    return {
        **shared,
        "process": process, "share": spent(here, process),
        "look_again_s": AGAIN_S if process and process.here else None,
        "places": places, "first": next((place.node for place in places if place.fits), None),
        "answers": (await api.explain(here, resource.name)).answers,
        "steps": told.steps if told is not None else (),
        "yes": _yes(resource), "no": does(Answer.NO, resource),
        "possible": possible(here, who.name, resource), "order": await ordered(here, request),
        "told_files": await files.told(here, resource.name) if resource.files else None,
    }


page = screen.show(router, "/resources/{name}", "resource/details.html", look)


def _yes(resource: ResourceDetail) -> str:
    """Say what a yes to its alert will do."""
    if resource.alert is AlertKind.FAILBACK and resource.live and resource.policies.failback_live:
        return "It moves back while it runs."
    return does(Answer.YES, resource)


def possible(here: Services, by: str, resource: ResourceDetail) -> dict[str, Possible]:
    """Judge every order that has no node, by the planner's own judgement."""
    return {verb.name.lower(): Possible(verb=verb, why_not=_refusal(here, by, resource, verb))
            for verb in (Verb.ONLINE, Verb.OFFLINE, Verb.MIGRATE, Verb.ALERT_YES, Verb.ALERT_NO)}


def _refusal(here: Services, by: str, resource: ResourceDetail, verb: Verb) -> str:
    asked = Intent(id=IntentId(""), verb=verb, by=by, at_s=0.0, resource=ResourceName(resource.name),
                   alert=resource.alert)
    why = planned.refusal(here.view(), asked)
    return said(telling.reason_info(why)) if why is not None else ""


def spent(here: Services, process: ProcessInfo | None) -> float | None:
    """Give how many seconds a script has run, as far as that is known here."""
    if process is None or process.started_at is None:
        return None
    return max(0.0, here.clock.now().wall_s - process.started_at.timestamp())


async def ordered(here: Services, request: Request) -> IntentInfo | None:
    """Tell what became of the order that the URL names."""
    name = request.query_params.get("order", "")
    if not name:
        return None
    try:
        return await events.intent(here, name)
    except NotFound:
        return None


@lru_cache(STORIES_KEPT)
def _story(name: str) -> Seldom[StoryInfo]:
    """Give the question for what led to a resource's state: it reads much of the history."""
    return Seldom(partial(_told, name=name))


async def _told(here: Services, *, name: str) -> StoryInfo:
    try:
        return await stories.of_resource(here, name)
    except NotFound:
        return StoryInfo(steps=())


@router.post("/resources/{name}/delete")
async def delete(here: Here, request: Request, name: str) -> Response:
    """Delete the resource, when its name was typed."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    found, typed = finding.resource(here.view(), name), entered["typed"].strip()
    try:
        if typed != found:
            raise InvalidInput(f"to delete {found}, its name must be typed, and that was {typed!r}; type {found}")
        await api.delete(here, who.name, found)
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered)
    return forms.done("/console/resources", f"{found} is deleted. What its scripts told stays in the history's bounds.")


@router.post("/resources/{name}/template")
async def save_as_template(here: Here, request: Request, name: str) -> Response:
    """Make a template of the resource."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        asked = forms.shaped(CloneOrder, name=entered["template"].strip(), title=entered["title"].strip())
        saved = await templates.of_resource(here, who.name, name, asked, Response())
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered)
    return forms.done(path_of(name), f"The template {saved.template.name} is saved; resources can be made from it.")
