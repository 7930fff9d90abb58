"""Routes for nodes: who is in the cluster, and the orders that bring a node in or out."""

from fastapi import APIRouter, Response, status

from stanchion.api import fencing, finding, members, node_edits, ordering, revisions, telling
from stanchion.api.parameters import NodeNamed
from stanchion.api.revisions import IfMatch
from stanchion.api.services import By, Here
from stanchion.model.cluster import ClusterView, Key, Kind
from stanchion.model.errors import NotNow
from stanchion.model.history import Entry
from stanchion.model.ids import NOTHING, NodeName
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.state import holders
from stanchion.model.transaction import Conflict, Guard, Transaction
from stanchion.plan import strays
from stanchion.wire import replies, requests
from stanchion.wire.fencing import FenceAgentInfo, FenceAgentList, FenceTest

router = APIRouter(prefix="/nodes", tags=["nodes"])
agents = APIRouter(prefix="/fence-agents", tags=["nodes"])


@router.get("")
async def nodes(here: Here) -> replies.NodeList:
    """List the nodes that the cluster knows."""
    view = here.view()
    silent = here.silent()
    return replies.NodeList(nodes=tuple(telling.node_info(view, name, silent) for name in finding.known_nodes(view)))


@router.get("/{name}")
async def show(here: Here, name: NodeNamed, response: Response) -> replies.NodeInfo:
    """Tell one node."""
    view = here.view()
    told = telling.node_info(view, finding.node(view, name), here.silent())
    revisions.mark(response, told.revision)
    return told


@router.patch("/{name}")
async def edit(here: Here, by: By, name: NodeNamed, change: requests.NodeChange,
               if_match: IfMatch = None) -> replies.NodeInfo:
    """Change a node's fence devices, what its host has, or what is kept for the host; what is left out stays."""
    found = finding.node(here.view(), name)
    await node_edits.save(here, found, change, revisions.seen(if_match), by)
    return telling.node_info(here.view(), found, here.silent())


@router.post("/{name}/fence-test")
async def fence_test(here: Here, by: By, name: NodeNamed, order: requests.FenceTestOrder | None = None) -> FenceTest:
    """Ask the node's fence devices for its power state, from the answering node.

    With ``really``, each in turn switches the host off and on again; only where the node holds nothing.
    """
    return await fencing.try_out(here, finding.node(here.view(), name), by, really=order is not None and order.really)


@agents.get("")
async def fence_agents(here: Here) -> FenceAgentList:
    """List the fence agents that are installed on the answering node, with what each says of itself."""
    found = await here.fencer.agents()
    return FenceAgentList(node=here.node, agents=tuple(
        FenceAgentInfo(name=name, description=description) for name, description in sorted(found.items())))


@router.post("/{name}/leave", status_code=status.HTTP_202_ACCEPTED)
async def leave(here: Here, by: By, name: NodeNamed) -> replies.IntentInfo:
    """Ask the node to hand its resources over and leave the cluster."""
    return await ordering.take(here, Verb.LEAVE, by, node=finding.node(here.view(), name))


@router.post("/{name}/join", status_code=status.HTTP_202_ACCEPTED)
async def join(here: Here, by: By, name: NodeNamed) -> replies.IntentInfo:
    """Ask a node that left to join again."""
    return await ordering.take(here, Verb.JOIN, by, node=finding.node(here.view(), name))


@router.post("/{name}/confirm-down", status_code=status.HTTP_202_ACCEPTED)
async def confirm_down(here: Here, by: By, name: NodeNamed) -> replies.IntentInfo:
    """State that a lost node runs nothing any more, so that its resources may start elsewhere.

    This is the operator's word in place of a proof: a node that still runs will then run machines twice.
    """
    return await ordering.take(here, Verb.CONFIRM_DOWN, by, node=finding.node(here.view(), name))


