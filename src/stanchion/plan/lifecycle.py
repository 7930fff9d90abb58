"""The transition table of a resource: which event may follow which state, and what the record is afterwards.

``TABLE`` is the whole life of a resource as data. Every arrow is a small function from a record and an event to the
next record; ``advance`` looks it up, applies it and checks what must hold. A missing arrow is a programming error:
it raises with the resource's story instead of doing nothing. ``diagram`` draws the same table for the
documentation, so the picture cannot differ from the code.

Sources: the states and arrows of the original (reference 1.1 and 1.2), plus ``Migrating``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from stanchion.model import events as e
from stanchion.model.errors import BrokenInvariant
from stanchion.model.ids import Moment
from stanchion.model.reasons import Why
from stanchion.model.state import AlertKind, Move, Phase, ResourceState, State, holders

Arrow = Callable[[ResourceState, Any], ResourceState]

MOVES_KEPT = 32
"""How many automatic moves a record remembers; more than any budget allows within an hour."""


def _placed(state: ResourceState, event: e.Placed) -> ResourceState:
    _must(not holders(state), state, "is placed while a node may hold it")
    return replace(state, state=State.LOADING, node=event.node, session=None, operation=event.operation, move=None,
                   alert=None, failures=(), settled_for=event.settled_for, tried=(), retries=_retries(state),
                   awaits=None)


def _recovered(state: ResourceState, event: e.Recovered) -> ResourceState:
    return replace(state, state=State.LOADING, node=event.node, session=event.session, operation=event.operation,
                   move=None, alert=None, failures=(), early_losses=event.early_losses, settled_for=event.settled_for,
                   moves=_moves(state, event.moved_at_s), tried=())


def _to_offline(state: ResourceState, _event: e.Event) -> ResourceState:
    return replace(state, state=State.OFFLINE, session=None, operation=None, move=None, alert=None, failures=(),
                   early_losses=0, marks=(), tried=(), retries=0, awaits=None)


def _to_unassigned(state: ResourceState, event: e.NoNode) -> ResourceState:
    return replace(state, state=State.UNASSIGNED, session=None, operation=None, move=None, alert=None, failures=(),
                   awaits=event.awaits)


def _to_quorum_wait(state: ResourceState, _event: e.Event) -> ResourceState:
    return replace(state, state=State.QUORUM_WAIT, session=None, operation=None, move=None, alert=None, failures=())


def _alert(state: ResourceState, event: e.AlertRaised) -> ResourceState:
    if event.kind is AlertKind.FAILBACK:
        _must(state.state is State.RUNNING or state.alert is AlertKind.FAILBACK, state, "does not run")
        return replace(state, state=State.ALERT, alert=event.kind, settled_for=event.settled_for)
    return replace(state, state=State.ALERT, alert=event.kind, node=event.node, session=None, operation=None, move=None,
                   failures=(), settled_for=event.settled_for, awaits=None)


def _declined(state: ResourceState, event: e.AlertDeclined) -> ResourceState:
    if state.alert is AlertKind.FAILBACK:
        return replace(state, state=State.RUNNING, alert=None, settled_for=event.settled_for)
    return _to_offline(state, event)


def _stop(state: ResourceState, event: e.StopOrdered) -> ResourceState:
    if not holders(state):
        return _to_offline(state, event)
    if state.move is not None:
        # Comatose in the middle of a move: what may be on the target goes first.
        return replace(state, state=State.MIGRATING, operation=event.operation,
                       move=replace(state.move, phase=Phase.ABORT, stop=True))
    return replace(state, state=State.UNLOADING, operation=event.operation, move=None, alert=None, failures=(),
                   early_losses=0, marks=())


def _move(state: ResourceState, event: e.MoveOrdered) -> ResourceState:
    _must(event.target != state.node, state, "is moved to the node that it is on")
    move = Move(target=event.target, live=event.live, phase=Phase.PREPARE, why=event.why)
    return replace(state, state=State.MIGRATING, operation=event.operation, move=move, alert=None,
                   marks=(), settled_for=event.settled_for, moves=_moves(state, event.moved_at_s))


def _sent(state: ResourceState, event: e.Sent) -> ResourceState:
    marks = state.marks if event.mark is None else tuple(sorted({*state.marks, event.mark}))
    move = Move(target=event.target, live=False, phase=Phase.OUT, why=event.why)
    _must(state.move is None, state, "is sent while it may be on two nodes")
    # Out of a load that failed: this node is not tried again. Out of Comatose: all of them are.
    tried = (*state.tried, state.node) if state.state is State.LOADING and state.node is not None else ()
    return replace(state, state=State.UNLOADING, operation=event.operation, move=move, alert=None, marks=marks,
                   failures=event.failures, settled_for=event.settled_for,
                   moves=_moves(state, event.moved_at_s), tried=tried, retries=_retries(state))


def _claimed(state: ResourceState, event: e.Claimed) -> ResourceState:
    return replace(state, session=event.session, spec_revision=event.spec_revision or state.spec_revision)


def _adopting(state: ResourceState, event: e.AdoptOrdered) -> ResourceState:
    return replace(state, state=State.LOADING, node=event.node, session=event.session, operation=event.operation,
                   spec_revision=event.spec_revision, failures=(), settled_for=event.settled_for)


def _loaded(state: ResourceState, event: e.Loaded) -> ResourceState:
    return replace(state, state=State.RUNNING, lives=state.lives + (1 if event.born else 0), move=None,
                   spec_revision=event.spec_revision, digests=event.digests, size=event.size.over(state.size),
                   tried=(), retries=0)


def _failed(state: ResourceState, event: e.Failed) -> ResourceState:
    return replace(state, state=State.COMATOSE, move=state.move if event.astray else None, alert=None, failures=(),
                   node=event.node or state.node, session=event.session or state.session)


def _released(state: ResourceState, _event: e.HolderGone) -> ResourceState:
    return replace(state, state=State.COMATOSE, session=None, move=None, alert=None)


def _same(state: ResourceState, _event: e.Event) -> ResourceState:
    return state


def _unloaded(state: ResourceState, event: e.Unloaded) -> ResourceState:
    if state.move is None:
        return _to_offline(state, event)
    if state.move.target == state.node and state.move.why.why is Why.GAVE_WAY:
        return _to_unassigned(state, e.NoNode(why=state.move.why))
    return replace(state, state=State.LOADING, node=state.move.target, session=None, operation=event.operation,
                   move=None)


def _prepared(state: ResourceState, event: e.Prepared) -> ResourceState:
    move = _moving(state, Phase.PREPARE)
    if move.live:
        return replace(state, move=replace(move, phase=Phase.OUT, door=event.door, session=event.session))
    return replace(state, state=State.UNLOADING, operation=event.operation, move=replace(move, phase=Phase.OUT))


def _stayed(state: ResourceState, event: e.Stayed) -> ResourceState:
    if _moving(state, Phase.PREPARE, Phase.ABORT).stop:
        return replace(state, state=State.UNLOADING, operation=event.operation, move=None, early_losses=0, marks=())
    return replace(state, state=State.RUNNING, move=None)


def _departed(state: ResourceState, event: e.Departed) -> ResourceState:
    return replace(state, move=replace(_moving(state, Phase.OUT), phase=Phase.IN, fault=event.fault))


def _faltered(state: ResourceState, event: e.Faltered) -> ResourceState:
    return replace(state, move=replace(_moving(state, Phase.OUT), phase=Phase.ABORT, fault=event.fault))


def _arrived(state: ResourceState, event: e.Arrived) -> ResourceState:
    move = _moving(state, Phase.IN)
    return replace(state, state=State.RUNNING, node=move.target, session=event.session, move=None)


def _dropped(state: ResourceState, event: e.Dropped) -> ResourceState:
    _moving(state, Phase.IN)
    return replace(state, state=State.LOADING, node=event.node, session=None, operation=event.operation, move=None)


def _moving(state: ResourceState, *phases: Phase) -> Move:
    told = " or ".join(phases)
    _must(state.move is not None and state.move.phase in phases, state, f"is not in phase {told} of a move")
    assert state.move is not None
    return state.move


def _moves(state: ResourceState, at_s: float | None) -> tuple[float, ...]:
    return state.moves if at_s is None else (*state.moves, at_s)[-MOVES_KEPT:]


def _retries(state: ResourceState) -> int:
    return state.retries + 1 if state.state is State.COMATOSE else state.retries


def _must(holds: bool, state: ResourceState, fault: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise BrokenInvariant(f"{state.name} {fault}: {story(state)}")


_LOST: Mapping[type[e.Event], Arrow] = {e.Recovered: _recovered, e.NoNode: _to_unassigned,
                                        e.QuorumAwaited: _to_quorum_wait, e.AlertRaised: _alert,
                                        e.HolderGone: _released}
_RUNNING: Mapping[type[e.Event], Arrow] = {
    **_LOST, e.Claimed: _claimed, e.StopOrdered: _stop, e.MoveOrdered: _move, e.Sent: _sent, e.Failed: _failed,
    e.Condemned: _same,
}

TABLE: Mapping[State, Mapping[type[e.Event], Arrow]] = {
    State.OFFLINE: {e.Placed: _placed, e.AdoptOrdered: _adopting, e.NoNode: _to_unassigned},
    State.LOADING: {**_LOST, e.Claimed: _claimed, e.Sent: _sent, e.Loaded: _loaded,
                    e.NotThere: _to_offline, e.Failed: _failed},
    State.RUNNING: _RUNNING,
    State.UNLOADING: {**_LOST, e.HolderGone: _to_offline, e.Claimed: _claimed, e.Unloaded: _unloaded,
                      e.Failed: _failed},
    State.COMATOSE: {e.StopOrdered: _stop, e.Placed: _placed, e.Sent: _sent, e.Claimed: _claimed,
                     e.HolderGone: _released},
    State.ALERT: {**_RUNNING, e.Placed: _placed, e.AlertDeclined: _declined},
    State.UNASSIGNED: {e.Placed: _placed, e.AlertRaised: _alert, e.StopOrdered: _stop},
    State.QUORUM_WAIT: {e.Placed: _placed, e.AlertRaised: _alert, e.NoNode: _to_unassigned, e.StopOrdered: _stop},
    State.MIGRATING: {**_LOST, e.Claimed: _claimed, e.Prepared: _prepared, e.Stayed: _stayed, e.Departed: _departed,
                      e.Faltered: _faltered, e.Arrived: _arrived, e.Dropped: _dropped, e.Failed: _failed},
}
"""The whole life of a resource, as data."""

_OF_A_HOLDER = (e.Recovered, e.HolderGone, e.QuorumAwaited, e.MoveOrdered, e.Sent, e.Claimed, e.Failed, e.Condemned,
                e.NotThere)
"""What can only happen to a resource that a node holds."""


def advance(state: ResourceState, event: e.Event, now: Moment) -> ResourceState:
    """Give the record after the event. Raises ``BrokenInvariant`` with the story when there is no such arrow."""
    arrow = TABLE[state.state].get(type(event))
    if arrow is None:
        raise BrokenInvariant(f"no arrow for {type(event).__name__}: {story(state)}")
    _must(not isinstance(event, _OF_A_HOLDER) or bool(holders(state)), state,
          f"is held by no node, so there is no {type(event).__name__}")
    # A load that ended well does not say why the resource is where it is; what sent it there does.
    told = state.reason if isinstance(event, e.Loaded) else event.why
    after = arrow(state, event)
    if state.state is State.UNLOADING and after.state is State.UNASSIGNED and state.move is not None:
        # What it gave way to says more than that it is unloaded.
        told = state.move.why if isinstance(event, e.Unloaded) else told
    after = replace(after, reason=told)
    if (after.state, after.node, after.alert) != (state.state, state.node, state.alert):
        after = replace(after, since_s=now.wall_s)
    _must(after.lives >= state.lives, state, "would lose lives")
    _must((after.state is State.ALERT) == (after.alert is not None), after, "has an alert without its kind")
    _must(after.state is not State.MIGRATING or after.move is not None, after, "migrates nowhere")
    return after


def story(state: ResourceState) -> str:
    """Tell in one line what a record says, for error messages and logs."""
    move = "" if state.move is None else f", to {state.move.target} ({state.move.phase})"
    return (f"{state.name} is {state.state} on {state.node}{move}, operation {state.operation}, "
            f"session {state.session}, because {state.reason.why}")


def diagram() -> str:
    """Draw the table as a Mermaid state diagram, one arrow a line, in the table's order."""
    lines = ["stateDiagram-v2"]
    for state, arrows in TABLE.items():
        for event in arrows:
            lines.extend(f"    {_word(state)} --> {_word(after)}: {event.__name__}" for after in _ends(state, event))
    return "\n".join(lines) + "\n"


