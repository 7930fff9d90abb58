"""The audit: what people and programs did and tried, from where, and why.

A request is told in the words of the function that answers it: the first clause of its docstring.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.routing import BaseRoute, Mount

from stanchion.api import telling
from stanchion.api.access import routes
from stanchion.api.access.principal import Principal
from stanchion.api.services import Here, Services
from stanchion.web import past, screen, visit
from stanchion.web.live import Rows
from stanchion.wire.access import AuditInfo

router = APIRouter()

HERE = "/console/audit"
ASKED = ("user", "since", "until", "text", "before")
COLUMNS = ("id", "at", "user", "address", "what", "route", "object", "outcome", "status", "why", "node")
"""What a saved deed has."""

FAILED_FROM = 500
REFUSED_FROM = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What the filter lets through."""

    user: str
    since: datetime | None
    until: datetime | None
    text: str


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at the newest deeds that the filter lets through."""
    del who
    asked = screen.queried(request, *ASKED)
    question, fault = _question(request)
    found = await past.newest(here, question, _read(here, question), asked["before"])
    words: Mapping[str, str] = request.app.state.spoken
    return {
        "deeds": Rows(id="audit-rows", template="parts/audit_row.html",
                      rows=tuple((f"deed-{each.id}", {"of": each, "outcome": outcome(each),
                                                     "words": words.get(each.route, "")}) for each in found)),
        "shown": len(found), "ways_on": past.ways(HERE, asked, found), "error": fault,
        "asked": {**asked, "since": past.shown(question.since), "until": past.shown(question.until)},
        "growing": not (asked["before"] or question.until),
        "names": (*sorted(here.view().users),
                  *sorted(f"token:{held.value.name}" for held in here.view().api_tokens.values())),
    }


page = screen.show(router, "/audit", "audit.html", look)


@router.get("/audit/save")
async def save(here: Here, request: Request, form: Literal["csv", "json"] = "csv") -> Response:
    """Save the deeds that the filter lets through."""
    await visit.visitor(here, request)
    question, _ = _question(request)
    name = f"{telling.cluster_info(here.view(), here.node, here.version).name}-audit.{form}"
    read = _read(here, question, screen.queried(request, "before")["before"])
    return await past.saved(read, _row, COLUMNS, form=form, name=name)


def spoken(app: FastAPI) -> dict[str, str]:
    """Say in words what each route of an application does, by its method and path."""
    return dict(_spoken(app.routes, ""))


def _spoken(routes: Iterable[BaseRoute], above: str) -> Iterator[tuple[str, str]]:
    for each in routes:
        if isinstance(each, Mount):
            yield from _spoken(each.routes, f"{above}{each.path}")
        elif hasattr(each, "effective_candidates"):  # a router that was included, which the framework keeps apart
            yield from _spoken(each.effective_candidates(), above)
        else:
            of: Any = getattr(each, "starlette_route", None) or each
            said = re.split(r"[.:;,(\n]", of.endpoint.__doc__ or "")[0].strip()
            yield from ((f"{method} {above}{of.path}", said) for method in of.methods or ())


def outcome(of: AuditInfo) -> str:
    """Say in one word what became of a deed."""
    if of.status is None:
        return "done"
    if of.status >= FAILED_FROM:
        return "failed"
    return "refused" if of.status >= REFUSED_FROM else "done"


def _question(request: Request) -> tuple[_Question, str]:
    asked = screen.queried(request, *ASKED)
    since, until, fault = past.instants(request)
    return _Question(user=asked["user"], since=since, until=until, text=asked["text"]), fault


def _read(here: Services, of: _Question, newest_before: str = "") -> past.Read[AuditInfo]:
    async def read(after: str | None, before: str | None, limit: int) -> tuple[Sequence[AuditInfo], str]:
        found = await routes.read_audit(
            here, user=of.user or None, since=of.since, until=of.until, text=of.text or None, after=after,
            before=before or newest_before or None, limit=limit)
        return found.entries, found.last

    return read


def _row(of: AuditInfo) -> dict[str, object]:
    return {**of.model_dump(mode="json"), "outcome": outcome(of)}
