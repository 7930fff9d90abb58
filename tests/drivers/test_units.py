"""The unit files: what systemd makes of them, and that ending the hand-over's unit by hand hands nothing over."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stanchion.drivers.units import write_units


@pytest.fixture
def units(tmp_path: Path) -> dict[str, Path]:
    """The unit files of node1, by their names."""
    return {path.name: path for path in write_units(tmp_path, node="node1", etcd=True)}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
def test_systemd_finds_no_fault_with_them(units: dict[str, Path]) -> None:
    done = subprocess.run(["systemd-analyze", "verify", *map(str, units.values())], capture_output=True, text=True,
                          check=False, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "stanchion-" in line and "not-found" not in line]
    assert ours == []


def test_the_agent_goes_before_other_work_but_what_it_starts_does_not(units: dict[str, Path]) -> None:
    """A line that begins with a dash may fail, as in a container; the agent runs all the same."""
    text = units["stanchion-agent.service"].read_text(encoding="utf-8")
    line = re.search(r"^ExecStartPost=-/usr/bin/(chrt .*) \$MAINPID$", text, re.MULTILINE)
    assert line is not None
    with subprocess.Popen(["sleep", "60"]) as one:
        done = subprocess.run([*line[1].split(), str(one.pid)], capture_output=True, text=True, check=False)
        policy = os.sched_getscheduler(one.pid)
        one.kill()
    if done.returncode != 0:
        pytest.skip(f"this kernel gives no real-time priority here: {done.stderr.strip()}")
    assert policy == os.SCHED_RR | os.SCHED_RESET_ON_FORK


def test_the_hand_over_ends_before_the_agent_and_before_others_end_machines(units: dict[str, Path]) -> None:
    """Units end in the reverse of the order in which they begin."""
    text = units["stanchion-handover.service"].read_text(encoding="utf-8")
    after = {unit for line in re.findall(r"^After=(.*)$", text, re.MULTILINE) for unit in line.split()}
    assert {"stanchion-agent.service", "libvirt-guests.service", "virt-guest-shutdown.target",
            "xendomains.service"} <= after


@pytest.mark.parametrize(("state", "called"), [("stopping", True), ("running", False), ("degraded", False)])
def test_it_hands_over_only_while_the_whole_system_stops(units: dict[str, Path], tmp_path: Path, state: str, *,
                                                         called: bool) -> None:
    """The line of the unit, run by a shell as systemd runs it, with pretend commands."""
    (tmp_path / "bin").mkdir()
    for name, says in (("systemctl", f"echo {state}"), ("program", f'echo "$@" >{tmp_path}/called')):
        script = tmp_path / "bin" / name
        script.write_text(f"#!/bin/sh\n{says}\n", encoding="ascii")
        script.chmod(0o755)
    text = units["stanchion-handover.service"].read_text(encoding="utf-8")
    line = re.search(r"^ExecStop=/bin/sh -c '(.*)'$", text, re.MULTILINE)
    assert line is not None
    command = re.sub(r"exec \S+ -m stanchion", f"exec {tmp_path}/bin/program", line[1].replace("$$", "$"))
    subprocess.run(["/bin/sh", "-c", command], check=True, timeout=20,
                   env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"})
    said = tmp_path / "called"
    assert said.exists() is called
    if called:
        assert said.read_text(encoding="utf-8") == f"handover node1 --config {tmp_path}/client.toml\n"
