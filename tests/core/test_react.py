"""One node as dialogue: what it hears, what it does, and what it keeps in mind."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clusters import MONITOR, NOW, cluster, moving, ran, record, spec, written
from core.talk import Talk, becomes, only
from stanchion.model import actions as a
from stanchion.model.cluster import ClusterView, Kind, Live
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import FailureAction, Monitoring, ScriptKind
from stanchion.model.state import AlertKind, Phase, Presence, ResourceState, State
from stanchion.plan.case import stage_of
from stanchion.plan.node import LOOK_AGAIN_S, RETRY_S, NodeState, react

ABSENT, RUNNING, UNKNOWN = Presence.ABSENT, Presence.RUNNING, Presence.UNKNOWN
MONITORED = spec(visible=False, monitoring=Monitoring(enabled=True, interval_s=5))
LOADING, UNLOADING = record(State.LOADING), record(State.UNLOADING)


# One thing at a time.

def test_a_whole_load_is_one_action_after_the_other() -> None:
    talk = Talk(spec(), record(State.LOADING, session=None))
    claim = only(talk.see(), a.Commit)
    assert talk.answers(claim, written=True) == []
    look = only(talk.see(becomes(claim)), a.Look)
    load = only(talk.finds(look, ABSENT), a.RunScript)
    look = only(talk.ends(load), a.Look)
    report = only(talk.finds(look, RUNNING), a.Commit)
    assert (becomes(report).state, becomes(report).session) == (State.RUNNING, "a1")


def test_a_report_is_guarded_by_the_record_and_by_the_node_s_own_lease() -> None:
    """A writer that lost its session cannot write, whatever it still believes."""
    talk = Talk(spec(), record(State.LOADING, session=None))

    claim = only(talk.see(), a.Commit)

    assert isinstance(claim, a.Commit)
    assert {(guard.key.kind, guard.key.name, guard.revision) for guard in claim.transaction.guards} == {
        (Kind.STATE, "web", talk.view.states["web"].revision), (Kind.LIVE, "a", talk.view.live["a"].revision),
        (Kind.STRAY, "web", 0), (Kind.SPEC, "web", talk.view.specs["web"].revision)}


@pytest.mark.parametrize("news", [0, 1, 3])
def test_while_something_is_in_the_air_nothing_else_begins(news: int) -> None:
    talk = Talk(spec(), LOADING)
    only(talk.see(), a.Look)

    for number in range(news):
        assert talk.see(replace(LOADING, lives=number)) == []
        assert talk.wake(1000) == []


def test_resources_do_not_wait_for_each_other() -> None:
    talk = Talk(spec(), spec("db"), LOADING, record(State.UNLOADING, name="db"))

    unload, look = talk.see()

    assert isinstance(unload, a.RunScript)
    assert isinstance(look, a.Look)
    assert (unload.spec.name, look.spec.name) == ("db", "web")


def test_a_result_of_a_stage_that_is_past_is_dropped() -> None:
    """The load of an operation that was overtaken says nothing about the present one."""
    talk = Talk(spec(visible=False), LOADING)
    load = only(talk.see(), a.RunScript)
    assert talk.see(replace(LOADING, operation="web@12")) == []

    again = only(talk.ends(load), a.RunScript)

    assert isinstance(again, a.RunScript)
    assert again.stage == stage_of(replace(LOADING, operation="web@12"))


def test_a_late_result_for_a_resource_that_went_elsewhere_does_nothing() -> None:
    talk = Talk(spec(visible=False), LOADING)
    load = only(talk.see(), a.RunScript)
    talk.see(record(State.LOADING, "b"))

    assert talk.ends(load) == []
    assert talk.state.duties == {}
    assert talk.tell(a.Reported(resource="web", decided_on=1, written=True)) == []


def test_a_report_that_was_refused_waits_for_a_newer_view() -> None:
    talk = Talk(spec(), record(State.LOADING, session=None))
    claim = only(talk.see(), a.Commit)

    assert talk.answers(claim, written=False) == []
    assert talk.wake(100) == [], "the view is the old one: the same report would be refused again"
    assert talk.see(record(State.LOADING, "b")) == []
    again = only(talk.see(record(State.LOADING, session=None, operation="web@20")), a.Commit)
    assert becomes(again).operation == "web@20"


def test_a_report_that_was_overtaken_by_the_view_goes_on_at_once() -> None:
    talk = Talk(spec(), record(State.LOADING, session=None))
    claim = only(talk.see(), a.Commit)
    assert talk.see(becomes(claim)) == []

    only(talk.answers(claim, written=True), a.Look)


def test_a_report_whose_fate_is_unknown_is_tried_again_after_a_while() -> None:
    talk = Talk(spec(), record(State.LOADING, session=None))
    claim = only(talk.see(), a.Commit)
    assert talk.answers(claim, written=None) == []
    assert talk.wakes[-1] == RETRY_S
    assert talk.wake(RETRY_S / 2) == []

    assert only(talk.wake(RETRY_S / 2), a.Commit) == claim


# Time.

def test_the_monitor_runs_at_its_interval_and_not_while_it_runs() -> None:
    talk = Talk(MONITORED, record())
    assert talk.see() == []
    assert talk.wakes[-1] == 5
    assert talk.wake(4.9) == []
    monitor = only(talk.wake(0.1), a.RunScript)
    assert talk.wake(60) == [], "one at a time, however long it takes"
    assert talk.ends(monitor) == []
    assert talk.wakes[-1] == talk.at_s + 5, "the next interval begins when it ended"
    only(talk.wake(5), a.RunScript)


def test_an_alarm_that_rings_a_little_early_counts() -> None:
    talk = Talk(MONITORED, record())
    talk.see()

    only(talk.wake(4.9995), a.RunScript)


def test_a_failback_alert_does_not_end_the_monitoring() -> None:
    talk = Talk(MONITORED, record(State.ALERT, alert=AlertKind.FAILBACK, session="a1"))
    talk.see()

    only(talk.wake(5), a.RunScript)


def test_a_failed_monitor_leads_to_a_restart_whose_report_is_repeated_when_refused() -> None:
    talk = Talk(MONITORED, record())
    talk.see()
    monitor = only(talk.wake(5), a.RunScript)
    report = only(talk.ends(monitor, 7), a.Commit)
    assert becomes(report).state is State.UNLOADING
    talk.answers(report, written=False)

    again = only(talk.see(record(lives=1)), a.Commit)

    assert (becomes(again).state, becomes(again).lives) == (State.UNLOADING, 1)


def test_a_machine_that_could_not_be_seen_is_looked_for_again() -> None:
    talk = Talk(spec(), record())
    look = only(talk.see(), a.Look)
    assert talk.finds(look, UNKNOWN) == []
    assert LOOK_AGAIN_S in [round(at_s - talk.at_s, 6) for at_s in talk.wakes]
    again = only(talk.wake(LOOK_AGAIN_S), a.Look)
    assert talk.finds(again, RUNNING) == []
    assert talk.wake(1000) == []


def test_a_condemned_host_is_reset_once_and_one_that_cannot_be_is_not_stuck() -> None:
    rebooting = replace(MONITORED, monitoring=replace(MONITORED.monitoring, action=FailureAction.REBOOT))
    talk = Talk(rebooting, record(reason=reason(Why.MONITOR_REBOOT, 1, 600, "a", "code 7")))
    assert talk.see() == [a.ResetHost(resource="web")]
    assert talk.wake(100) == []

    only(talk.see(record(State.UNLOADING)), a.RunScript)


# Whatever happens.

STATES = st.one_of(
    st.sampled_from([LOADING, record(State.LOADING, session=None), record(), UNLOADING, record(State.COMATOSE),
                     record(State.OFFLINE), record(node="b"), record(State.LOADING, "b")]),
    st.builds(moving, st.sampled_from(Phase), st.sampled_from(["a", "b"]), st.just("c"), live=st.booleans()),
    st.builds(moving, st.sampled_from(Phase), st.just("b"), st.just("a"), live=st.booleans()),
)
HAPPENINGS = st.one_of(
    STATES, st.sampled_from([a.CutOff(), a.Woken(), a.Halted(presences={"web": UNKNOWN}),
                             a.Halted(presences={"web": ABSENT}), a.SessionOpened(session="a1", view=ClusterView())]),
    st.builds(a.ScriptEnded, resource=st.just("web"), step=st.sampled_from([a.Step.LOAD, a.Step.MONITOR]),
              stage=st.sampled_from(["web@1-loading", "web@1-running-1", "web@2-loading"]),
              run=st.sampled_from([ran(ScriptKind.LOAD), ran(ScriptKind.LOAD, 1)])),
    st.integers(0, 5), st.floats(0, 100),
)


@given(st.lists(HAPPENINGS, max_size=30))
def test_in_no_order_of_happenings_is_more_than_one_thing_in_the_air(happenings: list[object]) -> None:
    """A number answers what is in the air, a fraction lets time pass, a record is what the store shows next."""
    talk = Talk(replace(MONITORED, scripts=replace(MONITORED.scripts, monitor=MONITOR)), record(State.OFFLINE))
    talk.see()
    air: list[a.Action] = []
    for number, happening in enumerate(happenings):
        actions: list[a.Action] = []
        match happening:
            case ResourceState():
                actions = talk.see(replace(happening, lives=number))
            case int() if air:
                actions = _answer(talk, air.pop(), happening)
            case float():
                actions = talk.wake(happening)
            case a.ScriptEnded() if air:
                continue
            case a.CutOff() | a.SessionOpened():
                air = []
                actions = talk.tell(happening)
            case a.Woken() | a.Halted() | a.ScriptEnded():
                actions = talk.tell(happening)
        begun = [action for action in actions if isinstance(action, a.RunScript | a.Look | a.CheckHost | a.Commit)]
        assert not (begun and talk.state.cut_off)
        air += begun
        assert len(air) <= 1, air


def _answer(talk: Talk, action: a.Action, number: int) -> list[a.Action]:
    match action:
        case a.RunScript():
            return talk.ends(action, number % 2)
        case a.Look():
            return talk.finds(action, list(Presence)[number % 3])
        case a.CheckHost():
            return talk.tell(a.Checked(resource="web", stage=action.stage, fault="" if number % 2 else "missing"))
        case a.Commit():
            written_well = (True, False, None)[number % 3]
            if written_well:
                talk.view = written(talk.view, becomes(action))
            return [*talk.answers(action, written_well), *talk.tell(a.ViewChanged(view=talk.view))]
    raise AssertionError(action)


def test_a_view_without_this_node_lets_it_do_nothing() -> None:
    state, actions = react(NodeState(me="z", session="z1"), a.ViewChanged(view=cluster(spec(), LOADING)), NOW)

    assert actions == ()
    assert state.view.live["a"].value == Live(node="a", session="a1")
    assert react(NodeState(me="a", session="a1"), a.ViewChanged(view=ClusterView()), NOW)[1] == ()


def test_what_comes_at_once_begins_in_the_order_of_priority() -> None:
    names = {"aaa": 0, "mmm": 9, "zzz": 5}
    talk = Talk()

    begun = talk.see(*(spec(name, priority=number) for name, number in names.items()),
                     *(record(State.LOADING, name=name) for name in names))

    assert [action.spec.name for action in begun if isinstance(action, a.Look)] == ["mmm", "zzz", "aaa"]
