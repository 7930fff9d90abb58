"""Runs: every run of the resource's scripts that is kept, what it printed, and what runs at this moment."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request

from stanchion.api import resources as api
from stanchion.api import whereabouts
from stanchion.api.access.principal import Principal
from stanchion.api.services import Services
from stanchion.model.errors import NotFound
from stanchion.model.resource import ScriptKind
from stanchion.web import screen
from stanchion.web.live import Rows
from stanchion.web.resource import words
from stanchion.web.resource.around import around, path_of
from stanchion.web.resource.details import AGAIN_S, spent
from stanchion.wire.replies import ResourceDetail, RunInfo

router = APIRouter()

SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A run in the list, with what its numbers mean."""

    run: RunInfo
    href: str
    how: str
    tone: str
    took_s: float | None


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at the runs, the newest first, and at what runs now."""
    del who
    shared = await around(here, request, "/runs")
    resource: ResourceDetail = shared["resource"]
    asked = screen.queried(request, "script")["script"]
    script = ScriptKind(asked) if asked in set(ScriptKind) else None
    found = (await api.runs(here, resource.name, script, output=False, limit=SHOWN)).runs
    process = (await whereabouts.process(here, resource.name)).process
    return {
        **shared, "asked": asked, "kinds": tuple(ScriptKind), "shown": len(found), "process": process,
        "share": spent(here, process), "look_again_s": AGAIN_S if process and process.here else None,
        "runs": Rows(id="run-rows", template="resource/run_row.html",
                     rows=tuple((f"run-{run.script}-{run.operation}", row(run)) for run in found)),
    }


screen.show(router, "/resources/{name}/runs", "resource/runs.html", look)


async def look_at_one(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at one run with its output."""
    del who
    shared = await around(here, request, "/runs")
    script, operation = str(request.path_params["script"]), str(request.path_params["operation"])
    if script not in set(ScriptKind):
        raise NotFound(f"there is no {script} script; there are {', '.join(ScriptKind)}")
    run = await api.run(here, shared["resource"].name, ScriptKind(script), operation)
    return {**shared, "row": row(run), "run": run}


screen.show(router, "/resources/{name}/runs/{script}/{operation:path}", "resource/run.html", look_at_one)


def row(run: RunInfo) -> Row:
    """Put a run into words."""
    return Row(run=run, href=path_of(run.resource, f"/runs/{run.script}/{quote(run.operation)}"), how=words.ended(run),
               tone=words.tone(run), took_s=words.took_s(run))
