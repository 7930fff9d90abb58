"""A move as dialogue between its two nodes, phase by phase, with everything that may fail on the way."""

from dataclasses import replace

import pytest

from core.clusters import cluster, moving, proven, record, spec
from core.dialogue import (
    ABSENT,
    BLIND,
    OVERDUE,
    RUNNING,
    UNKNOWN,
    ask,
    checked,
    does,
    ended,
    saw,
    told,
)
from stanchion.model import events as e
from stanchion.model.actions import CheckHost, Look, RunScript, Step
from stanchion.model.history import RunEnd
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ResourceSpec, Script, ScriptKind
from stanchion.model.state import Phase, Presence, ResourceState
from stanchion.model.stray import Sighting, Stray
from stanchion.plan.case import Fact, Next

LIVE = spec(live=True)
PREPARE, OUT, IN, ABORT = (moving(phase) for phase in Phase)
COLD = moving(Phase.PREPARE, live=False)
NOT_HERE = saw(Step.LOOK, ABSENT)


def bare(of: ResourceSpec, *kinds: ScriptKind) -> ResourceSpec:
    """Give the configuration without these scripts."""
    return replace(of, scripts=replace(of.scripts, **{kind.value: Script() for kind in kinds}))


def source(state: ResourceState, *facts: Fact, of: ResourceSpec = LIVE, session: str = "a1") -> Next:
    """Ask the node that sends."""
    return ask(state, *facts, of=of, me="a", session=session)


def target(state: ResourceState, *facts: Fact, of: ResourceSpec = LIVE, session: str = "b1") -> Next:
    """Ask the node that receives."""
    return ask(state, *facts, of=of, me="b", session=session)


@pytest.mark.parametrize("state", [PREPARE, IN, ABORT])
def test_the_source_waits_while_it_is_the_target_s_turn(state: ResourceState) -> None:
    assert source(state) is None


def test_the_target_waits_while_it_is_the_source_s_turn() -> None:
    assert target(OUT) is None


@pytest.mark.parametrize("state", [PREPARE, OUT, IN, ABORT])
def test_the_source_in_a_new_life_claims_first(state: ResourceState) -> None:
    assert told(source(state, session="a2"))[0] is e.Claimed


# Prepare.

def test_the_target_checks_that_the_files_are_those_of_the_source() -> None:
    state = moving(Phase.PREPARE, digests={"/etc/web": "abc"})

    action = target(state, NOT_HERE)

    assert isinstance(action, CheckHost)
    assert action.digests == {"/etc/web": "abc"}
    assert action.source is not None
    assert (action.source.node, action.live) == ("a", True)


def test_a_target_where_the_machine_runs_already_refuses_it_and_touches_nothing() -> None:
    """Somebody started it there by hand: before anything is prepared the target looks."""
    assert isinstance(target(PREPARE), Look)
    answer = target(PREPARE, saw(Step.LOOK, RUNNING, "QEMU: it runs"))
    assert told(answer) == (e.Stayed, Why.PREFLIGHT_FAILED)
    assert told(target(PREPARE, saw(Step.LOOK, UNKNOWN, "no answer"))) == (e.Stayed, Why.PREFLIGHT_FAILED)
    astray = Stray(resource="web", sightings=(Sighting(node="c", session="c1", since_s=0),))
    assert told(ask(PREPARE, of=LIVE, me="b", records=(astray,))) == (e.Stayed, Why.PREFLIGHT_FAILED)


def test_a_target_that_is_not_ready_leaves_the_machine_alone() -> None:
    answer = target(PREPARE, NOT_HERE, checked("/etc/web is missing"))

    assert told(answer) == (e.Stayed, Why.PREFLIGHT_FAILED)
    assert isinstance(answer, e.Stayed)
    assert answer.why.operands == ("b", "/etc/web is missing")


