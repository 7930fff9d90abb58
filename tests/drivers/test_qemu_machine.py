"""A real machine under the QEMU agent: its life on one host, its faults, and what the agent says of each."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.qemu_bench import AGENT, Bench, PretendHost, make_bench, needs_qemu, until
from stanchion.drivers.qemu import accel, agent
from stanchion.lab import guest

pytestmark = pytest.mark.qemu


def _open_to_all(path: Path) -> bool:
    """Tell whether any user may reach this file."""
    return all(place.stat().st_mode & 0o1 for place in path.resolve().parents)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = make_bench(tmp_path)
    yield bench
    for host in (bench.a, bench.b):
        assert host.call("halt").code == 0


@needs_qemu
def test_a_machine_starts_once_runs_and_stops(bench: Bench) -> None:
    """Starting twice gives one process, stopping twice is no error, and another host sees nothing of it."""
    assert bench.a.call("monitor").code == 7
    assert bench.a.call("start").code == 0
    first = bench.a.pids()
    assert len(first) == 1
    assert bench.a.call("start").code == 0
    assert bench.a.pids() == first
    assert bench.a.call("monitor").code == 0
    assert bench.b.call("monitor").code == 7
    nonce = bench.await_more().nonce

    assert bench.a.call("stop").code == 0
    assert bench.a.pids() == []
    assert bench.a.call("monitor").code == 7
    assert bench.a.call("stop").code == 0

    assert bench.a.call("start").code == 0
    until(lambda: bench.ticks()[-1].nonce != nonce, "a tick of the second boot")
    second = [tick for tick in bench.ticks() if tick.nonce != nonce]
    assert second[0].counter == 0
    assert [tick.counter for tick in second] == list(range(len(second)))


@needs_qemu
def test_the_image_is_locked_against_a_second_copy(bench: Bench) -> None:
    """The lock is a second guard: the other host's QEMU says why it refuses, and the machine runs on."""
    assert bench.a.call("start").code == 0
    refused = bench.b.call("start")
    assert refused.code == 1
    assert "lock" in refused.err
    assert "web.img" in refused.err
    assert bench.b.pids() == []
    assert bench.a.call("monitor").code == 0
    prepared = bench.a.call("prepare")
    assert prepared.code == 1
    assert "is here already" in prepared.err


@needs_qemu
def test_a_machine_is_ended_without_its_configuration(bench: Bench) -> None:
    """A configuration that became unreadable blinds neither the monitor nor the stop."""
    assert bench.a.call("start").code == 0
    bench.a.config.unlink()
    assert bench.a.call("monitor").code == 0
    assert bench.a.call("stop").code == 0
    assert bench.a.pids() == []
    assert bench.a.call("start").code == 5


@needs_qemu
def test_a_process_that_does_not_answer_is_a_failure_and_can_still_be_ended(bench: Bench) -> None:
    assert bench.a.call("start").code == 0
    with bench.a.stopped():
        seen = bench.a.call("monitor")
        assert seen.code == 1
        assert "does not answer" in seen.err
        assert bench.a.call("halt").code == 0
    assert bench.a.pids() == []


@needs_qemu
def test_a_hung_guest_is_found_by_its_silence(bench: Bench) -> None:
    """Its process is well and QEMU says that it runs; only the serial log tells. The next boot is well again."""
    assert bench.a.call("start").code == 0
    bench.await_more()
    guest.hang(bench.disk, 1)
    until(lambda: "hang" in bench.log.read_text(), "the guest's last word")
    assert bench.a.call("monitor").code == 0
    hangs = lambda: bench.a.call("monitor", OCF_RESKEY_monitor_serial_s="1")  # noqa: E731 - asked again and again
    until(lambda: hangs().code == 1, "a monitor failure")
    assert "the guest hangs" in hangs().err
    assert bench.a.call("stop").code == 0
    assert bench.a.call("start").code == 0
    assert hangs().code == 0
    bench.await_more(10)


@needs_qemu
def test_two_copies_on_one_disk_betray_themselves(bench: Bench, tmp_path: Path) -> None:
    """The guest is the witness: with the image's lock switched off by hand, a second copy is seen."""
    logs = [tmp_path / "one", tmp_path / "two"]
    copies = [
        subprocess.Popen([
            "qemu-system-x86_64", "-machine", "pc,accel=tcg", "-m", "32", "-nodefaults", "-display", "none",
            "-drive", f"file.filename={bench.disk},file.locking=off,format=raw,if=ide,cache=writethrough",
            "-chardev", f"file,id=s,path={log}", "-serial", "chardev:s",
        ])
        for log in logs
    ]
    try:
        until(lambda: any("second copy" in log.read_text() for log in logs if log.exists()), "the guest's alarm")
    finally:
        for copy in copies:
            copy.kill()
            copy.wait()


