"""The house of the sample scripts: a mount namespace in which agents and tools only record how they were called.

Everything stands at the paths that the scripts themselves name: /usr/lib/ocf is laid over in a mount namespace, and
/opt/novell/ncs/lib/ncsfuncs is the library of the product by the way that works without root.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SEED = Path(os.environ.get("STANCHION_SEED_SCRIPTS", ROOT.parent / "shared/seed/scripts"))
UNSHARE = ["unshare", "--mount", *(["--user", "--map-root-user"] if os.geteuid() else [])]

FAKE = r"""#!/bin/bash
# Records how it was called and with what, then ends as the plan says.
name=${0##*/}
call="$name${*:+ $*}"
{ echo "CALL $call"; env | grep -E '^(OCF|NCS|HA)_' | sort; } >> "$FAKES/record"
[ "$name" = lvs ] && echo "  -wi-a-----"
echo "chatter of $name on standard output"
key=${call//[^A-Za-z0-9]/_}
[ -f "$FAKES/fail/$key" ] && { echo "ocf-exit-reason:$name is told to fail" >&2; exit "$(cat "$FAKES/fail/$key")"; }
exit 0
"""

LOAD = ("vgchange -a ey name", "Filesystem start", "Xen start")
UNLOAD = ("Xen stop", "sleep 10", "Filesystem stop", "vgchange -a n name")
MONITOR = ("lvs --noheadings -o lv_attr /dev/name/xen_vm_name", "Filesystem monitor", "Xen monitor")


@dataclass(frozen=True)
class Played:
    """What one run did: how it ended, and each call with the environment that it had."""

    run: dict[str, Any]
    calls: list[tuple[str, dict[str, str]]]

    @property
    def names(self) -> tuple[str, ...]:
        """The calls alone, in order."""
        return tuple(call for call, _ in self.calls)

    def environment_of(self, call: str) -> dict[str, str]:
        """What the call saw of the words that matter."""
        return next(environment for name, environment in self.calls if name == call)


def _why_not(*, samples: bool) -> str:
    if samples and not SEED.is_dir():
        return "the sample scripts are not here (STANCHION_SEED_SCRIPTS names their directory)"
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        return "this host allows no private mount namespace"
    return ""


needs_house = pytest.mark.skipif(bool(_why_not(samples=False)), reason=_why_not(samples=False) or "possible")
needs_samples = pytest.mark.skipif(bool(_why_not(samples=True)), reason=_why_not(samples=True) or "possible")


@contextmanager
def house(home: Path, vendor: str = "") -> Iterator[subprocess.Popen[str]]:
    """Open the namespace: agents below ``ocf``, tools below ``bin``, the vendor's library where one is given."""
    agents = [home / "ocf/resource.d/heartbeat" / name for name in ("Xen", "Filesystem")]
    tools = [home / "bin" / name for name in ("vgchange", "lvs", "sleep")]
    for program in agents + tools:
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(FAKE)
        program.chmod(0o755)
    search = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests/scripts")])
    command = [*UNSHARE, sys.executable, str(ROOT / "tests/scripts/seed_room.py"), str(home), vendor]
    with subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": search}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:
        yield process


@dataclass(frozen=True)
class Room:
    """A directory for one test, and the namespace to play scripts in."""

    path: Path
    house: subprocess.Popen[str]

    def sample(self, script: str) -> str:
        """Give the text of a sample script."""
        return (SEED / script).read_text(encoding="utf-8")

    def play(self, script: str, *, fail: dict[str, int] | None = None, **environment: str) -> Played:
        """Play a sample, or a script at that path, named after its kind; those calls fail with those codes."""
        (self.path / "record").unlink(missing_ok=True)
        shutil.rmtree(self.path / "fail", ignore_errors=True)
        (self.path / "fail").mkdir()
        for call, code in (fail or {}).items():
            (self.path / "fail" / "".join(c if c.isalnum() else "_" for c in call)).write_text(f"{code}\n")
        wanted = {"room": str(self.path), "script": str(SEED / script), "environment": environment}
        assert self.house.stdin
        assert self.house.stdout
        self.house.stdin.write(json.dumps(wanted) + "\n")
        self.house.stdin.flush()
        return Played(json.loads(self.house.stdout.readline()), self._record())

    def _record(self) -> list[tuple[str, dict[str, str]]]:
        record = self.path / "record"
        calls: list[tuple[str, dict[str, str]]] = []
        for line in record.read_text().splitlines() if record.exists() else []:
            if line.startswith("CALL "):
                calls.append((line.removeprefix("CALL "), {}))
            else:
                key, _, value = line.partition("=")
                calls[-1][1][key] = value
        return calls


@pytest.fixture(scope="module")
def open_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """Open one namespace for all tests without a vendor's library."""
    with house(tmp_path_factory.mktemp("house")) as process:
        yield process


@pytest.fixture
def room(tmp_path: Path, open_house: subprocess.Popen[str]) -> Room:
    """Give a room of the house."""
    return Room(tmp_path, open_house)
