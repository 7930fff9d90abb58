"""Orders for a resource: given by a button on its page, and asked about first where they stop a machine.

A move has a page of its own: it says, by the planner, what would happen, before it is ordered.
"""

from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from stanchion.api import resources as api
from stanchion.api import what_if, whereabouts
from stanchion.api.access.principal import Principal
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.model.resource import ScriptKind
from stanchion.model.state import AlertKind
from stanchion.web import confirm, forms, screen, visit
from stanchion.web.forms import Entered
from stanchion.web.resource.around import around, path_of
from stanchion.web.resource.details import AGAIN_S
from stanchion.web.seldom import Seldom
from stanchion.wire.replies import IntentInfo, ResourceDetail
from stanchion.wire.requests import AdoptOrder, AlertOrder, MigrateOrder, OnlineOrder
from stanchion.wire.what_if import WhatIfInfo

router = APIRouter()

WAYS = {"": None, "live": True, "restart": False}
"""How a move is made: as the scripts can, live, or by unload and load."""

PATIENCE_S = 5.0
"""How long the page waits for what the planner foresees."""
FORESEEN = 64


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at where the resource could be moved, and at what a move to the chosen node would mean."""
    shared = await around(here, request, "/migrate")
    resource: ResourceDetail = shared["resource"]
    places = (await whereabouts.places(here, resource.name)).places
    fit = [place.node for place in places if place.fits and not place.current]
    asked = request.query_params.get("node", "")
    target = asked or next(iter(fit), "")
    told = await _foreseen(who.name, resource.name, target).answer(here, PATIENCE_S)
    return {**shared, "places": places, "target": target, "told": told,
            "restart": restart_sentences(resource, target), "look_again_s": AGAIN_S if told is None else None}


@lru_cache(FORESEEN)
def _foreseen(by: str, name: str, target: str) -> Seldom[WhatIfInfo]:
    """Give the question what a move would mean: for the answer the whole cluster is played to its end."""
    return Seldom(partial(_play, by=by, name=name, target=target))


async def _play(here: Services, *, by: str, name: str, target: str) -> WhatIfInfo:
    return await what_if.migrate(here, by, name, target or None)


page = screen.show(router, "/resources/{name}/migrate", "resource/migrate.html", look)


@router.post("/resources/{name}/orders")
async def order(here: Here, request: Request, name: str) -> Response:
    """Give an order; ask first, where it stops something."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    back = path_of(name)
    try:
        resource = await api.detail(here, name)
        verb = entered["verb"]
        if verb == "migrate" and not entered.on("confirmed"):
            return forms.led(f"{back}/migrate?node={quote(entered['node'], safe='')}")
        if not entered.on("confirmed") and (happens := consequences(resource, verb)):
            return await confirm.ask(here, request, entered, title=_question(resource.name, verb), happens=happens,
                                     button=BUTTONS[verb], back=back)
        visit.about(request, f"{verb} {resource.name}{' on ' if entered['node'] else ''}{entered['node']}")
        taken = await _give(here, who.name, resource, entered)
    except StanchionError as problem:
        return forms.refused(back, f"Not ordered: {problem}.")
    return forms.done(f"{back}?order={taken.id}")


async def _give(here: Services, by: str, resource: ResourceDetail, entered: Entered) -> IntentInfo:
    name, node = resource.name, entered["node"]
    match entered["verb"]:
        case "online":
            return await api.online(here, by, name, forms.shaped(OnlineOrder, node=node or None))
        case "offline":
            return await api.offline(here, by, name)
        case "migrate":
            return await api.migrate(here, by, name, forms.shaped(MigrateOrder, node=node, live=_live(entered)))
        case "adopt":
            return await api.adopt(here, by, name, forms.shaped(AdoptOrder, node=node))
        case "yes" | "no" as answer:
            return await api.alert(here, by, name, forms.shaped(AlertOrder, answer=answer))
        case "end":
            return await api.end_process(here, name=name, by=by)
        case other:
            raise InvalidInput(f"there is no order {other!r}; use the buttons of the page")


def _live(entered: Entered) -> bool | None:
    way = entered["way"]
    if way not in WAYS:
        raise InvalidInput(f"a machine cannot be moved {way!r}; choose live, or with a restart")
    return WAYS[way]


BUTTONS = {"offline": "Take offline", "end": "End this script", "yes": "Answer yes"}


def _question(name: str, verb: str) -> str:
    match verb:
        case "offline":
            return f"Take {name} offline?"
        case "end":
            return f"End the script of {name} that runs now?"
        case _:
            return f"Move {name} back?"


def consequences(resource: ResourceDetail, verb: str) -> tuple[str, ...]:
    """Say what an order stops, a sentence each; nothing: it stops nothing."""
    name, node = resource.name, resource.node
    match verb:
        case "offline" if node is None:
            return (f"{name} runs nowhere now; it will not be started by itself any more.",)
        case "offline":
            limit = resource.scripts[ScriptKind.UNLOAD].timeout_s
            return (f"The unload script shuts the machine down on {node}; it may take {limit:g} s.",
                    f"{name} stays off until it is ordered online.")
        case "end":
            where = f" on {node}" if node else ""
            return (f"The script that runs{where} gets TERM, and 5 s later KILL, with all that it started.",
                    "For the cluster the script has failed then: it looks whether the machine runs, and tells it here.")
        case "yes" if resource.alert is AlertKind.FAILBACK and not (resource.live and resource.policies.failback_live):
            home = resource.reason.operands[0] if resource.reason.operands else "its first preferred node"
            return restart_sentences(resource, home)
        case _:
            return ()


def restart_sentences(resource: ResourceDetail, target: str) -> tuple[str, ...]:
    """Say what a move by unload and load means."""
    return (f"The unload script shuts the machine down on {resource.node or 'its node'}.",
            f"Then the load script starts it on {target or 'another node'}; it does not run in between.")
