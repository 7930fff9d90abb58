"""The procedures of one node as dialogue: given what it knows, exactly what it does or reports next."""

from dataclasses import replace

import pytest

from core.clusters import NOW, cluster, later, proven, ran, record, spec
from core.dialogue import (
    ABSENT,
    BLIND,
    BY_SCRIPT,
    OVERDUE,
    RUNNING,
    UNKNOWN,
    WITH_FILES,
    ask,
    checked,
    does,
    ended,
    saw,
    told,
)
from stanchion.model import events as e
from stanchion.model.actions import CheckHost, ResetHost, RunScript, ScriptEnded, Step
from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import NodeName, ResourceName, SessionId
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import FailureAction, LoadFailure, Monitoring, ResourceSpec, Script, ScriptKind, Scripts
from stanchion.model.state import AlertKind, Move, Phase, Presence, ResourceState, State
from stanchion.model.stray import Sighting, Stray
from stanchion.plan.case import Case, Fact, stage_of
from stanchion.plan.duty import next_step
from stanchion.plan.lifecycle import advance
from stanchion.plan.moving import door_of

# Loading.

LOADING = record(State.LOADING)
LOOKED = saw(Step.LOOK, ABSENT)


def test_a_placed_resource_is_claimed_before_anything_is_begun() -> None:
    """Until the claim is written, the master may give the resource to another node."""
    answer = ask(record(State.LOADING, session=None))

    assert isinstance(answer, e.Claimed)
    assert (answer.session, answer.why) == ("a1", record().reason)
    assert answer.spec_revision > 0


def test_a_node_that_is_leaving_claims_nothing_new() -> None:
    assert ask(record(State.LOADING, session=None), left="a") is None
    assert does(ask(LOADING, left="a")) is Step.LOOK, "but it goes on with what it has claimed"


def test_a_load_takes_one_step_after_the_other() -> None:
    assert does(ask(LOADING)) is Step.LOOK
    assert does(ask(LOADING, LOOKED)) is Step.LOAD
    assert does(ask(LOADING, LOOKED, ended(Step.LOAD))) is Step.LOOK_AFTER
    answer = ask(LOADING, LOOKED, ended(Step.LOAD), saw(Step.LOOK_AFTER, RUNNING))
    assert told(answer) == (e.Loaded, Why.LOADED)
    assert isinstance(answer, e.Loaded)
    assert answer.born


def test_a_machine_that_runs_already_is_adopted_and_not_loaded() -> None:
    answer = ask(LOADING, saw(Step.LOOK, RUNNING))

    assert told(answer) == (e.Loaded, Why.ADOPTED)
    assert isinstance(answer, e.Loaded)
    assert not answer.born


def test_nothing_is_loaded_on_a_host_that_cannot_be_seen() -> None:
    """It looks again for as long as the load script may take; then it is comatose there, or tried elsewhere."""
    blind, fresh = saw(Step.LOOK, UNKNOWN, "no answer"), record(State.LOADING, since_s=NOW.wall_s - 10.0)
    assert ask(fresh, blind) is None
    assert does(ask(fresh, blind, look_due=True)) is Step.LOOK
    assert told(ask(LOADING, blind, look_due=True)) == (e.Failed, Why.LOOK_UNKNOWN)
    onward = spec(preferred="ab", load_failure=LoadFailure.NEXT_NODE)
    assert told(ask(LOADING, blind, of=onward)) == (e.Sent, Why.LOAD_ELSEWHERE)


def test_a_load_that_was_put_off_is_given_up_when_the_machine_was_found_elsewhere_meanwhile() -> None:
    """It is unloaded here first: an earlier agent may have begun. Then nobody starts it while the stray is there."""
    astray = Stray(resource=ResourceName("web"), sightings=(Sighting(node=NodeName("b"), session=SessionId("b1"),
                                                                     since_s=0),))
    answer = ask(LOADING, LOOKED, records=(astray,))

    assert told(answer) == (e.Sent, Why.NO_NODE)
    assert isinstance(answer, e.Sent)
    assert answer.target == "a"
    assert told(ask(LOADING, LOOKED, ended(Step.LOAD), saw(Step.LOOK_AFTER, RUNNING), records=(astray,))) == (
        e.Loaded, Why.LOADED), "what has begun is not undone"


