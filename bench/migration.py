"""Migration: whole live migrations of the cluster beside bare ones, ``virsh migrate --live``, in paired runs.

Two machines that are alike stand in the KVM lab (``stanchion.lab.kvm``): one is a resource of the cluster, of the other
it knows nothing. Both go to and fro between the same two hosts, in turn, now the one first and now the other.

*Ours* lasts from the order until the order has ended: the target was looked at, the machine sent by
``ocf:heartbeat:VirtualDomain``, looked for on both hosts, and the resource is Running on the target. *Bare* lasts as
long as virsh does.

Guests: *small*, a boot sector in 32 MiB; *linux*, a Linux in 1 GiB, half of which is full of noise. ``gigabit`` after
it: libvirt holds the migration to the speed of such a line, for both in the same way.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import rig

from stanchion.client import Client
from stanchion.lab import linux_guest
from stanchion.lab.cluster import Lab
from stanchion.lab.demo.stage import Stage
from stanchion.lab.demo.telling import Teller
from stanchion.lab.kvm import hosts
from stanchion.lab.kvm.machines import KvmMachine
from stanchion.lab.kvm.rooms import inside
from stanchion.lab.kvm.steps import virsh
from stanchion.lab.linux_guest import LinuxGuest
from stanchion.lab.witness import QEMU
from stanchion.model.errors import HostError
from stanchion.model.orders import Outcome
from stanchion.wire.requests import MonitoringChange, ResourceChange, ResourceCreate

NOISE_MIB = 512
LINUX_MIB = 1024
GIGABIT_MIB = 112
"""What goes through a line of 1 Gbit/s in a second, in MiB."""

REST_S = 3.0
BOOT_S = 300.0
GUESTS = ("small", "linux", "linux gigabit")
BETWEEN = ("node1", "node2")

INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
read uuid < /proc/sys/kernel/random/uuid
/bin/busybox head -c @BYTES@ /dev/urandom > /noise
counter=0
while :; do
    echo "tick $counter boot ${uuid%%-*}"
    counter=$((counter + 1))
    /bin/busybox sleep 0.1
done
"""
BARE = """
begun=$EPOCHREALTIME
virsh -q -c qemu:///system migrate --live --unsafe "$1" "qemu+tcp://$2/system" && echo "$begun $EPOCHREALTIME"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One migration of each, in seconds."""

    guest: str
    load: float
    ours_s: float
    bare_s: float

    @property
    def ratio(self) -> float:
        """How much longer ours took."""
        return self.ours_s / self.bare_s


def noisy(directory: Path) -> LinuxGuest:
    """Make the Linux guest that fills memory before it ticks; a second archive overlays its first file system."""
    linux = linux_guest.fetch(linux_guest.default_cache())
    initrd = directory / "initrd"
    init = INIT.replace("@BYTES@", str(NOISE_MIB * 2**20)).encode()
    over = linux_guest.archive((("init", 0o100755, init, 0), ("dev/urandom", 0o020666, b"", 0x109)))
    initrd.write_bytes(linux.initrd.read_bytes() + over)
    return LinuxGuest(kernel=linux.kernel, initrd=initrd)


@contextmanager
def stage(kind: str) -> Iterator[tuple[Stage, KvmMachine, KvmMachine]]:
    """Lend the hosts and the two machines' files: the cluster's, and the bare one."""
    with rig.place() as directory:
        linux = noisy(directory) if kind.startswith("linux") else None
        emulator = shutil.which(QEMU) or QEMU
        ours, bare = (KvmMachine(name, "KVMLive_Template", hosts.NODES, directory / "machines", emulator, linux=linux,
                                 memory_mib=32 if linux is None else LINUX_MIB) for name in ("ours", "bare"))
        for machine in (ours, bare):
            machine.write()
        with hosts.powered(directory) as lab:
            yield Stage(lab, Teller(), (ours, bare)), ours, bare


