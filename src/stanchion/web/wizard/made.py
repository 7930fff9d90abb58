"""What was entered into the wizard, put into the API's requests, judged by it, and carried out by it."""

from dataclasses import dataclass
from typing import Any

from fastapi import Response

from stanchion.api import documents, edits, finding, resources, template_edits, templates
from stanchion.api.services import Services
from stanchion.model.errors import AlreadyExists, InvalidInput, StanchionError
from stanchion.model.resource import ScriptKind, Scripts
from stanchion.plan import making, monitoring_told
from stanchion.web import fields
from stanchion.web.forms import Entered, shaped
from stanchion.web.wizard.steps import SCRIPT, makes_template
from stanchion.wire.documents import FieldInfo, TemplateDocument
from stanchion.wire.requests import ResourceCreate


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be made: the scripts as they will stand, what the lint doubts, what the monitoring will do."""

    scripts: Scripts
    warnings: tuple[str, ...]
    monitoring: str = ""


async def infos(here: Services, entered: Entered) -> tuple[FieldInfo, ...]:
    """Give all fields that there are to ask, once a template is chosen; a resource's scripts are filled in."""
    view = here.view()
    name = finding.match(entered["template"], view.templates)
    if name is None:
        return ()
    pages = (await templates.form(here, name)).pages
    known = [info.model_copy(update={"help": ""}) if info.kind == "script" else info
             for page in pages for info in page.fields
             if info.name != "name" and not (makes_template(entered) and info.name.startswith("parameters."))]
    resource = entered["name"].strip()
    named = [info.model_copy(update={"default": str(info.default).replace("@RESOURCE@", resource)})
             if info.name.startswith("parameters.") else info for info in known]
    return tuple(named) if makes_template(entered) else _filled(here, entered, named)


def _filled(here: Services, entered: Entered, known: list[FieldInfo]) -> tuple[FieldInfo, ...]:
    """Fill the scripts in as far as the answers allow it."""
    answers = [info for info in known if info.name.startswith("parameters.")]
    try:
        spec = edits.planned(here, _request(entered, answers), "")
    except StanchionError:
        return tuple(known)
    texts = {f"{SCRIPT}{kind}.text": spec.scripts.of(kind).text for kind in ScriptKind}
    return tuple(info.model_copy(update={"default": texts[info.name], "help": ""}) if info.name in texts else info
                 for info in known)


def check_name(here: Services, entered: Entered) -> None:
    """Judge the name and the choice of the template by themselves. Raises ``InvalidInput`` or ``AlreadyExists``."""
    name, view = entered["name"].strip(), here.view()
    what = "template" if makes_template(entered) else "resource"
    taken = finding.match(name, view.templates if makes_template(entered) else view.specs)
    if fault := making.name_fault(name) if name else f"the {what} has no name yet; enter one":
        raise InvalidInput(fault)
    if taken is not None:
        raise AlreadyExists(f"there is a {what} {taken} already (names must differ by more than case); "
                            "choose another name")
    if finding.match(entered["template"], view.templates) is None:
        raise InvalidInput("no template is chosen; choose the one to inherit from")


async def plan(here: Services, entered: Entered, known: tuple[FieldInfo, ...], by: str) -> Planned:
    """Judge everything that was entered, as if it were made now. Raises ``StanchionError`` with one sentence."""
    if makes_template(entered):
        template = documents.template_of(_template(here, entered, known))
        return Planned(template.scripts, await template_edits.judge(here, template))
    spec = edits.planned(here, _request(entered, known), by)
    return Planned(spec.scripts, await edits.judge(here, spec, ScriptKind), monitoring_told.describe(here.view(), spec))


async def make(here: Services, entered: Entered, known: tuple[FieldInfo, ...], by: str) -> tuple[str, str, bool]:
    """Make it; give the page that shows it, what to say there, and whether all of it went well."""
    if makes_template(entered):
        saved = await templates.create(here, by, _template(here, entered, known), Response())
        return f"/console/templates/{saved.template.name}", f"The template {saved.template.name} is made.", True
    made = await resources.create(here, by, _request(entered, known), Response())
    name = made.resource.name
    told, good = f"{name} is made. It is offline; order it online when it is to run.", True
    if entered["online"] == "yes":
        try:
            await resources.online(here, by, name)
            told = f"{name} is made and ordered online."
        except StanchionError as problem:
            told, good = f"{name} is made, but could not be ordered online: {problem}.", False
    return f"/console/resources/{name}", told, good


def _request(entered: Entered, known: list[FieldInfo] | tuple[FieldInfo, ...]) -> ResourceCreate:
    parts = fields.nested(fields.changes(known, entered))
    return shaped(ResourceCreate, name=entered["name"].strip(), template=entered["template"], **parts)


def _template(here: Services, entered: Entered, known: tuple[FieldInfo, ...]) -> TemplateDocument:
    view = here.view()
    origin = documents.template_document(view.templates[finding.template(view, entered["template"])].value)
    return changed_document(origin, fields.nested(fields.changes(known, entered)).get("overrides", {}),
                            name=entered["name"].strip(), title=entered["title"].strip() or entered["name"].strip())


def changed_document(origin: TemplateDocument, overrides: dict[str, Any], **more: Any) -> TemplateDocument:
    """Give a template's document with other scripts, policies and monitoring. Raises ``InvalidInput``."""
    whole = origin.model_dump(mode="json", exclude_none=True) | more
    for part in ("policies", "monitoring"):
        whole[part] = whole[part] | overrides.get(part, {})
    for kind, script in overrides.get("scripts", {}).items():
        whole["scripts"][kind] = whole["scripts"].get(kind, {}) | script
    return shaped(TemplateDocument, **whole)
