"""The list of templates, the page of one, and what is done there: clone, delete, make one of a resource."""

from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import finding, templates
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.plan import templating
from stanchion.web import confirm, fields, forms, screen, visit
from stanchion.web.forms import Entered
from stanchion.web.live import Rows
from stanchion.wire.documents import CloneOrder, FieldInfo

router = APIRouter()

LIST = "/console/templates"
PARTS = (("Policies", "overrides.policies."), ("Monitoring", "overrides.monitoring."))


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at all templates."""
    del who, request
    known = (await templates.templates(here)).templates
    specs: dict[str, ResourceSpec] = {name: held.value for name, held in here.view().specs.items()}
    used = {each.name: len(templating.used_by(finding.template(here.view(), each.name), specs)) for each in known}
    return {
        "templates": Rows(id="template-rows", template="parts/template_row.html", rows=tuple(
            (f"template-{each.name}", (each, used[each.name])) for each in known)),
        "total": len(known), "resources_known": tuple(sorted(specs)),
    }


async def look_at_one(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at one template. Raises ``NotFound``."""
    del who
    told = await templates.show(here, request.path_params["name"], Response())
    asked = [info for each in (await templates.form(here, told.name)).pages for info in each.fields]
    return {
        "template": told, "kinds": tuple(ScriptKind),
        "settings": [(title, [_fact(info) for info in asked if info.name.startswith(prefix)])
                     for title, prefix in PARTS],
    }


page = screen.show(router, "/templates", "templates.html", look)
one = screen.show(router, "/templates/{name}", "template.html", look_at_one)


@router.post("/templates")
async def of_resource(here: Here, request: Request) -> Response:
    """Make a template of a resource."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        if not entered["resource"].strip():
            raise InvalidInput("no resource is named; enter the one that the template is to be made of")
        order = _order(entered)
        saved = await templates.of_resource(here, who.name, entered["resource"].strip(), order, Response())
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=sentence(problem), entered=entered)
    return forms.done(f"{LIST}/{saved.template.name}", f"The template {saved.template.name} is made.")


@router.post("/templates/{name}/clone")
async def clone(here: Here, name: str, request: Request) -> Response:
    """Make a template that is like this one."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        saved = await templates.clone(here, who.name, name, _order(entered), Response())
    except StanchionError as problem:
        return await one.answer(here, request, status_of(problem), error=sentence(problem), entered=entered)
    return forms.done(f"{LIST}/{saved.template.name}", f"The template {saved.template.name} is made, like {name}.")


@router.post("/templates/{name}/delete")
async def delete(here: Here, name: str, request: Request) -> Response:
    """Delete a template, after a question."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    found = finding.template(here.view(), name)
    used = any(held.value.template == found for held in here.view().specs.values())
    if not used and not confirm.given(entered):
        return await confirm.ask(here, request, entered, title=f"Delete the template {found}?", happens=[
            f"{found} is gone with its scripts and its form; no resource was made from it, so none changes."],
            button="Delete the template", back=f"{LIST}/{found}")
    try:
        await templates.delete(here, who.name, found)
    except StanchionError as problem:
        return await one.answer(here, request, status_of(problem), error=sentence(problem))
    return forms.done(LIST, f"The template {found} is deleted.")


def sentence(problem: StanchionError) -> str:
    """Give an error's text as a sentence."""
    text = str(problem)
    return f"{text[:1].upper()}{text[1:]}{'' if text[-1:] in '.!?' else '.'}"


def _order(entered: Entered) -> CloneOrder:
    if not entered["name"].strip():
        raise InvalidInput("the new template has no name yet; enter one")
    return forms.shaped(CloneOrder, name=entered["name"].strip(), title=entered["title"].strip())


def _fact(info: FieldInfo) -> tuple[str, str]:
    shown = fields.shown(info, Entered([]))
    return info.label, f"{shown.value} {shown.unit}" if info.kind == "seconds" else shown.value