_ENDS: Mapping[type[e.Event], tuple[State, ...]] = {
    e.Placed: (State.LOADING,), e.Recovered: (State.LOADING,), e.Dropped: (State.LOADING,),
    e.NoNode: (State.UNASSIGNED,), e.QuorumAwaited: (State.QUORUM_WAIT,), e.AlertRaised: (State.ALERT,),
    e.MoveOrdered: (State.MIGRATING,), e.Sent: (State.UNLOADING,), e.Loaded: (State.RUNNING,),
    e.Failed: (State.COMATOSE,), e.Stayed: (State.RUNNING, State.UNLOADING), e.Departed: (State.MIGRATING,),
    e.Faltered: (State.MIGRATING,), e.Arrived: (State.RUNNING,), e.Prepared: (State.MIGRATING, State.UNLOADING),
    e.AlertDeclined: (State.OFFLINE, State.RUNNING), e.Unloaded: (State.OFFLINE, State.LOADING, State.UNASSIGNED),
    e.AdoptOrdered: (State.LOADING,), e.NotThere: (State.OFFLINE,),
}


def _ends(state: State, event: type[e.Event]) -> tuple[State, ...]:
    if event in (e.Claimed, e.Condemned):
        return (state,)
    if event is e.HolderGone:
        return (State.OFFLINE,) if state is State.UNLOADING else (State.COMATOSE,)
    if event is e.StopOrdered:
        held = {State.RUNNING: (State.UNLOADING,), State.COMATOSE: (State.UNLOADING, State.OFFLINE, State.MIGRATING),
                State.ALERT: (State.UNLOADING, State.OFFLINE)}
        return held.get(state, (State.OFFLINE,))
    return _ENDS[event]


def _word(state: State) -> str:
    return state.value.replace(" ", "")
