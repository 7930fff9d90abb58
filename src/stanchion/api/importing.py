"""Routes for export and import: resources and templates as documents.

Every document is judged by itself and becomes one transaction, so one that cannot be taken over costs the others
nothing; what became of each is told. A document of something that is here already, just like this, is no fault:
importing twice is importing once.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from stanchion.api import documents, edits, finding, template_edits
from stanchion.api.contract import also
from stanchion.api.gate import UNCHANGED
from stanchion.api.services import By, Here, Services
from stanchion.model.errors import AlreadyExists, InvalidInput, StanchionError
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.plan import making
from stanchion.wire.bounds import Name
from stanchion.wire.documents import Bundle, ImportItem, ImportReport, ResourceDocument, TemplateDocument

router = APIRouter(tags=["import and export"])

MOST_NAMED = 200
"""All of a request, but for its body, has at most 64 KiB."""

Names = Annotated[list[Name] | None, Query(max_length=MOST_NAMED, description="only these; left out: all")]


@router.get("/export", responses=also(HTTPStatus.NOT_FOUND))
async def export(here: Here, resource: Names = None, template: Names = None) -> Bundle:
    """Give resources and templates as documents: those that are named, or all."""
    view = here.view()
    named = resource is not None or template is not None
    resources = sorted(view.specs) if not named else [finding.resource(view, each) for each in resource or ()]
    templates = sorted(view.templates) if not named else [finding.template(view, each) for each in template or ()]
    return Bundle(
        templates=tuple(documents.template_document(view.templates[each].value) for each in dict.fromkeys(templates)),
        resources=tuple(documents.resource_document(view.specs[each].value) for each in dict.fromkeys(resources)))


@router.post("/import")
async def take(here: Here, by: By, asked: Bundle, *, response: Response,
               dry_run: Annotated[bool, Query(description="only tell what would be made")] = False) -> ImportReport:
    """Make resources and templates of documents. Resources begin Offline."""
    if dry_run:
        response.headers[UNCHANGED] = "1"  # so that the audit is not told of what was only asked
    items = [await _template(here, each, by, dry_run=dry_run) for each in asked.templates]
    planned: list[ResourceSpec] = []
    items += [await _resource(here, each, by, planned=planned, dry_run=dry_run) for each in asked.resources]
    return ImportReport(items=tuple(items))


async def _template(here: Services, document: TemplateDocument, by: str, *, dry_run: bool) -> ImportItem:
    made = documents.template_of(document)
    view = here.view()
    taken = finding.match(made.name, view.templates)
    if taken is not None and view.templates[taken].value == made:
        return ImportItem(kind="template", name=made.name, outcome="same")
    try:
        if dry_run and taken is not None:
            raise AlreadyExists(f"there is another template {taken} already; import it under another name")
        warnings = await template_edits.judge(here, made) if dry_run else await template_edits.create(here, made, by)
    except StanchionError as fault:
        return ImportItem(kind="template", name=document.name, outcome="refused", text=str(fault))
    return ImportItem(kind="template", name=made.name, outcome="would be made" if dry_run else "made",
                      warnings=warnings)


async def _resource(here: Services, document: ResourceDocument, by: str, *, planned: list[ResourceSpec],
                    dry_run: bool) -> ImportItem:
    view = here.view()
    spec = documents.spec_of(document, finding.known_nodes(view), by=by, at_s=here.clock.now().wall_s)
    taken = finding.match(spec.name, view.specs)
    if taken is not None and documents.resource_document(view.specs[taken].value) == documents.resource_document(spec):
        return ImportItem(kind="resource", name=spec.name, outcome="same")
    try:
        if taken is not None:
            raise edits.taken(taken)
        rival = finding.match(spec.name, [each.name for each in planned])
        if fault := making.twin(spec, planned) or (rival and f"the same import has a resource {rival}"):
            raise InvalidInput(fault)
        warnings = await edits.judge(here, spec, ScriptKind) if dry_run else await edits.add(here, spec, by)
    except StanchionError as problem:
        return ImportItem(kind="resource", name=document.name, outcome="refused", text=str(problem))
    planned.append(spec)
    return ImportItem(kind="resource", name=spec.name, outcome="would be made" if dry_run else "made",
                      warnings=warnings)
