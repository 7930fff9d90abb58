"""The register is whole: no place of the chapter without a requirement, and the page says what the register says."""

import re
from pathlib import Path

import pytest

from scripts.seed_house import SEED
from spec import page
from spec.console import SHOWN
from spec.outline import OUTLINE, places, read
from spec.register import in_order

page.load()

CHAPTER = SEED.parent / "virtual-machines-as-cluster-resources.txt"
needs_chapter = pytest.mark.skipif(not CHAPTER.is_file(), reason="the chapter of the original is not here")


def test_every_place_of_the_chapter_has_a_requirement() -> None:
    named = {place for each in in_order() for place in each.places}
    assert [place for place in places() if place not in named] == []
    assert named - set(places()) == set(), "requirements name places that there are not"


@needs_chapter
def test_no_line_of_the_chapter_is_left_out_of_the_count() -> None:
    parts, _ = read(CHAPTER.read_text(encoding="utf-8"))
    assert parts == OUTLINE
    assert list(parts) == list(OUTLINE)


@needs_chapter
def test_the_samples_that_are_run_are_those_that_the_chapter_prints() -> None:
    _, samples = read(CHAPTER.read_text(encoding="utf-8"))
    assert samples == {path.name: path.read_text(encoding="utf-8") for path in SEED.iterdir()}


def test_requirements_are_sentences_numbered_in_a_row_by_their_section() -> None:
    numbers: dict[str, list[int]] = {}
    for each in in_order():
        section, _, number = each.number.partition("-")
        numbers.setdefault(section, []).append(int(number))
        assert each.places[0].startswith(section), each
        assert re.fullmatch(r"[A-Z][^|]+\.", each.words), each
    assert {section: sorted(given) for section, given in numbers.items()} == {
        section: list(range(1, len(given) + 1)) for section, given in numbers.items()}


def test_one_test_shows_one_requirement() -> None:
    tests = [each.test for each in in_order()]
    assert len(tests) == len(set(tests))


def test_the_page_says_what_the_register_says() -> None:
    """To write it anew: ``PYTHONPATH=src:tests .venv/bin/python -m spec.page``."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_what_the_chapter_does_in_its_console_is_shown_in_ours() -> None:
    assert {each.number for each in in_order() if each.console} == set(SHOWN)
    tests = Path(__file__).parents[1]
    for test in set(SHOWN.values()):
        file, _, name = test.partition("::")
        found = [path for folder in ("spec", "web", "browser") for path in (tests / folder).glob(file)]
        assert len(found) == 1, test
        assert re.search(rf"^(async )?def {name}\(", found[0].read_text(encoding="utf-8"), re.MULTILINE), test
