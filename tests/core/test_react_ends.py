"""How a node ends things: cut off, left alone by a machine that should have come, asked to leave or to end a script."""

from dataclasses import replace

import pytest

from core.clusters import moving, node_records, order, record, spec, written
from core.talk import Talk, becomes, only
from stanchion.model import actions as a
from stanchion.model.cluster import Node, Record
from stanchion.model.orders import Outcome, Verb
from stanchion.model.resource import Script, ScriptKind
from stanchion.model.state import Phase, Presence, ResourceState, State
from stanchion.plan.node import RETRY_S

ABSENT, RUNNING, UNKNOWN = Presence.ABSENT, Presence.RUNNING, Presence.UNKNOWN
LOADING, UNLOADING = record(State.LOADING), record(State.UNLOADING)


# Being cut off.

def test_a_node_that_is_cut_off_halts_what_it_runs_and_what_is_in_the_air() -> None:
    """The order to load may have been carried out a moment ago."""
    talk = Talk(spec("air"), spec("db"), spec(), spec("other"), record(State.LOADING, name="air"),
                record(name="db"), record(State.COMATOSE), record(node="b", name="other"))
    talk.see()
    talk.view = written(talk.view, record(State.LOADING, "b", name="air", session=None))
    talk.tell(a.ViewChanged(view=talk.view))

    halt = only(talk.tell(a.CutOff()), a.HaltAll)

    assert isinstance(halt, a.HaltAll)
    assert [each.name for each in halt.specs] == ["air", "db", "web"]


def test_a_node_that_is_cut_off_halts_both_ends_of_a_move() -> None:
    for me in ("a", "b"):
        talk = Talk(spec(live=True), moving(Phase.OUT), me=me)
        talk.see()
        halt = only(talk.tell(a.CutOff()), a.HaltAll)
        assert isinstance(halt, a.HaltAll)
        assert [each.name for each in halt.specs] == ["web"]


def cut() -> tuple[Talk, a.Action]:
    """A node that was cut off with a load in the air."""
    talk = Talk(spec(visible=False), LOADING)
    load = only(talk.see(), a.RunScript)
    only(talk.tell(a.CutOff()), a.HaltAll)
    return talk, load


def test_once_cut_off_nothing_else_begins() -> None:
    talk, load = cut()
    stop = order(Verb.END_PROCESS, "web")

    assert talk.tell(a.CutOff()) == []
    assert talk.ends(load) == []
    assert talk.see(UNLOADING) == []
    assert talk.see(stop, Node(name="a", wanted=False)) == []
    assert talk.tell(a.Reported(resource="web", decided_on=1, written=None)) == []
    assert not talk.state.holds_nothing


def test_one_halt_is_in_the_air_at_a_time_and_it_is_repeated_until_all_is_gone() -> None:
    talk, _ = cut()
    assert talk.wake(1) == [], "the first one has not answered yet"
    assert talk.tell(a.Halted(presences={"web": UNKNOWN})) == []
    assert talk.wakes[-1] == talk.at_s + RETRY_S
    only(talk.wake(RETRY_S), a.HaltAll)
    assert talk.wake(1) == []
    assert talk.tell(a.Halted(presences={"web": RUNNING})) == []
    only(talk.wake(RETRY_S), a.HaltAll)
    assert talk.tell(a.Halted(presences={"web": ABSENT})) == []
    assert talk.state.holds_nothing
    assert talk.wake(100) == []


def test_a_node_that_held_nothing_is_safe_as_soon_as_that_is_seen() -> None:
    talk = Talk()
    talk.see()
    assert talk.tell(a.CutOff()) == [a.HaltAll(specs=())]
    assert not talk.state.holds_nothing

    talk.tell(a.Halted(presences={}))

    assert talk.state.holds_nothing


def test_a_halt_of_the_last_session_says_nothing_about_this_one() -> None:
    """Else the next cut-off would count as halted before it began."""
    talk, _ = cut()
    talk.tell(a.Halted(presences={"web": ABSENT}))
    talk.tell(a.SessionOpened(session="a2", view=talk.view))
    assert not talk.state.holds_nothing

    assert talk.tell(a.Halted(presences={"web": ABSENT})) == []

    assert not talk.state.holds_nothing


def test_a_new_session_waits_until_the_view_shows_it() -> None:
    talk, _ = cut()
    talk.tell(a.Halted(presences={"web": ABSENT}))
    opened = talk.tell(a.SessionOpened(session="a2", view=talk.view))
    assert opened == [a.DropAll()], "the view still shows the session of before"

    claim = only(talk.see(*node_records("a", life=2)), a.Commit)

    assert becomes(claim).session == "a2"


# A machine that should have come.