@pytest.mark.parametrize(("text", "code", "sentence"), [
    ("disk = missing.img\n", 5, "missing.img is not here"),
    ("disk = web.img\nmemory = lots\n", 6, "must be a number"),
    ("disk = web.img\nmachine = toaster\n", 6, "must be one of: pc, q35"),
    ("disk = web.img\ncolour = red\n", 6, "line 2: 'colour = red' is not understood"),
    ("memory = 32\n", 6, "neither a disk nor a kernel"),
])
def test_what_is_wrong_with_a_configuration_is_said(bench: Bench, text: str, code: int, sentence: str) -> None:
    bench.a.config.write_text(text, encoding="utf-8")
    for action in ("start", "validate-all"):
        refused = bench.a.call(action)
        assert refused.code == code
        assert sentence in refused.err
        assert refused.err.startswith("ocf-exit-reason:")


def test_a_host_without_qemu_is_told_what_to_install(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    readlink = shutil.which("readlink")
    assert readlink is not None
    (tmp_path / "bin" / "readlink").symlink_to(readlink)
    refused = bench.a.call("start", PATH=str(tmp_path / "bin"))
    assert refused.code == 5
    assert "install qemu-system-x86" in refused.err


def test_a_call_that_makes_no_sense_is_refused(bench: Bench) -> None:
    assert bench.a.call("dance").code == 3
    assert bench.a.call("start", OCF_RESOURCE_INSTANCE="a,b").code == 6
    assert bench.a.call("monitor", HA_RSCTMP="/nowhere").code == 7


def test_the_meta_data_names_every_action_of_the_standard(bench: Bench) -> None:
    """Well-formed, and true: every action that it names exists."""
    answer = bench.a.call("meta-data")
    assert answer.code == 0
    tree = ET.fromstring(answer.out)
    named = {action.get("name") for action in tree.iter("action")}
    assert named == set(agent.ACTIONS) - {"prepare", "halt"}
    assert {parameter.get("name") for parameter in tree.iter("parameter")} == {
        "config", "name", "shutdown_timeout", "monitor_serial_s"}


@needs_qemu
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ocf-tester") is None, reason="ocf-tester is not installed (resource-agents)")
@pytest.mark.skipif(shutil.which("xmllint") is None, reason="xmllint is not installed (libxml2-utils)")
@pytest.mark.skipif(os.geteuid() != 0, reason="ocf-tester runs only as root")
@pytest.mark.skipif(not _open_to_all(AGENT), reason="ocf-tester calls the agent as nobody, who may not enter here")
def test_the_agent_passes_the_standards_own_test(bench: Bench) -> None:
    ended = subprocess.run(
        ["ocf-tester", "-n", "web", "-o", f"config={bench.a.config}", "-o", "shutdown_timeout=0", str(AGENT)],
        env=dict(os.environ) | {"HA_RSCTMP": str(bench.a.run_directory)},
        capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "passed all tests" in ended.stdout


def test_the_accelerator_is_found_once_and_remembered(tmp_path: Path) -> None:
    """A host without KVM runs machines by emulation; what was found out by booting is not found out twice."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        assert accel.best("/bin/false", str(tmp_path)) == "tcg"
        return
    assert accel.best("/bin/false", str(tmp_path)) == "tcg"
    assert (tmp_path / "stanchion-accel").read_text() == "tcg"
    (tmp_path / "stanchion-accel").write_text("kvm")
    assert accel.best("/bin/false", str(tmp_path)) == "kvm"


def test_hosts_are_told_apart_by_their_run_directory(tmp_path: Path) -> None:
    """A process with the machine's name, but another host's mark, is not this host's machine."""
    place = tmp_path / "run"
    place.mkdir()
    other = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", "-name", "guest=web",
                              "-pidfile", str(tmp_path / "other" / "web.pid")], stdin=subprocess.PIPE)
    try:
        assert PretendHost(place, tmp_path / "none").pids() == []
    finally:
        other.communicate()
