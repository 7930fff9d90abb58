"""Fixtures of the specification's tests, and the table of requirements at the end of a test run.

A requirement is green when every case of its test passed. What was skipped says so: it is not shown on this host.
"""

from pathlib import PurePosixPath

import pytest

from cli.conftest import shell  # noqa: F401 - a fixture
from scripts.seed_house import open_house, room  # noqa: F401 - fixtures
from spec.console import SHOWN
from spec.register import in_order

OUTCOMES: dict[str, list[str]] = {}
"""How each test of this directory went, case by case."""

WORST = ("failed", "skipped", "passed")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep how a test of this directory went; what is set up and taken down counts only where it goes wrong."""
    path, _, name = report.nodeid.partition("::")
    if PurePosixPath(path).parent.name == "spec" and (report.when == "call" or report.outcome != "passed"):
        OUTCOMES.setdefault(f"{PurePosixPath(path).name}::{name.partition('[')[0]}", []).append(report.outcome)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of those requirements whose tests ran."""
    shown = [(each, min(OUTCOMES[each.test], key=WORST.index)) for each in in_order() if each.test in OUTCOMES]
    if not shown:
        return
    terminalreporter.section("the original's requirements")
    counts = dict.fromkeys(WORST, 0)
    for each, outcome in shown:
        counts[outcome] += 1
        where = f"{each.places[0]}{' ...' if each.places[1:] else ''}"
        terminalreporter.write(f"{outcome:7} ", green=outcome == "passed", red=outcome == "failed",
                               yellow=outcome == "skipped")
        terminalreporter.write_line(f"{each.number:9} | {where:42} | {each.words} | {each.test.partition('::')[2]}"
                                    f"{' | console: open' if each.console and each.number not in SHOWN else ''}")
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    terminalreporter.write_line(f"{len(shown)} requirements: {told}")
