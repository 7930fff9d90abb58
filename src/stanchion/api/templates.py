"""Routes for templates: what resources can be made from, and what to ask for."""

from fastapi import APIRouter, Response, status

from stanchion.api import documents, finding, forms, revisions, telling, template_edits
from stanchion.api.parameters import ResourceNamed, TemplateNamed
from stanchion.api.revisions import IfMatch
from stanchion.api.services import By, Here, Services
from stanchion.model.ids import TemplateName
from stanchion.plan import templating
from stanchion.wire import replies
from stanchion.wire.documents import CloneOrder, Form, TemplateDocument

router = APIRouter(tags=["templates"])


@router.get("/templates")
async def templates(here: Here) -> replies.TemplateList:
    """List the templates with their forms."""
    known = here.view().templates
    return replies.TemplateList(templates=tuple(telling.template_info(known[name].value) for name in sorted(known)))


@router.post("/templates", status_code=status.HTTP_201_CREATED)
async def create(here: Here, by: By, asked: TemplateDocument, response: Response) -> replies.TemplateSaved:
    """Make a template."""
    made = documents.template_of(asked)
    warnings = await template_edits.create(here, made, by)
    return _saved(here, made.name, warnings, response)


@router.get("/templates/{name}")
async def show(here: Here, name: TemplateNamed, response: Response) -> replies.TemplateDetail:
    """Tell one template with its scripts and policies."""
    told = _detail(here, finding.template(here.view(), name))
    revisions.mark(response, told.revision)
    return told


@router.get("/templates/{name}/form")
async def form(here: Here, name: TemplateNamed) -> Form:
    """Tell everything that there is to ask when a resource is made from it: the pages of a wizard."""
    view = here.view()
    return forms.form(view.templates[finding.template(view, name)].value, finding.known_nodes(view))


@router.get("/templates/{name}/document")
async def document(here: Here, name: TemplateNamed) -> TemplateDocument:
    """Give a template as the document that export writes."""
    view = here.view()
    return documents.template_document(view.templates[finding.template(view, name)].value)


@router.put("/templates/{name}")
async def edit(here: Here, by: By, name: TemplateNamed, asked: TemplateDocument, *, response: Response,
               if_match: IfMatch = None) -> replies.TemplateSaved:
    """Save a template in place of the one that stands there. Resources that exist are not changed by it."""
    found = finding.template(here.view(), name)
    warnings = await template_edits.replace_with(here, found, documents.template_of(asked), revisions.seen(if_match),
                                                 by)
    return _saved(here, found, warnings, response)


@router.post("/templates/{name}/clone", status_code=status.HTTP_201_CREATED)
async def clone(here: Here, by: By, name: TemplateNamed, asked: CloneOrder,
                response: Response) -> replies.TemplateSaved:
    """Make a template that is like this one."""
    view = here.view()
    origin = documents.template_document(view.templates[finding.template(view, name)].value)
    changed = {"name": asked.name} | ({"title": asked.title} if asked.title else {})
    made = documents.template_of(origin.model_copy(update=changed))
    return _saved(here, made.name, await template_edits.create(here, made, by), response)


@router.delete("/templates/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def delete(here: Here, by: By, name: TemplateNamed) -> None:
    """Delete a template that no resource came from."""
    await template_edits.delete(here, finding.template(here.view(), name), by)


@router.post("/resources/{name}/template", status_code=status.HTTP_201_CREATED)
async def of_resource(here: Here, by: By, name: ResourceNamed, asked: CloneOrder,
                      response: Response) -> replies.TemplateSaved:
    """Make a template of a resource."""
    view = here.view()
    spec = view.specs[finding.resource(view, name)].value
    origin = view.templates.get(spec.template)
    made = templating.of_resource(spec, origin.value if origin else None, asked.name, asked.title)
    return _saved(here, made.name, await template_edits.create(here, made, by), response)


def _detail(here: Services, name: TemplateName) -> replies.TemplateDetail:
    view = here.view()
    return telling.template_detail(view.templates[name], templating.used_by(
        name, {key: held.value for key, held in view.specs.items()}))


def _saved(here: Services, name: TemplateName, warnings: tuple[str, ...],
           response: Response) -> replies.TemplateSaved:
    response.headers["Location"] = f"/v1/templates/{name}"
    return replies.TemplateSaved(template=_detail(here, name), warnings=warnings)