def test_a_target_that_will_not_get_its_machine_cleans_up_once() -> None:
    talk = Talk(spec(live=True), moving(Phase.OUT, "b", "a"))
    assert talk.see() == []

    halt = only(talk.see(record(State.COMATOSE, "b")), a.RunScript)

    assert isinstance(halt, a.RunScript)
    assert halt.script is ScriptKind.HALT
    assert talk.ends(halt) == []
    assert talk.see(record(State.COMATOSE, "b", lives=1)) == []


def test_it_cleans_up_after_what_is_in_the_air_and_before_it_loads_itself() -> None:
    talk = Talk(spec(live=True), moving(Phase.PREPARE, "b", "a"))
    check = only(talk.finds(only(talk.see(), a.Look), ABSENT), a.CheckHost)
    assert isinstance(check, a.CheckHost)
    assert talk.see(record(State.COMATOSE, "b")) == []
    assert talk.see(LOADING) == []
    halt = only(talk.tell(a.Checked(resource="web", stage=check.stage)), a.RunScript)
    assert isinstance(halt, a.RunScript)
    assert halt.script is ScriptKind.HALT

    only(talk.ends(halt), a.Look)


@pytest.mark.parametrize("after", [record(node="a"), record(State.LOADING, "a", session=None)])
def test_a_machine_that_came_is_not_cleaned_up(after: ResourceState) -> None:
    talk = Talk(spec(live=True), moving(Phase.IN, "b", "a", session="a1"))
    talk.see()

    assert not [action for action in talk.see(after)
                if isinstance(action, a.RunScript) and action.script is ScriptKind.HALT]


def test_nothing_waits_for_a_machine_that_is_unloaded_and_loaded() -> None:
    talk = Talk(spec(), moving(Phase.PREPARE, "b", "a", live=False))
    check = only(talk.see(), a.CheckHost)
    assert isinstance(check, a.CheckHost)
    report = only(talk.tell(a.Checked(resource="web", stage=check.stage)), a.Commit)
    talk.answers(report, written=True)

    assert talk.see(becomes(report)) == []


def test_without_a_halt_script_there_is_nothing_to_clean_up_with() -> None:
    plain = spec(live=True)
    talk = Talk(replace(plain, scripts=replace(plain.scripts, halt=Script())), moving(Phase.OUT, "b", "a"))
    talk.see()

    assert talk.see(record(State.COMATOSE, "b")) == []


# Leaving, and orders.

def test_an_unwanted_node_gives_its_session_back_when_it_is_empty() -> None:
    talk = Talk(spec(visible=False), UNLOADING, left="a")
    unload = only(talk.see(), a.RunScript)
    assert talk.see(record(State.UNLOADING, lives=1)) == [], "something is in the air"
    assert isinstance(unload, a.RunScript)
    talk.ends(unload)

    assert talk.see(record(State.LOADING, "b"))[-1:] == [], "the look after the unload is still in the air"
    talk.tell(a.Looked(resource="web", step=a.Step.LOOK_AFTER, stage=unload.stage, presence=ABSENT))
    assert talk.see(record(State.RUNNING, "b")) == [a.GiveBack(session="a1")]


def test_a_wanted_node_keeps_its_session() -> None:
    talk = Talk()

    assert talk.see() == []


def test_an_old_view_does_not_send_a_new_session_away() -> None:
    """Asked to leave, then to join again: what the view of before says is past."""
    talk = Talk(left="a")
    assert talk.see() == [a.GiveBack(session="a1")]

    assert talk.tell(a.SessionOpened(session="a2", view=talk.view)) == [a.DropAll()]
    assert talk.see(Node(name="a"), *node_records("a", life=2)) == []


def test_an_order_to_end_a_process_is_taken_up_once_and_by_the_holder_alone() -> None:
    stop = order(Verb.END_PROCESS, "web")
    talk, other = Talk(spec(), LOADING), Talk(spec(), LOADING, me="b")
    talk.see()

    end = only(talk.see(stop), a.EndProcess)

    assert isinstance(end, a.EndProcess)
    assert end.intent.value == stop
    assert talk.see(record(State.LOADING, lives=1)) == []
    assert other.see(stop) == []


@pytest.mark.parametrize("ordered", [
    order(Verb.OFFLINE, "web"), order(Verb.END_PROCESS, "web", outcome=Outcome.DONE), order(Verb.END_PROCESS, "db"),
    order(Verb.END_PROCESS)])
def test_other_orders_are_the_master_s(ordered: Record) -> None:
    talk = Talk(spec(), LOADING)
    talk.see()

    assert talk.see(ordered) == []


def test_a_stranger_and_a_deleted_resource_do_no_harm() -> None:
    talk = Talk(LOADING)
    assert talk.see() == []
    talk.view = replace(talk.view, states={})
    assert talk.tell(a.ViewChanged(view=talk.view)) == []
    assert talk.tell(a.Looked(resource="gone", step=a.Step.LOOK, stage="x", presence=ABSENT)) == []
