"""The manual pages: made from the definitions, complete, and what every reader of them understands."""

import os
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
from cyclopts import App

from stanchion.cli import manual
from stanchion.cli.exits import CODES
from stanchion.cli.original import app as cluster
from stanchion.commands import app
from stanchion.config import AgentConfig

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pages, written as ``scripts/manual`` does."""
    directory = tmp_path_factory.mktemp("man")
    manual.write(directory, app)
    return directory


@pytest.fixture(scope="module")
def files(written: Path) -> dict[str, Path]:
    """The pages by their names."""
    return {file.name: file for file in written.rglob("*.?")}


def test_there_is_a_page_for_each_command_and_for_the_settings(files: dict[str, Path]) -> None:
    assert sorted(files) == ["cluster.8", "stanchion-agent.toml.5", "stanchion.8"]
    assert all(file.parent.name == f"man{name[-1]}" for name, file in files.items())


def leaves(parent: App, so_far: str) -> list[str]:
    """Give every command that is shown."""
    found = []
    for name in parent:
        if not name.startswith("-") and parent[name].show:
            words = f"{so_far} {name}"
            found += leaves(parent[name], words) or [words]
    return found


@pytest.mark.parametrize(("command", "page"), [(app, "stanchion.8"), (cluster, "cluster.8")],
                         ids=["stanchion", "cluster"])
def test_every_command_has_its_paragraph_with_its_options(command: App, page: str, files: dict[str, Path]) -> None:
    text = files[page].read_text(encoding="utf-8").replace("\\-", "-")
    told = re.findall(r"^\.SS (.*)$", text, re.MULTILINE)
    heads = [re.sub(r"\\f[IBR]", "", head) for head in told]

    for words in leaves(command, page.removesuffix(".8")):
        assert any(head == words or head.startswith((f"{words} ", f"{words} [")) for head in heads), words


def test_options_are_told_with_their_help_and_defaults(files: dict[str, Path]) -> None:
    text = files["stanchion.8"].read_text(encoding="utf-8")

    assert "\\fB\\-\\-limit\\fR, \\fB\\-n\\fR \\fIVALUE\\fR\nHow many runs to list, 1 to 500. Default: 20." in text
    assert text.count(".SH OUTPUT AND CONNECTION") == 1
    assert text.count("\\fB\\-\\-token\\-file\\fR") == 1


def test_every_exit_code_is_told() -> None:
    assert set(CODES.values()) <= set(manual.EXITS)


def test_every_setting_of_the_agent_is_told(files: dict[str, Path]) -> None:
    text = files["stanchion-agent.toml.5"].read_text(encoding="utf-8")

    assert [name for name in (each.name for each in fields(AgentConfig)) if f"\\fB{name}\\fR" not in text] == []


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
@pytest.mark.parametrize("page", ["cluster.8", "stanchion-agent.toml.5", "stanchion.8"])
def test_groff_warns_of_nothing(page: str, files: dict[str, Path]) -> None:
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", files[page]], capture_output=True, text=True,
                          check=True, timeout=60)

    assert done.stderr == ""


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
@pytest.mark.parametrize("page", ["cluster.8", "stanchion-agent.toml.5", "stanchion.8"])
def test_mandoc_finds_no_error(page: str, files: dict[str, Path]) -> None:
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", files[page]], capture_output=True, text=True, check=False,
                          timeout=60)

    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_man_shows_a_page_by_its_name(written: Path) -> None:
    environment = {**os.environ, "MANPATH": str(written), "MANPAGER": "cat", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["man", "cluster"], env=environment, capture_output=True, text=True, check=True, timeout=60)

    assert "cluster migrate RESOURCE NODE" in done.stdout


def test_text_that_roff_would_obey_is_shown_as_it_is() -> None:
    page = manual.Page("x", 8, "a - b", tuple(manual._list([(".name", "'text with \\n and `code-marks`")])))

    assert page.text().splitlines()[-3:] == [".TP", "\\fB\\&.name\\fR", "\\&'text with \\en and \\fBcode\\-marks\\fR"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("command", [app, cluster], ids=["stanchion", "cluster"])
def test_there_is_a_completion_that_the_shell_can_read(command: App, shell: str, tmp_path: Path) -> None:
    file = tmp_path / "completion"
    file.write_text(command.generate_completion(shell=shell), encoding="utf-8")  # type: ignore[arg-type]  # one of them
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", file], check=True, timeout=60)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_words_of_cluster(tmp_path: Path) -> None:
    file = tmp_path / "completion"
    file.write_text(cluster.generate_completion(shell="bash"), encoding="utf-8")
    typed = f'. {file}; COMP_WORDS=(cluster mig); COMP_CWORD=1; _cluster; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.split() == ["migrate"]