async def measure(set_up: Stage, ours: KvmMachine, bare: KvmMachine, kind: str, *, runs: int,
                  patience_s: float) -> list[Pair]:
    """Start both machines, then migrate them in turn."""
    await set_up.all_up()
    async with set_up.client as client:
        await client.create(ResourceCreate(
            name=ours.name, template=ours.template,
            parameters={"CONFIG": str(ours.config), "TRANSPORT": "tcp", "DISKS": "shared"},
            overrides=ResourceChange(preferred=ours.preferred,
                                     monitoring=MonitoringChange(enabled=True, interval_s=10.0))))
        await client.online(ours.name, BETWEEN[0])
        virsh(set_up.host(BETWEEN[0]), f"create {bare.config}")
        for machine in (ours, bare):
            await set_up.wait_tick(machine, lambda _: True, BOOT_S)
        found = []
        for number in range(runs):
            source, target = BETWEEN if number % 2 == 0 else reversed(BETWEEN)
            load = await asyncio.to_thread(rig.be_quiet, patience_s)
            took = {}
            for machine in (ours, bare) if number % 4 < 2 else (bare, ours):
                await asyncio.sleep(REST_S)
                if kind.endswith("gigabit"):
                    virsh(set_up.host(source), f"migrate-setspeed {machine.name} {GIGABIT_MIB}")
                before = await set_up.wait_tick(machine, lambda _: True)
                took[machine] = (await _ours(client, machine.name, target) if machine is ours else
                                 await asyncio.to_thread(_bare, set_up.lab, machine.name, source, target))
                await set_up.wait_goes_on(machine, before)
            found.append(Pair(guest=kind, load=round(load, 2), ours_s=round(took[ours], 3),
                              bare_s=round(took[bare], 3)))
            print(json.dumps(asdict(found[-1])), flush=True)
    return found


async def _ours(client: Client, name: str, target: str) -> float:
    """Order it, and wait for the order's end. Raises ``HostError`` when it was not carried out."""
    began = time.monotonic()
    order = await client.migrate(name, target)
    while not order.ended:
        order = await client.intent(order.id, wait_s=5.0)
    took_s = time.monotonic() - began
    if order.outcome is not Outcome.DONE:
        raise HostError(f"the migration was {order.outcome}: {order.reason.text if order.reason else 'no reason'}")
    return took_s


def _bare(lab: Lab, name: str, source: str, target: str) -> float:
    """Let virsh do it, past the cluster. Raises ``HostError``."""
    done: subprocess.CompletedProcess[str] = inside(lab.host(source), "bash", "-c", BARE, "bare", name, target)
    if done.returncode != 0:
        raise HostError(f"virsh migrate: {done.stderr.strip()}")
    began, ended = map(float, done.stdout.split())
    return ended - began


def table(found: Sequence[Pair]) -> list[str]:
    """Give the table, as Markdown: median (minimum to maximum)."""
    rows = ["| guest | pairs | ours, s | bare virsh, s | ours beyond bare, s | ratio |", "|---|---|---|---|---|---|"]
    for guest in dict.fromkeys(each.guest for each in found):
        mine = [each for each in found if each.guest == guest]
        rows.append(f"| {guest} | {len(mine)} | {_three([each.ours_s for each in mine])} | "
                    f"{_three([each.bare_s for each in mine])} | "
                    f"{_three([each.ours_s - each.bare_s for each in mine])} | "
                    f"{_three([each.ratio for each in mine])} |")
    return rows


def _three(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Measure what was asked for, or show what was measured before."""
    parser = argparse.ArgumentParser(prog="bench/migration", description="How long a whole live migration takes, "
                                     "beside a bare `virsh migrate --live`.")
    parser.add_argument("--guest", choices=GUESTS, action="append", help="default: all three")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--patience", type=float, default=60.0, metavar="S",
                        help=f"how long to wait for a load below {rig.QUIET_LOAD} before each pair")
    parser.add_argument("--show", type=Path, help="only show the table of results that were kept in this file")
    given = parser.parse_args()
    if given.show is not None:
        lines = given.show.read_text(encoding="utf-8").splitlines()
        print("\n".join(table([Pair(**json.loads(line)) for line in lines if line.startswith("{")])))
        return
    hosts.check()
    rig.enter()
    print(f"# {rig.machine()}")
    found: list[Pair] = []
    for kind in given.guest or GUESTS:
        with stage(kind) as (set_up, ours, bare):
            found += asyncio.run(measure(set_up, ours, bare, kind, runs=given.pairs, patience_s=given.patience))
    print("\n".join(["", *table(found)]))


if __name__ == "__main__":
    sys.exit(rig.run(main))
