"""The transition table: every arrow, every missing arrow, and what holds on every record that can be reached."""

from dataclasses import dataclass, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clusters import NOW, later, moving, record
from stanchion.model import events as e
from stanchion.model.errors import BrokenInvariant
from stanchion.model.ids import Moment
from stanchion.model.reasons import Why, reason
from stanchion.model.state import AlertKind, Mark, Phase, ResourceState, State, holders
from stanchion.plan.lifecycle import MOVES_KEPT, TABLE, advance, diagram, story

WHY = reason(Why.FAILBACK, "c")
EVENTS = [word for word in vars(e).values()
          if isinstance(word, type) and issubclass(word, e.Event) and word is not e.Event]


def event_of(kind: type[e.Event], state: ResourceState) -> e.Event:
    """Build an event of that kind that fits the record as well as it can."""
    target = state.move.target if state.move else "c"
    fields: dict[type[e.Event], dict[str, object]] = {
        e.Placed: {"node": "c", "operation": "web@7", "settled_for": "c1"},
        e.Recovered: {"node": "c", "operation": "web@7", "early_losses": 1, "moved_at_s": 7.0},
        e.AlertRaised: {"kind": AlertKind.FAILOVER, "node": "c"},
        e.StopOrdered: {"operation": "web@7"},
        e.MoveOrdered: {"target": "c", "live": True, "operation": "web@7"},
        e.Sent: {"target": "c", "operation": "web@7", "mark": Mark.MOVED_BY_MONITOR},
        e.Claimed: {"session": "a2"},
        e.AdoptOrdered: {"node": "c", "session": "c1", "operation": "web@7", "spec_revision": 7},
        e.Loaded: {"spec_revision": 7, "digests": {"/etc/web": "abc"}},
        e.Unloaded: {"operation": "web@7"},
        e.Prepared: {"session": f"{target}1", "operation": "web@7", "door": "tcp:b:4444"},
        e.Faltered: {"fault": "no route"},
        e.Arrived: {"session": f"{target}1"},
        e.Stayed: {"operation": "web@7"},
        e.Dropped: {"node": "a", "operation": "web@7"},
    }
    return kind(why=WHY, **fields.get(kind, {}))


@dataclass(frozen=True)
class Arrow:
    """One documented arrow: what happens to which record, where it ends, and who may execute the machine then."""

    before: ResourceState
    kind: type[e.Event]
    after: State
    held_by: tuple[str, ...]


OFFLINE, UNASSIGNED = record(State.OFFLINE, "a"), record(State.UNASSIGNED, "a")
QUORUM_WAIT, COMATOSE = record(State.QUORUM_WAIT, "a"), record(State.COMATOSE)
LOADING, RUNNING, UNLOADING = record(State.LOADING), record(State.RUNNING), record(State.UNLOADING)
SENT = advance(RUNNING, event_of(e.Sent, RUNNING), NOW)
YIELDING = advance(RUNNING, e.Sent(target="a", operation="web@7", why=reason(Why.GAVE_WAY, "vip", "a")), NOW)
ASKED = record(State.ALERT, "a", alert=AlertKind.FAILOVER)
FAILBACK = record(State.ALERT, "a", alert=AlertKind.FAILBACK, session="a1")
PREPARE, OUT, IN, ABORT = (moving(phase) for phase in Phase)
COLD = moving(Phase.PREPARE, live=False)
ASTRAY = advance(OUT, e.Failed(why=WHY, astray=True), NOW)
STOPPING = advance(ASTRAY, e.StopOrdered(operation="web@6", why=WHY), NOW)

LOST = [(e.Recovered, State.LOADING, ("c",)), (e.NoNode, State.UNASSIGNED, ()),
        (e.QuorumAwaited, State.QUORUM_WAIT, ()), (e.AlertRaised, State.ALERT, ())]
HELD = [LOADING, RUNNING, SENT, FAILBACK, PREPARE, OUT, IN, ABORT]
SETTLED = [RUNNING, FAILBACK]

