"""The forms of Groups: resources that are kept apart, or together."""

from fastapi import APIRouter, Request, Response

from stanchion.api import settings
from stanchion.api.services import Here
from stanchion.model.errors import AlreadyExists, InvalidInput, StanchionError
from stanchion.web import confirm, forms, visit
from stanchion.web.settings import page
from stanchion.wire.ruling import GroupChange

router = APIRouter()


@router.post("/settings/groups")
async def save(here: Here, request: Request) -> Response:
    """Save a group, a new one or one that there is."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    name = entered["group"].strip()
    visit.about(request, name)
    try:
        known = {each.name.casefold() for each in (await settings.groups(here, Response())).groups}
        if not name:
            raise InvalidInput("the group has no name yet; enter one")
        if "fresh" in entered and name.casefold() in known:
            raise AlreadyExists(f"there is a group {name} already; edit that one, or choose another name")
        change = forms.shaped(GroupChange, bond=entered["bond"], members=entered["members"].replace(",", " ").split())
        told = await settings.save_group(here, who.name, name, change, entered["revision"] or None)
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section="groups")
    doubts = "".join(f" Please look: {each}." for each in told.warnings)
    return forms.done(f"{page.PATH}#groups", f"The group {name} is saved.{doubts}", good=not doubts)


@router.post("/settings/groups/delete")
async def delete(here: Here, request: Request) -> Response:
    """Delete a group, after a question."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    name, back = entered["group"], f"{page.PATH}#groups"
    visit.about(request, name)
    if not confirm.given(entered):
        happens = ["Its members stay where they are; from then on nothing keeps them apart or together."]
        return await confirm.ask(here, request, entered, title=f"Delete the group {name}?", happens=happens,
                                 button="Delete the group", back=back)
    try:
        await settings.delete_group(here, who.name, name, entered["revision"] or None)
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section="groups")
    return forms.done(back, f"The group {name} is deleted.")