def test_the_target_opens_the_door_of_a_live_move() -> None:
    run = target(PREPARE, NOT_HERE, checked())
    assert isinstance(run, RunScript)
    assert (run.script, run.environment) == (ScriptKind.PREPARE, {"NCS_TOFROM": "a"})

    answer = target(PREPARE, NOT_HERE, checked(), ended(Step.PREPARE, output="door: tcp:b:4444\n"))

    assert isinstance(answer, e.Prepared)
    assert (answer.door, answer.session, answer.why.why) == ("tcp:b:4444", "b1", Why.MIGRATE_ASKED)


@pytest.mark.parametrize(("state", "of"), [(COLD, LIVE), (PREPARE, bare(LIVE, ScriptKind.PREPARE))])
def test_where_nothing_is_to_be_prepared_the_check_is_enough(state: ResourceState, of: ResourceSpec) -> None:
    answer = target(state, NOT_HERE, checked(), of=of)

    assert isinstance(answer, e.Prepared)
    assert answer.door == ""


def test_a_preparation_that_hangs_lets_the_machine_stay_at_once() -> None:
    """What cleans up after it has to wait for its process; nobody else does."""
    assert told(target(PREPARE, NOT_HERE, checked(), ended(Step.PREPARE, end=OVERDUE))) == (
        e.Stayed, Why.PREFLIGHT_FAILED)


@pytest.mark.parametrize("run", [ended(Step.PREPARE, 1, command="qemu -incoming"),
                                 ended(Step.PREPARE, 137, end=RunEnd.KILLED)])
def test_a_failed_preparation_is_cleaned_up_and_the_machine_stays(run: Fact) -> None:
    assert does(target(PREPARE, NOT_HERE, checked(), run)) is Step.HALT
    assert told(target(PREPARE, NOT_HERE, checked(), run, ended(Step.HALT))) == (e.Stayed, Why.PREFLIGHT_FAILED)
    halting_nothing = bare(LIVE, ScriptKind.HALT)
    assert told(target(PREPARE, NOT_HERE, checked(), run, of=halting_nothing)) == (e.Stayed, Why.PREFLIGHT_FAILED)


# Out.

def test_the_source_sends_the_machine_to_the_door() -> None:
    run = source(moving(Phase.OUT, door="tcp:b:4444"))

    assert isinstance(run, RunScript)
    assert run.script is ScriptKind.UNLOAD
    assert run.environment == {"NCS_TOFROM": "b", "STANCHION_DOOR": "tcp:b:4444"}


def test_the_source_looks_whatever_the_script_said() -> None:
    for code, gone in ((0, True), (1, False)):
        look = source(OUT, ended(Step.UNLOAD, code))
        assert isinstance(look, Look)
        assert (look.step, look.after_unload) == (Step.LOOK_AFTER, gone)


@pytest.mark.parametrize(("code", "presence", "expected", "fault"), [
    (0, ABSENT, e.Departed, ""),
    (1, ABSENT, e.Departed, "see its output"),
    (0, RUNNING, e.Faltered, "the unload script ended well, but the machine is still there"),
    (1, RUNNING, e.Faltered, "see its output"),
])
def test_where_the_machine_is_decides_and_not_the_exit_code(code: int, presence: Presence, expected: type[e.Event],
                                                            fault: str) -> None:
    answer = source(OUT, ended(Step.UNLOAD, code), saw(Step.LOOK_AFTER, presence))

    assert isinstance(answer, e.Departed | e.Faltered)
    assert (type(answer), answer.fault) == (expected, fault)


@pytest.mark.parametrize(("facts", "why"), [
    ((ended(Step.UNLOAD, end=OVERDUE),), Why.UNLOAD_TIMEOUT),
    ((ended(Step.UNLOAD), saw(Step.LOOK_AFTER, UNKNOWN, "no answer")), Why.LOOK_UNKNOWN),
    ((ended(Step.UNLOAD, 1), saw(Step.LOOK_AFTER, UNKNOWN, "no answer")), Why.LOOK_UNKNOWN),
])
def test_what_cannot_be_known_is_comatose_on_the_source(facts: tuple[Fact, ...], why: Why) -> None:
    answer = source(OUT, *facts)

    assert told(answer) == (e.Failed, why)
    assert isinstance(answer, e.Failed)
    assert answer.node is None


