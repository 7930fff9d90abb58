"""Every link in the documents leads somewhere, and every script that they name can be run."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("tests/**/*.md")))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SCRIPT = re.compile(r"(?<![\w/])\./(scripts/[\w-]+)")


def prose(page: Path) -> str:
    """Give the text of a page without what stands in code blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Give the names of a page's headings, as links spell them."""
    headings = re.findall(r"^#+ +(.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def faults(page: Path) -> Iterator[str]:
    """Name the links of a page that lead nowhere; links to other sites are not followed."""
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            yield f"{page.name}: {target}: there is no such file"
        elif anchor and anchor not in anchors(there):
            yield f"{page.name}: {target}: there is no such heading"


def test_there_are_pages() -> None:
    assert {ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "docs" / "safety.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert list(faults(page)) == []


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Two words\n[a](page.md) [b](#two-words) [c](https://example.org/x)\n"
                    "[d](nowhere.md) [e](#three-words)\n```\n[f](shown as it is)\n```\n")

    assert list(faults(page)) == ["page.md: nowhere.md: there is no such file",
                                  "page.md: #three-words: there is no such heading"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_scripts_that_are_named_can_be_run(page: Path) -> None:
    named = set(SCRIPT.findall(page.read_text(encoding="utf-8")))

    assert [script for script in sorted(named) if not os.access(ROOT / script, os.X_OK)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    """A path in code marks that ends in ``.py`` names a module of the product, or a file from the root."""
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", page.read_text(encoding="utf-8")))
    places = (ROOT, ROOT / "src" / "stanchion")

    assert [path for path in sorted(named) if not any((place / path).is_file() for place in places)] == []
