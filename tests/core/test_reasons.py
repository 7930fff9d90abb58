"""Every reason has one sentence, and no reason is lost for want of an operand."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.model.reasons import SENTENCES, Reason, Why, reason, sentence


def numbers(template: str) -> list[str]:
    """Give the operand numbers of a sentence, as they stand in it."""
    return [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]


def test_every_reason_has_a_sentence_and_no_sentence_is_left_over() -> None:
    assert set(SENTENCES) == set(Why)


@pytest.mark.parametrize("why", Why)
def test_operands_are_counted_from_zero_without_a_gap(why: Why) -> None:
    found = numbers(SENTENCES[why])

    assert sorted({int(number) for number in found}) == list(range(len(set(found))))


@pytest.mark.parametrize("why", Why)
def test_a_sentence_is_a_clause_that_others_can_embed(why: Why) -> None:
    """No full stop, no stray blanks, and a small letter first, because it stands behind a resource's name."""
    text = SENTENCES[why]

    assert text == text.strip()
    assert not text.endswith(".")
    assert not text[0].isupper()


@pytest.mark.parametrize("why", Why)
def test_a_full_reason_shows_every_operand(why: Why) -> None:
    words = [f"word{number}" for number in range(len(set(numbers(SENTENCES[why]))))]

    shown = sentence(reason(why, *words))

    assert all(word in shown for word in words)
    assert "?" not in shown
    assert "{" not in shown


@given(why=st.sampled_from(Why), operands=st.lists(st.text(max_size=8), max_size=6))
def test_any_number_of_operands_is_rendered(why: Why, operands: list[str]) -> None:
    """Records of an older version may lack operands, those of a newer one may have more: both are shown."""
    wanted = len(set(numbers(SENTENCES[why])))

    shown = sentence(Reason(why, tuple(operands)))

    assert shown.count("?") >= wanted - len(operands)
    assert all(operand in shown for operand in operands[:wanted])


def test_operands_are_kept_as_text() -> None:
    assert reason(Why.LOAD_TIMEOUT, 600.0).operands == ("600.0",)


def test_braces_in_an_operand_are_shown_as_they_are() -> None:
    """A script's last words may hold anything; they are data and never a template."""
    assert sentence(reason(Why.LOAD_FAILED, 1, "awk '{0}'")) == "the load script failed with code 1: awk '{0}'"
