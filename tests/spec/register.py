"""What the original promises: each requirement in our words, where it stands, and the test that shows it.

A test registers itself by its decorator::

    @requirement("14.2.2-21", "Monitoring is off until it is switched on.", "14.2.2 Monitor p2", by=Surface.CLUSTER)
    def test_...

One requirement, one test. From the register come the table at the end of a test run (``conftest.py``), the page
``docs/specification.md`` (``page.py``), and the check that no place of the chapter is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Surface(StrEnum):
    """Through what a requirement is shown."""

    COMMAND = "command line"
    API = "REST API"
    CLUSTER = "agents, pretend hosts"
    BOTH = "command line, then agents on pretend hosts"
    SAMPLES = "the chapter's own scripts, recording agents"
    SCRIPTS = "made scripts, recording agents"
    STUB = "host driver, stand-in for xl"
    FILES = "host driver, real files"
    RUNNER = "real scripts"
    MACHINE = "real QEMU machines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One requirement. ``console``: the chapter does it in a browser; ``console.py`` says where ours shows it."""

    number: str
    words: str
    places: tuple[str, ...]
    by: Surface
    console: bool
    test: str


REGISTER: dict[str, Requirement] = {}
"""All requirements by their number."""


def requirement(number: str, words: str, *places: str, by: Surface, console: bool = False) -> Callable[[F], F]:
    """Enter the test that follows into the register, as the one that shows this. ``places``: see ``outline.py``."""

    def enter(test: F) -> F:
        name = f"{test.__module__.rpartition('.')[2]}.py::{test.__name__}"
        known = REGISTER.get(number)
        assert known is None or known.test == name, f"{number} has a test already: {known}"
        REGISTER[number] = Requirement(number=number, words=words, places=places, by=by, console=console, test=name)
        return test

    return enter


def in_order() -> list[Requirement]:
    """Give all requirements by their numbers."""
    return [REGISTER[number] for number in sorted(REGISTER)]
