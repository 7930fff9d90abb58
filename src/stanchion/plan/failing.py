"""What follows a load that failed: Comatose as in the original, or what its policies say instead (ours).

``load_failure: next_node`` moves on, but never in a hurry: the node where the load failed unloads first, and a look
must find the machine gone; only then is it tried on the next preferred node. A node is tried once for each order. When
none is left, or the unload cannot be trusted, the resource is Comatose where it failed last.

``retry_comatose: backoff`` does by itself what an operator would do with a resource whose load failed: offline, then
online, on the same node if that may still hold it. It waits a minute before the first time and twice as long before
each next one, an hour at most. Whatever else made a resource comatose needs a person, and stays.
"""

from stanchion.model import events as e
from stanchion.model.cluster import ClusterView, Held
from stanchion.model.ids import Moment
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import LoadFailure, ResourceSpec, RetryComatose
from stanchion.model.state import ResourceState, State, holders, next_operation
from stanchion.plan import placement
from stanchion.plan.budget import spent

FIRST_S = 60.0
"""How long a resource whose load failed is left alone before it is tried again."""

LONGEST_S = 3600.0
LOAD_FAILURES = frozenset({Why.LOAD_FAILED, Why.LOAD_TIMEOUT, Why.LOAD_NOT_RUNNING})
"""What ``retry_comatose`` is about."""


def onward(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, why: Reason, now: Moment, *,
           knowable: bool) -> e.Event:
    """Say what a failed load leads to. ``knowable``: there is a way to look whether the machine is gone."""
    state = held.value
    comatose = e.Failed(why=why)
    if spec.policies.load_failure is LoadFailure.COMATOSE or why.why is Why.LOAD_TIMEOUT or not knowable:
        return comatose
    assert state.node is not None
    tried = {*state.tried, state.node}
    target = placement.after(view, spec, state.node, without=tried)
    if target is None or spent(state, spec, now):
        return comatose
    return e.Sent(target=target, operation=next_operation(state.name, held.revision),
                  why=reason(Why.LOAD_ELSEWHERE, state.node, sentence(why), target), moved_at_s=now.wall_s,
                  settled_for=placement.home_session(view, spec))


def again(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, now: Moment) -> e.Event | None:
    """Try a resource whose load failed once more, when its time has come and a node can hold it."""
    state, wait_s = held.value, left_s(held.value, spec, now)
    if wait_s is None or wait_s > 0:
        return None
    fit = placement.candidates(view, spec)
    target = state.node if state.node in fit.nodes else fit.first
    if target is None:
        return None
    operation, home = next_operation(state.name, held.revision), placement.home_session(view, spec)
    why = reason(Why.LOAD_AGAIN, state.node, state.retries + 1)
    if holders(state):
        return e.Sent(target=target, operation=operation, why=why, settled_for=home)
    return e.Placed(node=target, operation=operation, why=why, settled_for=home)


def left_s(state: ResourceState, spec: ResourceSpec, now: Moment) -> float | None:
    """Say in how many seconds the resource is tried again by itself (0: now); None: never."""
    if spec.policies.retry_comatose is RetryComatose.NEVER or state.state is not State.COMATOSE:
        return None
    if state.reason.why not in LOAD_FAILURES or state.move is not None:
        return None
    pause_s = min(FIRST_S * 2.0 ** min(state.retries, 10), LONGEST_S)
    # A wall clock that was set back must not put the next time off for ever.
    return max(0.0, min(state.since_s + pause_s - now.wall_s, pause_s))
