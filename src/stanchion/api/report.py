"""The report: everything that there is to say about the cluster, put together from what the other routes tell.

A report is made to be handed on, to a colleague or to support. So values of parameters that are called like secrets
are masked, and of a webhook's address only the server is told.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Response

from stanchion.api import finding, history, notification, printed, stories, telling
from stanchion.api.services import Here, Services
from stanchion.model.history import Line
from stanchion.model.ids import ResourceName
from stanchion.wire import replies
from stanchion.wire.notification import NotificationInfo
from stanchion.wire.report import Report
from stanchion.wire.requests import MASK

router = APIRouter(tags=["cluster"])

EVENTS = 200
"""So many of the last events stand in a report; incidents are looked for in as many as a story may reach back."""

HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
           "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


@router.get("/report", response_model=Report, responses={200: {"content": {"text/html": {}}}})
async def report(
    here: Here,
    form: Annotated[Literal["json", "html"], Query(alias="format", description="data, or one page")] = "json",
) -> Report | Response:
    """Tell everything about the cluster: as JSON, or as one HTML page that asks nobody for anything else."""
    made = await make(here)
    if form == "json":
        return made
    return Response(printed.page(made), media_type="text/html; charset=utf-8", headers=HEADERS)


async def make(here: Services) -> Report:
    """Put the report together from the view as it is now."""
    view, now = here.view(), here.clock.now()
    found, _ = await history.newest(here.store, history.Wanted(), stories.READ)
    lines = tuple(Line(*pair) for pair in found)
    details = [await _resource(here, name) for name in telling.shown_resources(view)]
    return Report(
        made_at=replies.instant(now.wall_s),
        cluster=telling.cluster_info(view, here.node, here.version),
        settings=_plain(asdict(view.settings.value)) if view.settings else {},
        timing=telling.timing_info(view),
        nodes=tuple(telling.node_info(view, name, here.silent()) for name in finding.known_nodes(view)),
        resources=tuple(details),
        priorities=tuple(one.name for one in sorted(details, key=lambda one: (-one.policies.priority, one.name))),
        templates=tuple(telling.template_info(held.value) for _, held in sorted(view.templates.items())),
        notification=_discreet(notification.info(view)),
        incidents=stories.incident_infos(lines),
        events=tuple(telling.event_info(line.id, line.entry) for line in lines[-EVENTS:]),
    )


async def _resource(here: Services, name: ResourceName) -> replies.ResourceDetail:
    told = telling.resource_detail(here.view(), name, here.process_of(name),
                                   await history.last_runs(here.store, name))
    shown = {key: MASK if telling.SECRET.search(key) and value else value for key, value in told.parameters.items()}
    return told.model_copy(update={"parameters": shown})


def _discreet(told: NotificationInfo) -> NotificationInfo:
    """Leave out of a webhook's address what may be a password: all but the server."""
    if told.webhook is None:
        return told
    at = urlsplit(told.webhook.url)
    url = f"{at.scheme}://{at.netloc.rpartition('@')[2]}/..."
    return told.model_copy(update={"webhook": told.webhook.model_copy(update={"url": url})})


def _plain(value: Any) -> Any:
    """Write settings as JSON has them, whatever fields they have."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
