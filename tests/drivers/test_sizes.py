"""How large machines are by their configuration files, and what a host has for them."""

from pathlib import Path

import pytest

from stanchion.drivers.capacity import host_capacity
from stanchion.drivers.files import HostFiles
from stanchion.drivers.host import LinuxHost
from stanchion.drivers.sizes import size_in
from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.ids import BootId, ResourceName, TemplateName
from stanchion.model.resource import Machine, MachineKind, ResourceSpec, Scripts

LIBVIRT, XEN, QEMU, SCRIPT = MachineKind.LIBVIRT, MachineKind.XEN, MachineKind.QEMU, MachineKind.SCRIPT

DOMAIN = """<domain type='kvm'>
  <name>web</name>
  <!-- <memory unit='GiB'>999</memory> as it was -->
  <metadata><inventory><memory>1</memory></inventory></metadata>
  <memory{unit}>{amount}</memory>
  <currentMemory unit='KiB'>1024</currentMemory>
  <memoryBacking><hugepages/></memoryBacking>
  <vcpu placement='static' current='1'>4</vcpu>
  <numatune><memory mode='strict' nodeset='0'/></numatune>
  <devices><memory model='dimm'><target><size unit='KiB'>524288</size></target></memory></devices>
</domain>
"""


@pytest.mark.parametrize(("unit", "amount", "mib"), [
    (" unit='KiB'", 2097152, 2048), ("", 2097152, 2048), (' dumpCore="off" unit="GiB"', 3, 3072), (" unit='MB'", 1, 1),
    (" unit='bytes'", 1048577, 2), (" unit='TiB'", 1, 1024 * 1024), (" unit='stone'", 12, 0), ("", 10**19, 0),
])
def test_a_libvirt_machine_is_as_large_as_its_maximum_in_any_unit(unit: str, amount: int, mib: int) -> None:
    assert size_in(LIBVIRT, DOMAIN.format(unit=unit, amount=amount)) == Size(memory_mib=mib, cpus=4.0)


@pytest.mark.parametrize(("text", "mib", "cpus"), [
    ('name = "web"\nmemory = 1024\nvcpus = 2\n', 1024, 2), ("memory=512\nmaxmem=2048\nmaxvcpus=4\nvcpus=1", 2048, 4),
    ("memory = '768' # enough\n#memory = 9\n", 768, 1), ("memory = 64\nmemory = 128", 128, 1), ("vcpus = 3", 0, 3),
    ("disk = [ 'memory = 5,xvda' ]", 0, 0), ("memory = [1024]", 0, 0), ("memory = 99999999999", 0, 1),
])
def test_a_xen_machine_is_as_large_as_it_may_grow(text: str, mib: int, cpus: int) -> None:
    assert size_in(XEN, text) == Size(memory_mib=mib, cpus=float(cpus))


@pytest.mark.parametrize(("text", "mib", "cpus"), [
    ("memory = 2048\ncpus = 2\ndisk = web.img", 2048, 2), ("disk = web.img", 256, 1), ("memory = much", 0, 1),
    ("memory = 64\nargs = -m 2G,maxmem=4G -smp 4,cores=2", 2048, 4), ("args = -m 'open", 256, 1), ("", 256, 1),
    ("args = -m size=300M -smp cpus=6", 300, 6), ("# memory = 7\nmemory = 8", 8, 1),
])
def test_a_plain_qemu_machine_is_as_large_as_it_is_started(text: str, mib: int, cpus: int) -> None:
    assert size_in(QEMU, text) == Size(memory_mib=mib, cpus=float(cpus))


@pytest.mark.parametrize("kind", [LIBVIRT, XEN, SCRIPT])
@pytest.mark.parametrize("text", [
    "", "<domain>", "\0" * 99, "memory", "<memory>-5</memory>", "= = =", "<vcpu>x</vcpu>"])
def test_what_cannot_be_understood_says_nothing(kind: MachineKind, text: str) -> None:
    assert size_in(kind, text) == NOTHING_KNOWN


def spec(kind: MachineKind, *files: str, **parameters: str) -> ResourceSpec:
    return ResourceSpec(name=ResourceName("web"), template=TemplateName("T"), scripts=Scripts(), files=files,
                        machine=Machine(kind=kind), parameters=parameters)


async def test_a_host_tells_the_size_of_a_machine_with_its_files(tmp_path: Path) -> None:
    """Through a link too; the one on the machine's own storage where it has no other; nothing where it is away."""
    (tmp_path / "true.conf").write_text("memory = 512\ncpus = 2\n")
    (tmp_path / "web.conf").symlink_to("true.conf")
    (tmp_path / "mnt").mkdir()
    (tmp_path / "mnt" / "web").write_text("memory = 1024\n")
    host = LinuxHost(BootId("b"), files=HostFiles(tmp_path))
    assert (await host.readiness(spec(QEMU, "/none.conf", "/web.conf"), {})).size == Size(memory_mib=512, cpus=2)
    own = spec(XEN, DIRECTORY="/mnt", CONFIG="web")
    assert own.descriptions == ("/mnt/web",)
    ready = await host.readiness(own, {})
    assert (ready.size, ready.fault, dict(ready.digests)) == (Size(memory_mib=1024, cpus=1), "", {})
    assert (await host.readiness(spec(XEN, CONFIG="/gone"), {})).size == NOTHING_KNOWN
    assert spec(SCRIPT, CONFIG="web").descriptions == ()


def host(place: Path, *, memory: str = "MemTotal:       16384000 kB\nMemFree: 1 kB\n", xen: str = "") -> Path:
    (place / "proc/xen").mkdir(parents=True)
    (place / "proc/meminfo").write_text(memory)
    (place / "proc/xen/capabilities").write_text(xen)
    return place


def test_a_host_has_what_its_kernel_says(tmp_path: Path) -> None:
    found = host_capacity(host(tmp_path))
    assert found.memory_mib == 16000
    assert found.cpus >= 1
    assert host_capacity().memory_mib > 0
    assert host_capacity(host(tmp_path / "broken", memory="MemTotal: lots")).memory_mib == 0
    assert host_capacity(tmp_path / "none").memory_mib == 0


@pytest.mark.parametrize(("answer", "found"), [
    ("echo 'nr_cpus                : 8\ntotal_memory           : 32737\nfree_memory : 5'",
     Size(memory_mib=32737, cpus=8)),
    ("echo 'nr_cpus : 8'", NOTHING_KNOWN), ("echo 'total_memory : lots\nnr_cpus : 8'", NOTHING_KNOWN),
    ("exit 1", NOTHING_KNOWN),
])
def test_a_xen_host_has_what_the_hypervisor_says_and_else_nothing_is_known(
        tmp_path: Path, answer: str, found: Size) -> None:
    """The kernel there sees only its own share, so its word is not taken instead."""
    root = host(tmp_path, xen="control_d\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/xl").write_text(f'#!/bin/sh\n[ "$1" = info ] || exit 2\n{answer}\n')
    (tmp_path / "bin/xl").chmod(0o755)
    assert host_capacity(root, search_path=str(tmp_path / "bin")) == found
    assert host_capacity(root, search_path=str(tmp_path)) == NOTHING_KNOWN
