"""How a decision becomes a guarded change: one resource, one event, one transaction.

``step`` applies the event through the transition table and writes down everything that the decision rested on: the
revision of the record, of the target's lease, of the proof. ``applied`` gives the view as it will be, so that one
round of decisions can see its own earlier ones (two resources that exclude each other, say).
"""

from collections.abc import Iterable
from dataclasses import replace

from stanchion.model.actions import Decision
from stanchion.model.cluster import Change, ClusterView, Held, Key, Kind
from stanchion.model.events import Event
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import Moment, NodeName, Revision
from stanchion.model.reasons import Why
from stanchion.model.state import AlertKind, ResourceState, State
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan.lifecycle import advance

UNWRITTEN = Revision(-1)
"""The revision of a record that is decided and not written yet: no key ever stands there, so no guard on it holds."""

GRAVE = frozenset({State.COMATOSE, State.ALERT, State.UNASSIGNED})
RAN = frozenset({State.RUNNING, State.MIGRATING, State.LOADING})
TROUBLE = frozenset({
    Why.FAILOVER, Why.MONITOR_RESTART, Why.MONITOR_MIGRATE, Why.MIGRATE_FAILED, Why.MIGRATE_LOST, Why.HOLDER_LOST,
    Why.PREFLIGHT_FAILED, Why.SOURCE_LOST, Why.TARGET_LOST, Why.FOUND_STOPPED, Why.HALTED,
})
"""What went wrong although the cluster goes on by itself."""


def step(held: Held[ResourceState], event: Event, now: Moment, *, by: NodeName, cause: str = "",
         guards: Iterable[Guard] = ()) -> Decision:
    """Make the decision that this event happened to this resource. ``guards`` are what else it rests on."""
    before = held.value
    after = advance(before, event, now)
    guard = Guard(Key(Kind.STATE, before.name), held.revision)
    entry = replace(entry_of(before, after, now, by=by, cause=cause), reason=event.why)
    told = () if quiet(before, after) else (entry,)
    transaction = Transaction(guards=(guard, *guards), puts=(Put(after),), history=told)
    return Decision(transaction=transaction, why=event.why)


def entry_of(before: ResourceState, after: ResourceState, now: Moment, *, by: NodeName, cause: str) -> Entry:
    """Tell the change of a record as a line of the history."""
    return Entry(at_s=now.wall_s, reason=after.reason, severity=severity_of(before, after), by=by, node=after.node,
                 resource=after.name, before=before.state, after=after.state,
                 cause=cause or str(before.operation or ""), operation=after.operation or before.operation)


def severity_of(before: ResourceState, after: ResourceState) -> Severity:
    """Say how much a change asks of people: critical is what ran and does not run until somebody acts."""
    if after.reason.why is Why.MONITOR_REBOOT:
        return Severity.CRITICAL
    if after.state in GRAVE and before.state is not after.state:
        down = after.state is State.COMATOSE or (
            before.state in RAN and after.alert is not AlertKind.FAILBACK and after.state is not before.state)
        return Severity.CRITICAL if down else Severity.WARNING
    return Severity.WARNING if after.reason.why in TROUBLE else Severity.INFO


def quiet(before: ResourceState, after: ResourceState) -> bool:
    """Tell whether a change is book-keeping that no reader of the history misses."""
    return (before.state, before.node, before.reason) == (after.state, after.node, after.reason)


def alive(view: ClusterView, node: NodeName) -> Guard:
    """The decision rests on this node's lease being alive."""
    held = view.live.get(node)
    return Guard(Key(Kind.LIVE, node), held.revision if held else 0)  # type: ignore[arg-type]  # 0 is NOTHING


def applied(view: ClusterView, decision: Decision) -> ClusterView:
    """Give the view as it will be if the decision is written.

    Nobody knows yet whether it will, so a later decision of the same round that rests on what this one writes must
    be refused: it is decided anew on what then stands there. A proof counts only once it is written.
    """
    changes = [Change(put.key, put.record, UNWRITTEN) for put in decision.transaction.puts
               if put.key.kind is not Kind.PROOF]
    changes += [Change(key, None, UNWRITTEN) for key in decision.transaction.deletes]
    return view.apply(changes, view.revision)