ARROWS = [
    *(Arrow(before, kind, after, held) for before, (kind, after, held) in product(HELD, LOST)),
    *(Arrow(before, e.HolderGone, State.COMATOSE, ()) for before in [*HELD, COMATOSE] if before is not SENT),
    *(Arrow(before, e.HolderGone, State.OFFLINE, ()) for before in (UNLOADING, SENT)),
    *(Arrow(before, e.Claimed, before.state, holders(before)) for before in [*HELD, UNLOADING, COMATOSE]),
    *(Arrow(before, e.Failed, State.COMATOSE, ("a",)) for before in [*HELD, UNLOADING]),
    *(Arrow(before, e.Placed, State.LOADING, ("c",)) for before in
      (OFFLINE, ASKED, UNASSIGNED, QUORUM_WAIT, replace(COMATOSE, session=None))),
    *(Arrow(before, e.NoNode, State.UNASSIGNED, ()) for before in (OFFLINE, ASKED, QUORUM_WAIT, UNLOADING)),
    *(Arrow(before, e.AlertRaised, State.ALERT, ()) for before in (UNASSIGNED, QUORUM_WAIT, ASKED, UNLOADING)),
    *(Arrow(before, e.StopOrdered, State.UNLOADING, ("a",)) for before in [*SETTLED, COMATOSE]),
    *(Arrow(before, e.StopOrdered, State.OFFLINE, ()) for before in
      (ASKED, UNASSIGNED, QUORUM_WAIT, replace(COMATOSE, session=None))),
    *(Arrow(before, e.MoveOrdered, State.MIGRATING, ("a", "c")) for before in SETTLED),
    *(Arrow(before, e.Sent, State.UNLOADING, ("a",)) for before in [*SETTLED, LOADING, COMATOSE]),
    *(Arrow(before, e.Condemned, before.state, ("a",)) for before in SETTLED),
    Arrow(UNLOADING, e.Recovered, State.LOADING, ("c",)),
    Arrow(UNLOADING, e.QuorumAwaited, State.QUORUM_WAIT, ()),
    Arrow(OFFLINE, e.AdoptOrdered, State.LOADING, ("c",)),
    Arrow(LOADING, e.NotThere, State.OFFLINE, ()),
    Arrow(LOADING, e.Loaded, State.RUNNING, ("a",)),
    Arrow(UNLOADING, e.Unloaded, State.OFFLINE, ()),
    Arrow(YIELDING, e.Unloaded, State.UNASSIGNED, ()),
    Arrow(SENT, e.Unloaded, State.LOADING, ("c",)),
    Arrow(ASKED, e.AlertDeclined, State.OFFLINE, ()),
    Arrow(FAILBACK, e.AlertDeclined, State.RUNNING, ("a",)),
    Arrow(PREPARE, e.Prepared, State.MIGRATING, ("a", "b")),
    Arrow(COLD, e.Prepared, State.UNLOADING, ("a",)),
    Arrow(PREPARE, e.Stayed, State.RUNNING, ("a",)),
    Arrow(ABORT, e.Stayed, State.RUNNING, ("a",)),
    Arrow(ASTRAY, e.StopOrdered, State.MIGRATING, ("a", "b")),
    Arrow(ASTRAY, e.HolderGone, State.COMATOSE, ()),
    Arrow(STOPPING, e.Stayed, State.UNLOADING, ("a",)),
    Arrow(OUT, e.Departed, State.MIGRATING, ("a", "b")),
    Arrow(OUT, e.Faltered, State.MIGRATING, ("a", "b")),
    Arrow(IN, e.Arrived, State.RUNNING, ("b",)),
    Arrow(IN, e.Dropped, State.LOADING, ("a",)),
]


def arrow_id(arrow: Arrow) -> str:
    """Name a case by its state and event."""
    return f"{arrow.before.state}-{arrow.kind.__name__}"


@pytest.mark.parametrize("arrow", ARROWS, ids=arrow_id)
def test_an_arrow_ends_where_it_is_documented_to(arrow: Arrow) -> None:
    after = advance(arrow.before, event_of(arrow.kind, arrow.before), NOW)

    assert (after.state, holders(after)) == (arrow.after, arrow.held_by)
    kept = arrow.kind is e.Loaded or arrow.before is YIELDING
    assert after.reason == (arrow.before.reason if kept else WHY)
    assert consistent(after)


