"""Routes for templates: what resources can be made from, and what to ask for."""

from fastapi import APIRouter

from stanchion.api import finding, telling
from stanchion.api.services import Here
from stanchion.wire import replies

router = APIRouter(prefix="/templates", tags=["templates"])


@router.get("")
async def templates(here: Here) -> replies.TemplateList:
    """List the templates with their forms."""
    known = here.view().templates
    return replies.TemplateList(templates=tuple(telling.template_info(known[name].value) for name in sorted(known)))


@router.get("/{name}")
async def show(here: Here, name: str) -> replies.TemplateDetail:
    """Tell one template with its scripts and policies."""
    view = here.view()
    return telling.template_detail(view.templates[finding.template(view, name)].value)
