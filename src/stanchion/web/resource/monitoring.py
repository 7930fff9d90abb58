"""Monitoring: how often the monitor script runs and what its failures lead to, with a sentence that says it all.

The sentence is the API's own description of the configuration: of what is saved, of what was entered when a button asks
for it, and with the page's script of every change as it is made.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import monitoring as describing
from stanchion.api import resources as api
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import StanchionError
from stanchion.model.history import RunEnd
from stanchion.model.resource import FailureAction, ScriptKind
from stanchion.web import fields, forms, screen, visit
from stanchion.web.forms import Entered
from stanchion.web.resource import words
from stanchion.web.resource.around import around, path_of
from stanchion.wire.monitoring import MonitoringDraft
from stanchion.wire.replies import ResourceDetail
from stanchion.wire.requests import MonitoringChange, ResourceChange

router = APIRouter()

ACTIONS = (
    (FailureAction.COMATOSE, "Set resource as comatose", "It is left as it is, until somebody looks."),
    (FailureAction.MIGRATE, "Migrate resource based on the Preferred Nodes list",
     "It is unloaded and loaded on the next of its nodes, and stays there; failback does not bring it back."),
    (FailureAction.REBOOT, "Reboot the hosting node without synchronizing or unmounting the disks",
     "A hard reset: everything on that host is interrupted and starts elsewhere. For what must run at any price."),
)
"""The failure actions in the words of the original, and what each means."""

SHOWN = 20


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at the monitoring and at the failures of late."""
    del who
    shared = await around(here, request, "/monitoring")
    resource: ResourceDetail = shared["resource"]
    rule, now_s = resource.monitoring, here.clock.now().wall_s
    runs = (await api.runs(here, resource.name, ScriptKind.MONITOR, output=False, limit=500)).runs
    failed = [run for run in runs if run.end is not RunEnd.EXITED or run.code]
    return {
        **shared, "rule": rule, "actions": ACTIONS, "words": words, "told": resource.monitoring_text, "faults": (),
        "interval": fields.in_unit(rule.interval_s), "window": fields.in_unit(rule.window_s),
        "counting": tuple(at for at in resource.failures if now_s - at.timestamp() < rule.window_s),
        "failed": failed[:SHOWN], "ran": len(runs),
    }


page = screen.show(router, "/resources/{name}/monitoring", "resource/monitoring.html", look)


@router.post("/resources/{name}/monitoring")
async def save(here: Here, request: Request, name: str) -> Response:
    """Save the monitoring; or only say what it would do, where that button was pressed."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        change = _change(entered)
        if entered["do"] == "describe":
            said = await describing.describe(here, forms.shaped(MonitoringDraft, resource=name, monitoring=change))
            return await page.answer(here, request, entered=entered, told=said.text, faults=said.faults)
        asked = forms.shaped(ResourceChange, monitoring=change, why=entered["why"])
        saved = await api.edit(here, who.name, name, asked, f'"{entered["revision"]}"')
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered)
    return forms.done(path_of(name, "/monitoring"), f"Saved. {saved.resource.monitoring_text}")


def _change(entered: Entered) -> MonitoringChange:
    """Put what was entered into a change. Raises ``InvalidInput``."""
    return forms.shaped(
        MonitoringChange, enabled=entered.on("enabled"), action=entered["action"],
        interval_s=fields.duration(entered, "interval", "Polling Interval"),
        max_failures=entered.number("max_failures", "Maximum Local Failures"),
        window_s=fields.duration(entered, "window", "Time Interval"))
