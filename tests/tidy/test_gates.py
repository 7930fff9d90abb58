"""Every gate turns red at a deliberate breach: import contract, strict types, lint.

A gate that was never seen red proves nothing. The breaches are made in a temporary copy of the source, checked with
the configuration of this repository as it stands, so loosening a gate there turns these tests red. First of all the
unbroken copy must be green, so that red means the breach and nothing else.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOC = '"""A deliberate breach."""\n'

CONTRACTS_BROKEN_BY = {
    "the clock in the pure core":
        ("plan/breach.py", "import time\n", "The pure core touches no clock, no chance, no world"),
    "judgement in the ground floor":
        ("model/breach.py", "import stanchion.plan\n", "Floors: each may import only those below it"),
    "an adapter in the agent":
        ("agent/breach.py", "import stanchion.store\n", "Agent, API and simulator know ports, never adapters"),
    "judgement in an adapter":
        ("store/breach.py", "import stanchion.plan\n", "Adapters do not decide"),
    "the agent in the command line":
        ("cli/breach.py", "import stanchion.agent\n", "The command line and the lab speak only HTTP"),
    "a library past its door":
        ("api/breach.py", "import sqlite3\n", "Each outside library has one door"),
    "a module on no floor":
        ("breach.py", "", "Floors: each may import only those below it"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package beside the import contract, fresh for every breach."""
    shutil.copytree(ROOT / "src" / "stanchion", tmp_path / "stanchion", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def run(folder: Path, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a gate in a folder whose modules come before all others."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run([sys.executable, *command], cwd=folder, env=environment, input=stdin, capture_output=True,
                          text=True, timeout=120, check=False)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the import contract as ``lint-imports`` does."""
    entry = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    return run(folder, "-c", entry, "--no-cache", "--no-logo")


def test_the_import_contract_is_kept(copy: Path) -> None:
    done = lint_imports(copy)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("breach", CONTRACTS_BROKEN_BY)
def test_the_import_contract_turns_red(breach: str, copy: Path) -> None:
    path, text, contract = CONTRACTS_BROKEN_BY[breach]
    (copy / "stanchion" / path).write_text(DOC + text)

    done = lint_imports(copy)

    assert done.returncode != 0
    assert f"{contract} BROKEN" in done.stdout, done.stdout + done.stderr


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the type checks of this module: all but the first take no time."""
    return tmp_path_factory.mktemp("mypy")


def mypy(folder: Path, cache: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Check one new module of ``plan`` as ``mypy`` checks the package."""
    breach = folder / "stanchion" / "plan" / "breach.py"
    breach.write_text(DOC + text)
    return run(folder, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(cache),
               str(breach))


def test_strict_types_accept_an_annotated_function(copy: Path, cache: Path) -> None:
    text = "from stanchion.model.ids import NodeName\n\n\ndef f(node: NodeName) -> str:\n    return node\n"

    done = mypy(copy, cache, text)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("text", "error"), [
    ("def f(node):\n    return node\n", "no-untyped-def"),
    ("from stanchion.model.ids import NodeName, ResourceName\n\nNODE: NodeName = ResourceName('web')\n", "assignment"),
], ids=["untyped", "wrong-name"])
def test_strict_types_turn_red(text: str, error: str, copy: Path, cache: Path) -> None:
    done = mypy(copy, cache, text)

    assert done.returncode == 1
    assert f"[{error}]" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(("text", "rule"), [
    ("", None),
    ("import math\n", "F401"),
    ("try:\n    x = 1\nexcept Exception:\n    x = 2\n", "BLE001"),
    ("print(1)\n", "T201"),
], ids=["clean", "unused import", "broad except", "print"])
def test_the_linter_turns_red(text: str, rule: str | None) -> None:
    """An unused import, a broad ``except`` and a print are refused; the bare docstring passes."""
    done = run(ROOT, "-m", "ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml"),
               "--output-format", "concise", "--stdin-filename", "src/stanchion/plan/breach.py", "-", stdin=DOC + text)

    assert done.returncode == (1 if rule else 0), done.stdout + done.stderr
    assert rule is None or f" {rule} " in done.stdout
