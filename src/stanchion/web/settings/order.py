"""The form of Priorities: one resource is moved at a time, and that counts at once."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from stanchion.api import finding, settings
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.web import forms, visit
from stanchion.web.forms import Entered
from stanchion.web.settings import page
from stanchion.wire.ruling import PriorityOrder

router = APIRouter()


@router.post("/settings/priorities")
async def move(here: Here, request: Request) -> Response:
    """Change the order of loading: move a resource up, down, or to a place; or make all equal again."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        if entered["do"] == "equal":
            await settings.save_priorities(here, who.name, PriorityOrder())
            return forms.done(f"{page.PATH}#priorities", "All resources load in the order of their names.")
        order = [each.resource for each in (await settings.priorities(here, Response())).resources]
        name, place = _asked(here, entered, order)
        visit.about(request, f"{name} to place {max(1, min(place, len(order)))}")
        wanted = PriorityOrder(resources=moved(order, name, place))
        await settings.save_priorities(here, who.name, wanted)
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section="priorities")
    at = max(1, min(place, len(order)))
    return forms.done(f"{page.PATH}?from={at}#order-{name}", f"{name} loads at place {at} of {len(order)}.")


def moved(order: Sequence[str], name: str, place: int) -> tuple[str, ...]:
    """Put a name at a place, counted from 1; give the names whose place that decides, the first ones.

    What comes after them keeps its order, so it need not be named.
    """
    rest = [each for each in order if each != name]
    at = max(0, min(place - 1, len(rest)))
    return tuple((*rest[:at], name, *rest[at:])[:max(at, order.index(name)) + 1])


def _asked(here: Services, entered: Entered, order: Sequence[str]) -> tuple[str, int]:
    """Read what is to be moved, and where to. Raises ``InvalidInput`` or ``NotFound``."""
    for button, by in (("up", -1), ("down", 1)):
        if button in entered:
            name = finding.resource(here.view(), entered[button])
            return name, order.index(name) + 1 + by
    if not entered["resource"].strip():
        raise InvalidInput("no resource is named; enter the one to be moved")
    place = entered.number("place", "the place")
    if not place.is_integer():
        raise InvalidInput(f"the place must be a whole number, not {entered['place']!r}")
    return finding.resource(here.view(), entered["resource"].strip()), int(place)