def test_digests_of_the_files_are_taken_once_it_runs() -> None:
    facts = (LOOKED, ended(Step.LOAD), saw(Step.LOOK_AFTER, RUNNING))

    assert does(ask(LOADING, *facts, of=WITH_FILES)) is Step.CHECK
    answer = ask(LOADING, *facts, checked(**{"/etc/web.xml": "abc"}), of=WITH_FILES)
    assert isinstance(answer, e.Loaded)
    assert answer.digests == {"/etc/web.xml": "abc"}


def test_how_large_it_is_is_read_from_its_configuration_once_it_runs() -> None:
    """Also from the one on its own storage, which is there only now; a service has none."""
    facts, size = (LOOKED, ended(Step.LOAD), saw(Step.LOOK_AFTER, RUNNING)), Size(memory_mib=512, cpus=2)
    own = replace(spec(), parameters={"DIRECTORY": "/mnt/web", "CONFIG": "web.xml"})

    for of in (WITH_FILES, own):
        asked = ask(LOADING, *facts, of=of)
        assert isinstance(asked, CheckHost)
        answer = ask(LOADING, *facts, checked(size=size), of=of)
        assert isinstance(answer, e.Loaded)
        assert answer.size == size
    assert own.descriptions == ("/mnt/web/web.xml",)
    assert isinstance(ask(LOADING, *facts), e.Loaded)


def test_a_machine_stays_as_large_as_it_was_found_until_a_load_finds_it_otherwise() -> None:
    small, large = Size(memory_mib=512, cpus=1), Size(memory_mib=1024, cpus=1)

    def loaded(state: ResourceState, found: Size) -> ResourceState:
        return advance(state, e.Loaded(spec_revision=7, size=found, why=reason(Why.LOADED)), NOW)

    first = loaded(LOADING, small)
    assert first.size == small
    again = replace(first, state=State.LOADING)
    assert loaded(again, NOTHING_KNOWN).size == small, "a file that cannot be read says nothing"
    assert loaded(again, large).size == large
    assert loaded(again, Size(memory_mib=1024)).size == large
    move = Move(target="b", live=True, phase=Phase.IN, why=reason(Why.LOADED))
    moved = replace(first, state=State.MIGRATING, move=move)
    assert advance(moved, e.Arrived(session="b1", why=reason(Why.LOADED)), NOW).size == small


@pytest.mark.parametrize(("facts", "why"), [
    ((ended(Step.LOAD, end=OVERDUE),), Why.LOAD_TIMEOUT),
    ((ended(Step.LOAD, 1), saw(Step.LOOK_AFTER, ABSENT)), Why.LOAD_FAILED),
    ((ended(Step.LOAD, 1), saw(Step.LOOK_AFTER, RUNNING)), Why.LOAD_FAILED),
    ((ended(Step.LOAD, 1), saw(Step.LOOK_AFTER, UNKNOWN)), Why.LOAD_FAILED),
    ((ended(Step.LOAD), saw(Step.LOOK_AFTER, ABSENT)), Why.LOAD_NOT_RUNNING),
])
def test_a_load_fails(facts: tuple[Fact, ...], why: Why) -> None:
    assert told(ask(LOADING, LOOKED, *facts)) == (e.Failed, why)


def test_a_failed_load_tells_the_command_and_what_was_seen() -> None:
    answer = ask(LOADING, LOOKED, ended(Step.LOAD, 3, command="xl create web"), saw(Step.LOOK_AFTER, ABSENT))

    assert isinstance(answer, e.Failed)
    assert answer.why == reason(Why.LOAD_FAILED, 3, "xl create web; the machine is absent")


