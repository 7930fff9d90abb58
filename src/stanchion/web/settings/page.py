"""The page of the settings: everything that its sections show, and what was entered where one was refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import notification, settings
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Services
from stanchion.api.standing import show as standing
from stanchion.model.access import Role
from stanchion.model.errors import Stale, StanchionError
from stanchion.model.groups import Bond
from stanchion.model.notification import Channel
from stanchion.model.timing import TIMINGS, Profile
from stanchion.web import fields, screen
from stanchion.web.fields import Shown
from stanchion.web.forms import Entered
from stanchion.web.live import Rows
from stanchion.web.pictures import timers
from stanchion.web.settings import sections
from stanchion.wire.documents import FieldInfo

router = APIRouter()

PATH = "/console/settings"
SHOWN = 50
"""So many places of the order of loading are on the page at once."""

PROFILES: Mapping[Profile, str] = {
    Profile.FAST: "Quick failover, for hosts and a network that never stall.",
    Profile.DEFAULT: "For most clusters.",
    Profile.TOLERANT: "For hosts that stall for seconds, and for networks that lose their way at times.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A resource's place in the order of loading."""

    number: int
    name: str
    priority: int
    last: int


def shown(infos: tuple[FieldInfo, ...], entered: Entered) -> list[Shown]:
    """Show the fields of a section."""
    return [fields.shown(info, entered) for info in infos]


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at all settings."""
    return await _look(here, who, request, Entered([]))


page = screen.show(router, "/settings", "settings.html", look)


async def refused(here: Services, request: Request, who: Principal, entered: Entered, problem: StanchionError, *,
                  section: str) -> Response:
    """Answer with the page, why a section was refused, and what was entered into it."""
    text, now = str(problem), await settings.show(here, Response())
    for info in (*sections.policies(now), *sections.quorum(now, len(here.view().nodes))):
        text = text.replace(info.name, info.label)
    if isinstance(problem, Stale):
        text = f"{text}. What you entered is still here; saving it again replaces what stands now"
    error = f"{text[:1].upper()}{text[1:]}{'' if text[-1:] in '.!?' else '.'}"
    context = await _look(here, who, request, entered)
    seen = "" if isinstance(problem, Stale) else entered["revision"]
    context |= {"error": error, "at": section, "seen": seen, "entered": entered}
    return await page.answer(here, request, status_of(problem), **context)


async def _look(here: Services, who: Principal, request: Request, entered: Entered) -> dict[str, Any]:
    answer = Response()
    told = await settings.show(here, answer)
    channels = await notification.show(here, answer)
    nodes = len(here.view().nodes)
    return {
        "settings": told, "at": "", "seen": "", "bonds": tuple(Bond),
        "policies": shown(sections.policies(told), entered), "quorum": shown(sections.quorum(told, nodes), entered),
        "profiles": [(profile, PROFILES[profile], timers.axis(TIMINGS[profile])) for profile in Profile],
        "standing": await standing(here), "notification": channels,
        "channels": [(each, sections.TITLES[each], sections.ABOUT[each], getattr(channels, each.value) is not None,
                      shown(sections.channel(each, channels), entered)) for each in Channel],
        "fares": {each.channel: each for each in channels.channels},
        "resources_known": tuple(sorted(here.view().specs)), **await _order(here, who, request),
    }


async def _order(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Show a part of the order of loading: it may be long."""
    all_of_it = (await settings.priorities(here, Response())).resources
    asked = screen.queried(request, "from")["from"]
    first = min(int(asked), len(all_of_it)) if re.fullmatch("[0-9]{1,6}", asked) else 1
    begin = max(1, first - (first - 1) % SHOWN)
    places = [Place(number, each.resource, each.priority, len(all_of_it))
              for number, each in enumerate(all_of_it, 1) if begin <= number < begin + SHOWN]
    return {
        "order": Rows(id="order-rows", template="parts/priority_row.html",
                      common={"may_move": who.role.covers(Role.ADMINISTRATOR)},
                      rows=tuple((f"order-{each.name}", each) for each in places)),
        "begin": begin, "end": begin + len(places) - 1, "total": len(all_of_it), "step": SHOWN,
    }
