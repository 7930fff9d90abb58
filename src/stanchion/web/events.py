"""The events of the cluster: a timeline that grows while one looks, each with the story of what led to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from stanchion.api import events as api
from stanchion.api import stories, telling
from stanchion.api.access.principal import Principal
from stanchion.api.history import Wanted
from stanchion.api.services import Here, Services
from stanchion.model.history import Severity
from stanchion.web import past, screen, visit
from stanchion.web.live import Rows
from stanchion.wire.events import EventInfo

router = APIRouter()

HERE = "/console/events"
ASKED = ("resource", "node", "severity", "since", "until", "text", "before")
COLUMNS = ("id", "at", "severity", "node", "resource", "before", "after", "code", "text", "by", "cause", "operation")
"""What a saved event has."""

LEAST = {Severity.INFO: "all", Severity.WARNING: "warnings and worse", Severity.CRITICAL: "critical alone"}


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at the newest events that the filter lets through."""
    del who
    asked = screen.queried(request, *ASKED)
    wanted, fault = _wanted(request)
    found = await past.newest(here, wanted, _read(here, wanted), asked["before"])
    since, until, _ = past.instants(request)
    view = here.view()
    return {
        "events": Rows(id="event-rows", template="parts/event_row.html",
                       rows=tuple((f"event-{each.id}", each) for each in found)),
        "shown": len(found), "asked": {**asked, "since": past.shown(since), "until": past.shown(until)},
        "ways_on": past.ways(HERE, asked, found), "error": fault, "severities": LEAST,
        "growing": not (asked["before"] or until), "nodes": tuple(sorted(view.nodes)),
        "names": tuple(telling.shown_resources(view)),
    }


page = screen.show(router, "/events", "events.html", look)


@router.get("/events/save")
async def save(here: Here, request: Request, form: Literal["csv", "json"] = "csv") -> Response:
    """Save the events that the filter lets through."""
    await visit.visitor(here, request)
    wanted, _ = _wanted(request)
    name = f"{telling.cluster_info(here.view(), here.node, here.version).name}-events.{form}"
    before = screen.queried(request, "before")["before"]
    return await past.saved(_read(here, wanted, before), _row, COLUMNS, form=form, name=name)


async def look_at_story(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at what led to one event."""
    del who
    steps = (await stories.why(here, request.path_params["name"])).steps
    return {"steps": steps[:-1], "last": steps[-1], "took_s": sum(each.after_s for each in steps)}


story = screen.show(router, "/events/{name}", "event.html", look_at_story, still=True)


def _wanted(request: Request) -> tuple[Wanted, str]:
    asked = screen.queried(request, *ASKED)
    since, until, fault = past.instants(request)
    severity = Severity(asked["severity"]) if asked["severity"] in set(Severity) else Severity.INFO
    return Wanted(resource=asked["resource"] or None, node=asked["node"] or None, severity=severity,
                  since_s=api.instant_of(since), until_s=api.instant_of(until), text=asked["text"] or None), fault


def _read(here: Services, wanted: Wanted, newest_before: str = "") -> past.Read[EventInfo]:
    async def read(after: str | None, before: str | None, limit: int) -> tuple[Sequence[EventInfo], str]:
        found = await api.events(here, wanted, after, before or newest_before or None, limit)
        return found.events, found.last

    return read


def _row(of: EventInfo) -> dict[str, object]:
    return {**of.model_dump(mode="json", exclude={"reason"}), "at": _instant(of.at), "code": of.reason.code,
            "text": of.reason.text}


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:23] + "Z" if at else ""