@pytest.mark.parametrize(("run", "words"), [
    (ended(Step.LOAD, 143, end=RunEnd.KILLED), "ended by a signal, code 143"),
    (ended(Step.LOAD, 1, end=RunEnd.REFUSED, command="no room"), "no room"),
    (ended(Step.LOAD, 2), "see its output"),
])
def test_a_failure_is_told_however_the_script_ended(run: Fact, words: str) -> None:
    answer = ask(LOADING, run, of=BLIND)

    assert isinstance(answer, e.Failed)
    assert answer.why.operands[1] == words


@pytest.mark.parametrize("presence", [RUNNING, UNKNOWN])
def test_a_good_load_that_cannot_be_seen_counts_as_running(presence: Presence) -> None:
    """The script said so, and nothing says otherwise; the running machine is looked for again."""
    assert told(ask(LOADING, LOOKED, ended(Step.LOAD), saw(Step.LOOK_AFTER, presence))) == (e.Loaded, Why.LOADED)


def test_without_a_hypervisor_the_exit_code_is_all_there_is() -> None:
    assert does(ask(LOADING, of=BY_SCRIPT)) is Step.LOAD
    assert told(ask(LOADING, ended(Step.LOAD), of=BY_SCRIPT)) == (e.Loaded, Why.LOADED)


# Unloading.

UNLOADING = record(State.UNLOADING)
LEAVING = record(State.UNLOADING, move=Move(target="b", live=False, phase=Phase.OUT, why=reason(Why.FAILBACK, "b")),
                 reason=reason(Why.FAILBACK, "b"))


def test_an_unload_takes_one_step_after_the_other() -> None:
    assert does(ask(UNLOADING)) is Step.UNLOAD
    look = ask(UNLOADING, ended(Step.UNLOAD))
    assert (does(look), look.after_unload) == (Step.LOOK_AFTER, True)  # type: ignore[union-attr]  # a Look
    assert told(ask(UNLOADING, ended(Step.UNLOAD), saw(Step.LOOK_AFTER, ABSENT))) == (e.Unloaded, Why.UNLOADED)


def test_a_move_keeps_its_reason_through_the_unload() -> None:
    answer = ask(LEAVING, ended(Step.UNLOAD), saw(Step.LOOK_AFTER, ABSENT))

    assert told(answer) == (e.Unloaded, Why.FAILBACK)


@pytest.mark.parametrize("state", [UNLOADING, LEAVING])
@pytest.mark.parametrize(("facts", "why"), [
    ((ended(Step.UNLOAD, end=OVERDUE),), Why.UNLOAD_TIMEOUT),
    ((ended(Step.UNLOAD, 1), saw(Step.LOOK_AFTER, ABSENT)), Why.UNLOAD_FAILED),
    ((ended(Step.UNLOAD, 1), saw(Step.LOOK_AFTER, RUNNING)), Why.UNLOAD_FAILED),
    ((ended(Step.UNLOAD), saw(Step.LOOK_AFTER, RUNNING)), Why.STILL_RUNNING),
    ((ended(Step.UNLOAD), saw(Step.LOOK_AFTER, UNKNOWN)), Why.LOOK_UNKNOWN),
])
def test_an_unload_fails(state: ResourceState, facts: tuple[Fact, ...], why: Why) -> None:
    """A zero proves nothing: only a machine that is seen gone lets another node load it."""
    assert told(ask(state, *facts)) == (e.Failed, why)


def test_where_nothing_can_look_the_exit_code_counts() -> None:
    assert told(ask(UNLOADING, ended(Step.UNLOAD), of=BLIND)) == (e.Unloaded, Why.UNLOADED)
    assert does(ask(UNLOADING, ended(Step.UNLOAD), of=BY_SCRIPT)) is Step.LOOK_AFTER


