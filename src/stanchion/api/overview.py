"""One route for one look: the health of the cluster with its reasons, what needs a person, the nodes and their load."""

from collections import Counter

from fastapi import APIRouter

from stanchion.api import telling
from stanchion.api.finding import known_nodes
from stanchion.api.services import Here, Services
from stanchion.model.cluster import ClusterView
from stanchion.model.health import Finding
from stanchion.model.ids import NodeName
from stanchion.model.orders import ENDED
from stanchion.model.state import ResourceState, State, holders
from stanchion.plan import health
from stanchion.wire import overview as wire
from stanchion.wire.replies import NodeInfo, instant

router = APIRouter(tags=["cluster"])


@router.get("/overview")
async def overview(here: Here) -> wire.Overview:
    """Tell the cluster at a glance: its health and why, what needs a person, and what every node holds."""
    return at_a_glance(here)


def at_a_glance(here: Services) -> wire.Overview:
    """Tell the cluster at a glance."""
    view = here.view()
    found = health.findings(view, here.silent(), store_away=here.store_away())
    shown = telling.shown_resources(view)
    counted = Counter(view.states[name].value.state for name in shown)
    states = [view.states[name].value for name in shown]
    return wire.Overview(
        cluster=telling.cluster_info(view, here.node, here.version, store_away=here.store_away()),
        health=health.health_of(found), text=health.summary(view, found), reasons=health.reasons(found),
        counts=tuple(wire.CountInfo(state=state, count=counted[state]) for state in State if counted[state]),
        alerts=tuple(map(_finding, found)),
        nodes=tuple(_glance(here, view, name, states) for name in known_nodes(view)),
        homeless=tuple(map(_held, (each for each in states if not holders(each) and each.state is not State.OFFLINE))),
        orders=tuple(telling.intent_info(held.value) for held in sorted(
            view.intents.values(), key=lambda held: -held.revision) if held.value.outcome not in ENDED),
    )


def _glance(here: Services, view: ClusterView, name: NodeName, states: list[ResourceState]) -> wire.NodeGlance:
    told: NodeInfo = telling.node_info(view, name, here.silent())
    return wire.NodeGlance(
        name=name, state="silent" if told.silent else told.state, master=told.master, witness=told.witness,
        text=health.silent_text(name, view) if told.silent else "", proven=told.proof is not None,
        quarantined=told.quarantine is not None, protection=health.protection_text(view, name),
        emptying=told.emptying, resources=tuple(_held(each) for each in states if name in holders(each)))


def _held(of: ResourceState) -> wire.HeldInfo:
    return wire.HeldInfo(name=of.name, state=of.state, lives=of.lives, alert=of.alert)


def _finding(of: Finding) -> wire.FindingInfo:
    return wire.FindingInfo(health=of.health, kind=of.kind, about=of.about, text=of.text, resource=of.resource,
                            node=of.node, answers=of.answers, since=instant(of.since_s))
