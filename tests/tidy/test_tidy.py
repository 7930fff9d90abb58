"""The whole tree keeps its own rules (``rules.py`` says which, and why)."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tidy import rules

ROOT = Path(__file__).parents[2]
SKIPPED_FOLDERS = {"build", "dist", "__pycache__"}
GENERATED = "src/stanchion/store/_rpc/etcd_"
"""Begins the paths of what a generator wrote: nobody reads or edits it, so it keeps to no bar."""


def listed() -> list[str]:
    """List the files that belong to the tree: by git where there is a repository, else by walking."""
    git = shutil.which("git")
    if git is not None and (ROOT / ".git").exists():
        command = [git, "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return sorted(path for path in output.splitlines() if (ROOT / path).is_file())
    walked = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(str(path) for path in walked
                  if not any(part.startswith(".") or part in SKIPPED_FOLDERS for part in path.parts[:-1]))


@pytest.fixture(scope="module")
def tree() -> dict[str, str]:
    """The texts of all files that are text, by their path from the root."""
    texts = {}
    for path in listed():
        if path.startswith(GENERATED):
            continue
        try:
            texts[path] = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    assert any(path.startswith("src/stanchion/") for path in texts)
    return texts


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: rules.Rule, tree: dict[str, str]) -> None:
    faults = [fault for path, text in tree.items() for fault in rule(path, text)]

    assert faults == [], "\n".join([str(rule.__doc__), *faults])


def test_no_module_is_dead(tree: dict[str, str]) -> None:
    """What only tests use is dead, but for the simulator: the tests are what it is for."""
    shipped = {path: text for path, text in tree.items() if path.startswith(("src/", "scripts/"))}
    tests = (rules.uses(path, text) for path, text in tree.items() if path.startswith("tests/"))
    simulated = {name for names in tests for name in names if name.startswith("stanchion.sim.")}

    assert rules.dead_modules(shipped, used_elsewhere=simulated) == []


def test_long_functions_are_named(tree: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """What is over the aim but under the bar is printed, so that it is seen; the bar is tested above."""
    sizes = [size for path, text in tree.items() for size in rules.function_sizes(path, text)]
    long = sorted((size for size in sizes if size[1] > rules.FUNCTION_LINES_AIM), key=lambda size: -size[1])
    lines = [f"  {count} {where}" for where, count in long]
    with capsys.disabled():
        if lines:
            sys.stdout.write(f"\n{len(lines)} functions are over {rules.FUNCTION_LINES_AIM} lines of code:\n")
            sys.stdout.write("\n".join(lines) + "\n")

    assert len(sizes) > len(long)
