"""Writes ``docs/specification.md`` from the register: ``PYTHONPATH=src:tests .venv/bin/python -m spec.page``."""

import importlib
from pathlib import Path

from spec.console import SHOWN
from spec.outline import places
from spec.register import Requirement, in_order

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/specification.md"

TOP = """# What the original promises, and the test of each promise

Stanchion re-creates what chapter 14.2 of the original's guide describes: virtual machines as cluster resources. This
page lists every requirement of that chapter in our own words, where it stands there, and the one test that shows it.
It is generated from the tests; `.venv/bin/pytest tests/spec` runs them and ends with this table and how each went.

A place like *14.2.2 Enabling, step 7.2* is the second paragraph of the seventh step of that part. All {places} places
of the chapter are named here, and a test sees to it. *Shown by* says through what the test looks at the product. What
needs a real Xen host or an OCFS2 volume is shown with stand-ins, and the column says so. *Console* names the test that
shows in our console what the chapter does in its own; *open* would mean that there is no page for it. Where the chapter
leaves a choice, [semantics.md](semantics.md) says what was decided.

| number | requirement | where | shown by | test |
|---|---|---|---|---|
"""


def load() -> None:
    """Import every test of the specification, which fills the register."""
    for module in sorted(HERE.glob("test_spec_*.py")):
        importlib.import_module(f"spec.{module.stem}")


def page() -> str:
    """Give the page as the register has it."""
    return TOP.format(places=len(list(places()))) + "".join(map(_row, in_order()))


def _row(of: Requirement) -> str:
    test = f"`{SHOWN[of.number]}`" if of.number in SHOWN else "open"
    shown = f"{of.by}; console: {test}" if of.console else of.by
    return f"| {of.number} | {of.words} | {'; '.join(of.places)} | {shown} | `{of.test}` |\n"


if __name__ == "__main__":
    load()
    PAGE.write_text(page(), encoding="utf-8")
