"""The forms of Policies, Quorum Triggers and Protocol."""

from fastapi import APIRouter, Request, Response

from stanchion.api import settings
from stanchion.api.services import Here, Services
from stanchion.model.errors import StanchionError
from stanchion.web import fields, forms, visit
from stanchion.web.forms import Entered
from stanchion.web.settings import page, sections
from stanchion.wire.documents import FieldInfo
from stanchion.wire.ruling import SettingsChange, SettingsInfo

router = APIRouter()

NEW_TIMERS = ("The new profile counts for every node that joins from now on. Let the nodes that are members leave and "
              "join again, one after the other, so that they live by it too.")


@router.post("/settings/policies")
async def policies(here: Here, request: Request) -> Response:
    """Save what becomes of the machines of a host that shuts down, and how much history is kept."""
    return await _save(here, request, "policies", "The policies are saved.")


@router.post("/settings/quorum")
async def quorum(here: Here, request: Request) -> Response:
    """Save the quorum triggers."""
    return await _save(here, request, "quorum", "The quorum triggers are saved.")


@router.post("/settings/protocol")
async def protocol(here: Here, request: Request) -> Response:
    """Save the profile of the timers."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        before = await settings.show(here, Response())
        change = forms.shaped(SettingsChange, profile=entered["profile"])
        after = await settings.edit(here, who.name, change, entered["revision"] or None)
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section="protocol")
    told = NEW_TIMERS if after.profile is not before.profile else "That profile is in use already."
    return forms.done(f"{page.PATH}#protocol", told)


async def _save(here: Services, request: Request, section: str, notice: str) -> Response:
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        change = forms.shaped(SettingsChange, **_read(here, section, await settings.show(here, Response()), entered))
        await settings.edit(here, who.name, change, entered["revision"] or None)
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section=section)
    return forms.done(f"{page.PATH}#{section}", notice)


def _read(here: Services, section: str, told: SettingsInfo, entered: Entered) -> dict[str, fields.Value]:
    infos: tuple[FieldInfo, ...] = (sections.policies(told) if section == "policies"
                                    else sections.quorum(told, len(here.view().nodes)))
    return {info.name: fields.value(info, entered) for info in infos if info.name in entered}
