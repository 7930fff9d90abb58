"""A real runner in a directory of its own, for every test of scripts."""

import itertools
from pathlib import Path

import pytest
from script_benches import Play, order, runner_in
from seed_house import open_house, room  # noqa: F401 - fixtures

from stanchion.drivers.script import ScriptRunner
from stanchion.model.history import Run


@pytest.fixture
def runner(tmp_path: Path) -> ScriptRunner:
    """Give a runner with no past."""
    return runner_in(tmp_path)


@pytest.fixture
def play(runner: ScriptRunner) -> Play:
    """Give a function that runs a text once, each time as an operation of its own."""
    numbers = itertools.count()

    async def play(text: str, **environment: str) -> Run:
        return await runner.run(order(text, operation=f"play-{next(numbers)}", **environment))

    return play
