"""Commands that change: orders wait for their end, edits go through the editor, questions are asked of people."""

import os
from pathlib import Path

import pytest
from shell import Shell

from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import FailbackMode, FailureAction
from stanchion.model.state import AlertKind, State


def test_an_order_waits_for_its_end_and_tells_it(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web"))
    shell.world.end_orders(Outcome.DONE, reason(Why.LOADED))
    assert shell("online", "WEB", "node2") == 0
    assert shell.out == "web is Offline: the load script ended well\n"
    intent, = (held.value for held in shell.world.view().intents.values())
    assert (intent.verb, intent.resource, intent.node, intent.by) == (Verb.ONLINE, "web", "node2", "anna")


def test_an_order_that_fails_is_exit_code_1_with_the_reason(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web"))
    shell.world.end_orders(Outcome.FAILED, reason(Why.LOAD_FAILED, 7, "virsh start web"))
    assert shell("online", "web") == 1
    assert shell.err == "stanchion: online of web: failed: the load script failed with code 7: virsh start web\n"
    assert shell("online", "web", "-o", "json") == 1
    assert shell.json["outcome"] == "failed"


def test_no_wait_returns_when_the_order_is_taken(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web", State.RUNNING, node="node1"))
    assert shell("offline", "web", "--no-wait") == 0
    assert shell.out.startswith("ordered: offline web (order ")


@pytest.mark.parametrize(("option", "live"), [((), None), (("--cold",), False)])
def test_migrate_says_how(shell: Shell, option: tuple[str, ...], *, live: bool | None) -> None:
    shell.prepare(shell.world.resource("web", State.RUNNING, node="node1"))
    assert shell("migrate", "web", "node2", "--no-wait", *option) == 0
    intent, = (held.value for held in shell.world.view().intents.values())
    assert (intent.verb, intent.node, intent.live) == (Verb.MIGRATE, "node2", live)


def test_an_alert_is_answered(shell: Shell) -> None:
    web = shell.prepare(shell.world.resource("web", State.ALERT, node="node1"))
    state = shell.world.view().states[web].value
    shell.prepare(shell.world.put(type(state)(name=web, state=State.ALERT, alert=AlertKind.START, reason=state.reason)))
    assert shell("alert", "web", "no", "--no-wait") == 0
    assert next(iter(shell.world.view().intents.values())).value.verb is Verb.ALERT_NO


def test_a_process_is_ended(shell: Shell) -> None:
    shell.world.process = 4711
    shell.prepare(shell.world.resource("web", State.LOADING, node="node1"))
    assert shell("status") == 0
    assert "waiting for process 4711" in " ".join(shell.out.split())
    assert shell("end-process", "web") == 0
    assert "the running script was ended" in shell.out


def test_a_resource_is_made_configured_and_brought_online_in_one_command(shell: Shell) -> None:
    shell.world.end_orders(Outcome.DONE, reason(Why.LOADED))
    assert shell("resource", "create", "web", "qemu_template", "--online", "--failback", "auto", "--load-timeout", "2m",
                 "--preferred", "node2,node1", "--monitoring", "--interval", "30s", "--action", "migrate") == 0
    spec = next(iter(shell.world.view().specs.values())).value
    assert spec.policies.failback is FailbackMode.AUTO
    assert spec.scripts.load.timeout_s == 120
    assert spec.preferred == ("node2", "node1")
    assert (spec.monitoring.enabled, spec.monitoring.interval_s) == (True, 30)
    assert spec.monitoring.action is FailureAction.MIGRATE
    assert shell.out.splitlines() == [f"web was made, revision {shell.world.view().specs['web'].revision}",
                                      "web is Offline: the load script ended well"]


def test_a_script_file_is_saved_and_its_doubts_are_told(shell: Shell, tmp_path: Path) -> None:
    shell.prepare(shell.world.resource("web"))
    script = tmp_path / "load.sh"
    script.write_text("vgchange -a y $VOLGROUP_NAME\nexit 0\n")
    assert shell("resource", "edit", "web", "--load", str(script), "--no-monitoring", "--preferred", "all") == 0
    assert shell.world.view().specs["web"].value.scripts.load.text == script.read_text()
    assert shell.err == "warning: load script, line 1: VOLGROUP_NAME is used but never assigned\n"


def _editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = tmp_path / "editor"
    program.write_text(f"#!/bin/bash\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(program))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_scripts_are_edited_in_the_operators_editor(
        shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.prepare(shell.world.resource("web"))
    _editor(tmp_path, monkeypatch, 'echo "echo unloading" >> "$2"')
    assert shell("resource", "edit", "web", "--editor") == 0
    scripts = shell.world.view().specs["web"].value.scripts
    assert (scripts.load.text, scripts.unload.text) == ("true\n", "true\necho unloading\n")
    assert not list(tmp_path.glob("stanchion-*"))
    _editor(tmp_path, monkeypatch, "true")
    assert shell("resource", "edit", "web", "--editor") == 0
    assert shell.out == "nothing was changed\n"


def test_what_was_typed_is_kept_when_it_cannot_be_saved(
        shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.prepare(shell.world.resource("web"))
    _editor(tmp_path, monkeypatch, 'echo "if true" > "$1"')
    assert shell("resource", "edit", "web", "--editor") == 2
    kept, sentence = shell.err.splitlines()
    assert sentence.startswith("stanchion: the load script is not valid, line")
    assert Path(kept.rpartition(" ")[2], "load.sh").read_text() == "if true\n"


def test_deleting_asks_a_person_or_needs_yes(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web"))
    assert shell("resource", "delete", "web") == 2
    assert shell.err == "stanchion: nobody can be asked here; add --yes to delete without a question\n"
    assert shell("resource", "delete", "web", typed="n\n") == 1
    assert "web" in shell.world.view().specs
    assert shell("resource", "delete", "WEB", typed="y\n") == 0
    assert shell.out == "web was deleted\n"


def test_that_a_node_is_down_is_stated_by_its_name(shell: Shell) -> None:
    assert shell("node", "confirm-down", "node3") == 2
    assert shell("node", "confirm-down", "node3", typed="yes\n") == 1
    assert shell.err.endswith("stanchion: nothing was stated\n")
    assert not shell.world.view().intents
    assert shell("node", "confirm-down", "node3", "--no-wait", typed="node3\n") == 0
    assert shell("node", "leave", "node2", "--no-wait") == 0
    verbs = {held.value.verb for held in shell.world.view().intents.values()}
    assert verbs == {Verb.CONFIRM_DOWN, Verb.LEAVE}


def test_the_environment_of_the_tests_is_their_own() -> None:
    assert "STANCHION_URL" not in os.environ
