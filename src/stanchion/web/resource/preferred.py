"""Preferred nodes: those that may hold the resource, in the order in which they are asked.

Two lists and plain buttons, as in the original. What is put together stands in the form until it is saved, so it works
without scripts and nothing is half done meanwhile.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import resources as api
from stanchion.api import whereabouts
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import StanchionError
from stanchion.web import forms, screen, visit
from stanchion.web.resource.around import around, path_of
from stanchion.wire.replies import ResourceDetail
from stanchion.wire.requests import ResourceChange

router = APIRouter()


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at what is saved."""
    shared = await around(here, request, "/preferred")
    resource: ResourceDetail = shared["resource"]
    del who
    view = here.view()
    known = tuple(sorted(name for name, held in view.nodes.items() if not held.value.witness))
    places = (await whereabouts.places(here, resource.name)).places
    return {**shared, **_lists(resource.preferred, known), "known": known, "places": places, "drafted": False}


page = screen.show(router, "/resources/{name}/preferred", "resource/preferred.html", look)


@router.post("/resources/{name}/preferred")
async def change(here: Here, request: Request, name: str) -> Response:
    """Put the lists together, a step at a time, and save them at last."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    known = tuple(sorted(here.view().nodes))
    drafted = moved(entered.all("preferred"), entered["do"])
    try:
        if entered["do"] != "save":
            return await page.answer(here, request, entered=entered, drafted=True, **_lists(drafted, known))
        asked = forms.shaped(ResourceChange, preferred=drafted, why=entered["why"])
        await api.edit(here, who.name, name, asked, f'"{entered["revision"]}"')
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered, drafted=True,
                                 **_lists(drafted, known))
    told = f"in this order: {', '.join(drafted)}" if drafted else "all nodes, by their names"
    return forms.done(path_of(name, "/preferred"), f"Saved: {told}.")


def moved(preferred: Sequence[str], step: str) -> tuple[str, ...]:
    """Do one step to a list: ``add:node``, ``remove:node``, ``up:node``, ``down:node``, ``none``; else nothing."""
    nodes = list(dict.fromkeys(preferred))
    verb, _, node = step.partition(":")
    match verb:
        case "none":
            return ()
        case "add" if node and node not in nodes:
            nodes.append(node)
        case "remove" if node in nodes:
            nodes.remove(node)
        case "up" | "down" if node in nodes:
            at = nodes.index(node)
            nodes.insert(max(0, at - 1) if verb == "up" else at + 1, nodes.pop(at))
        case _:
            pass
    return tuple(nodes)


def _lists(preferred: Sequence[str], known: Sequence[str]) -> dict[str, Any]:
    return {"preferred": tuple(preferred), "others": tuple(node for node in known if node not in preferred)}
