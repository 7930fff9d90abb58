"""The demo's judgement: what a machine's own log shows, and what people read."""

import io
from pathlib import Path

import pytest

from stanchion.lab.demo.__main__ import SETTING, STEPS, chosen, short_directory
from stanchion.lab.demo.machines import DemoMachine
from stanchion.lab.demo.telling import Outcome, Teller

A, B = "aaaaaaaa", "bbbbbbbb"


def machine(directory: Path, *lines: str) -> DemoMachine:
    made = DemoMachine("web", "QemuLive_Template", ("node1", "node2"), directory)
    made.write()
    made.serial.write_text("".join(f"{line}\n" for line in lines))
    return made


@pytest.mark.parametrize("lines", [
    (),
    (f"tick 0 boot {A}", f"tick 1 boot {A}", f"tick 2 boot {A}"),
    (f"tick 0 boot {A}", f"tick 1 boot {A}", f"tick 0 boot {B}", f"tick 1 boot {B}"),
    (f"tick 0 boot {A}", "tick 1 bo", f"tick 2 boot {A}"),
])
def test_a_log_of_one_copy_at_a_time_is_in_order(tmp_path: Path, lines: tuple[str, ...]) -> None:
    assert machine(tmp_path, *lines).fault() == ""


@pytest.mark.parametrize(("lines", "fault"), [
    ((f"tick 0 boot {A}", f"tick 0 boot {B}", f"tick 1 boot {A}"), "two copies"),
    ((f"tick 5 boot {A}", f"tick 5 boot {A}"), "after tick 5"),
    ((f"tick 5 boot {A}", f"second copy {B}"), f"second copy {B}"),
])
def test_a_log_with_two_copies_is_found_out(tmp_path: Path, lines: tuple[str, ...], fault: str) -> None:
    assert fault in machine(tmp_path, *lines).fault()


def test_boots_and_the_last_tick_are_read_from_the_log(tmp_path: Path) -> None:
    web = machine(tmp_path, f"tick 0 boot {A}", f"tick 0 boot {B}", f"tick 1 boot {B}")

    assert web.boots() == [A, B]
    assert web.last() == (1, B)
    web.serial.unlink()
    assert web.last() is None
    assert web.fault() == ""


def test_one_step_brings_what_it_needs() -> None:
    assert [step.name for step in chosen("rejoin")] == ["start", "power-cut", "rejoin"]
    assert [step.name for step in chosen("migrate")] == ["start", "migrate"]
    assert chosen(None) == (SETTING, *STEPS)
    names = {step.name for step in STEPS}
    assert all(set(step.needs) <= names for step in STEPS)


def test_the_story_reads_without_colour_at_80_columns() -> None:
    story = io.StringIO()
    teller = Teller(story)

    teller.title("A host loses its power", "Everything on a host dies at once. " * 4)
    teller.command(("stanchion", "status"), "word " * 40)
    teller.saw("evidence " * 20)
    outcome = Outcome(name="power-cut", title="A host loses its power", seconds=9.87, fault="it never came back")
    teller.ended(outcome)
    teller.summary([outcome])

    lines = story.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in story.getvalue()
    assert "  WRONG: it never came back" in [line.rstrip() for line in lines]
    assert lines[-1].split() == ["power-cut", "A", "host", "loses", "its", "power", "9.9", "WRONG"]


def test_a_directory_for_a_lab_is_short_and_ours_alone() -> None:
    made = short_directory()

    assert len(str(made)) < 50
    assert made.stat().st_mode & 0o777 == 0o700
    made.rmdir()
