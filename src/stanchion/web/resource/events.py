"""Events of the resource: its own timeline, each with the chain of what led to it."""

from typing import Any

from fastapi import APIRouter, Request

from stanchion.api import events as api
from stanchion.api import stories
from stanchion.api.access.principal import Principal
from stanchion.api.history import Wanted
from stanchion.api.services import Services
from stanchion.model.errors import NotFound
from stanchion.model.history import Severity
from stanchion.web import screen
from stanchion.web.live import Rows
from stanchion.web.resource.around import around
from stanchion.wire.replies import ResourceDetail
from stanchion.wire.stories import StepInfo

router = APIRouter()

SHOWN = 100


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at the newest events, and at what led to the one that the URL names."""
    del who
    shared = await around(here, request, "/events")
    resource: ResourceDetail = shared["resource"]
    asked = screen.queried(request, "severity", "why")
    severity = Severity(asked["severity"]) if asked["severity"] in set(Severity) else Severity.INFO
    found = (await api.events(here, Wanted(resource=resource.name, severity=severity), None, None, SHOWN)).events[::-1]
    return {
        **shared, "asked": asked, "severities": tuple(Severity), "shown": len(found), "most": SHOWN,
        "steps": await _why(here, asked["why"]),
        "events": Rows(id="event-rows", template="resource/event_row.html", common={"at": shared["at"]},
                       rows=tuple((f"event-{each.id}", each) for each in found)),
    }


screen.show(router, "/resources/{name}/events", "resource/events.html", look)


async def _why(here: Services, event: str) -> tuple[StepInfo, ...]:
    if not event:
        return ()
    try:
        return (await stories.why(here, event)).steps
    except NotFound:
        return ()