def test_the_arrows_above_are_all_there_are() -> None:
    assert {(arrow.before.state, arrow.kind) for arrow in ARROWS} == {
        (state, kind) for state, arrows in TABLE.items() for kind in arrows}


def test_the_drawn_diagram_shows_exactly_these_arrows() -> None:
    drawn = {f"{arrow.before.state} --> {arrow.after}: {arrow.kind.__name__}".replace(" ", "") for arrow in ARROWS}

    assert {line.replace(" ", "") for line in diagram().splitlines()[1:]} == drawn


BY_STATE = {state.state: state for state in (OFFLINE, LOADING, RUNNING, UNLOADING, COMATOSE, FAILBACK, UNASSIGNED,
                                             QUORUM_WAIT, OUT)}


@pytest.mark.parametrize(("state", "kind"), [(state, kind) for state, kind in product(State, EVENTS)
                                             if kind not in TABLE[state]])
def test_a_missing_arrow_raises_with_the_story(state: State, kind: type[e.Event]) -> None:
    before = BY_STATE[state]

    with pytest.raises(BrokenInvariant) as broken:
        advance(before, event_of(kind, before), NOW)

    assert kind.__name__ in str(broken.value)
    assert story(before) in str(broken.value)


@pytest.mark.parametrize(("before", "event"), [
    (FAILBACK, e.Placed(node="b", operation="x", why=WHY)),
    (RUNNING, e.MoveOrdered(target="a", live=True, operation="x", why=WHY)),
    (LOADING, e.AlertRaised(kind=AlertKind.FAILBACK, node="a", why=WHY)),
    (ASKED, e.MoveOrdered(target="b", live=True, operation="x", why=WHY)),
    (ASKED, e.Failed(why=WHY)), (COMATOSE, e.Placed(node="b", operation="x", why=WHY)),
    (ASTRAY, e.Sent(target="a", operation="x", why=WHY)),
    (replace(COMATOSE, session=None), e.Claimed(session="a2", why=WHY)),
    (PREPARE, e.Departed(why=WHY)), (IN, e.Departed(why=WHY)), (IN, e.Faltered(fault="", why=WHY)),
    (OUT, e.Arrived(session="b1", why=WHY)), (OUT, e.Stayed(operation="web@9", why=WHY)),
    (IN, e.Stayed(operation="web@9", why=WHY)),
    (OUT, e.Dropped(node="a", operation="x", why=WHY)), (OUT, e.Prepared(session="b1", operation="x", why=WHY)),
])
def test_an_arrow_that_does_not_fit_the_record_raises_with_the_story(before: ResourceState, event: e.Event) -> None:
    """The table knows states only; what is wrong with a record in that state is caught as well."""
    with pytest.raises(BrokenInvariant) as broken:
        advance(before, event, NOW)

    assert story(before) in str(broken.value)


def test_a_life_begins_with_a_load_and_not_with_an_adoption() -> None:
    born = advance(LOADING, e.Loaded(spec_revision=3, why=WHY), NOW)
    found = advance(LOADING, e.Loaded(spec_revision=3, born=False, why=WHY), NOW)

    assert (born.lives, found.lives) == (1, 0)


def test_since_tells_when_the_place_or_state_changed_and_not_the_last_write() -> None:
    claimed = advance(RUNNING, e.Claimed(session="a2", why=WHY), NOW)
    stopped = advance(RUNNING, e.StopOrdered(operation="x", why=WHY), NOW)

    assert (claimed.since_s, stopped.since_s) == (RUNNING.since_s, NOW.wall_s)


@pytest.mark.parametrize("event", [e.StopOrdered(operation="x", why=WHY),
                                   e.MoveOrdered(target="b", live=True, operation="x", why=WHY)])
def test_offline_and_a_manual_migrate_clear_the_mark(event: e.Event) -> None:
    """Only these two let a resource fail back again that its monitor moved."""
    marked = replace(RUNNING, marks=(Mark.MOVED_BY_MONITOR,))

    assert advance(marked, event, NOW).marks == ()
    assert advance(marked, event_of(e.Recovered, marked), NOW).marks == marked.marks


