"""The report: everything that there is to say about the cluster at one moment, to look at, to print and to hand on."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from stanchion.api import report as api
from stanchion.api import telling
from stanchion.api.access.principal import Principal
from stanchion.api.services import Here, Services
from stanchion.model.resource import ScriptKind
from stanchion.web import past, screen, visit
from stanchion.wire.report import Report

router = APIRouter()


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Put the report together."""
    del who, request
    return {"report": await api.make(here), "script_kinds": tuple(ScriptKind)}


page = screen.show(router, "/report", "report.html", look, still=True)


@router.get("/report/save")
async def save(here: Here, request: Request, form: Literal["html", "json"] = "html") -> Response:
    """Save the report as a page that needs nothing else, or as data."""
    await visit.visitor(here, request)
    made = await api.report(here, form)
    answer = (Response(made.model_dump_json(indent=2), media_type="application/json") if isinstance(made, Report)
              else made)
    name = telling.cluster_info(here.view(), here.node, here.version).name
    answer.headers["content-disposition"] = past.attachment(f"{name}-report.{form}")
    return answer
