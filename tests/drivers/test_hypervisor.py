"""Looks: what each kind of hypervisor must have said before a machine counts as running, absent or unknown."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.qemu_bench import Bench, make_bench, needs_qemu
from stanchion.drivers.hypervisor import HostHypervisor
from stanchion.model.ids import ResourceName, TemplateName
from stanchion.model.resource import Machine, MachineKind, ResourceSpec, Scripts
from stanchion.model.state import Presence


def spec(kind: MachineKind, name: str = "web") -> ResourceSpec:
    return ResourceSpec(name=ResourceName("web"), template=TemplateName("T"), scripts=Scripts(),
                        machine=Machine(kind=kind, name=name))


async def no_script(_: ResourceSpec) -> tuple[int, str]:
    raise AssertionError("the monitor script was asked")


def tool(directory: Path, name: str, body: str) -> None:
    """Put a program into the directory that answers like the hypervisor's own tool."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


async def look(directory: Path, of: ResourceSpec, within_s: float = 5.0) -> tuple[Presence, str]:
    """Look with only the tools of that directory."""
    return await HostHypervisor(directory, no_script, search_path=str(directory), within_s=within_s).look(of)


XL_LIST = """cat <<'END'
Name                                        ID   Mem VCPUs\tState\tTime(s)
Domain-0                                     0  1024     2     r-----      33.1
{rows}
END"""


@pytest.mark.parametrize(("rows", "presence", "said"), [
    ("web                      4   128     1     -b----       0.3", Presence.RUNNING, "-b----"),
    ("web2                     4   128     1     -b----       0.3", Presence.ABSENT, "no domain"),
    ("web--incoming            4   128     1     --p---       0.0", Presence.UNKNOWN, "coming in"),
    ("web--migratedaway        4   128     1     ---ss-       0.0", Presence.ABSENT, "migratedaway"),
])
async def test_xen_is_believed_about_its_domains(tmp_path: Path, rows: str, presence: Presence, said: str) -> None:
    tool(tmp_path, "xl", XL_LIST.format(rows=rows))
    seen, text = await look(tmp_path, spec(MachineKind.XEN))
    assert seen is presence
    assert said in text


@pytest.mark.parametrize("kind", [MachineKind.XEN, MachineKind.LIBVIRT])
async def test_a_host_without_the_tool_knows_nothing(tmp_path: Path, kind: MachineKind) -> None:
    """Nobody to ask is not the same as not running."""
    seen, text = await look(tmp_path, spec(kind, "web-of-this-test"))
    assert seen is Presence.UNKNOWN
    assert "on this host" in text


async def test_a_hypervisor_that_fails_or_hangs_is_unknown_in_bounded_time(tmp_path: Path) -> None:
    tool(tmp_path, "xl", "echo 'cannot open privcmd' >&2; exit 1")
    assert await look(tmp_path, spec(MachineKind.XEN)) == (
        Presence.UNKNOWN, "Xen cannot be asked: cannot open privcmd")
    tool(tmp_path, "xl", "exec /bin/sleep 60")
    seen, text = await look(tmp_path, spec(MachineKind.XEN), within_s=0.2)
    assert seen is Presence.UNKNOWN
    assert "did not answer" in text


@pytest.mark.parametrize(("body", "presence"), [
    ("echo 'running (booted)'", Presence.RUNNING),
    ("echo 'paused (user)'", Presence.RUNNING),
    ("echo 'shut off (destroyed)'", Presence.ABSENT),
    ("echo \"error: failed to get domain 'web'\" >&2; exit 1", Presence.ABSENT),
    ("echo 'error: failed to connect to the hypervisor' >&2; exit 1", Presence.UNKNOWN),
    ("case $3 in domstate) echo 'paused (migrating)';; *) echo 'Operation: Incoming migration';; esac",
     Presence.UNKNOWN),
    ("case $3 in domstate) echo 'paused (migrating)';; *) echo 'Operation: Outgoing migration';; esac",
     Presence.RUNNING),
])
async def test_libvirt_is_believed_about_its_domains(tmp_path: Path, body: str, presence: Presence) -> None:
    tool(tmp_path, "virsh", body)
    seen, text = await look(tmp_path, spec(MachineKind.LIBVIRT, "web-of-this-test"))
    assert seen is presence
    assert text.startswith("libvirt")


async def test_a_process_outweighs_a_libvirt_that_forgot_it(tmp_path: Path) -> None:
    """A restarted or unreachable libvirt has no say while the machine's process is there."""
    emulator = tmp_path / "qemu-system-x86_64"
    emulator.symlink_to(sys.executable)
    machine = subprocess.Popen(  # noqa: ASYNC220 - it begins at once
        [emulator, "-c", "import sys; sys.stdin.read()", "-name", "guest=forgotten,debug=on"], stdin=subprocess.PIPE)
    try:
        for body in ("echo 'shut off (unknown)'", "echo 'failed to connect' >&2; exit 1"):
            tool(tmp_path, "virsh", body)
            seen, text = await look(tmp_path, spec(MachineKind.LIBVIRT, "forgotten"))
            assert seen is Presence.RUNNING
            assert str(machine.pid) in text
            assert (await look(tmp_path, spec(MachineKind.LIBVIRT, "forgot")))[0] is not Presence.RUNNING
    finally:
        machine.communicate()


@pytest.mark.parametrize(("code", "presence"), [
    (0, Presence.RUNNING), (7, Presence.ABSENT), (1, Presence.UNKNOWN), (137, Presence.UNKNOWN)])
