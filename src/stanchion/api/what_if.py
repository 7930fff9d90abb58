"""Routes that tell what would happen, before anything does: by the same judgement that would decide it.

A whole cluster is played to its end for each answer (``thinking``). The summary is kept for as long as nothing changes.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from stanchion.api import finding, telling
from stanchion.api.parameters import NodeNamed, ResourceNamed
from stanchion.api.services import By, Here
from stanchion.api.thinking import thought
from stanchion.model.capacity import Size
from stanchion.model.cluster import ClusterView
from stanchion.model.errors import InvalidInput, NotFound
from stanchion.model.foresight import RUNS, How, Newcomer, Upheaval
from stanchion.model.ids import Moment, NodeName
from stanchion.plan import playing, what_if, what_if_told
from stanchion.wire.bounds import LONGEST_NAME
from stanchion.wire.what_if import LossInfo, LossList, NumberInfo, ProspectInfo, TurnInfo, WhatIfInfo

router = APIRouter(prefix="/what-if", tags=["cluster"])

MOST = 50
"""So many nodes may be named in one question."""

DESCRIBED = re.compile(r"([^:\s]+)(?::(\d{1,12}))?(?::(\d{1,9}(?:\.\d{1,3})?))?", re.ASCII)
"""``node4``, ``node4:65536``, ``node4:65536:16``."""

Named = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Newcoming = Annotated[str, Field(min_length=1, max_length=2 * LONGEST_NAME)]

_KEPT: dict[str, tuple[ClusterView, LossList]] = {}
"""The last summary, and the view that it is of. Only the one thread touches it."""


@router.get("")
async def losses(here: Here) -> LossList:
    """Tell what the loss of any one member would mean: what would run on, what not, and how many each would run."""
    return await thought(_losses, here.view(), here.clock.now())


@router.get("/node-dies/{name}")
async def node_dies(here: Here, name: NodeNamed) -> WhatIfInfo:
    """Tell what would happen if this node were lost now."""
    view = here.view()
    found = finding.node(view, name)
    return _info(view, await thought(what_if.node_dies, view, found, here.clock.now()))


@router.get("/drain/{name}")
async def drain(here: Here, by: By, name: NodeNamed) -> WhatIfInfo:
    """Tell what would happen if this node were drained now."""
    view = here.view()
    found = finding.node(view, name)
    return _info(view, await thought(what_if.drain, view, found, by, here.clock.now()))


@router.get("/migrate/{name}")
async def migrate(
    here: Here, by: By, name: ResourceNamed,
    node: Annotated[str | None, Query(
        max_length=LONGEST_NAME, description="where to; left out, the best node", examples=["node2"])] = None,
) -> WhatIfInfo:
    """Tell what would happen if this resource were moved now; without a node, to the best one."""
    view = here.view()
    found, target = finding.resource(view, name), finding.node(view, node) if node else None
    return _info(view, await thought(what_if.migrate, view, found, target, by, here.clock.now()))


@router.get("/nodes")
async def nodes(
    here: Here, by: By,
    lost: Annotated[tuple[Named, ...], Query(max_length=MOST, description="nodes that die, all at once",
                                             examples=[["node1", "node2"]])] = (),
    drained: Annotated[tuple[Named, ...], Query(max_length=MOST, description="nodes that are drained",
                                                examples=[["node3"]])] = (),
    added: Annotated[tuple[Newcoming, ...], Query(
        max_length=MOST, examples=[["node4:65536:16"]],
        description="nodes that join: a name, or name:MiB of memory:processors")] = (),
) -> WhatIfInfo:
    """Tell what would happen if all these nodes were lost, drained and added at once."""
    view = here.view()
    if not (lost or drained or added):
        raise InvalidInput("no node is named; name those that are lost, drained or added")
    asked = Upheaval(lost=_found(view, lost), drained=_found(view, drained), added=tuple(map(_newcomer, added)))
    twice = [name for name, times in Counter(
        [*asked.lost, *asked.drained, *(new.name for new in asked.added)]).items() if times > 1]
    if twice:
        raise InvalidInput(f"{twice[0]} is named twice; a node is lost, drained or added")
    return _info(view, await thought(what_if.nodes, view, asked, by, here.clock.now()))


def _found(view: ClusterView, names: tuple[str, ...]) -> tuple[NodeName, ...]:
    """Find nodes that a query names. Raises ``InvalidInput``: the page itself is there."""
    try:
        return tuple(finding.node(view, name) for name in names)
    except NotFound as problem:
        raise InvalidInput(str(problem)) from problem


def _newcomer(of: str) -> Newcomer:
    """Read ``node4`` or ``node4:65536`` or ``node4:65536:16``. Raises ``InvalidInput``."""
    read = DESCRIBED.fullmatch(of)
    if read is None:
        raise InvalidInput(f"{of!r} describes no node; write a name, or name:MiB:processors such as node4:65536:16")
    name, memory, cpus = read.groups(default="0")
    return Newcomer(name=NodeName(name), capacity=Size(memory_mib=int(memory), cpus=float(cpus)))


def _losses(view: ClusterView, now: Moment) -> LossList:
    kept = _KEPT.get("last")
    if kept is None or kept[0] is not view:
        kept = _KEPT["last"] = (view, _all_losses(view, now))
    return kept[1]


def _all_losses(view: ClusterView, now: Moment) -> LossList:
    return LossList(revision=view.revision, numbers=_numbers(what_if.numbers(view)),
                    losses=tuple(map(_loss, what_if.losses(view, now))))


def _loss(of: what_if.Loss) -> LossInfo:
    asking = sum(one.how is How.ASKS for one in of.prospects)
    placed = sum(one.how in RUNS for one in of.prospects)
    return LossInfo(node=of.node, held=len(of.prospects), placed=placed, asking=asking,
                    waiting=len(of.prospects) - placed - asking, proof=of.proof, text=what_if_told.told_loss(of),
                    resources=tuple(map(_prospect, of.prospects)), numbers=_numbers(of.numbers))


def _numbers(of: Mapping[NodeName, int]) -> tuple[NumberInfo, ...]:
    return tuple(NumberInfo(node=node, running=running) for node, running in of.items())


def _info(view: ClusterView, of: what_if.Answer) -> WhatIfInfo:
    return WhatIfInfo(
        case=of.case, node=of.node, resource=of.resource, lost=of.upheaval.lost, drained=of.upheaval.drained,
        added=tuple(new.name for new in of.upheaval.added), revision=view.revision, proof=of.proof, heir=of.heir,
        refused=telling.reason_info(of.refused) if of.refused else None, settled=of.settled,
        unproven=telling.reason_info(of.unproven) if of.unproven else None, sentences=what_if_told.told(view, of),
        resources=tuple(map(_prospect, of.prospects)), turns=tuple(map(_turn, of.turns)))


def _prospect(of: what_if.Prospect) -> ProspectInfo:
    return ProspectInfo(
        resource=of.resource, before=of.before, source=of.source, after=of.after, node=of.node, how=of.how,
        reason=telling.reason_info(of.reason), held_back=tuple(map(telling.reason_info, of.held_back)), turn=of.turn)


def _turn(of: playing.Turn) -> TurnInfo:
    return TurnInfo(number=of.number, resource=of.resource, node=of.node, before=of.before, after=of.after,
                    reason=telling.reason_info(of.reason))
