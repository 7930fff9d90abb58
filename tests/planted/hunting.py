"""Planting a bug in a scratch copy of the product, and hunting for a life of the simulator that finds it.

A plant's text must be there word for word, so that one which the product outgrew turns red. The first short life that
finds it, counted from seed 0, is made smaller as long as it breaks the same invariant, and kept beside this file
(``lives``): its ``seed`` says how many lives it took, ``breaks`` what broke. ``./scripts/hunt`` finds them anew.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIVES = Path(__file__).parent / "lives"

HUNT = """
import sys
from pathlib import Path
from stanchion.sim import scenario
from stanchion.sim.draw import draw
from stanchion.sim.life import play
from stanchion.sim.shrink import shrink
for seed in range(int(sys.argv[1])):
    life = draw(seed, short=True)
    broken = play(life).broken
    if broken:
        life = shrink(life, broken, tries=100)
        scenario.write(life, Path(sys.argv[2]), breaks=play(life).violations[0].told())
        break
"""

PLAY = """
import sys
from pathlib import Path
from stanchion.sim import scenario
from stanchion.sim.life import play
print(play(scenario.read(Path(sys.argv[1]).read_text())).broken)
"""


@dataclass(frozen=True, slots=True)
class Edit:
    """Put one text in the place of another, in one file of the package."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Plant:
    """One bug: its name and where it is. ``missed`` says why no life finds it, where none does."""

    name: str
    edits: tuple[Edit, ...]
    missed: str = ""

    @property
    def file(self) -> Path:
        """Where the life is kept that finds it."""
        return LIVES / (re.sub("[^a-z]+", "_", self.name.lower())[:60].strip("_") + ".json")

    @property
    def lives(self) -> int:
        """How many lives it took."""
        return int(json.loads(self.file.read_text())["seed"]) + 1

    @property
    def invariant(self) -> str:
        """What broke."""
        return str(json.loads(self.file.read_text())["breaks"]).partition(" broken")[0]


def planted(plant: Plant, directory: Path) -> Path:
    """Make a copy of the product with the bug in it; give the directory to import from."""
    shutil.copytree(ROOT / "src" / "stanchion", directory / "stanchion", ignore=shutil.ignore_patterns("__pycache__"))
    for edit in plant.edits:
        path = directory / "stanchion" / edit.file
        text = path.read_text()
        assert text.count(edit.old) == 1, f"{plant.name}: {edit.file} holds the text {text.count(edit.old)} times"
        path.write_text(text.replace(edit.old, edit.new))
    return directory


def _run(program: str, source: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def broken(plant: Plant, source: Path = ROOT / "src") -> str:
    """Play the life that is kept for a plant, with the bug or without; give the invariant that breaks."""
    return _run(PLAY, source, str(plant.file))


def hunt(plant: Plant, count: int) -> bool:
    """Play short lives until one breaks something, and keep it; False: none of so many does."""
    LIVES.mkdir(exist_ok=True)
    plant.file.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        _run(HUNT, planted(plant, Path(directory)), str(count), str(plant.file))
    assert not plant.file.exists() or broken(plant) == "", f"the product itself breaks {plant.file}"
    return plant.file.exists()


def page(plants: Sequence[Plant]) -> str:
    """Give the table of plants as a page of Markdown."""
    rows = [f"| {plant.name} | {plant.lives} | {plant.invariant} |" for plant in plants if not plant.missed]
    missed = [f"- {plant.name}: {plant.missed}" for plant in plants if plant.missed]
    return "\n".join((
        "# Planted bugs", "",
        "Safety bugs that were planted on purpose, in a copy of the product, to see whether the",
        "[simulator](simulator.md) finds them, and the number of short lives that it takes, counted from seed 0. Where",
        "several guards cover each other, the plant takes all of them away. The invariants are explained there.",
        "The life that finds each bug is kept, made smaller; a test plays it with the bug and without, and keeps",
        "this table true. `./scripts/hunt` counts anew.", "",
        "| bug | lives until it is found | what breaks |", "|---|---|---|", *rows, "",
        *(("Not found, and why:", "", *missed, "") if missed else ())))


def main(plants: Sequence[Plant], words: Sequence[str]) -> None:
    """Hunt plants from seed 0, keep what finds them, and write the table: all, or those whose name holds a word."""
    count = int(words[0]) if words else 600
    for plant in plants:
        if len(words) > 1 and words[1] not in plant.name:
            continue
        found = hunt(plant, count)
        told = f"{plant.lives} lives, {plant.invariant}" if found else f"not found in {count} lives"
        sys.stdout.write(f"{plant.name}: {told}\n")
        sys.stdout.flush()
    if all(plant.missed or plant.file.exists() for plant in plants):
        (ROOT / "docs" / "planted.md").write_text(page(plants))
