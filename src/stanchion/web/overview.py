"""The overview: what needs a person, how well it all is, the nodes with their machines, and the pictures.

It stays readable however large the cluster is: where there are many machines, a node's column counts them and names
only those that are not simply running.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Request

from stanchion.api import overview, stories, what_if
from stanchion.api.access.principal import Principal
from stanchion.api.clusters import status_of
from stanchion.api.services import Services
from stanchion.model.errors import StoreUnavailable
from stanchion.model.state import State
from stanchion.web import screen
from stanchion.web.needs import TONES as HEALTH_TONES
from stanchion.web.needs import needs, unproven
from stanchion.web.pictures.cluster_map import cluster_map
from stanchion.web.pictures.shares import Bars, Share, bars
from stanchion.web.pictures.timeline import phases_said, timeline
from stanchion.web.render import TONES
from stanchion.web.seldom import Seldom
from stanchion.wire.capacity import mib
from stanchion.wire.replies import NodeInfo, ResourceInfo, Status
from stanchion.wire.stories import IncidentList
from stanchion.wire.what_if import LossInfo

router = APIRouter()

NAMED = 20
"""Where a node holds more machines, those that simply run are counted and not named."""
ORDERS = 16
LISTED = 8
"""So many of those that need a person are listed here; the page of alerts lists all."""


async def _incidents(here: Services) -> IncidentList:
    return await stories.incidents(here)


incidents = Seldom(_incidents)
losses = Seldom(what_if.losses)
_moments: WeakKeyDictionary[Any, tuple[Any, dict[str, Any]]] = WeakKeyDictionary()
"""What was seen last of each cluster that this process serves, and at which moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A node on the overview. Besides ``machines``, ``unnamed`` just run. ``unproven``: it may not have stopped."""

    node: NodeInfo
    unproven: bool
    counts: tuple[tuple[State, int], ...]
    machines: tuple[ResourceInfo, ...]
    unnamed: int


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at the whole cluster."""
    del who, request
    past, foreseen = await _past(here), await losses.answer(here)
    last = past.incidents[0] if past and past.incidents else None
    return {
        **_seen(here), "losses": foreseen, "loss_bars": loss_bars(foreseen.losses if foreseen else ()),
        "past": past, "incident": last, "timeline": timeline(last) if last else None,
        "phases": phases_said(last) if last else (),
    }


async def _past(here: Services) -> IncidentList | None:
    """Read the incidents; None: the store does not answer, and nothing else on the page needs it."""
    try:
        return await incidents.answer(here)
    except StoreUnavailable:
        return None


def _seen(here: Services) -> dict[str, Any]:
    """Look at the cluster once for all who look at the same moment of it."""
    moment = (here.view().revision, here.silent(), here.store_away())
    known = _moments.get(here.store)
    if known is not None and known[0] == moment:
        return known[1]
    told, glance = status_of(here), overview.at_a_glance(here)
    wanting = needs(glance.alerts, told.resources)
    seen = {
        "glance": glance, "tone": HEALTH_TONES[glance.health],
        "needs": wanting[:LISTED], "needs_left": max(0, len(wanting) - LISTED),
        "total": len(told.resources), "columns": columns(told), "roaming": _roaming(told),
        "orders": glance.orders[:ORDERS], "orders_left": max(0, len(glance.orders) - ORDERS),
        "map": cluster_map(told.nodes, told.resources), "bars": machine_bars(told),
        "rooms": memory_bars(told.nodes),
    }
    _moments[here.store] = (moment, seen)
    return seen


page = screen.show(router, "/", "overview.html", look)


def columns(of: Status) -> tuple[Column, ...]:
    """Sort the machines into their nodes' columns."""
    known = {each.name: each for each in of.resources}
    return tuple(_column(node, [known[name] for name in node.resources if name in known]) for node in of.nodes)


def _column(node: NodeInfo, held: Sequence[ResourceInfo]) -> Column:
    counted = Counter(each.state for each in held)
    odd = [each for each in held if each.state is not State.RUNNING]
    named = held if len(held) <= NAMED else odd[:NAMED]
    return Column(node=node, unproven=unproven(node), machines=tuple(named), unnamed=len(held) - len(named),
                  counts=tuple((state, counted[state]) for state in State if counted[state]))


def _roaming(of: Status) -> tuple[ResourceInfo, ...]:
    """Give those that no node holds and that should run; who is offline by order is not missed."""
    held = {name for node in of.nodes for name in node.resources}
    return tuple(each for each in of.resources if each.name not in held and each.state is not State.OFFLINE)[:NAMED]


def machine_bars(of: Status) -> Bars:
    """Draw how many machines each node holds."""
    known = {each.name: each for each in of.resources}
    return bars([(node.name, _shares(Counter(known[name].state for name in node.resources if name in known)))
                 for node in of.nodes])


def memory_bars(of: Sequence[NodeInfo]) -> Bars:
    """Draw how much memory of each node is promised to machines, where it is known what its host has."""
    return bars([(node.name, [
        Share(min(node.promised.memory_mib, node.usable.memory_mib), "promised", "good"),
        Share(max(0, -node.free.memory_mib), "more than there is", "bad"),
        Share(max(0, node.free.memory_mib), "free", "line"),
    ]) for node in of if node.free is not None], mib)


def _shares(counted: Mapping[State, int]) -> list[Share]:
    return [Share(counted[state], state, TONES[state]) for state in State if counted.get(state)]


def loss_bars(of: Sequence[LossInfo]) -> Bars:
    """Draw what the loss of each node would mean for what it holds."""
    return bars([(one.node, [Share(one.placed, "would run elsewhere", "good"),
                             Share(one.asking, "would ask first", "warning"),
                             Share(one.waiting, "would stay down", "bad")]) for one in of])