async def test_without_a_hypervisor_the_monitor_script_is_the_truth(
    tmp_path: Path, code: int, presence: Presence,
) -> None:
    async def ask(_: ResourceSpec) -> tuple[int, str]:
        return code, "not mounted"

    seen, text = await HostHypervisor(tmp_path, ask).look(spec(MachineKind.SCRIPT, ""))
    assert seen is presence
    assert text == f"the monitor script ended with code {code}: not mounted"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = make_bench(tmp_path)
    yield bench
    for host in (bench.a, bench.b):
        assert host.call("halt").code == 0


@pytest.mark.qemu
@needs_qemu
async def test_a_qemu_machine_is_seen_where_it_executes_and_nowhere_else(bench: Bench) -> None:
    """Through a whole migration; and a process that does not answer still counts as running."""
    on_a, on_b = (HostHypervisor(host.run_directory, no_script, within_s=0.5) for host in (bench.a, bench.b))
    web = spec(MachineKind.QEMU)
    assert (await on_a.look(web))[0] is Presence.ABSENT
    assert bench.a.call("start").code == 0
    assert (await on_a.look(web))[0] is Presence.RUNNING
    with bench.a.stopped():
        seen, text = await on_a.look(web)
        assert seen is Presence.RUNNING
        assert "does not answer" in text
    door = bench.b.call("prepare").told("door")
    seen, text = await on_b.look(web)
    assert seen is Presence.ABSENT
    assert "waits for the machine" in text
    assert bench.a.call("migrate_to", STANCHION_DOOR=door, OCF_RESKEY_CRM_meta_migrate_target="b").code == 0
    assert (await on_a.look(web))[0] is Presence.ABSENT
    assert (await on_b.look(web))[0] is Presence.ABSENT
    assert bench.b.call("migrate_from").code == 0
    assert (await on_b.look(web))[0] is Presence.RUNNING


async def sweep(directory: Path, *specs: ResourceSpec) -> dict[str, Presence]:
    """Look for many at once, with only the tools of that directory."""
    host = HostHypervisor(directory, no_script, search_path=str(directory))
    return {name: seen for name, (seen, _) in (await host.sweep(specs)).items()}


def named(kind: MachineKind, *names: str, **parameters: str) -> list[ResourceSpec]:
    return [replace(spec(kind, name), name=ResourceName(name), parameters=parameters) for name in names]


async def test_a_sweep_asks_each_hypervisor_once_and_looks_closely_only_at_what_it_names(tmp_path: Path) -> None:
    """Three Xen domains cost one list and one look; a machine that only a script can tell of costs nothing."""
    count = tmp_path / "count"
    tool(tmp_path, "xl", f"echo x >> {count}\n" + XL_LIST.format(rows="web    4   128     1     -b----       0.3"))
    specs = (*named(MachineKind.XEN, "web", "db", "mail"), spec(MachineKind.SCRIPT))
    assert await sweep(tmp_path, *specs) == {"web": Presence.RUNNING, "db": Presence.ABSENT, "mail": Presence.ABSENT}
    assert len(count.read_text().splitlines()) == 2


async def test_a_sweep_asks_libvirt_at_each_address(tmp_path: Path) -> None:
    tool(tmp_path, "virsh", """case "$2 $3 $4" in
        "qemu:///system list --name") printf 'one-of-this-test\\n\\n';;
        "qemu:///other list --name") exit 1;;
        *) echo 'running (booted)';; esac""")
    found = await sweep(tmp_path, *named(MachineKind.LIBVIRT, "one-of-this-test", "two-of-this-test"),
                        *named(MachineKind.LIBVIRT, "three-of-this-test", HYPERVISOR="qemu:///other"))
    assert found == {"one-of-this-test": Presence.RUNNING, "two-of-this-test": Presence.ABSENT,
                     "three-of-this-test": Presence.UNKNOWN}


async def test_a_sweep_finds_a_machine_that_libvirt_forgot(tmp_path: Path) -> None:
    emulator = tmp_path / "qemu-system-x86_64"
    emulator.symlink_to(sys.executable)
    tool(tmp_path, "virsh", 'case "$3" in list) echo;; *) echo "shut off (unknown)";; esac')
    machine = subprocess.Popen(  # noqa: ASYNC220 - it begins at once
        [emulator, "-c", "import sys; sys.stdin.read()", "-name", "guest=swept,debug=on"], stdin=subprocess.PIPE)
    try:
        assert await sweep(tmp_path, *named(MachineKind.LIBVIRT, "swept")) == {"swept": Presence.RUNNING}
    finally:
        machine.communicate()


async def test_a_sweep_knows_the_machines_of_this_host_by_their_pid_files(tmp_path: Path) -> None:
    """Several pretend hosts share one computer: each finds its own, and a process that does not answer runs."""
    here, there = tmp_path / "here", tmp_path / "there"
    machines = []
    for place in (here, there):
        place.mkdir()
        machines.append(subprocess.Popen(  # noqa: ASYNC220 - it begins at once
            [sys.executable, "-c", "import sys; sys.stdin.read()", "-pidfile", str(place / f"{place.name}.pid")],
            stdin=subprocess.PIPE))
    try:
        found = await sweep(here, *named(MachineKind.QEMU, "here", "there"))
        assert found == {"here": Presence.RUNNING, "there": Presence.ABSENT}
    finally:
        for machine in machines:
            machine.communicate()


async def test_a_sweep_where_nobody_can_be_asked_knows_nothing(tmp_path: Path) -> None:
    assert await sweep(tmp_path, *named(MachineKind.XEN, "web")) == {"web": Presence.UNKNOWN}
    assert await sweep(tmp_path) == {}