@pytest.mark.parametrize("state", [UNLOADING, LEAVING, record(State.COMATOSE), LOADING])
def test_a_node_in_a_new_life_claims_what_it_holds_first(state: ResourceState) -> None:
    assert told(ask(state, session="a2"))[0] is e.Claimed


# Running.

MONITORED = spec(monitoring=Monitoring(enabled=True, interval_s=5, max_failures=2))
HERE = saw(Step.LOOK, RUNNING)


def test_a_running_machine_is_looked_at_first() -> None:
    """It may have stopped while no agent watched."""
    assert does(ask(record())) is Step.LOOK
    assert ask(record(), HERE) is None


def test_a_machine_that_runs_by_right_is_adopted_into_the_new_session() -> None:
    assert does(ask(record(), session="a2")) is Step.LOOK
    assert told(ask(record(), HERE, session="a2")) == (e.Claimed, Why.ONLINE_ASKED)
    assert ask(record(), saw(Step.LOOK, UNKNOWN), session="a2") == e.Claimed(session="a2", why=record().reason)


def test_without_a_hypervisor_only_an_adoption_asks_the_monitor_script() -> None:
    assert ask(record(), of=BY_SCRIPT) is None
    assert does(ask(record(), of=BY_SCRIPT, session="a2")) is Step.LOOK
    assert told(ask(record(), of=BLIND, session="a2"))[0] is e.Claimed


def test_found_stopped_it_is_comatose_here() -> None:
    answer = ask(record(), saw(Step.LOOK, ABSENT), session="a2")

    assert answer == e.Failed(session="a2", why=reason(Why.FOUND_STOPPED, "a"))


def test_found_stopped_under_a_monitor_it_is_a_monitor_failure() -> None:
    answer = ask(record(), saw(Step.LOOK, ABSENT), of=MONITORED)

    assert told(answer) == (e.Sent, Why.MONITOR_RESTART)
    assert isinstance(answer, e.Sent)
    assert answer.target == "a"


def test_what_could_not_be_seen_is_looked_for_again_when_it_is_time() -> None:
    assert ask(record(), saw(Step.LOOK, UNKNOWN)) is None
    assert does(ask(record(), saw(Step.LOOK, UNKNOWN), look_due=True)) is Step.LOOK


def test_the_monitor_runs_when_it_is_due_and_under_a_name_of_its_own() -> None:
    assert ask(record(), HERE, of=MONITORED) is None
    run = ask(record(), HERE, of=MONITORED, monitor_due=True)
    assert isinstance(run, RunScript)
    assert (run.script, run.step) == (ScriptKind.MONITOR, Step.MONITOR)
    assert run.stage == f"{stage_of(record())}-{round(NOW.mono_s * 1000)}"
    assert run.environment == {"OCF_RESKEY_CRM_meta_interval": "5000"}


@pytest.mark.parametrize("configured", [
    spec(), replace(MONITORED, scripts=replace(MONITORED.scripts, monitor=Script(text="  \n")))])
def test_no_monitor_runs_where_none_is_wanted_or_there_is_no_script(configured: ResourceSpec) -> None:
    assert ask(record(), HERE, of=configured, monitor_due=True) is None


def test_a_failed_monitor_is_answered_and_a_good_one_is_not() -> None:
    assert told(ask(record(), HERE, ended(Step.MONITOR, 7), of=MONITORED)) == (e.Sent, Why.MONITOR_RESTART)
    assert ask(record(), HERE, ended(Step.MONITOR), of=MONITORED) is None


def test_a_condemned_host_is_reset_once_that_is_written() -> None:
    rebooting = spec(monitoring=Monitoring(enabled=True, max_failures=1, action=FailureAction.REBOOT))

    assert told(ask(record(), HERE, ended(Step.MONITOR, 7), of=rebooting)) == (e.Condemned, Why.MONITOR_REBOOT)
    written = record(reason=reason(Why.MONITOR_REBOOT, 1, 600, "a", "code 7"))
    assert ask(written, HERE, ended(Step.MONITOR, 7), of=rebooting) == ResetHost(resource="web")


