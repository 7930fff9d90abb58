"""Every ``stanchion`` command that the documents name can be given, and the map names them all."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from stanchion.commands import app

ROOT = Path(__file__).parents[2]
PAGES = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
CODE = re.compile(r"^ {4}stanchion (.+)$|`stanchion ([^`]+)`", re.MULTILINE)


def commands(parent: App, so_far: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give every command of the application as its words."""
    for name in parent:
        if not name.startswith("-"):
            child = parent[name]
            deeper = list(commands(child, (*so_far, name)))
            yield from deeper or [(*so_far, name)]


COMMANDS = set(commands(app))


def named(page: Path) -> set[tuple[str, ...]]:
    """Give the commands that a page names: the words up to the first argument or option."""
    found = [outer or inner for outer, inner in CODE.findall(page.read_text(encoding="utf-8"))]
    words = [re.match(r"[a-z][a-z-]*(?: [a-z][a-z-]*)*", text) for text in found]
    return {tuple(word[0].split()) for word in words if word}


def is_known(words: tuple[str, ...]) -> bool:
    """Tell whether the words begin with a command; what follows are its arguments."""
    return any(words[:length] in COMMANDS for length in range(1, len(words) + 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_named_exist(page: Path) -> None:
    assert [" ".join(words) for words in sorted(named(page)) if not is_known(words)] == []


def test_the_map_names_every_command() -> None:
    map_ = named(ROOT / "docs" / "cli.md")

    missing = [" ".join(command) for command in sorted(COMMANDS)
               if not any(words[:len(command)] == command for words in map_)]

    assert missing == []
