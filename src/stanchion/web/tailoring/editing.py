"""The form that edits a template: the whole document, guarded by the revision that it was read at."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import templates
from stanchion.api.access.principal import Principal
from stanchion.api.gate import UNCHANGED
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import Stale, StanchionError
from stanchion.model.resource import MachineKind
from stanchion.model.template import ParameterKind
from stanchion.web import fields, forms, screen, visit
from stanchion.web.forms import Entered
from stanchion.web.tailoring.pages import LIST, sentence
from stanchion.web.wizard.made import changed_document
from stanchion.wire.documents import FieldInfo, ParameterDocument, TemplateDocument

router = APIRouter()

SPARE = 2
"""So many empty parameters are offered beyond those that there are."""


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at a template to edit it. Raises ``NotFound``."""
    del who
    return await _look(here, request, Entered([]))


page = screen.show(router, "/templates/{name}/edit", "tailoring/edit.html", look)


@router.post("/templates/{name}/edit")
async def save(here: Here, name: str, request: Request) -> Response:
    """Save the template; resources that were made from it stay as they are."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    if entered["do"] == "more":
        answer = await page.answer(here, request, **await _look(here, request, entered), entered=entered)
        answer.headers[UNCHANGED] = "1"
        return answer
    try:
        wanted = await _read(here, name, entered)
        saved = await templates.edit(here, who.name, name, wanted, response=Response(),
                                     if_match=entered["revision"] or None)
    except StanchionError as problem:
        told = sentence(problem)
        context = await _look(here, request, entered)
        if isinstance(problem, Stale):
            told += " What you entered is still here; saving it again replaces what stands now."
        else:
            context["revision"] = entered["revision"] or context["revision"]
        return await page.answer(here, request, status_of(problem), **context, error=told, entered=entered)
    doubts = "".join(f" Please look: {each}." for each in saved.warnings)
    return forms.done(f"{LIST}/{saved.template.name}", f"The template {saved.template.name} is saved.{doubts}",
                      good=not doubts)


async def _look(here: Services, request: Request, entered: Entered) -> dict[str, Any]:
    name = request.path_params["name"]
    document, told = await templates.document(here, name), await templates.show(here, name, Response())
    asked = [info for each in (await templates.form(here, name)).pages for info in each.fields]

    def part(prefix: str) -> list[fields.Shown]:
        return [fields.shown(info.model_copy(update={"help": ""}), entered) for info in asked
                if info.name.startswith(prefix)]

    rows = _rows(entered) if "rows" in entered else len(document.parameters) + SPARE
    if entered["do"] == "more":
        rows += SPARE
    return {
        "template": told, "revision": str(told.revision), "rows": rows,
        "own": [fields.shown(info, entered) for info in _own(document)],
        "parameters": [[fields.shown(info, entered) for info in _parameter(document, number)]
                       for number in range(rows)],
        "policies": part("overrides.policies."), "monitoring": part("overrides.monitoring."),
        "scripts": part("overrides.scripts."),
    }


async def _read(here: Services, name: str, entered: Entered) -> TemplateDocument:
    document = await templates.document(here, name)
    asked = [info for each in (await templates.form(here, name)).pages for info in each.fields
             if info.name.startswith(("overrides.policies.", "overrides.monitoring.", "overrides.scripts."))]
    own = {info.name: fields.value(info, entered) for info in _own(document)}
    return changed_document(
        document, fields.nested(fields.changes(asked, entered)).get("overrides", {}), title=own["title"],
        description=str(own["description"]).strip(), live=own["live"], files=str(own["files"]).split(),
        machine={"kind": own["machine.kind"], "name": own["machine.name"]},
        parameters=list(_parameters(document, entered)))


def _parameters(document: TemplateDocument, entered: Entered) -> Iterator[dict[str, Any]]:
    """Read the parameters; one whose name was emptied is gone."""
    for number in range(_rows(entered)):
        infos = _parameter(document, number)
        read = {info.name.rpartition(".")[2]: fields.value(info, entered) for info in infos if info.name in entered}
        if str(read.get("name", "")).strip():
            yield read | {"choices": str(read.get("choices", "")).replace(",", " ").split()}


def _rows(entered: Entered) -> int:
    return int(entered["rows"]) if entered["rows"] in {str(number) for number in range(200)} else 0


def _own(of: TemplateDocument) -> tuple[FieldInfo, ...]:
    return (
        FieldInfo(name="title", label="Title", kind="text", default=of.title),
        FieldInfo(name="description", label="Description", kind="lines", default=of.description),
        FieldInfo(name="machine.kind", label="The machine is looked for by", kind="choice",
                  default=of.machine.kind.value, choices=tuple(MachineKind),
                  help="script: there is no machine to look for; the monitor script tells whether it runs."),
        FieldInfo(name="machine.name", label="The machine's name there", kind="text", default=of.machine.name,
                  help="May hold blanks like @RESOURCE@."),
        FieldInfo(name="files", label="Configuration files", kind="lines", default="\n".join(of.files),
                  help="One a line; the same on every node that is to hold it. May hold blanks."),
        FieldInfo(name="live", label="The scripts can migrate a running machine", kind="flag", default=of.live),
    )


def _parameter(of: TemplateDocument, number: int) -> tuple[FieldInfo, ...]:
    known = of.parameters[number] if number < len(of.parameters) else ParameterDocument(name="", label="")
    here = f"parameter.{number}"
    return (
        FieldInfo(name=f"{here}.name", label="Name", kind="text", default=known.name,
                  help="Capital letters; @NAME@ in the scripts stands for the answer. Empty it to drop the parameter."),
        FieldInfo(name=f"{here}.label", label="What to ask", kind="text", default=known.label),
        FieldInfo(name=f"{here}.default", label="Default", kind="text", default=known.default),
        FieldInfo(name=f"{here}.kind", label="Kind", kind="choice", default=known.kind.value,
                  choices=tuple(ParameterKind)),
        FieldInfo(name=f"{here}.choices", label="Choices", kind="text", default=" ".join(known.choices),
                  help="With blanks between them; none: any answer of its kind."),
        FieldInfo(name=f"{here}.help", label="Help", kind="text", default=known.help),
        FieldInfo(name=f"{here}.required", label="An answer is needed", kind="flag", default=known.required),
    )
