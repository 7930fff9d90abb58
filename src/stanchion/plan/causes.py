"""What led to a change of a resource, as a name that the history can be searched for.

An order names its intent. What the cluster does by itself rests on a session (which was lost, or which joined), on the
start-up quorum, or on nothing but the resource's own last operation. ``plan.story`` reads the names back.
"""

from collections.abc import Iterable

from stanchion.model.cluster import ClusterView, Kind
from stanchion.model.events import AlertRaised, Event, Placed, Sent
from stanchion.model.ids import NodeName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.state import ResourceState
from stanchion.model.transaction import Guard

QUORUM = "quorum"
"""What the start-up quorum and all that it starts have in common."""


STOP = "stop"
"""What the stop of the whole cluster and all that it ends have in common."""


EMPTYING = frozenset({Verb.LEAVE, Verb.DRAIN, Verb.HAND_OVER})
"""The orders by which a node is emptied."""


OF_A_NODE = frozenset({Why.NODE_LEAVES, Why.NODE_DRAINS, Why.NODE_SHUTS_DOWN, Why.KEPT_FOR, Why.REPLACED})
"""What happens to a resource because its node is emptied."""


def cause(view: ClusterView, before: ResourceState, event: Event, guards: Iterable[Guard]) -> str:
    """Name what led the cluster to let this event happen; empty: its last operation did."""
    proof = next((guard.key.name for guard in guards if guard.key.kind is Kind.PROOF), "")
    if proof:
        return proof
    if event.why.why in OF_A_NODE and before.node is not None:
        return _asked_to_leave(view, before.node)
    match event.why.why:
        case Why.FAILBACK | Why.FAILBACK_MANUAL:
            return getattr(event, "settled_for", None) or ""
        case Why.FOLLOWS_MASTER | Why.NODE_CAME if isinstance(event, Sent | Placed):
            node = event.target if isinstance(event, Sent) else event.node
            return view.session_of(node) or ""
        case Why.TARGET_LOST if before.move is not None:
            last = view.sessions.get(before.move.target)
            return before.move.session or (last.value.id if last else "")
        case Why.SOURCE_LOST:
            return before.session or ""
        case Why.CLUSTER_START | Why.START_MANUAL if isinstance(event, AlertRaised | Placed):
            return QUORUM
        case why:
            return STOP if why is Why.CLUSTER_STOPS else ""


def _asked_to_leave(view: ClusterView, node: NodeName) -> str:
    """Name the order that empties the node, while it is known."""
    orders = [held for held in view.intents.values() if held.value.node == node and held.value.verb in EMPTYING
              and held.value.outcome in {Outcome.ACCEPTED, Outcome.DONE, Outcome.FAILED}]
    return max(orders, key=lambda held: held.revision).value.id if orders else ""
