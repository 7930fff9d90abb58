"""The tester is tested: every planted bug breaks the life that is kept for it, and the product breaks none of them.

The page ``docs/planted.md`` says the same as the lives; ``./scripts/hunt`` looks for the first seeds anew.
"""

from pathlib import Path

import pytest

from planted.hunting import LIVES, ROOT, Plant, broken, page, planted
from planted.plants import PLANTS
from stanchion.sim import scenario
from stanchion.sim.life import play

FOUND = [plant for plant in PLANTS if not plant.missed]


@pytest.mark.parametrize("plant", FOUND, ids=lambda plant: plant.name)
def test_a_planted_bug_is_found_and_the_product_without_it_is_well(plant: Plant, tmp_path: Path) -> None:
    assert broken(plant, planted(plant, tmp_path)) == plant.invariant != ""
    assert play(scenario.read(plant.file.read_text())).violations == (), "without the bug"


@pytest.mark.parametrize("plant", [plant for plant in PLANTS if plant.missed], ids=lambda plant: plant.name)
def test_a_bug_that_is_not_found_can_still_be_planted(plant: Plant, tmp_path: Path) -> None:
    assert planted(plant, tmp_path).exists()
    assert not plant.file.exists()


def test_the_page_says_the_same() -> None:
    assert (ROOT / "docs" / "planted.md").read_text() == page(PLANTS)
    assert sorted(LIVES.glob("*.json")) == sorted(plant.file for plant in FOUND)
    assert len(FOUND) >= 15
