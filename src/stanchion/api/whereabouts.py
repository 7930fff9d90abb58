"""Routes for what goes on with a resource at this moment, and for which nodes can have it."""

import asyncio

from fastapi import APIRouter

from stanchion.api import finding, telling
from stanchion.api.parameters import ResourceNamed
from stanchion.api.services import Here, Services
from stanchion.model.cluster import ClusterView
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import ENDED, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.state import Phase, ResourceState, State, actor
from stanchion.plan import binding, placement
from stanchion.wire.replies import instant
from stanchion.wire.whereabouts import Activity, PlaceInfo, PlaceList, ProcessInfo

router = APIRouter(prefix="/resources", tags=["resources"])

BY_PHASE = {Phase.PREPARE: ScriptKind.PREPARE, Phase.OUT: ScriptKind.UNLOAD, Phase.IN: ScriptKind.LOAD,
            Phase.ABORT: ScriptKind.HALT}
BY_STATE = {State.LOADING: ScriptKind.LOAD, State.UNLOADING: ScriptKind.UNLOAD}


@router.get("/{name}/places")
async def places(here: Here, name: ResourceNamed) -> PlaceList:
    """Tell of every node whether it can take the resource now, and why not."""
    view = here.view()
    found = finding.resource(view, name)
    spec, state = view.specs[found].value, view.states.get(found)
    listed = placement.order(view, spec)
    current = state.value.node if state is not None else None
    judged = placement.candidates(view, spec)
    told = [(node, reason(Why.NODE_CURRENT if node == current else Why.NODE_READY, node)) for node in judged.nodes]
    return PlaceList(resource=found, places=tuple(
        PlaceInfo(node=node, rank=listed.index(node) + 1 if node in listed else None, fits=node in judged.nodes,
                  current=node == current, reason=telling.reason_info(why))
        for node, why in (*told, *judged.rejected)))


@router.get("/{name}/process")
async def process(here: Here, name: ResourceNamed) -> Activity:
    """Tell which of its scripts runs at this moment and, if it runs on the node that answers, what it has printed."""
    view = here.view()
    found = finding.resource(view, name)
    running = await asyncio.to_thread(here.running, found)
    if running is not None:
        return Activity(resource=found, process=ProcessInfo(
            script=running.script, node=here.node, here=True, pid=running.pid, timeout_s=running.timeout_s,
            started_at=instant(running.started_at_s), output=running.output))
    elsewhere = _ordered(here, view, found)
    return Activity(resource=found, process=elsewhere)


def _ordered(here: Services, view: ClusterView, name: ResourceName) -> ProcessInfo | None:
    """Tell what the cluster knows of a script that another node runs, or is about to."""
    held = view.states.get(name)
    expected = None if held is None else _expected(held.value) or _tried(view, name)
    if expected is None:
        return None
    script, node = expected
    session, spec = view.sessions.get(node), binding.effective(view, name)
    return ProcessInfo(script=script, node=node, here=node == here.node, url=session.value.url if session else "",
                       timeout_s=spec.value.scripts.of(script).timeout_s if spec else None)


def _expected(state: ResourceState) -> tuple[ScriptKind, NodeName] | None:
    node = actor(state)
    script = BY_STATE.get(state.state)
    if state.state is State.MIGRATING and state.move is not None:
        script = BY_PHASE[state.move.phase]
    return (script, node) if script is not None and node is not None else None


def _tried(view: ClusterView, name: ResourceName) -> tuple[ScriptKind, NodeName] | None:
    """Give the script that an operator has tried at this moment, and where."""
    for held in view.intents.values():
        of = held.value
        if (of.verb is Verb.TEST and of.resource == name and of.outcome not in ENDED and of.script is not None
                and of.node is not None):
            return of.script, of.node
    return None
