"""The commands about the past, and those about who is told of it."""

import csv
import json
from pathlib import Path

import pytest
from shell import Shell

from stanchion.model.history import Entry, Severity
from stanchion.model.reasons import Why, reason
from stanchion.model.state import State
from surface import NODES, NOW_S


@pytest.fixture
def lived(shell: Shell) -> Shell:
    """Give a cluster that lost node1 and brought web back."""
    session, operation = "node1-old", "web@9"
    shell.prepare(shell.world.resource("web", State.RUNNING, node="node2"))
    for entry in (
            Entry(at_s=NOW_S, reason=reason(Why.NODE_LOST, "node1", "8"), severity=Severity.CRITICAL, node=NODES[0],
                  cause=session),
            Entry(at_s=NOW_S + 0.5, reason=reason(Why.PROOF_EXPIRED, "node1"), node=NODES[0], cause=session),
            Entry(at_s=NOW_S + 0.7, reason=reason(Why.FAILOVER, "node1", "=cmd"), severity=Severity.WARNING,
                  node=NODES[1], resource="web", before=State.RUNNING, after=State.LOADING, cause=session,
                  operation=operation),
            Entry(at_s=NOW_S + 4.7, reason=reason(Why.LOADED), node=NODES[1], resource="web", before=State.LOADING,
                  after=State.RUNNING, cause=operation, operation=operation)):
        shell.prepare(shell.world.put(history=(entry,)))
    return shell


def test_a_story_is_told_as_indented_sentences(lived: Shell) -> None:
    assert lived("story", "WEB") == 0

    lines = lived.out.splitlines()
    assert lines[0].endswith("node node1 is not answering")
    assert lines[1].startswith("  +0.5 s  the lease of node1 ran out")
    assert lines[2].startswith("    +0.2 s  resource web is loading on node2: failed over")


def test_why_an_event_happened(lived: Shell) -> None:
    assert lived("events", "--output", "json") == 0
    last = json.loads(lived.out)["events"][-1]["id"]

    assert lived("events", "--why", last) == 0
    assert "resource web is running on node2" in lived.out


def test_incidents_show_the_four_phases(lived: Shell) -> None:
    assert lived("incidents") == 0

    assert "node node1 was lost: the lease of node1 ran out" in lived.out
    row = next(line for line in lived.out.splitlines() if line.strip().startswith("web"))
    assert " ".join(row.split()) == "web node2 8.0 s 0.5 s 0.2 s 4.0 s 12.7 s Running"


@pytest.mark.parametrize(("options", "count"), [
    (["--resource", "web"], 2), (["--node", "node1"], 2), (["--text", "lease"], 1), (["--until", "1h"], 4),
    (["--since", "1h"], 0), (["--since", "2020-01-01T00:00"], 4), (["--severity", "warning"], 2)])
def test_events_are_filtered(lived: Shell, options: list[str], count: int) -> None:
    assert lived("events", "--output", "json", *options) == 0
    assert len(json.loads(lived.out)["events"]) == count


def test_an_instant_that_is_none_is_refused_in_one_sentence(lived: Shell) -> None:
    assert lived("events", "--since", "yesterday") == 2
    assert lived.err.strip().endswith("write 2026-11-23T11:20, or so long ago: 90s, 10m, 1h")


def test_the_history_is_exported_as_lines(lived: Shell, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"

    assert lived("events", "--export", str(file)) == 0
    assert lived.out == f"4 events written to {file}.\n"
    assert [json.loads(line)["reason"]["code"] for line in file.read_text().splitlines()] == [
        "node_lost", "proof_expired", "failover", "loaded"]


def test_the_history_is_exported_as_values_that_no_spreadsheet_runs(lived: Shell, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    lived.prepare(lived.world.happened(reason(Why.NO_NODE, "x"), "=HYPERLINK(1)"))

    assert lived("events", "--export", str(file), "--format", "csv", "--severity", "info") == 0
    with file.open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["resource"] for row in rows] == ["", "", "web", "web", "'=HYPERLINK(1)"]
    assert not [path for path in tmp_path.iterdir() if path != file]


def test_an_export_that_cannot_be_written_leaves_nothing(lived: Shell, tmp_path: Path) -> None:
    assert lived("events", "--export", str(tmp_path / "nowhere" / "x")) == 1
    assert "cannot be written" in lived.err


def test_the_report_is_a_page_or_json(lived: Shell, tmp_path: Path) -> None:
    file = tmp_path / "report.html"

    assert lived("report", "--file", str(file)) == 0
    assert file.read_text().startswith("<!DOCTYPE html>")
    assert lived("report", "--format", "json") == 0
    assert json.loads(lived.out)["cluster"]["name"] == "lab"
    assert lived("report") == 0
    assert "<h1>Cluster lab</h1>" in lived.out


def test_notification_is_set_shown_tried_and_ended(shell: Shell) -> None:
    assert shell("notify", "show") == 0
    assert "Nobody is notified of anything" in shell.out
    assert shell("notify", "set", "mail", "--to", "ops@example.org", "--host", "mail.example.org", "--port", "587",
                 "--security", "starttls", "--volume", "verbose") == 0
    assert "ops@example.org by mail.example.org:587, starttls" in " ".join(shell.out.split())
    assert shell("notify", "set", "webhook", "--url", "https://example.org/hook") == 0
    assert shell("notify", "set", "command", "--path", "/usr/bin/tell", "--timeout", "1m") == 0
    assert "/usr/bin/tell (within 1 min)" in shell.out
    assert shell("notify", "test", "mail") == 0
    assert "250 taken" in shell.out
    shell.world.post.fault = "550 no such person"
    assert shell("notify", "test") == 1
    assert "550 no such person" in shell.out
    assert shell("notify", "off", "webhook") == 0
    assert "webhook" not in shell.out


def test_a_wrong_address_is_refused_in_one_sentence(shell: Shell) -> None:
    assert shell("notify", "set", "mail", "--to", "nobody") == 2
    assert "'nobody' is no e-mail address" in shell.err


def test_a_file_named_csv_holds_values_and_a_filter_that_nothing_fits_says_so(lived: Shell, tmp_path: Path) -> None:
    assert lived("events", "--export", str(tmp_path / "all.csv")) == 0
    assert next(csv.reader((tmp_path / "all.csv").read_text().splitlines()))[0] == "id"
    assert lived("events", "--resource", "nobody") == 0
    assert lived.out.strip() == "No event in the history fits."