def test_while_a_failback_alert_waits_the_machine_is_watched_as_any_other() -> None:
    state = record(State.ALERT, alert=AlertKind.FAILBACK, session="a1")

    assert does(ask(state, of=MONITORED)) is Step.LOOK
    assert does(ask(state, HERE, of=MONITORED, monitor_due=True)) is Step.MONITOR
    assert told(ask(state, HERE, session="a2"))[0] is e.Claimed


# What is not this node's.

@pytest.mark.parametrize("word", State)
@pytest.mark.parametrize("me", ["a", "b"])
def test_a_node_does_nothing_for_what_it_does_not_hold(word: State, me: str) -> None:
    move = Move(target="a", live=True, phase=Phase.IN, why=reason(Why.MIGRATE_ASKED, "root", "a"), session="a1")
    state = record(word, "c", alert=AlertKind.FAILBACK if word is State.ALERT else None,
                   move=move if word is State.MIGRATING else None)

    if word is not State.MIGRATING or me == "b":
        assert ask(state, me=me) is None


@pytest.mark.parametrize("state", [
    record(State.OFFLINE), record(State.UNASSIGNED), record(State.QUORUM_WAIT),
    record(State.COMATOSE), record(State.COMATOSE, session=None),
    record(State.ALERT, alert=AlertKind.START), record(State.ALERT, alert=AlertKind.FAILOVER)])
def test_at_rest_nothing_is_done(state: ResourceState) -> None:
    assert ask(state) is None


@pytest.mark.parametrize("word", [State.LOADING, State.RUNNING, State.UNLOADING, State.COMATOSE])
def test_what_an_ended_life_held_is_left_to_the_master(word: State) -> None:
    """A proof stands against that session: the master may be starting it elsewhere at this very moment."""
    assert ask(record(word), session="a2", records=(proven("a"),)) is None
    assert ask(record(word), session="a2") is not None


def test_the_door_is_the_last_line_that_names_one() -> None:
    output = "starting\ndoor: tcp:old:1\ndoor:nothing\n door: indented\ndoor: tcp:b:4444 \nready\n"

    assert door_of(ran(ScriptKind.PREPARE, output=output)) == "tcp:b:4444"
    assert door_of(ran(ScriptKind.PREPARE, output="ready")) == ""


def test_every_operation_has_stages_of_its_own() -> None:
    """A result can be told from that of any earlier try by the name of its stage alone."""
    records = [record(word, operation=f"web@{number}") for word in (State.LOADING, State.RUNNING, State.UNLOADING)
               for number in (1, 2, 12)]

    stages = [stage_of(state) for state in records]

    assert not any(one.startswith(other) for one in stages for other in stages if one is not other)


def test_two_monitor_runs_never_share_a_name() -> None:
    """A run joined by mistake would report the past."""
    view = cluster(MONITORED, record())
    names = set()
    for seconds in (0.0, 0.001, 5.0):
        case = Case(me="a", session="a1", view=view, held=view.states["web"], spec=view.specs["web"],
                    now=later(seconds), facts={Step.LOOK: HERE}, monitor_due=True)
        run = next_step(case)
        assert isinstance(run, RunScript)
        names.add(run.stage)

    assert len(names) == 3


def test_every_script_has_its_text() -> None:
    every = Scripts(**{kind.value: Script(text=kind.value) for kind in ScriptKind})

    assert [every.of(kind).text for kind in ScriptKind] == list(ScriptKind)


def test_a_run_that_could_not_even_begin_is_a_failure() -> None:
    refused: Run = ran(ScriptKind.LOAD, 1, end=RunEnd.REFUSED, command="no such directory")
    fact = ScriptEnded(resource="web", step=Step.LOAD, stage="", run=refused)

    assert told(ask(LOADING, fact, of=BLIND)) == (e.Failed, Why.LOAD_FAILED)
