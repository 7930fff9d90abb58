"""The sentence for a monitor configuration says what the judgement of monitor failures does."""

import pytest

from core.clusters import NOW, cluster, record, spec
from stanchion.model import events as e
from stanchion.model.ids import NodeName
from stanchion.model.resource import FailureAction, Monitoring
from stanchion.plan.monitoring import Failure, respond
from stanchion.plan.monitoring_told import describe, ordinal, span, told

RULE = Monitoring(enabled=True, interval_s=30, max_failures=3, window_s=600, action=FailureAction.MIGRATE)
B = NodeName("b")


def sentence(rule: Monitoring = RULE, *, script: bool = True, moves: int = 6, target: NodeName | None = B) -> str:
    """Say it, with the usual rest."""
    return told(rule, script=script, timeout_s=60, moves_per_hour=moves, target=target)


def test_the_whole_sentence_of_a_usual_configuration() -> None:
    assert sentence() == (
        "Every 30 s the monitor script runs. The 3rd failure within 10 minutes moves the machine to the next preferred "
        "node, b. Each failure before that restarts it on its node. A run that takes longer than 1 minute does so at "
        "once. It is moved by itself at most 6 times within an hour; after that it becomes comatose instead.")


@pytest.mark.parametrize(("rule", "says"), [
    (Monitoring(), "Monitoring is off"),
    (Monitoring(enabled=True, max_failures=1), "The first failure sets it comatose"),
    (Monitoring(enabled=True, max_failures=2), "The failure before that restarts it"),
    (Monitoring(enabled=True, max_failures=11, window_s=90), "The 11th failure within 90 s sets it comatose"),
    (Monitoring(enabled=True, action=FailureAction.REBOOT), "resets the whole host, hard"),
    (Monitoring(enabled=True, interval_s=3600), "Every 1 hour the monitor"),
])
def test_what_each_number_and_action_is_called(rule: Monitoring, says: str) -> None:
    assert says in sentence(rule)


def test_what_it_lacks_is_said() -> None:
    assert "there is no monitor script" in sentence(script=False)
    assert "now there is none that could take it" in sentence(target=None)
    assert "at most once within an hour" in sentence(moves=1)
    assert "may never move it by itself" in sentence(moves=0)


@pytest.mark.parametrize("target", ["b", None])
@pytest.mark.parametrize("action", FailureAction)
def test_the_sentence_agrees_with_the_judgement(action: FailureAction, target: str | None) -> None:
    """The failure that is named acts, as the sentence says; the one before restarts the machine."""
    rule = Monitoring(enabled=True, max_failures=2, action=action)
    made = spec(monitoring=rule, preferred="ab" if target else "a")
    view = cluster(made, record())
    text = describe(view, made)
    recent = cluster(made, record(failures=(NOW.wall_s - 1,)))

    first = respond(view, view.states["web"], made, Failure(text="x"), NOW)
    second = respond(recent, recent.states["web"], made, Failure(text="x"), NOW)

    assert isinstance(first, e.Sent)
    assert first.target == "a"
    match second:
        case e.Sent():
            assert f"next preferred node, {second.target}." in text
        case e.Condemned():
            assert "resets the whole host" in text
        case _:
            assert "comatose" in text


def test_durations_and_places_are_said_as_people_say_them() -> None:
    assert [span(each) for each in (1, 59, 60, 90, 120, 3600, 5400, 7200, 0.5)] == [
        "1 s", "59 s", "1 minute", "90 s", "2 minutes", "1 hour", "90 minutes", "2 hours", "0.5 s"]
    assert [ordinal(each) for each in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]
