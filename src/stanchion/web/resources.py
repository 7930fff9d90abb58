"""The list of resources: filtered, sorted, and ordered about, one or many at once."""

from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import resources as api
from stanchion.api.access.principal import Principal
from stanchion.api.services import Here, Services
from stanchion.model.errors import StanchionError
from stanchion.model.ids import ResourceName
from stanchion.model.state import State
from stanchion.web import confirm, forms, screen, visit
from stanchion.web.live import Rows
from stanchion.web.render import count
from stanchion.wire.replies import ResourceInfo
from stanchion.wire.requests import MigrateOrder, OnlineOrder

router = APIRouter()

SORTS = {
    "name": lambda of: (of.name.lower(),),
    "state": lambda of: (of.state, of.name.lower()),
    "node": lambda of: (of.node or "~", of.name.lower()),
    "lives": lambda of: (-of.lives, of.name.lower()),
}


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at all resources, as far as the filter lets them through."""
    del who
    asked = screen.queried(request, "q", "state", "node", "sort")
    everything = (await api.resources(here)).resources
    found = sorted((of for of in everything if _fits(of, asked["q"], asked["state"], asked["node"])),
                   key=SORTS.get(asked["sort"], SORTS["name"]))
    return {
        "resources": Rows(id="resource-rows", template="parts/resource_row.html",
                          rows=tuple((f"resource-{of.name}", of) for of in found)),
        "shown": len(found), "total": len(everything), "asked": asked, "states": tuple(State),
        "nodes": tuple(sorted(here.view().nodes)), "sorts": tuple(SORTS),
    }


page = screen.show(router, "/resources", "resources.html", look)


@router.post("/resources/orders")
async def order(here: Here, request: Request) -> Response:
    """Give one order to all resources that were chosen; each is answered for itself."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    chosen, verb = entered.all("chosen"), entered["verb"]
    back = entered["back"] or "/console/resources"
    if not chosen:
        return forms.refused(back, "No resource was chosen; tick the boxes before their names first.")
    if verb == "offline" and not entered.on("confirmed"):
        return await confirm.ask(here, request, entered, title=f"Take {count(len(chosen), 'resource')} offline?",
                                 happens=[f"{name}: {_end(here, name)}" for name in chosen], button="Take offline",
                                 back=back)
    visit.about(request, f"{verb} {', '.join(chosen)}")
    refused = []
    for name in chosen:
        try:
            match verb:
                case "online":
                    await api.online(here, who.name, name, forms.shaped(OnlineOrder, node=entered["node"] or None))
                case "offline":
                    await api.offline(here, who.name, name)
                case "migrate":
                    await api.migrate(here, who.name, name, forms.shaped(MigrateOrder, node=entered["node"]))
                case _:
                    return forms.refused(back, "There is no such order.")
        except StanchionError as problem:
            refused.append(f"{name}: {problem}")
    taken = len(chosen) - len(refused)
    notice = f"{taken} of {len(chosen)} orders taken ({verb})." + "".join(f" {each}." for each in refused)
    return forms.done(back, notice, good=not refused) if taken else forms.refused(back, notice)


def _end(here: Services, name: str) -> str:
    """Say what going offline means for a resource."""
    held = here.view().states.get(ResourceName(name))
    if held is None or held.value.node is None:
        return "it runs nowhere now; it will not be started by itself any more."
    return f"its unload script shuts the machine down on {held.value.node}; it stays off until it is ordered online."


def _fits(of: ResourceInfo, text: str, state: str, node: str) -> bool:
    return ((not text or text.lower() in f"{of.name} {of.node or ''} {of.template} {of.reason.text}".lower())
            and (not state or of.state == state) and (not node or of.node == node))
