"""Every rule turns red at a deliberate breach, and stays quiet at the same thing done well."""

import pytest

from tidy import rules

SRC = "src/stanchion/plan/example.py"
TEST = "tests/core/test_example.py"
DOC = '"""What this module is for."""\n'
LATER = "TO" + "DO"
ELSEWHERE = "/ho" + "me/somebody/stanchion"


def function(lines: int, *, note: str = "") -> str:
    """Write a function with that many lines of code, its ``def`` line among them."""
    return DOC + "def f():\n" + note + "    x = 1\n" * (lines - 1)


def klass(lines: int) -> str:
    """Write a class with that many lines of code, its ``class`` line among them."""
    return DOC + "class C:\n" + "    x = 1\n" * (lines - 1)


BREACHES = [
    (rules.file_size, SRC, "\n" * 401, "\n" * 400),
    (rules.function_size, SRC, function(61), function(60)),
    (rules.class_size, SRC, klass(201), klass(200)),
    (rules.class_size, SRC, klass(201), "class C(StrEnum):\n" + "".join(f"    A{n} = 'a{n}'\n" for n in range(300))),
    (rules.module_docstring, SRC, "x = 1\n", DOC),
    (rules.public_docstrings, SRC, "def f(): ...\n", "def _f(): ...\n"),
    (rules.public_docstrings, SRC, 'class C:\n    """A."""\n    def f(self): ...\n', "def _f():\n    def g(): ...\n"),
    (rules.positional_parameters, SRC, "def f(a, b, c, d, e, g): ...\n", "def f(a, b, c, d, e, *, g): ...\n"),
    (rules.positional_parameters, SRC, "class C:\n    def f(self, a, b, c, d, e, g): ...\n",
     "class C:\n    def f(self, a, b, c, d, e): ...\n"),
    (rules.line_width, SRC, "x" * 121, "x" * 120),
    (rules.line_width, "scripts/demo", "x" * 121, "x" * 120),
    (rules.said_later, SRC, f"x = 1  # {LATER}\n", f"x = 1  # {LATER}: read the size from the store\n"),
    (rules.said_later, "docs/any.md", f"{LATER} more\n", "More is planned.\n"),
    (rules.no_print, SRC, "print(1)\n", "def printed(): ...\n"),
    (rules.no_print, "src/stanchion/agent/daemon.py", "print(1)\n", ""),
    (rules.no_patching, TEST, "from unittest.mock import patch\n", "from stanchion.model import ids\n"),
    (rules.no_patching, TEST, "from unittest import mock\n", "from unittest import TestCase\n"),
    (rules.no_patching, TEST, "import unittest.mock\n", "import unittest\n"),
    (rules.no_patching, TEST, "monkeypatch.setattr(a, 'b', 1)\n", "monkeypatch.setenv('a', 'b')\n"),
    (rules.file_name, "src/stanchion/agent/store_utils.py", "", None),
    (rules.file_name, "src/stanchion/base.py", "", None),
    (rules.private_places, "README.md", f"cd {ELSEWHERE}\n", "cd stanchion\n"),
    (rules.private_places, "pyproject.toml", 'url = "https://pypi.office.inter' + 'nal/simple"\n',
     'url = "https://index.example.org/simple"\n'),
    (rules.strict_bash, "scripts/demo", "#!/bin/bash\ncd x\n", "#!/bin/bash\n# Why.\nset -euo pipefail\ncd x\n"),
]


@pytest.mark.parametrize(("rule", "path", "bad", "good"), BREACHES,
                         ids=[f"{rule.__name__}-{number}" for number, (rule, *_) in enumerate(BREACHES)])
def test_a_breach_turns_its_rule_red(rule: rules.Rule, path: str, bad: str, good: str | None) -> None:
    """The breach is found once and named with its file; the harmless twin beside it is not."""
    faults = rule(path, bad)

    assert len(faults) == 1
    assert faults[0].startswith(path)
    assert good is None or rule(path, good) == []


def test_every_rule_has_a_breach() -> None:
    assert {rule for rule, *_ in BREACHES} == set(rules.RULES)


def test_docstrings_comments_and_blank_lines_are_free() -> None:
    note = '    """Two\n\n    lines."""\n    # a comment\n\n'

    assert rules.function_size(SRC, function(60, note=note)) == []


def test_the_command_line_and_the_lab_may_print() -> None:
    assert rules.no_print("src/stanchion/cli/main.py", "print(1)\n") == []
    assert rules.no_print("src/stanchion/lab/power.py", "print(1)\n") == []


def test_patching_is_banned_in_the_core_alone() -> None:
    assert rules.no_patching("tests/api/test_example.py", "from unittest.mock import patch\n") == []


def test_a_module_that_nobody_uses_is_dead() -> None:
    """Imports, programs that are named in a string and programs that a script names are uses; one's own are not."""
    sources = {
        "scripts/demo": "exec python -m stanchion.lab.demo\n",
        "src/stanchion/__main__.py": "from stanchion.plan import planner\nrun('-m', 'stanchion.drivers.wrapper')\n",
        "src/stanchion/plan/__init__.py": "",
        "src/stanchion/plan/planner.py": "import stanchion.plan.planner\n",
        "src/stanchion/plan/forgotten.py": "from stanchion.plan import forgotten\n",
        "src/stanchion/drivers/wrapper.py": "",
        "src/stanchion/lab/demo.py": "",
        "src/stanchion/sim/store.py": "",
    }

    assert rules.dead_modules(sources, used_elsewhere={"stanchion.sim.store"}) == [
        "src/stanchion/plan/forgotten.py: nobody uses this module"]