# In.

def test_the_target_takes_the_machine_over() -> None:
    run = target(IN)
    assert isinstance(run, RunScript)
    assert (run.script, run.environment) == (ScriptKind.LOAD, {"NCS_TOFROM": "a"})
    assert does(target(IN, ended(Step.LOAD))) is Step.LOOK_AFTER

    answer = target(IN, ended(Step.LOAD), saw(Step.LOOK_AFTER, RUNNING))

    assert answer == e.Arrived(session="b1", why=reason(Why.MIGRATED, "a", "b"))


def test_a_machine_that_is_seen_running_has_arrived_though_the_script_failed() -> None:
    assert told(target(IN, ended(Step.LOAD, 1), saw(Step.LOOK_AFTER, RUNNING)))[0] is e.Arrived


@pytest.mark.parametrize(("facts", "why"), [
    ((ended(Step.LOAD, end=OVERDUE), saw(Step.LOOK_AFTER, ABSENT)), Why.LOAD_TIMEOUT),
    ((ended(Step.LOAD), saw(Step.LOOK_AFTER, UNKNOWN)), Why.LOOK_UNKNOWN),
    ((ended(Step.LOAD, 1), saw(Step.LOOK_AFTER, UNKNOWN)), Why.LOOK_UNKNOWN),
])
def test_a_takeover_that_cannot_be_judged_is_comatose_on_the_target(facts: tuple[Fact, ...], why: Why) -> None:
    """The machine left the source, so the target is where somebody must look."""
    answer = target(IN, *facts)

    assert told(answer) == (e.Failed, why)
    assert isinstance(answer, e.Failed)
    assert (answer.node, answer.session) == ("b", "b1")


LOST = (ended(Step.LOAD, 1, command="virsh start"), saw(Step.LOOK_AFTER, ABSENT))
CLEAN = (ended(Step.HALT), saw(Step.LOOK_LAST, ABSENT))


def test_a_machine_that_was_lost_on_the_way_is_cleaned_up_and_starts_where_it_came_from() -> None:
    assert does(target(IN, *LOST)) is Step.HALT
    assert does(target(IN, *LOST, ended(Step.HALT))) is Step.LOOK_LAST
    answer = target(IN, *LOST, *CLEAN)

    assert told(answer) == (e.Dropped, Why.MIGRATE_LOST)
    assert isinstance(answer, e.Dropped)
    assert answer.node == "a"
    assert answer.why.operands == ("b", "virsh start; the machine is absent", "a")


def test_off_a_node_that_is_being_emptied_it_starts_on_the_target() -> None:
    answer = target(moving(Phase.IN, why=Why.NODE_LEAVES), *LOST, *CLEAN)

    assert isinstance(answer, e.Dropped)
    assert answer.node == "b"


def test_where_the_policy_says_so_a_lost_machine_is_comatose_on_the_target() -> None:
    strict = spec(live=True, restart_after_failed_migration=False)

    answer = target(IN, *LOST, *CLEAN, of=strict)

    assert told(answer) == (e.Failed, Why.MIGRATE_LOST)
    assert isinstance(answer, e.Failed)
    assert (answer.node, answer.session) == ("b", "b1")


ASTRAY = moving(Phase.IN, fault="broken pipe")


def test_after_a_fault_on_the_source_the_target_looks_before_it_starts_anything() -> None:
    look = target(ASTRAY)
    assert isinstance(look, Look)
    assert (look.step, look.after_unload) == (Step.LOOK, True)
    assert told(target(ASTRAY, saw(Step.LOOK, RUNNING))) == (e.Arrived, Why.MIGRATED)
    assert told(target(ASTRAY, saw(Step.LOOK, UNKNOWN))) == (e.Failed, Why.LOOK_UNKNOWN)
    assert does(target(ASTRAY, saw(Step.LOOK, ABSENT))) is Step.HALT
    answer = target(ASTRAY, saw(Step.LOOK, ABSENT), *CLEAN)
    assert told(answer) == (e.Dropped, Why.MIGRATE_LOST)


