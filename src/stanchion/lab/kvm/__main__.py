"""Runs the KVM lab: ``./scripts/lab-kvm``, or as root ``python -m stanchion.lab.kvm``.

Each run is a cluster from nothing. Exit code 0: every step of every run saw what it must; 1: one did not, and what
each part logged is kept; 3: something that the lab needs is missing. Nothing is left running in any case.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from stanchion.lab import processes
from stanchion.lab.cluster import short_directory
from stanchion.lab.demo.__main__ import Step, play
from stanchion.lab.demo.stage import Stage
from stanchion.lab.demo.telling import Outcome, Teller
from stanchion.lab.kvm import hosts, steps
from stanchion.lab.kvm.machines import KvmMachine
from stanchion.lab.witness import QEMU
from stanchion.model.errors import StanchionError

MISSING = 3
STEPS = (
    Step(name="create", title="A machine from KVMLive_Template", act=steps.create, shows=(
        "Three hosts, each with a libvirtd of its own; ocf:heartbeat:VirtualDomain starts the machine.")),
    Step(name="migrate", title="Live migration", act=steps.migrate, shows=(
        "A running machine goes to another host and back. Its counter goes on.")),
    Step(name="in-vain", title="A live migration that fails", act=steps.migrate_in_vain, shows=(
        "The target's libvirtd does not answer. The machine runs on where it is.")),
    Step(name="crash", title="A machine crashes", act=steps.crash, shows=(
        "Its process is gone; the monitor finds it, and it starts where it was.")),
    Step(name="hang", title="A guest hangs", act=steps.hang, shows=(
        "Its process lives, what runs in it is silent; a check in the monitor script finds it.")),
    Step(name="daemon", title="libvirtd is killed", act=steps.daemon_killed, shows=(
        "The machine runs on without its daemon: nothing fails over, nothing is started twice.")),
    Step(name="stray", title="A machine started by hand", act=steps.stray, shows=(
        "What runs where nobody sent it is told as a stray, and can be taken over without a restart.")),
    Step(name="power-cut", title="A host loses its power", act=steps.power_cut, shows=(
        "Its fence device proves it off, and its machine starts elsewhere.")),
)


def machines(place: Path) -> tuple[KvmMachine, ...]:
    """Make the lab's machines."""
    emulator = shutil.which(QEMU) or QEMU
    return (KvmMachine("web", "KVMLive_Template", hosts.NODES, place, emulator),)


def run(teller: Teller, wanted: Sequence[Step], patience: float) -> bool:
    """Play the steps once on a cluster from nothing; whether all were right."""
    directory, outcomes = short_directory(), list[Outcome]()
    try:
        with hosts.powered(directory) as lab:
            set_up = Stage(lab, teller, machines(directory / "machines"), patience=patience)
            asyncio.run(play(set_up, wanted, outcomes))
    finally:
        right = len(outcomes) == len(wanted) and not any(outcome.fault for outcome in outcomes)
        if right:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            teller.line(f"Everything was ended. What each part logged is kept in {directory}: node*/agent.log, "
                        "node*/libvirtd.log, node*/libvirt/log, machines/*.serial.")
    teller.summary(outcomes)
    return right


def main(arguments: Sequence[str]) -> int:
    """Read the options, run, and give the exit code."""
    parser = argparse.ArgumentParser(prog="./scripts/lab-kvm", description=(
        "Three hosts with libvirt on this machine, and what an administrator does with KVM machines in a cluster."))
    parser.add_argument("--times", type=int, default=1, metavar="N", help="run N times in a row, each from nothing")
    parser.add_argument("--only", choices=[step.name for step in STEPS[1:]], help="play one step")
    parser.add_argument("--patience", type=float, default=1.0, metavar="X",
                        help="let everything take so many times as long: for a computer with much else to do")
    given = parser.parse_args(arguments)
    wanted = [step for step in STEPS if given.only in {None, step.name} or step is STEPS[0]]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        hosts.check()
        processes.leave_network()
        well = 0
        for number in range(1, given.times + 1):
            begun, teller = time.monotonic(), Teller()
            well += run(teller, wanted, given.patience)
            teller.line(f"run {number} of {given.times}: {time.monotonic() - begun:.0f} s, {well} well so far")
    except StanchionError as error:
        print(f"The KVM lab cannot run: {error}", file=sys.stderr)
        return MISSING
    except KeyboardInterrupt:
        print("Interrupted; everything that was started has been ended.", file=sys.stderr)
        return 130
    return 0 if well == given.times else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
