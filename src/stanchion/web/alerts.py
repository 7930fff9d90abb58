"""Everything that needs a person, in one place: questions, what does not run and why, and what may go wrong.

A resource that is comatose stands with the command that failed and the last lines that it said, because that is what
whoever comes to mend it looks for first.
"""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import overview
from stanchion.api import resources as api
from stanchion.api.access.principal import Principal
from stanchion.api.clusters import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import NotFound, StanchionError, StoreUnavailable
from stanchion.model.health import Health
from stanchion.model.history import RunEnd
from stanchion.model.state import State
from stanchion.web import forms, screen, visit
from stanchion.web.needs import Need, needs
from stanchion.wire.replies import ResourceInfo, RunInfo
from stanchion.wire.requests import AlertOrder

router = APIRouter()

LISTED = 200
EXPLAINED = 10
"""Of so many comatose resources the failed run is shown here; of all of them on their own pages."""
LINES = 8
"""So many of the last lines of a run's output."""


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at all that needs somebody."""
    del who, request
    resources = status_of(here).resources
    wanting = needs(overview.at_a_glance(here).alerts, resources)
    shown = wanting[:LISTED]
    return {
        "questions": tuple(each for each in shown if each.asks),
        "critical": tuple(each for each in shown if not each.asks and each.finding.health is Health.CRITICAL),
        "attention": tuple(each for each in shown if not each.asks and each.finding.health is not Health.CRITICAL),
        "left": len(wanting) - len(shown), "failures": await _failures(here, shown, resources),
    }


page = screen.show(router, "/alerts", "alerts.html", look)


async def _failures(here: Services, shown: Iterable[Need], resources: Iterable[ResourceInfo]) -> dict[str, RunInfo]:
    """Give the run that failed last of those that are comatose, with the end of its output."""
    comatose = {of.name for of in resources if of.state is State.COMATOSE}
    named = [need.finding.resource for need in shown if need.finding.resource in comatose][:EXPLAINED]
    return {name: failed for name in named if name and (failed := await _failure(here, name)) is not None}


async def _failure(here: Services, name: str) -> RunInfo | None:
    try:
        runs = (await api.runs(here, name, output=True, limit=20)).runs
    except (NotFound, StoreUnavailable):
        return None  # it is deleted at this moment, or the runs cannot be read
    failed = next((run for run in runs if run.code or run.end is not RunEnd.EXITED), None)
    lines = (failed.output or "").rstrip().splitlines() if failed else []
    return failed and failed.model_copy(update={"output": "\n".join(lines[-LINES:])})


@router.post("/alerts/{name}")
async def answer(here: Here, request: Request, name: str) -> Response:
    """Answer the question that a resource's alert asks, from whichever page shows it."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    back = entered["back"] or "/console/alerts"
    visit.about(request, f"{entered['answer']} to {name}")
    try:
        await api.alert(here, who.name, name, forms.shaped(AlertOrder, answer=entered["answer"]))
    except StanchionError as problem:
        return forms.refused(back, f"{name}: {problem}.")
    return forms.done(back, f"The alert of {name} is answered: {entered['answer']}.")