@router.post("/{name}/release", status_code=status.HTTP_202_ACCEPTED)
async def release(here: Here, by: By, name: NodeNamed) -> replies.IntentInfo:
    """Release a node from quarantine: it may hold resources again, and what happened so far is forgiven."""
    return await ordering.take(here, Verb.RELEASE, by, node=finding.node(here.view(), name))


@router.post("/{name}/drain", status_code=status.HTTP_202_ACCEPTED)
async def drain(here: Here, by: By, name: NodeNamed) -> replies.IntentInfo:
    """Empty the node, live where the scripts can; it stays a member, and is given nothing new until the drain ends."""
    return await ordering.take(here, Verb.DRAIN, by, node=finding.node(here.view(), name))


@router.post("/{name}/undrain", status_code=status.HTTP_202_ACCEPTED)
async def undrain(here: Here, by: By, name: NodeNamed) -> replies.IntentInfo:
    """End the drain of a node: it may hold resources again."""
    return await ordering.take(here, Verb.UNDRAIN, by, node=finding.node(here.view(), name))


@router.post("/{name}/hand-over", status_code=status.HTTP_202_ACCEPTED)
async def hand_over(here: Here, by: By, name: NodeNamed) -> replies.IntentInfo:
    """Tell that the node's host shuts down: it is emptied by the cluster's policy, and leaves until it is back."""
    found = finding.node(here.view(), name)
    session = here.view().sessions.get(found)
    return await ordering.take(here, Verb.HAND_OVER, by, node=found, boot=session.value.boot if session else None)


@router.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def remove(here: Here, by: By, name: NodeNamed) -> None:
    """Forget a node that has left or is proven to be down, holds nothing, and is nobody's preferred node."""
    view = here.view()
    found = finding.node(view, name)
    fault = _bound(view, found)
    if fault:
        raise NotNow(fault)
    await members.expel(here, found)
    last = view.sessions.get(found)
    guards = [Guard(Key(Kind.LIVE, found), NOTHING),
              Guard(Key(Kind.SESSION, found), NOTHING if last is None else last.revision)]
    guards += [Guard(Key(Kind.NODE, found), view.nodes[found].revision)] if found in view.nodes else []
    guards += [Guard(Key(Kind.STATE, state), held.revision) for state, held in view.states.items()]
    more_guards, puts = members.revocation(view, found)
    serial = view.nodes[found].value.serial if found in view.nodes else ""
    why = reason(Why.NODE_REMOVED, by, found, serial) if puts else reason(Why.DELETED, by)
    entry = Entry(at_s=here.clock.now().wall_s, reason=why, by=here.node, node=found)
    answer = await here.store.commit(Transaction(
        guards=(*guards, *more_guards), puts=puts, deletes=(Key(Kind.NODE, found), Key(Kind.SESSION, found)),
        history=(entry,)))
    if isinstance(answer, Conflict):
        raise NotNow("the cluster changed just now; look at it again, then repeat")
    await here.catch_up(answer.revision)


def _bound(view: ClusterView, name: NodeName) -> str:
    """Say what binds the node to the cluster still; empty: nothing."""
    if view.is_live(name):
        return f"{name} is in the cluster; ask it to leave first: stanchion node leave {name}"
    held = sorted(state.value.name for state in view.states.values() if name in holders(state.value))
    if held:
        return f"{name} may still run {', '.join(held)}; bring it back, or confirm that it is down"
    if astray := strays.astray_on(view, name):
        return f"{', '.join(astray)} may still run on {name} as a stray; bring it back, or confirm that it is down"
    last = view.sessions.get(name)
    if last is not None and last.value.id not in view.proofs:
        # Cut off, it may live on by the consent of others, and they by its own: who took its name would speak for it.
        return (f"nothing proves that {name} has stopped; bring it back, or confirm that it is down: "
                f"stanchion node confirm-down {name}")
    listed = sorted(spec.value.name for spec in view.specs.values() if name in spec.value.preferred)
    if listed:
        return f"{name} is a preferred node of {', '.join(listed)}; take it out of their lists first"
    return ""
