"""What a failed monitor leads to (seed, "Enabling Resource Monitoring" and "Monitor Script Timeout").

Failures are counted in a sliding window. Before the maximum is reached each failure restarts the resource on its
node; reaching it starts the failure action. A monitor past its timeout starts the failure action at once. Start,
failover and failback modes have no say here.
"""

from dataclasses import dataclass

from stanchion.model import events as e
from stanchion.model.cluster import ClusterView, Held
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import Moment, NodeName
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import FailureAction, ResourceSpec
from stanchion.model.state import Mark, ResourceState, next_operation
from stanchion.plan import placement
from stanchion.plan.budget import spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed monitor: what people are told, and whether it starts the failure action whatever the count."""

    text: str
    decisive: bool = False


def failure_of(run: Run) -> Failure | None:
    """Judge a monitor's run; None when all is well, or when nothing was learned: the script could not be started."""
    if run.end is RunEnd.REFUSED:
        return None
    if run.end is RunEnd.OVERDUE:
        return Failure(text="the monitor script did not end in time", decisive=True)
    if run.code == 0:
        return None
    return Failure(text=f"code {run.code}: {run.command}" if run.command else f"code {run.code}")


def respond(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, failure: Failure,
            now: Moment) -> e.Event:
    """Say what a monitor failure leads to: a restart in place, or the failure action."""
    state, rule = held.value, spec.monitoring
    assert state.node is not None
    failures = (*recent(state.failures, rule.window_s, now), now.wall_s)
    count = len(failures)
    if count < rule.max_failures and not failure.decisive:
        why = reason(Why.MONITOR_RESTART, count, rule.max_failures, f"{rule.window_s:g}", failure.text)
        return e.Sent(target=state.node, operation=next_operation(state.name, held.revision), why=why,
                      failures=failures, settled_for=state.settled_for)
    match rule.action:
        case FailureAction.COMATOSE:
            why = reason(Why.MONITOR_COMATOSE, count, f"{rule.window_s:g}", failure.text)
            return e.Failed(why=why)
        case FailureAction.REBOOT:
            return e.Condemned(why=reason(Why.MONITOR_REBOOT, count, f"{rule.window_s:g}", state.node, failure.text))
        case FailureAction.MIGRATE:
            return _migrate(view, held, spec, failure, count=count, now=now)


def _migrate(view: ClusterView, held: Held[ResourceState], spec: ResourceSpec, failure: Failure, *,
             count: int, now: Moment) -> e.Event:
    state = held.value
    assert state.node is not None
    if spent(state, spec, now):
        return e.Failed(why=reason(Why.MOVE_BUDGET, spec.policies.moves_per_hour))
    target: NodeName | None = placement.after(view, spec, state.node)
    window = f"{spec.monitoring.window_s:g}"
    if target is None:
        return e.Failed(why=reason(Why.MONITOR_NO_OTHER, count, window, failure.text))
    return e.Sent(target=target, operation=next_operation(state.name, held.revision), mark=Mark.MOVED_BY_MONITOR,
                  why=reason(Why.MONITOR_MIGRATE, count, window, target, failure.text), moved_at_s=now.wall_s,
                  settled_for=placement.home_session(view, spec))


def recent(failures: tuple[float, ...], window_s: float, now: Moment) -> tuple[float, ...]:
    """Keep the failures that lie within the window; one from beyond now (a clock set back) counts as recent."""
    return tuple(at for at in failures if now.wall_s - at < window_s)
