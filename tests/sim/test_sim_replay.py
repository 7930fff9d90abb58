"""Scenario files: neutral ones are played through the real agent and judged, and the page about them is true."""

import os
from pathlib import Path

import pytest

from stanchion.model.errors import InvalidInput
from stanchion.sim.app import replay
from stanchion.sim.replay import page, replayed

ROOT = Path(__file__).parents[2]
SMALL = Path(__file__).parent / "small.yaml"
LARGE = Path(os.environ.get("STANCHION_SCENARIOS", ROOT.parent / "shared" / "scenarios")) / "proxmox.yaml"


def test_each_scenario_passes_differs_or_fails() -> None:
    good, other, wrong, unexcused = replayed(SMALL)
    assert (good.verdict, good.end) == ("pass", "mail Offline, web Running two")
    assert other.verdict == "differs"
    assert other.why == "load"
    assert (wrong.verdict, wrong.why) == ("fail", "web is Running on one, not stopped")
    assert (unexcused.verdict, unexcused.why) == ("fail", "web is Running on one, not stopped")


def test_a_failure_is_the_exit_code(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert replay([SMALL], table=tmp_path / "page.md") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 2 failed"
    assert "| a-machine-works-hard | differs |" in (tmp_path / "page.md").read_text()


@pytest.mark.parametrize(("name", "text"), [("a.yaml", "format: other"), ("b.yaml", "]"), ("c.json", "{"),
                                            ("d.yaml", "format: neutral-ha-scenarios/1\nscenarios: [{id: x}]")])
def test_what_is_no_scenario_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput):
        list(replayed(tmp_path / name))


@pytest.mark.skipif(not LARGE.exists(), reason="the neutral scenarios of other clusters are not here "
                                               "(STANCHION_SCENARIOS names their directory)")
def test_the_page_about_the_scenarios_is_true() -> None:
    """None fails, every invariant holds, and each ends as the page says: also those that differ."""
    results = list(replayed(LARGE))
    assert [result for result in results if result.verdict == "fail"] == []
    assert page(results) == (ROOT / "docs" / "scenarios.md").read_text()
