"""Emptying a node: what becomes of each resource that it holds, and what cannot go.

- It *leaves*: everything goes, live where the scripts can; what no other node can take is unloaded and waits.
- Its host *shuts down*: the same, or without live moves, or unloaded and kept for the node, by the cluster's policy.
- The whole cluster *stops*: everything is unloaded where it is, in the reverse of the order in which it would load.
- It is *drained*: everything that can go goes, live where the scripts can; nothing that runs is stopped because it
  cannot. A live move that failed is not tried again as a cold one: the machine runs on, and an operator decides.
"""

from stanchion.model import events as e
from stanchion.model.cluster import ClusterView, Held
from stanchion.model.ids import NodeName, ResourceName, SessionId
from stanchion.model.index import NOBODY
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import ResourceSpec
from stanchion.model.standing import Shutdown
from stanchion.model.state import ResourceState, State, holders, next_operation
from stanchion.plan import placement, standing, together
from stanchion.plan.change import alive
from stanchion.plan.membership import Fate, fate
from stanchion.plan.standing import Emptying
from stanchion.plan.verdict import Verdict

REFUSED = frozenset({Why.MIGRATE_FAILED, Why.PREFLIGHT_FAILED})
"""Why a machine that was to move live runs on where it was."""


def judge(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, node: NodeName) -> Verdict | None:
    """Say what is to become of a resource that runs on a node which is emptied; None: it stays, for now or for good."""
    match standing.emptying(view, node):
        case Emptying.DOWN:
            return None if _awaited(view, held.value.name) else _set_down(view, held, spec, node)
        case Emptying.SHUTDOWN if _policy(view) is Shutdown.FREEZE:
            return _set_down(view, held, spec, node)
        case Emptying.SHUTDOWN if _policy(view) is Shutdown.FAILOVER:
            target = placement.candidates(view, spec, without=(node,)).first
            return _gone(view, held, spec, node, target, live=False)
        case Emptying.DRAIN:
            target = placement.after(view, spec, node)
            stays = target is None or _refused(view, held, spec, node)
            return None if stays else _gone(view, held, spec, node, target, live=spec.live)
        case _:
            target = placement.after(view, spec, node)
            live = spec.live and not _refused(view, held, spec, node)
            return _gone(view, held, spec, node, target, live=live)


def unbegun(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, node: NodeName) -> Verdict | None:
    """Say where a load goes that no node claimed and whose node is emptied; None: that node may still begin it."""
    match standing.emptying(view, node):
        case None:
            return None
        case Emptying.DOWN:
            return Verdict(event=e.QuorumAwaited(why=reason(Why.CLUSTER_STOPS)))
        case Emptying.SHUTDOWN if _policy(view) is Shutdown.FREEZE:
            return Verdict(event=e.NoNode(why=reason(Why.KEPT_FOR, node), awaits=node))
        case _:
            return elsewhere(view, held, spec, reason(Why.REPLACED, node), without=node)


def elsewhere(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, why: Reason, *,
              without: NodeName) -> Verdict:
    """Load on the first fit node but one, or wait for one."""
    fit = placement.candidates(view, spec, without=(without,))
    if fit.first is None:
        return Verdict(event=e.NoNode(why=fit.why_none()))
    return Verdict(event=e.Recovered(node=fit.first, operation=next_operation(held.value.name, held.revision),
                                     why=why, early_losses=held.value.early_losses,
                                     settled_for=placement.home_session(view, spec)),
                   guards=(alive(view, fit.first),))


def remaining(view: ClusterView, node: NodeName) -> dict[ResourceName, Reason | None]:
    """Name what a node that is emptied holds still, each with the reason why it cannot go; None: it is on its way."""
    return {name: _obstacle(view, view.states[name], node) for name in sorted(view.index.near.get(node, NOBODY))
            if node in holders(view.states[name].value)}


def ended(view: ClusterView, node: NodeName) -> Reason | None:
    """Say how the emptying of a node has ended: nothing is left, or what is left cannot go; None: it goes on."""
    left = remaining(view, node)
    if not left:
        return reason(Why.EMPTY, node)
    if any(why is None for why in left.values()):
        return None
    return reason(Why.NOT_EMPTY, node, "; ".join(f"{name}: {sentence(why)}" for name, why in left.items() if why))


def _obstacle(view: ClusterView, held: Held[ResourceState], node: NodeName) -> Reason | None:
    state, spec = held.value, view.specs.get(held.value.name)
    if state.state is State.COMATOSE:
        return reason(Why.STAYS_COMATOSE)
    known = {fate(view, holder, _claim(state, holder)) for holder in holders(state)}
    if known == {Fate.DOUBTFUL}:
        return reason(Why.STAYS_UNPROVEN, node)
    if state.state not in {State.RUNNING, State.ALERT} or spec is None or Fate.LIVE not in known:
        return None
    if standing.emptying(view, node) is not Emptying.DRAIN or judge(view, held, spec.value, node) is not None:
        return None
    if _refused(view, held, spec.value, node):
        return state.reason
    others = placement.candidates(view, spec.value, without=(node,)).rejected
    return reason(Why.NO_NODE, "; ".join(sentence(why) for other, why in others if other != node) or
                  "there is no other node")


def _refused(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, node: NodeName) -> bool:
    """Tell whether it was tried to move it off live, since the node's record says that it is emptied, and in vain."""
    known = view.nodes.get(node)
    return spec.live and held.value.reason.why in REFUSED and (known is None or held.revision > known.revision)


def _claim(state: ResourceState, node: NodeName) -> SessionId | None:
    return state.session if node == state.node or state.move is None else state.move.session


def _policy(view: ClusterView) -> Shutdown:
    return view.settings.value.shutdown if view.settings else Shutdown.MIGRATE


def _set_down(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, node: NodeName) -> Verdict:
    """Unload it "towards" its own node, which takes nothing: what becomes of the load is said by ``unbegun``."""
    return Verdict(event=e.Sent(target=node, operation=next_operation(held.value.name, held.revision),
                                why=standing.cause_of(view, node), settled_for=placement.home_session(view, spec)))


def _gone(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, node: NodeName,
          target: NodeName | None, *, live: bool) -> Verdict:
    if target is None:
        return _set_down(view, held, spec, node)
    operation, why = next_operation(held.value.name, held.revision), standing.cause_of(view, node)
    home = placement.home_session(view, spec)
    # Who is drained was not lost: its first resources come home, where they fail back, as soon as it takes any again.
    drained = standing.emptying(view, node) is Emptying.DRAIN and placement.order(view, spec)[0] == node
    settled = None if drained else home
    event = (e.MoveOrdered(target=target, live=True, operation=operation, why=why, settled_for=settled) if live
             else e.Sent(target=target, operation=operation, why=why, settled_for=settled))
    return Verdict(event=event, guards=(alive(view, target),))


def _awaited(view: ClusterView, name: ResourceName) -> bool:
    """Tell whether something has to be unloaded before it: what would load after it."""
    mine = together.turn(view, name)
    for other in view.states:
        state, turn = view.states[other].value, together.turn(view, other)
        later = turn[0] > mine[0] or (turn[1] == mine[1] and turn[2] > mine[2])
        if later and state.state is not State.COMATOSE and any(
                fate(view, holder, _claim(state, holder)) is Fate.LIVE for holder in holders(state)):
            return True
    return False
