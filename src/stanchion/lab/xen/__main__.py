"""Runs the Xen lab: ``./scripts/lab-xen``, or as root ``python -m stanchion.lab.xen``.

``build`` makes the image, ``up`` a cluster from nothing, ``test`` plays the steps on it, ``down`` ends everything. Exit
code 0: every step saw what it must; 1: one did not; 3: something that the lab needs is missing or did not come about.
"""

import argparse
import asyncio
import io
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO, cast

from stanchion.lab.demo.__main__ import Step, play
from stanchion.lab.demo.telling import Outcome, Teller
from stanchion.lab.witness import QEMU
from stanchion.lab.xen import faults, founding, image, remote, samples, steps
from stanchion.lab.xen.founding import XenLab
from stanchion.lab.xen.place import Place, find
from stanchion.lab.xen.scene import Scene
from stanchion.model.errors import HostError, StanchionError

MISSING = 3
TOOLS = {QEMU: "qemu-system-x86", "qemu-img": "qemu-utils", "mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs",
         "ip": "iproute2", "ssh": "openssh-client"}
"""The programs that the lab needs, and Debian's packages that have them."""

SETTING = Step(name="cluster", title="Two Xen hosts and a witness", act=steps.cluster, shows=(
    "Three nodes are members; each Xen host has an armed watchdog."))

STEPS = (
    Step(name="ext3", title="Xen_Template on LVM and ext3", act=steps.on_ext3, shows=(
        "The original's sample scripts: load, monitor, unload.")),
    Step(name="reiserfs", title="Xen_Template on LVM and ReiserFS", act=steps.on_reiserfs, shows=(
        "The same with another type of file system.")),
    Step(name="storage", title="A volume group that somebody activates on the other host", act=steps.storage_astray,
         shows="It is told, and its resource starts nowhere else until it is released."),
    Step(name="live", title="XenLive_Template, its configuration copied to each host", act=steps.live, shows=(
        "Load, monitor, there and back live without a new boot, unload.")),
    Step(name="ocfs2", title="XenLive_Template on OCFS2", act=steps.live_on_ocfs2, shows=(
        "The same with configuration and disk on a file system that both hosts have mounted.")),
    Step(name="in-vain", title="Live migrations that fail", act=steps.in_vain, shows=(
        "No memory on the target; no way into it. The guest runs on at the source.")),
    Step(name="sample-in-vain", title="The sample's own failed migration", act=steps.sample_in_vain,
         shows="Its text stops the guest that it could not send; the cluster loads it anew."),
    Step(name="destroyed", title="A guest destroyed behind the cluster's back", act=faults.destroyed,
         shows="The monitor finds it, and it starts where it was."),
    Step(name="power-cut", title="A host loses its power", act=faults.power_cut, shows=(
        "Its fence device proves it off, and its guest starts on the other host, with its disk whole.")),
    Step(name="frozen", title="A host stands still", act=faults.frozen, shows=(
        "It may go on at any moment, so its fence device switches it off first.")),
    Step(name="hung-agent", title="An agent hangs on a host without a fence device", act=faults.hung_agent,
         shows="The watchdog resets the host before its lease can end."),
    Step(name="reboot", title="Reboot as the monitor's failure action", act=faults.reboot,
         shows="A hard reset of the host, without sync or unmount; its guest starts on the other one."),
)


class Both(io.TextIOBase):
    """Writes what people read to the terminal and into the run's one log."""

    def __init__(self, file: Path) -> None:
        self._log = file.open("a", encoding="utf-8")

    def write(self, text: str) -> int:
        """Write to both."""
        self._log.write(text)
        self._log.flush()
        return sys.stdout.write(text)

    def flush(self) -> None:
        """Let nothing wait."""
        sys.stdout.flush()


def chosen(only: Sequence[str]) -> tuple[Step, ...]:
    """Give the steps to play, in their order: all, or those named; the cluster is always looked at."""
    return (SETTING, *(step for step in STEPS if not only or step.name in only))


def test(place: Place, wanted: Sequence[Step], log: Path) -> bool:
    """Play the steps on the cluster that is up; whether all were right."""
    teller, outcomes, began = Teller(cast(TextIO, Both(log))), list[Outcome](), time.monotonic()
    asyncio.run(play(Scene(XenLab(place), teller), wanted, outcomes))
    teller.summary(outcomes)
    right = len(outcomes) == len(wanted) and not any(outcome.fault for outcome in outcomes)
    teller.line(f"{sum(not each.fault for each in outcomes)} of {len(wanted)} steps were right, "
                f"{time.monotonic() - began:.0f} s")
    return right


def up(place: Place) -> None:
    """Make a cluster from nothing. Raises ``HostError``."""
    founding.end(place)
    founding.start(place)
    remote.enter(place)
    founding.found(XenLab(place), say)


def say(text: str) -> None:
    """Tell how far it has come."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def check() -> None:
    """Refuse to begin where something is missing. Raises ``HostError``."""
    if os.geteuid() != 0:
        raise HostError("it makes a network and file systems with other owners' files, which only root can")
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise HostError(f"install the packages {', '.join(missing)}, then run it again")


def main(arguments: Sequence[str]) -> int:
    """Read the options, do it, and give the exit code."""
    parser = argparse.ArgumentParser(prog="./scripts/lab-xen", description=(
        "Two Xen hosts as virtual machines of this computer, without KVM: slow and real."))
    parser.add_argument("what", choices=("build", "up", "test", "down"))
    parser.add_argument("--only", action="append", default=[], choices=[step.name for step in STEPS], metavar="STEP",
                        help="play one step, or several; some build on others that were played before: "
                             + ", ".join(step.name for step in STEPS))
    parser.add_argument("--log", type=Path, help="where `test` writes what it saw, too")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        check()
        place = find()
        match given.what:
            case "build":
                image.build(place, say)
            case "up":
                if not image.is_current(place):
                    say("the image is not made of what stands here now; `build` makes it anew")
                up(place)
            case "test":
                samples.scripts("Xen_Template", name="web", group="vg_web")
                remote.enter(place)
                return 0 if test(place, chosen(given.only), given.log or place.root / "test.log") else 1
            case _:
                founding.end(place)
    except StanchionError as error:
        print(f"The Xen lab: {error}", file=sys.stderr)
        return MISSING
    except KeyboardInterrupt:
        print("Interrupted. What is up stays up; `./scripts/lab-xen down` ends it.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
