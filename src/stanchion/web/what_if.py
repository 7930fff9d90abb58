"""What if: a node dies, a node is drained, a resource is moved. What would happen is shown before anything does.

The cluster's own judgement answers; the page only asks it, and shows where everything would go, why, and in which
order. It shows one moment: whoever wants to know it anew asks anew.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request

from stanchion.api import clusters, guarantee
from stanchion.api import what_if as api
from stanchion.api.access.principal import Principal
from stanchion.api.services import Services
from stanchion.model.errors import InvalidInput, NotFound
from stanchion.model.foresight import Case, How
from stanchion.model.state import Phase
from stanchion.web import screen
from stanchion.web.pictures.cluster_map import ClusterMap, cluster_map
from stanchion.web.pictures.headroom import headroom
from stanchion.wire.replies import MoveInfo, NodeInfo, ResourceInfo
from stanchion.wire.what_if import ProspectInfo, WhatIfInfo

router = APIRouter()

WORDS: Mapping[How, tuple[str, str]] = {
    How.STAYS: ("stays", "good"),
    How.LIVE: ("moves live", "good"),
    How.RESTARTS: ("is started there", "busy"),
    How.ASKS: ("asks first", "warning"),
    How.WAITS: ("waits", "bad"),
    How.RESTS: ("stays down", "bad"),
}
"""What becomes of a resource: the word, and the colour's name."""


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Ask what would happen, if the URL says what."""
    asked = screen.queried(request, "node-dies", "drain", "migrate", "to")
    several = {word: tuple(request.query_params.getlist(word)) for word in ("lost", "drained", "added")}
    status = clusters.status_of(here)
    answer, fault = None, ""
    try:
        answer = await _answer(here, who, asked, several)
    except (NotFound, InvalidInput) as problem:
        fault = str(problem)
    return {
        "asked": asked, "several": several, "answer": answer, "words": WORDS, "nodes": status.nodes,
        "resources": status.resources,
        "map": drawn(answer, status.nodes, status.resources) if answer and not answer.refused else None,
        **await _survives(here),
        "moment": here.clock.now().wall_s, **({"error": fault} if fault else {}),
    }


page = screen.show(router, "/what-if", "what_if.html", look, still=True)


async def _survives(here: Services) -> dict[str, Any]:
    """Ask how many nodes may be lost, and draw the hardest loss."""
    told = await guarantee.survives(here)
    hardest = next((each for each in reversed(told.answers) if each.lost), None)
    if hardest is None:
        return {"guarantee": told, "hardest": None}
    drawn = headroom({each.node: each.level for each in told.levels},
                     {each.node: each.level for each in hardest.levels}, hardest.lost)
    return {"guarantee": told, "hardest": hardest, "levels": drawn}


async def _answer(here: Services, who: Principal, asked: Mapping[str, str],
                  several: Mapping[str, tuple[str, ...]]) -> WhatIfInfo | None:
    """Ask the judgement. Raises ``NotFound`` or ``InvalidInput``."""
    if any(map(any, several.values())):
        lost, drained, added = (tuple(filter(None, several[word])) for word in ("lost", "drained", "added"))
        return await api.nodes(here, who.name, lost, drained, tuple(each for word in added for each in word.split()))
    if asked["node-dies"]:
        return await api.node_dies(here, asked["node-dies"])
    if asked["drain"]:
        return await api.drain(here, who.name, asked["drain"])
    if asked["migrate"]:
        return await api.migrate(here, who.name, asked["migrate"], asked["to"] or None)
    return None


def drawn(of: WhatIfInfo, nodes: Sequence[NodeInfo], resources: Sequence[ResourceInfo]) -> ClusterMap:
    """Draw the cluster as it is, with an arrow for whatever would go elsewhere; who dies is crossed out."""
    prospects = {one.resource: one for one in of.resources}
    lost = (of.node,) if of.case is Case.NODE_DIES else of.lost
    after = [node.model_copy(update={"state": "down"}) if node.name in lost else node for node in nodes]
    return cluster_map(after, [_moved(each, prospects.get(each.name)) for each in resources])


def _moved(of: ResourceInfo, prospect: ProspectInfo | None) -> ResourceInfo:
    if prospect is None or prospect.node is None or prospect.node == prospect.source:
        return of.model_copy(update={"move": None})
    move = MoveInfo(target=prospect.node, live=prospect.how is How.LIVE, phase=Phase.OUT)
    return of.model_copy(update={"move": move})
