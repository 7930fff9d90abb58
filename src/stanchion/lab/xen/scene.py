"""What the steps reach: the cluster by the real command line, the hosts by a root shell, the guests by their words.

A step believes nobody. That a resource runs is seen by its guest's ticks, that it is gone by ``xl list`` on both hosts,
what a host did by the kernel's and the rack's own records.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from stanchion.lab.demo.machines import DemoMachine, Tick
from stanchion.lab.demo.stage import Stage, StepFailed
from stanchion.lab.demo.telling import Teller
from stanchion.lab.xen.founding import XenLab
from stanchion.lab.xen.furnish import XEN_HOSTS
from stanchion.lab.xen.remote import Shell
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State

PATIENCE = 30.0
"""How much longer things may take than on pretend hosts: a load takes half a minute on a quiet computer."""

_RUNS = """\
for code in /etc/stanchion/state/runs/{name}/monitor/*/code; do
    [ -e "$code" ] && echo "$(cat "${{code%code}}order") $(cat "$code")"
done
true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A resource of the lab: from which template, with which of the original's scripts edited how."""

    name: str
    template: str
    group: str = ""
    fstype: str = ""
    sampled: bool = True


SAMPLES: Mapping[str, Sample] = {each.name: each for each in (
    Sample(name="web", template="Xen_Template", group="vg_web", fstype="ext3"),
    Sample(name="rei", template="Xen_Template", group="vg_rei", fstype="reiserfs"),
    Sample(name="live", template="XenLive_Template"),
    Sample(name="ocfs", template="XenLive_Template"),
    Sample(name="keep", template="XenLive_Template", sampled=False),
)}


class Scene(Stage):
    """The stage of this lab."""

    def __init__(self, lab: XenLab, teller: Teller) -> None:
        super().__init__(lab, teller, tuple(DemoMachine(each.name, each.template, XEN_HOSTS, lab.place.heard)
                                            for each in SAMPLES.values()), patience=PATIENCE)
        self.xen = lab

    def shell(self, name: str | None) -> Shell:
        """Give a root shell on a host."""
        return self.xen.shell(str(name))

    async def on(self, name: str | None, command: str, said: str = "") -> str:
        """Run a command on a host that has to end well. Raises ``HostError``."""
        return await asyncio.to_thread(self.shell(name).do, command, said=said)

    async def domains(self, name: str) -> tuple[str, ...]:
        """List the guests that Xen of a host knows."""
        lines = (await self.on(name, "xl list")).splitlines()[1:]
        return tuple(line.split()[0] for line in lines if line.split()[0] != "Domain-0")

    async def gone(self, guest: str) -> None:
        """See with Xen on both hosts that a guest is nowhere. Raises ``StepFailed``."""
        for host in XEN_HOSTS:
            if left := [each for each in await self.domains(host) if each.partition("--")[0] == guest]:
                raise StepFailed(f"{host} still has {', '.join(left)}")

    async def alone(self, guest: str, host: str) -> None:
        """See with Xen on both hosts that a guest is on this one and on no other. Raises ``StepFailed``."""
        for each in XEN_HOSTS:
            found = [name for name in await self.domains(each) if name.partition("--")[0] == guest]
            if found != ([guest] if each == host else []):
                raise StepFailed(f"{guest} should be on {host} alone; {each} has {found or 'nothing'}")

    async def boots(self, guest: str) -> int:
        """Say how often the guest has booted, by the count on its disk, as it said at its last start."""
        said = [line for line in _lines(self.xen.place.heard / f"{guest}.serial") if line.startswith("disk boots ")]
        if not said:
            raise StepFailed(f"{guest} has said nothing of its disk")
        return int(said[-1].split()[-1])

    async def longest_silence(self, guest: str, since: float) -> float:
        """Say for how long the guest said nothing, at most, since an instant (seconds since 1970)."""
        at = [float(line.split()[0]) for line in _lines(self.xen.place.heard / f"{guest}.times")]
        at = [since, *(each for each in at if each > since)]
        return max((later - earlier for earlier, later in pairwise(at)), default=0.0)

    async def script_took(self, name: str, kind: ScriptKind) -> float:
        """Say how long the last run of a script took, in seconds. Raises ``StepFailed`` when it failed."""
        run = next(iter((await self.client.runs(name, kind, limit=1)).runs), None)
        if run is None or run.started_at is None or run.ended_at is None or run.code != 0:
            raise StepFailed(f"the last {kind} run of {name} did not end well: {run and run.code}")
        return (run.ended_at - run.started_at).total_seconds()

    async def monitored(self, name: str, host: str, since: float, times: int = 1) -> str:
        """Wait until the monitor script has run on the host so often since an instant, each time well; say how long.

        Successes are in no history, so the host is asked for what its own agent keeps of its runs.
        """
        async def look() -> list[tuple[int, float]] | None:
            ended = ended_since(await self.on(host, _RUNS.format(name=name)), since)
            return ended if len(ended) >= times or any(code for code, _ in ended) else None

        ended = await self.wait(look, 20.0, f"the monitor script of {name} did not run on {host}")
        told = await self.client.resource(name)
        if any(code for code, _ in ended) or told.state is not State.RUNNING:
            raise StepFailed(f"the monitor of {name} failed: {ended}, {told.reason.text}")
        return ", ".join(f"{seconds:.1f} s" for _, seconds in ended[:times])

    async def online(self, name: str, *where: str) -> Tick:
        """Bring a resource online unless it runs; give a word of its guest's life."""
        guest = self.machine(name)
        if (await self.resource(name)).state is State.RUNNING:
            return await self.wait_tick(guest, lambda _: True)
        before = guest.last()
        await self.cli("online", name, *where)
        return await self.wait_tick(guest, lambda tick: before is None or tick.nonce != before.nonce, 30.0)

    async def wait_anew(self, name: str, before: Tick, within_s: float = 30.0) -> Tick:
        """Wait for a guest's first word in its next life."""
        return await self.wait_tick(self.machine(name), lambda tick: tick.nonce != before.nonce, within_s)

    async def next_reset(self, host: str, after: float) -> tuple[float, str]:
        """Wait until the rack saw a reset of a host after an instant; give when, and QEMU's word for it."""
        async def look() -> tuple[float, str] | None:
            resets = self.host(host).command("status")["resets"]
            assert isinstance(resets, list)
            return next(((float(at), str(word)) for at, word in resets if at > after and word == "RESET"), None)

        return await self.wait(look, 10.0, f"{host} was not reset")

    async def back(self, host: str) -> None:
        """Wait until a host that lost its life is a member again, and Xen answers."""
        began = time.monotonic()
        await asyncio.to_thread(self.shell(host).wait)
        await self.wait_node(host, 20.0)
        self.tell.saw(f"{host} is a member again after {time.monotonic() - began:.0f} s")


def ended_since(said: str, since: float) -> list[tuple[int, float]]:
    """Give the exit code and the seconds of each run that began after an instant, out of what a host's agent keeps.

    A run that a reset of the host cut off has no order any more.
    """
    found = []
    for line in said.splitlines():
        order, _, ended = line.rpartition("} ")
        if not order:
            continue
        code, _, seconds = ended.split()
        if float(json.loads(f"{order}}}")["started_at_s"]) > since:
            found.append((int(code), float(seconds)))
    return found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return []