def test_where_nothing_can_look_a_machine_astray_is_lost() -> None:
    assert does(target(ASTRAY, of=replace(BLIND, live=True))) is Step.HALT


@pytest.mark.parametrize("state", [IN, ASTRAY])
def test_what_arrived_is_not_taken_in_while_somebody_started_the_machine_elsewhere(state: ResourceState) -> None:
    """It is left as it is for an administrator, and nothing of it is cleaned up; what went on by itself is there."""
    stray = Stray(resource="web", sightings=(Sighting(node="c", session="c1", since_s=0),))

    def ask_target(*facts: Fact, of: ResourceSpec = LIVE) -> Next:
        return ask(state, *facts, of=of, me="b", records=(stray,))

    assert does(ask_target()) is Step.LOOK
    absent = ask_target(saw(Step.LOOK, ABSENT))
    assert told(absent) == (e.Failed, Why.NODE_STRAY)
    assert isinstance(absent, e.Failed)
    assert (absent.node, absent.session) == ("b", "b1")
    assert told(ask_target(saw(Step.LOOK, UNKNOWN))) == (e.Failed, Why.LOOK_UNKNOWN)
    assert told(ask_target(saw(Step.LOOK, RUNNING))) == (e.Arrived, Why.MIGRATED)
    assert told(ask_target(of=replace(BLIND, live=True))) == (e.Failed, Why.NODE_STRAY)
    assert told(target(IN, ended(Step.LOAD), saw(Step.LOOK_AFTER, RUNNING))) == (e.Arrived, Why.MIGRATED)


# Abort.

def test_the_target_cleans_up_after_a_failed_move_and_the_machine_stays() -> None:
    failed = moving(Phase.ABORT, fault="no route")

    assert does(target(failed)) is Step.HALT
    assert does(target(failed, ended(Step.HALT))) is Step.LOOK_LAST
    answer = target(failed, ended(Step.HALT), saw(Step.LOOK_LAST, ABSENT))
    assert isinstance(answer, e.Stayed)
    assert answer.why == reason(Why.MIGRATE_FAILED, "b", "no route", "a")
    assert target(failed, saw(Step.LOOK_LAST, ABSENT), of=bare(LIVE, ScriptKind.HALT)) == answer


@pytest.mark.parametrize("presence", [RUNNING, UNKNOWN])
def test_a_target_that_is_not_clean_keeps_its_claim(presence: Presence) -> None:
    """Comatose, and the move stays in the record: nothing may start elsewhere."""
    answer = target(moving(Phase.ABORT, fault="no route"), ended(Step.HALT), saw(Step.LOOK_LAST, presence))

    assert isinstance(answer, e.Failed)
    assert answer.astray


# Lives that ended.

@pytest.mark.parametrize("state", [OUT, IN, ABORT])
def test_a_target_whose_life_is_proven_gone_leaves_the_move_to_the_master(state: ResourceState) -> None:
    """The proof lets the master start the machine elsewhere; what the node begins now would be a second copy."""
    assert ask(state, of=LIVE, me="b", session="b2", records=(proven("b"),)) is None


def test_a_target_whose_agent_was_merely_restarted_goes_on() -> None:
    assert does(target(IN, session="b2")) is Step.LOAD


def test_a_source_whose_life_is_proven_gone_leaves_the_move_to_the_master() -> None:
    assert ask(OUT, of=LIVE, me="a", session="a2", records=(proven("a"),)) is None


def test_a_third_node_has_no_part_in_a_move() -> None:
    for state in (PREPARE, OUT, IN, ABORT):
        assert ask(state, of=LIVE, me="c") is None


def test_names_of_operations_follow_the_revision() -> None:
    """The operation of the load that follows an unload is new, so the runner does not join an older run."""
    view = cluster(LIVE, record())
    answer = target(COLD, checked())

    assert isinstance(answer, e.Prepared)
    assert answer.operation == f"web@{view.revision}"
