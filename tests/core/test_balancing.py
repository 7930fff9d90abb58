"""Carrying the balance out: what was asked for, one move after the other; and by itself, in a daily window."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clusters import NOW, cluster, committed, lost, moving, order, proven, record, session, spec, together, written
from stanchion.model.balance import Balancing, Migration, Window, window
from stanchion.model.capacity import Size
from stanchion.model.cluster import ClusterView, Settings
from stanchion.model.ids import Moment
from stanchion.model.orders import Verb
from stanchion.model.reasons import Why, reason, sentence
from stanchion.model.standing import Down, Drained, Pause, Standing
from stanchion.model.state import Phase, State
from stanchion.plan import balance, balancing, playing
from stanchion.plan.invariants import check
from stanchion.plan.planner import settled

NIGHT = Moment(mono_s=1000.0, wall_s=50_000.0 - 50_000.0 % 86_400 + 2 * 3600)
"""Two in the morning, UTC."""
MOVES = (Migration(resource="web", source="a", target="b"), Migration(resource="db", source="a", target="c"))
ASKED = Balancing(by="anna", since_s=NOW.wall_s, asked=2, moves=MOVES)


def full(*more: object, schedule: str = "off", **fields: object) -> ClusterView:
    """Give a cluster in which node a holds all four machines, b and c nothing; ``fields`` are those of the orders."""
    machines = [each for name in ("web", "db", "mail", "print") for each in (
        replace(spec(name, live=True), size=Size(memory_mib=300)), record(name=name))]
    view = cluster(*machines, settings=Settings(cluster="test", balance=schedule))
    rooms = [replace(view.nodes[node].value, capacity=Size(memory_mib=1600), reserve=Size(memory_mib=100))
             for node in "abc"]
    return written(view, *rooms, Standing(**fields), *more)  # type: ignore[arg-type]  # the words are its fields


def begun(view: ClusterView, now: Moment = NIGHT, *, thorough: bool = True) -> ClusterView:
    """Give the view after the master began what is due; every decision must pass the check of its safety."""
    for decision in balancing.judge(view, session(view), now, thorough=thorough):
        check(view, decision)
        view = committed(view, decision)
    return view


def places(view: ClusterView) -> dict[str, str | None]:
    """Say where each machine is, or is going."""
    return {name: held.value.move.target if held.value.move else held.value.node for name, held in view.states.items()}


def played(view: ClusterView, now: Moment = NIGHT) -> ClusterView:
    """Let the master and the nodes act until all has come to rest."""
    for _ in range(100):
        view = playing.play(view, session(view), now).view
        after = begun(view, now)
        if after is view:
            return view
        view = after
    raise AssertionError("it does not come to rest")


def test_what_was_asked_for_is_begun_one_after_the_other() -> None:
    first = begun(full(balancing=ASKED), thorough=False)

    assert first.states["web"].value.state is State.MIGRATING
    assert first.states["web"].value.moves == ()
    assert sentence(first.states["web"].value.reason) == (
        "evening the nodes out: a was 80 % full, and b is 20 % full with it")
    assert first.standing is not None
    assert first.standing.value.balancing == replace(ASKED, moves=MOVES[1:])
    assert begun(first) is first, "something is under way"

    after = played(first)
    assert places(after) == {"web": "b", "db": "c", "mail": "a", "print": "a"}
    assert after.standing is not None
    assert after.standing.value.balancing is None


def test_a_move_that_is_not_possible_any_more_is_left_out_and_told() -> None:
    view = full(balancing=ASKED)
    drained = written(view, replace(view.nodes["b"].value, drained=Drained(by="root", at_s=0)))

    [decision] = balancing.judge(drained, session(drained), NIGHT, thorough=False)

    assert decision.why.why is Why.BALANCE_SKIPPED
    assert "drained" in sentence(decision.why)
    [entry] = decision.transaction.history
    assert entry.resource == "web"
    assert places(played(drained)) == {"web": "a", "db": "c", "mail": "a", "print": "a"}


@pytest.mark.parametrize("change", ["gone", "stopped", "elsewhere", "cold"])
def test_a_move_of_a_machine_that_is_not_as_it_was_is_left_out(change: str) -> None:
    view = full(balancing=ASKED)
    changed = {"stopped": record(State.OFFLINE, "a"), "elsewhere": record(node="c"),
               "cold": replace(spec(), live=False)}
    view = replace(view, specs={name: held for name, held in view.specs.items() if name != "web"}) if (
        change == "gone") else written(view, changed[change])

    [decision] = balancing.judge(view, session(view), NIGHT, thorough=False)

    assert decision.why.why is Why.BALANCE_SKIPPED


@pytest.mark.parametrize(("more", "said"), [
    ([moving(Phase.OUT, "a", "c", name="mail")], "something is under way: mail is Migrating"),
    ([record(State.QUORUM_WAIT, None, name="mail")], "something is under way: mail is Quorum Wait"),
    ([order(Verb.OFFLINE, "mail")], "an order is under way"),
])
def test_nothing_is_begun_while_something_is_under_way(more: list[object], said: str) -> None:
    for view in (full(*more, balancing=ASKED), full(*more, schedule="00:00-23:59")):
        assert balancing.waits(view) == said
        assert begun(view) is view


@pytest.mark.parametrize("stands", [{"pause": Pause(by="root", since_s=0)},
                                    {"down": Down(by="root", at_s=0, boots=())}])
def test_nothing_is_begun_while_the_cluster_is_paused_or_stopped(stands: dict[str, object]) -> None:
    for view in (full(balancing=ASKED, **stands), full(schedule="00:00-23:59", **stands)):
        assert begun(view) is view


def test_a_pause_that_ends_by_itself_leaves_the_moves_that_were_asked_for() -> None:
    view = full(balancing=ASKED, pause=Pause(by="root", since_s=NIGHT.wall_s - 60, until_s=NIGHT.wall_s - 1))

    after = playing.play(view, session(view), NIGHT).view

    assert after.standing is not None
    assert after.standing.value.balancing == ASKED
    assert begun(after).states["web"].value.state is State.MIGRATING


def test_in_its_window_the_master_begins_one_move_which_counts() -> None:
    after = begun(full(schedule="01:00-03:00"))

    [name] = [name for name, held in after.states.items() if held.value.state is State.MIGRATING]
    assert after.states[name].value.moves == (NIGHT.wall_s,)
    assert after.states[name].value.reason.why is Why.BALANCE_EVENS
    assert begun(after) is after


def test_it_is_the_local_time_that_counts() -> None:
    view = full(schedule="01:00-03:00")

    assert begun(view, replace(NIGHT, zone_s=2 * 3600.0)) is view
    assert begun(view, replace(NIGHT, wall_s=NIGHT.wall_s - 2 * 3600, zone_s=2 * 3600.0)) is not view


@pytest.mark.parametrize("schedule", ["off", "03:00-04:00", "nonsense"])
def test_outside_of_its_window_nothing_is_begun(schedule: str) -> None:
    view = full(schedule=schedule)

    assert begun(view) is view


def test_the_whole_cluster_is_thought_about_only_when_there_is_time() -> None:
    view = full(schedule="01:00-03:00")

    assert begun(view, thorough=False) is view


def test_while_a_node_is_lost_nothing_is_begun_by_itself_but_what_was_asked_for_is() -> None:
    away = {"b": proven("b"), "c": None}
    for node, proof in away.items():
        view = lost(full(schedule="01:00-03:00"), node, proof)
        assert balancing.lost(view) == (node,)
        assert begun(view) is view
    asked = lost(full(balancing=ASKED), "c", proven("c"))
    assert begun(asked).states["web"].value.state is State.MIGRATING


def test_a_node_that_is_away_by_an_operators_word_is_not_lost() -> None:
    view = lost(full(schedule="01:00-03:00"), "c", proven("c"))
    view = written(view, replace(view.nodes["c"].value, wanted=False))

    assert balancing.lost(view) == ()
    assert begun(view) is not view


def test_those_that_are_kept_together_follow_the_one_that_was_moved() -> None:
    view = full(balancing=replace(ASKED, moves=MOVES[:1]))
    groups = (together("web", "mail"),)
    view = written(view, Settings(cluster="test", groups=groups))

    assert places(played(view)) == {"web": "b", "db": "a", "mail": "b", "print": "a"}


def test_by_itself_it_comes_to_rest_and_stays_there() -> None:
    after = played(full(schedule="01:00-03:00"))

    assert sorted(places(after).values()) == ["a", "a", "b", "c"]
    assert balance.proposals(after, NIGHT).proposals == ()
    assert settled(after, session(after), NIGHT) == ()


def test_a_machine_whose_move_failed_is_not_tried_again() -> None:
    view = full(schedule="01:00-03:00")
    failed = [replace(record(name=name), reason=reason(Why.MIGRATE_FAILED, "b", "no route", "a")) for name in (
        "web", "db", "mail", "print")]

    assert begun(written(view, *failed)).states == written(view, *failed).states


@pytest.mark.parametrize(("text", "found"), [
    ("22:00-06:00", Window(1320, 360)), ("00:00-23:59", Window(0, 1439)), ("off", None), ("", None),
    ("24:00-01:00", None), ("1:00-2:00", None), ("03:00-03:00", None), ("03:00-04:00 ", None)])
def test_a_window_is_read_or_it_is_none(text: str, found: Window | None) -> None:
    assert window(text) == found


@settings(max_examples=100)
@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_a_window_and_the_rest_of_the_day_are_one_day(begins: int, ends: int, minute: int) -> None:
    if begins != ends:
        assert Window(begins, ends).holds(minute * 60.0) is not Window(ends, begins).holds(minute * 60.0)
