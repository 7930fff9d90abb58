"""A life is data: the same seed is the same life, it can be written down, and what was found once stays mended."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stanchion.model.errors import InvalidInput
from stanchion.sim import scenario
from stanchion.sim.draw import draw
from stanchion.sim.life import play
from stanchion.sim.shrink import shrink
from stanchion.sim.strikes import Strike, What

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))
SRC = Path(__file__).parents[2] / "src"


@pytest.mark.parametrize("file", FOUND, ids=lambda file: file.stem)
def test_what_a_swarm_found_once_is_mended(file: Path) -> None:
    assert play(scenario.read(file.read_text())).violations == ()


def test_a_life_that_was_written_is_read_again(tmp_path: Path) -> None:
    for seed in range(20):
        life = draw(seed, short=True)
        scenario.write(life, tmp_path / "life.json")
        assert scenario.read((tmp_path / "life.json").read_text()) == life


@pytest.mark.parametrize("text", ["", "[]", '{"format": "other/1"}', '{"format": "stanchion-life/1", "parts": 7}'])
def test_what_is_no_life_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="the scenario is"):
        scenario.read(text)


def _told(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "stanchion", "sim", *words], capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHONPATH": str(SRC), **environment})


def test_the_same_seed_is_told_the_same_in_every_process() -> None:
    """Every line, with its time and its columns, whatever the order of Python's sets."""
    one, two = (_told("run", "--seed", "7", "--short", PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert one.returncode == 0, one.stderr
    assert one.stdout == two.stdout
    assert "seed 7:" in one.stdout.splitlines()[-1]
    assert len(one.stdout.splitlines()) > 30


def test_a_swarm_ends_with_its_count() -> None:
    done = _told("swarm", "--seed", "1", "--count", "4", "--jobs", "2", "--short")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "4 histories, 0 violations"
    assert "simulated hours per minute" in done.stdout.splitlines()[-2]


def test_a_life_is_made_smaller_as_long_as_it_breaks_the_same() -> None:
    """A list that names no node leaves nothing to run on, so the calm is not calm; nothing else is needed for that."""
    life = draw(3, short=True, nodes=3)
    life = replace(life, strikes=(*life.strikes[:6], Strike(at_s=30.0, what=What.LEAVE, node="a")),
                   parts=tuple(replace(part, preferred=("z",)) for part in life.parts))
    broken = play(life).broken
    small = shrink(life, broken)
    assert broken != ""
    assert (small.strikes, len(small.nodes), len(small.parts)) == ((), 1, 1)
    assert play(small).broken == broken