def test_a_mark_is_kept_once() -> None:
    marked = replace(RUNNING, marks=(Mark.MOVED_BY_MONITOR,))

    assert advance(marked, event_of(e.Sent, marked), NOW).marks == (Mark.MOVED_BY_MONITOR,)


def test_only_so_many_moves_are_remembered() -> None:
    busy = replace(RUNNING, moves=tuple(float(at) for at in range(MOVES_KEPT)))

    after = advance(busy, event_of(e.Recovered, busy), NOW)

    assert after.moves == (*busy.moves[1:], 7.0)


def test_a_recovery_to_where_it_was_moving_keeps_the_session_in_which_it_may_run() -> None:
    after = advance(OUT, e.Recovered(node="b", operation="x", session="b1", why=WHY), NOW)

    assert (after.state, after.node, after.session) == (State.LOADING, "b", "b1")


def consistent(state: ResourceState) -> bool:
    """Tell whether the fields of a record agree with each other."""
    held = holders(state)
    return all((
        (state.state is State.ALERT) == (state.alert is not None),
        (state.state is State.MIGRATING) <= (state.move is not None),
        (state.move is not None) <= (state.state in {State.MIGRATING, State.UNLOADING}),
        (state.session is not None) <= bool(held),
        bool(held) <= (state.operation is not None),
        state.state is not State.RUNNING or state.session is not None,
        state.move is None or state.move.phase is Phase.PREPARE or not state.move.live or bool(state.move.session),
        len(held) == len(set(held)),
    ))


@st.composite
def walks(draw: st.DrawFn) -> list[tuple[ResourceState, e.Event, ResourceState]]:
    """Draw a life: from Offline, event after event, each one possible as the record stands."""
    state, steps = record(State.OFFLINE, None, operation=None), []
    nodes = st.sampled_from(["a", "b", "c"])
    for number in range(draw(st.integers(1, 25))):
        now = Moment(mono_s=number, wall_s=float(number))
        kind = draw(st.sampled_from(sorted(TABLE[state.state], key=lambda kind: kind.__name__)))
        event = event_of(kind, state)
        if isinstance(event, e.Placed | e.Recovered | e.Dropped):
            event = replace(event, node=draw(nodes), operation=f"web@{number}")
        if isinstance(event, e.MoveOrdered | e.Sent):
            event = replace(event, target=draw(nodes), live=draw(st.booleans())) if isinstance(
                event, e.MoveOrdered) else replace(event, target=draw(nodes))
        if isinstance(event, e.AlertRaised):
            event = replace(event, kind=draw(st.sampled_from(AlertKind)), node=draw(nodes))
        if state.state is State.LOADING and state.session is None and not isinstance(event, tuple(
                kind for kind, _, _ in LOST)):
            event = e.Claimed(session=f"{state.node}1", why=WHY)
        try:
            after = advance(state, event, now)
        except BrokenInvariant:
            continue
        steps.append((state, event, after))
        state = after
    return steps


@given(walks())
def test_whatever_happens_to_a_resource_its_record_makes_sense(
        steps: list[tuple[ResourceState, e.Event, ResourceState]]) -> None:
    for before, event, after in steps:
        assert consistent(after), (story(before), event, after)
        assert after.lives >= before.lives
        assert after.name == before.name


@given(walks())
def test_who_may_execute_it_changes_only_as_the_record_says(
        steps: list[tuple[ResourceState, e.Event, ResourceState]]) -> None:
    """A node comes in by being placed on, moved to or sent to, and by nothing else."""
    for before, event, after in steps:
        fresh = set(holders(after)) - set(holders(before))
        named = {getattr(event, "node", None), getattr(event, "target", None)}
        if before.move is not None:
            named.add(before.move.target)
        assert fresh <= named, (story(before), event)


def test_advance_needs_no_clock_but_the_one_it_is_given() -> None:
    assert advance(LOADING, event_of(e.Loaded, LOADING), later(5)).since_s == NOW.wall_s + 5
