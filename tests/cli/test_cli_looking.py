"""Commands that look: tables that fit 80 columns, and the JSON of the API for programs."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from shell import Shell

from stanchion.model.history import Severity
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.state import AlertKind, State
from stanchion.wire import replies


@pytest.fixture
def busy(shell: Shell) -> Shell:
    """A cluster with a resource in several states."""
    world = shell.world
    shell.prepare(world.resource("web", State.RUNNING, node="node2"))
    shell.prepare(world.resource("a_resource_with_a_name_as_long_as_they_may_be_that_is_63_letters", State.COMATOSE,
                                 node="node1"))
    asks = shell.prepare(world.resource("asks", State.ALERT, node="node1"))
    shell.prepare(world.put(replace(world.view().states[asks].value, alert=AlertKind.FAILBACK)))
    return shell


def test_status_shows_master_epoch_protection_and_resources_within_80_columns(busy: Shell) -> None:
    assert busy("status") == 0
    assert "Cluster lab, epoch 4, master node1, quorum reached" in busy.out
    assert "node1 (master)" in busy.out
    assert "Failback Alert" in busy.out
    assert "63_letters" in busy.out
    lines = busy.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert next(line for line in lines if line.startswith("node3")).split()[1:3] == ["down", "nothing"]
    assert "\x1b" not in busy.out


@pytest.mark.parametrize("command", [
    "status", "node list", "node show node1", "resource list", "resource show web", "template list",
    "template show Xen_Template", "events", "explain web", "explain timing", "explain-timing", "runs web",
    "fence agents",
])
def test_every_look_fits_80_columns_and_has_json(busy: Shell, command: str) -> None:
    assert busy(*command.split()) == 0, busy.err
    scripts = "show" in command and "node" not in command  # scripts are shown as they are written
    assert scripts or max(map(len, busy.out.splitlines())) <= 80
    assert busy(*command.split(), "--output", "json") == 0
    assert isinstance(busy.json, dict)


def test_json_is_the_wire(busy: Shell) -> None:
    assert busy("status", "-o", "json") == 0
    told = replies.Status.model_validate_json(busy.out)
    assert {resource.state for resource in told.resources} == {State.RUNNING, State.COMATOSE, State.ALERT}


def test_an_empty_cluster_says_how_to_begin(shell: Shell) -> None:
    assert shell("status") == 0
    assert "stanchion resource create NAME TEMPLATE" in shell.out


def test_one_resource_is_shown_with_its_scripts_and_what_is_possible(busy: Shell) -> None:
    assert busy("resource", "show", "WEB") == 0
    for words in ("web", "Running", "offline, migrate", "all nodes", "Load script, 10 min", "Monitoring"):
        assert words in busy.out


def test_events_tell_what_happened_to_whom(busy: Shell) -> None:
    busy.prepare(busy.world.happened(reason(Why.LOAD_FAILED, 1, "virsh start web"), "web", Severity.CRITICAL))
    assert busy("events", "--resource", "web", "--severity", "critical") == 0
    assert busy.out.strip().endswith("web: the load script failed with code 1: virsh start web")


def test_the_output_of_the_last_run_is_shown_as_it_was_written(busy: Shell) -> None:
    name = busy.world.view().specs["web"].value.name
    busy.prepare(busy.world.ran(name, ScriptKind.LOAD, "web@4", code=1, output="[bold]error: no such domain[/]\n"))
    assert busy("runs", "web", "load") == 0
    assert "[bold]error: no such domain[/]" in busy.out
    assert "code 1" in busy.out
    assert busy("runs", "web") == 0
    assert "virsh start x" in busy.out
    assert busy("runs", "web", "unload") == 4
    assert busy.err == ("stanchion: the unload script of web has not run yet; `stanchion runs web` lists runs\n")


def test_explain_prints_questions_and_sentences(busy: Shell) -> None:
    assert busy("explain", "web") == 0
    assert "Why is it where it is?" in busy.out
    assert "  The load script ended well." in busy.out


def test_a_resource_named_timing_comes_before_the_timers(shell: Shell) -> None:
    assert shell("explain", "timing") == 0
    assert "the margin is" in " ".join(shell.out.split())
    shell.prepare(shell.world.resource("timing"))
    assert shell("explain", "timing") == 0
    assert "margin" not in shell.out


def test_help_needs_no_cluster_and_no_heavy_library() -> None:
    code = ("import sys; from stanchion.cli import run; code = run(['status', '--url', 'nonsense']); "
            "print(code, sorted({'fastapi', 'uvicorn', 'starlette'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": ":".join(sys.path)})
    assert done.stdout.strip() == "2 []"
    assert done.stderr == ("stanchion: 'nonsense' is not the address of an agent; "
                           "write it like http://127.0.0.1:7423\n")


def test_a_look_says_loudly_that_the_store_is_away(busy: Shell) -> None:
    assert busy("status") == 0
    assert "STORE AWAY" not in busy.out
    busy.world.store_away = True
    assert busy("status") == 0
    assert busy.out.startswith("STORE AWAY: node1 does not reach the store; this is how it saw the cluster last.")
    assert busy("node", "list") == 0
    assert busy.out.startswith("STORE AWAY")


def test_a_script_is_shown_line_by_line_as_it_is(shell: Shell) -> None:
    assert shell("template", "show", "XenLive_Template") == 0
    known = shell.world.view().templates["XenLive_Template"].value  # type: ignore[index]  # a name
    lines = known.scripts.unload.text.rstrip().splitlines()
    assert "\n".join(f"  {line}" if line else "" for line in lines) in shell.out


def test_flags_that_contradict_each_other_are_named(shell: Shell) -> None:
    assert shell("migrate", "web", "node2", "--live", "--cold") == 2
    assert shell.err == "stanchion: --cold is given twice, or with its opposite (see --help)\n"


def _program(*argv: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "stanchion", *argv], capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": ":".join(sys.path)})


def test_every_command_stands_in_a_panel_that_says_what_it_is_for() -> None:
    panels = [line.split()[1] for line in _program("--help").stdout.splitlines() if line.startswith("╭─")]
    assert panels == ["Look", "Run", "Configure", "Maintain", "Nodes", "Who", "On", "Try", "Help"]


@pytest.mark.parametrize("number", ["-1", "0", "many"])
def test_a_lab_of_no_hosts_is_refused_and_nothing_is_made(number: str, tmp_path: Path) -> None:
    done = _program("lab", "up", "--nodes", number, "--dir", str(tmp_path / "lab"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "lab").exists()
