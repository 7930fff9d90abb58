"""The tables and the picture in the documents say what the code says."""

import re
from pathlib import Path

import pytest

from stanchion.cli.exits import CODES
from stanchion.drivers.qemu.config import DEFAULTS
from stanchion.drivers.templates import SHARE, shipped
from stanchion.model.cluster import ProofKind
from stanchion.model.errors import StanchionError
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from stanchion.model.template import Template
from stanchion.model.timing import TIMINGS
from stanchion.plan.lifecycle import diagram
from stanchion.plan.orders import LEGAL

DOCS = Path(__file__).parents[2] / "docs"


def rows(page: str, section: str = "") -> list[list[str]]:
    """Give the table rows of a page, or of one section, as plain words; bold and code marks are left out."""
    text = (DOCS / page).read_text(encoding="utf-8")
    if section:
        text = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    lines = (line for line in text.splitlines() if line.startswith("|"))
    return [[cell.strip().strip("*`") for cell in line.strip("|").split("|")] for line in lines]


def row(page: str, first: str) -> list[str]:
    """Give the one row that begins with that word."""
    (found,) = [each for each in rows(page) if each[0] == first]
    return found


@pytest.mark.parametrize("profile", TIMINGS)
def test_the_safety_page_shows_the_timers(profile: str) -> None:
    timing = TIMINGS[profile]
    timers = (timing.beat_s, timing.suspect_s, timing.renew_s, timing.halt_s, timing.fence_s, timing.lease_s)

    assert row("safety.md", profile) == [profile, *(f"{timer:g} s" for timer in timers)]


@pytest.mark.parametrize("kind", ProofKind)
def test_the_safety_page_lists_the_proof(kind: ProofKind) -> None:
    assert row("safety.md", kind)


@pytest.mark.parametrize("state", State)
def test_the_semantics_page_says_what_can_be_ordered(state: State) -> None:
    told = row("semantics.md", state)[2]

    assert told == (", ".join(LEGAL[state]) or "nothing until it ends")


@pytest.mark.parametrize("kind", ScriptKind)
def test_the_scripts_page_lists_the_script(kind: ScriptKind) -> None:
    assert row("scripts.md", kind)


def test_the_picture_of_the_states_is_drawn_from_the_table() -> None:
    """To draw it anew: put what ``stanchion.plan.lifecycle.diagram()`` gives between the marks."""
    drawn = re.search(r"```mermaid\n(.*?)```", (DOCS / "states.md").read_text(encoding="utf-8"), re.DOTALL)

    assert drawn is not None
    assert drawn[1] == diagram()


def test_the_glossary_is_in_order() -> None:
    words = [each[0] for each in rows("glossary.md")[2:]]

    assert words == sorted(words, key=str.lower)


def test_the_scripts_page_lists_the_library() -> None:
    """Every function that a script may call, and none that it may not."""
    library = "".join((SHARE / name).read_text(encoding="utf-8") for name in ("ncsfuncs", "checks"))
    public = set(re.findall(r"^([a-z]\w*) *\(\)", library, flags=re.MULTILINE))
    told = {each[0].split()[0] for each in rows("scripts.md", "The function library")[2:]}

    assert told == public


@pytest.mark.parametrize("template", shipped(), ids=lambda template: template.name)
def test_the_templates_page_lists_the_template(template: Template) -> None:
    """With its title, and whether it migrates live."""
    _, title, live, _ = row("templates.md", template.name)

    assert (title, live) == (template.title, "yes" if template.live else "no")


@pytest.mark.parametrize("error", CODES)
def test_the_command_line_page_lists_the_exit_code(error: type[StanchionError]) -> None:
    assert row("cli.md", str(CODES[error]))


def test_the_templates_page_lists_the_keys_of_a_machine() -> None:
    told = {each[0]: each[1] for each in rows("templates.md", "A machine for plain QEMU")[2:]}

    assert told == DEFAULTS
