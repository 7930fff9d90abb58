"""The list of resources: filtered, sorted, and ordered about, one or many at once."""

from typing import Any, get_args

from fastapi import APIRouter, Request, Response

from stanchion.api import orders
from stanchion.api import resources as api
from stanchion.api.access.principal import Principal
from stanchion.api.services import Here, Services
from stanchion.model.ids import ResourceName
from stanchion.model.state import State
from stanchion.web import confirm, forms, screen, visit
from stanchion.web.live import Rows
from stanchion.web.render import count
from stanchion.wire.orders import MOST_ORDERS, BulkVerb, ManyOrders, OrderResult
from stanchion.wire.replies import ResourceInfo

router = APIRouter()

SORTS = {
    "name": lambda of: (of.name.lower(),),
    "state": lambda of: (of.state, of.name.lower()),
    "node": lambda of: (of.node or "~", of.name.lower()),
    "lives": lambda of: (-of.lives, of.name.lower()),
}


VERBS = get_args(BulkVerb)
TOLD = 5
"""So many refusals stand in a notice."""


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
    if verb not in VERBS:
        return forms.refused(back, "There is no such order.")
    if verb == "offline" and not entered.on("confirmed"):
        return await confirm.ask(here, request, entered, title=f"Take {count(len(chosen), 'resource')} offline?",
                                 happens=[f"{name}: {_end(here, name)}" for name in chosen], button="Take offline",
                                 back=back)
    visit.about(request, f"{verb} {', '.join(chosen)}")
    node = entered["node"] if verb != "offline" else ""
    results: list[OrderResult] = []
    for begin in range(0, len(chosen), MOST_ORDERS):
        some = [{"verb": verb, "resource": name, "node": node or None} for name in chosen[begin:begin + MOST_ORDERS]]
        results += (await orders.order_many(here, who.name, forms.shaped(ManyOrders, orders=some))).results
    refused = [f"{one.resource}: {one.problem.detail}." for one in results if one.problem is not None]
    notice = f"{len(chosen) - len(refused)} of {len(chosen)} orders taken ({verb}). {' '.join(refused[:TOLD])}"
    if len(refused) > TOLD:
        notice += f" And {len(refused) - TOLD} more were refused."
    return forms.refused(back, notice) if len(refused) == len(chosen) else forms.done(back, notice, good=not refused)


def _end(here: Services, name: str) -> str:
    """Say what going offline means for a resource."""
    held = here.view().states.get(ResourceName(name))
    if held is None or held.value.node is None:
        return "it runs nowhere now; it will not be started by itself any more."
    return f"its unload script shuts the machine down on {held.value.node}; it stays off until it is ordered online."


def _fits(of: ResourceInfo, text: str, state: str, node: str) -> bool:
    return ((not text or text.lower() in f"{of.name} {of.node or ''} {of.template} {of.reason.text}".lower())
            and (not state or of.state == state) and (not node or of.node == node))
