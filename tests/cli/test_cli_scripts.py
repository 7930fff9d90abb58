"""``stanchion script`` and what is told of scripts that wait: revisions, differences, restore, lint, tests."""

from dataclasses import replace
from pathlib import Path

import pytest
from shell import Shell

from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import OperationId
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State


def _saved(shell: Shell, tmp_path: Path, text: str, *words: str) -> None:
    file = tmp_path / "script.sh"
    file.write_text(text)
    assert shell("script", "edit", "web", "load", "--file", str(file), *words) == 0, shell.err


def _revision(shell: Shell) -> int:
    return shell.world.view().specs["web"].revision  # type: ignore[index]  # a name


def test_revisions_are_listed_compared_and_restored(shell: Shell, tmp_path: Path) -> None:
    shell.prepare(shell.world.resource("web"))
    first = _revision(shell)
    _saved(shell, tmp_path, "exit 0\n", "--why", "slow storage")
    second = _revision(shell)
    assert shell("script", "list", "WEB") == 0
    assert [line.split()[0] for line in shell.out.splitlines()[1:]] == [str(second), str(first)]
    assert "load script" in shell.out
    assert "slow storage" in shell.out
    assert shell("script", "diff", "web", str(first), str(second)) == 0
    assert shell.out.splitlines()[-2:] == ["-true", "+exit 0"]
    assert shell("script", "diff", "web") == 0
    assert shell.out.splitlines()[-2:] == ["-true", "+exit 0"]
    assert shell("script", "show", "web", "load", "--revision", str(first)) == 0
    assert shell.out == "true\n"
    assert shell("script", "restore", "web", str(first), "load", "--why", "it was better") == 0
    assert shell.out == f"web was restored, revision {_revision(shell)}\n"
    assert shell("script", "show", "web", "load") == 0
    assert shell.out == "true\n"


def test_settings_are_compared_too(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web"))
    assert shell("resource", "edit", "web", "--load-timeout", "2m", "--priority", "5", "--why", "a big one") == 0
    assert shell("script", "diff", "web") == 0
    lines = shell.out.splitlines()
    assert "-load timeout: 600 s" in lines
    assert "+load timeout: 120 s" in lines
    assert "+policies.priority: 5" in lines
    assert shell("script", "diff", "web", "-o", "json") == 0
    assert "+policies.priority: 5" in shell.json["lines"]


def test_what_waits_for_the_next_load_is_told_and_can_be_made_to_count(shell: Shell, tmp_path: Path) -> None:
    shell.prepare(shell.world.resource("web", State.RUNNING, node="node1"))
    _saved(shell, tmp_path, "exit 0\n")
    assert "until its next load it goes by the load script that it was loaded with" in shell.out
    assert shell("resource", "show", "web") == 0
    assert "load script: until its next load it goes by what it was loaded with" in " ".join(shell.out.split())
    assert shell("status") == 0
    assert "(edit" in shell.out
    assert shell("resource", "edit", "web", "--now") == 0
    assert shell("resource", "show", "web") == 0
    assert "Pending" not in shell.out
    _saved(shell, tmp_path, "exit 3\n", "--now")
    assert "until its next load" not in shell.out


def test_one_revision_has_nothing_to_be_compared_with(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web"))
    assert shell("script", "diff", "web") == 4
    assert "has only one revision" in shell.err
    assert shell("script", "show", "web", "halt") == 4
    assert "has no halt script" in shell.err


def test_a_file_with_the_script_as_it_is_changes_nothing_and_says_so(shell: Shell, tmp_path: Path) -> None:
    assert shell("resource", "create", "same", "Xen_Template") == 0
    spec = next(held.value for held in shell.world.view().specs.values() if held.value.name == "same")
    (tmp_path / "load").write_text(spec.scripts.load.text)
    assert shell("script", "edit", "same", "load", "--file", str(tmp_path / "load")) == 0
    assert shell.out.strip() == "nothing was changed"


def test_the_lint_reads_resources_and_files(shell: Shell, tmp_path: Path) -> None:
    shell.prepare(shell.world.resource("web"))
    bad = tmp_path / "bad.sh"
    bad.write_text("if true\n")
    assert shell("script", "lint", "web") == 0
    assert "load script: Line 1: the script does not end with exit" in " ".join(shell.out.split())
    assert shell("script", "lint", "--file", str(bad)) == 1
    assert "syntax error" in shell.out
    assert shell("script", "lint", "--file", str(bad), "-o", "json") == 1
    assert shell.json[str(bad)]["errors"]
    assert shell("script", "lint") == 2


def _node_answers(shell: Shell, code: int, output: str) -> None:
    """Make the node carry every test out: its run is kept, and the order ends."""
    def ends(intent: Intent) -> tuple[Outcome, Reason]:
        assert intent.verb is Verb.TEST
        return Outcome.DONE, reason(Why.TESTED, intent.script, code)

    async def written(transaction: object) -> None:
        await before(transaction)  # type: ignore[arg-type]  # a transaction
        for held in list(shell.world.view().intents.values()):
            if held.value.operation is None and held.value.outcome is Outcome.DONE:
                operation = OperationId(f"dry-{held.value.id}")
                assert held.value.resource is not None
                await shell.world.put(
                    replace(held.value, operation=operation),
                    Run(resource=held.value.resource, script=held.value.script or ScriptKind.LOAD, operation=operation,
                        node=held.value.node or shell.world.app().state.services.node, started_at_s=1.0, ended_at_s=2.0,
                        end=RunEnd.EXITED, code=code, output=output))

    shell.world.ends = ends
    before = shell.world.store.written
    assert before is not None
    shell.world.store.written = written


@pytest.mark.parametrize("code", [0, 7])
def test_a_dry_test_shows_what_would_run_and_its_code_decides_the_exit(shell: Shell, code: int) -> None:
    shell.prepare(shell.world.resource("web"))
    _node_answers(shell, code, "would run: vgchange -a ey vg1\n")
    assert shell("script", "test", "web", "load", "--node", "node2") == int(code != 0)
    assert "would run: vgchange -a ey vg1" in shell.out
    assert "load of web on node2" in shell.out


def test_a_real_test_is_refused_with_what_to_do(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web", State.RUNNING, node="node1"))
    assert shell("script", "test", "web", "unload", "--real") == 5
    assert shell.err == ("stanchion: a real test is not possible while it is Running; possible now: "
                         "a dry one (--dry)\n")


def test_adopt_is_an_order_that_names_the_node(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web"))
    assert shell("resource", "adopt", "web", "--node", "node2", "--no-wait") == 0
    intent, = (held.value for held in shell.world.view().intents.values())
    assert (intent.verb, intent.node) == (Verb.ADOPT, "node2")


def test_the_editor_opens_the_one_script(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.prepare(shell.world.resource("web"))
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nbasename $1; echo 'exit 4' > $1\n")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert shell("script", "edit", "web", "unload", "--why", "by hand") == 0
    spec = next(iter(shell.world.view().specs.values())).value
    assert (spec.scripts.unload.text, spec.scripts.load.text, spec.saved_why) == ("exit 4\n", "true\n", "by hand")
