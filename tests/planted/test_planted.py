"""The tester is tested: every planted bug is found on the life that is known to find it, and the clean tree on none.

The page ``docs/planted.md`` says the same as ``plants.py``; ``./scripts/hunt`` looks for the first seeds anew.
"""

from pathlib import Path

import pytest

from planted.plants import FOUND, MISSED, PLANTS, ROOT, Plant, hunt, page, planted
from stanchion.sim.swarm import tell


@pytest.mark.parametrize("plant", FOUND, ids=lambda plant: plant.name)
def test_a_planted_bug_is_found(plant: Plant, tmp_path: Path) -> None:
    found = hunt(planted(plant, tmp_path), plant.seed, plant.seed + 1)
    assert found is not None
    assert found[:2] == (plant.seed, plant.invariant)


@pytest.mark.parametrize("plant", MISSED, ids=lambda plant: plant.name)
def test_a_bug_that_is_not_found_yet_can_still_be_planted(plant: Plant, tmp_path: Path) -> None:
    assert planted(plant, tmp_path).exists()


def test_the_product_breaks_nothing_on_the_same_lives() -> None:
    assert [story for seed in sorted({plant.seed for plant in FOUND})
            if (story := tell(seed, short=True)).violation is not None] == []


def test_the_page_says_the_same() -> None:
    assert (ROOT / "docs" / "planted.md").read_text() == page()
    assert len(PLANTS) == len(FOUND) + len(MISSED)
