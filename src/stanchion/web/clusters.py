"""My Clusters: this one and its neighbours, each with its health at a glance; added and removed by administrators.

The neighbours are asked by the answering node, now and then, however many look at the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import neighbours as api
from stanchion.api import overview
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import StanchionError
from stanchion.model.state import State
from stanchion.web import confirm, forms, screen, visit
from stanchion.web.needs import TONES
from stanchion.web.seldom import Seldom
from stanchion.wire.neighbours import NeighbourHealth, NeighbourHealthList, NeighbourInfo, NeighbourOrder
from stanchion.wire.overview import Overview

router = APIRouter()

PATH = "/console/clusters"
FRESH_S = 10.0
"""After so long the neighbours are asked anew."""
HEALTH_TONES: Mapping[str, str] = {**{health.value: tone for health, tone in TONES.items()}, "unreachable": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A cluster at a glance. ``health`` is empty until it has been asked; ``href`` is where its own console answers."""

    name: str
    ours: bool
    health: str = ""
    tone: str = "quiet"
    text: str = "It is being asked …"
    reasons: tuple[str, ...] = ()
    nodes: str = ""
    resources: str = ""
    href: str = ""
    version: str = ""
    at: datetime | None = None
    info: NeighbourInfo | None = None


async def _asked(here: Services) -> NeighbourHealthList | str:
    """Ask the neighbours, or say why they cannot be asked."""
    try:
        return await api.health(here)
    except StanchionError as problem:
        return str(problem)


healths = Seldom(_asked, fresh_s=FRESH_S)


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at this cluster, and at what is known of the others."""
    del who, request
    known = (await api.neighbours(here)).neighbours
    told = await healths.answer(here) if known else None
    seen = told.neighbours if isinstance(told, NeighbourHealthList) else ()
    return {"cards": (_ours(overview.at_a_glance(here), here.version), *_theirs(known, seen)),
            "fault": told if isinstance(told, str) else ""}


page = screen.show(router, "/clusters", "clusters.html", look)


@router.post("/clusters")
async def add(here: Here, request: Request) -> Response:
    """Add another cluster."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        made = await api.add(here, who.name, forms.shaped(
            NeighbourOrder, name=entered["name"].strip(), urls=tuple(entered["urls"].split()),
            authority=entered["authority"].strip(), token=entered["token"].strip()))
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered)
    return forms.done(PATH, f"{made.name} is added, and looked at from here.")


@router.post("/clusters/{name}/remove")
async def remove(here: Here, request: Request, name: str) -> Response:
    """Forget another cluster; nothing that runs there is touched."""
    entered = await forms.read(request)
    if not confirm.given(entered):
        return await confirm.ask(here, request, entered, title=f"Remove {name} from My Clusters?", happens=[
            f"{name} is not looked at from here any more, and the token for it is forgotten.",
            "Nothing changes there. Revoke the token there as well.",
        ], button=f"Remove {name}", back=PATH)
    try:
        await api.remove(here, name)
    except StanchionError as problem:
        return forms.refused(PATH, problem)
    return forms.done(PATH, f"{name} is removed. Revoke its token there as well.")


def _ours(of: Overview, version: str) -> Card:
    counts = {each.state: each.count for each in of.counts}
    up = sum(1 for node in of.nodes if node.state == "up")
    wanted = sum(counts.values()) - counts.get(State.OFFLINE, 0)
    return Card(name=of.cluster.name, ours=True, health=of.health.value, tone=TONES[of.health], text=of.text,
                reasons=of.reasons, nodes=f"{up} of {len(of.nodes)}", href="/console/", version=version,
                resources=f"{counts.get(State.RUNNING, 0)} of {wanted}")


def _theirs(known: Sequence[NeighbourInfo], seen: Sequence[NeighbourHealth]) -> list[Card]:
    told = {each.name: each for each in seen}
    return [_their(info, told.get(info.name)) for info in known]


def _their(info: NeighbourInfo, seen: NeighbourHealth | None) -> Card:
    if seen is None:
        return Card(name=info.name, ours=False, info=info, href=f"{info.urls[0]}/console/")
    reached = seen.health != "unreachable"
    return Card(name=info.name, ours=False, health=seen.health, tone=HEALTH_TONES[seen.health], text=seen.text,
                reasons=seen.reasons, nodes=f"{seen.nodes_up} of {seen.nodes}" if reached else "", info=info,
                resources=f"{seen.running} of {seen.resources}" if reached else "", version=seen.version, at=seen.at,
                href=f"{seen.url or info.urls[0]}/console/")
