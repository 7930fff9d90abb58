"""The stage on which the steps play: a lab of three hosts, three machines, and a client that speaks to the cluster."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from stanchion.client import Client, find
from stanchion.lab.cluster import Lab, LabHost
from stanchion.lab.demo.machines import DemoMachine, Tick
from stanchion.lab.demo.telling import Teller
from stanchion.lab.linux_guest import LinuxGuest
from stanchion.model.errors import StanchionError
from stanchion.model.state import State
from stanchion.wire.replies import NodeInfo, ResourceInfo, Status

Seen = TypeVar("Seen")

LOOK_AGAIN_S = 0.03
"""How soon to look again while waiting, in seconds."""

CLI_WITHIN_S = 60.0
"""How long one command of the command line may take, in seconds."""


class StepFailed(Exception):
    """What a step saw is not what must be; the text says both."""


class Stage:
    """Everything that a step can reach. ``patience``: so many times as long as usual things may take in this lab."""

    def __init__(self, lab: Lab, teller: Teller, machines: tuple[DemoMachine, ...], *, patience: float = 1.0) -> None:
        self.lab = lab
        self.tell = teller
        self.machines = machines
        self.patience = patience
        self._environment = lab.environment()
        self.client = Client(find(env=os.environ | self._environment))
        self.suspect_s = self.lease_s = self.fence_s = 0.0

    def machine(self, name: str) -> DemoMachine:
        """Find a machine by its name."""
        return next(machine for machine in self.machines if machine.name == name)

    def host(self, name: str | None) -> LabHost:
        """Find a host by its name."""
        return self.lab.host(str(name))

    async def resource(self, name: str) -> ResourceInfo:
        """Ask the cluster about a resource."""
        return await self.client.resource(name)

    async def wait(self, look: Callable[[], Awaitable[Seen | None]], within_s: float, otherwise: str) -> Seen:
        """Look again and again until there is something; a node that does not answer meanwhile is no fault yet.

        Raises ``StepFailed`` with ``otherwise`` and what the last look met.
        """
        within_s *= self.patience
        deadline = time.monotonic() + within_s
        while True:
            fault = ""
            try:
                if seen := await look():
                    return seen
            except StanchionError as error:
                fault = f" ({error})"
            if time.monotonic() > deadline:
                raise StepFailed(f"{otherwise} within {within_s:g} s{fault}")
            await asyncio.sleep(LOOK_AGAIN_S * self.patience)

    async def wait_running(self, name: str, node: str | None = None, within_s: float = 20.0) -> ResourceInfo:
        """Wait until the cluster says that a resource runs, on that node where one is named."""
        async def look() -> ResourceInfo | None:
            now = await self.resource(name)
            return now if now.state is State.RUNNING and node in {None, now.node} else None

        return await self.wait(look, within_s, f"{name} did not run{f' on {node}' if node else ''}")

    async def wait_tick(self, machine: DemoMachine, accept: Callable[[Tick], bool], within_s: float = 15.0) -> Tick:
        """Wait until a machine's last tick is one that will do."""
        async def look() -> Tick | None:
            tick = machine.last()
            return tick if tick is not None and accept(tick) else None

        return await self.wait(look, within_s, f"{machine.name} did not tick as it should; last {machine.last()}")

    async def wait_goes_on(self, machine: DemoMachine, since: Tick, lines: int = 3) -> Tick:
        """Wait until a machine has ticked on by some lines; a new boot is a fault."""
        tick = await self.wait_tick(
            machine, lambda tick: tick.nonce != since.nonce or tick.counter >= since.counter + lines)
        if tick.nonce != since.nonce:
            raise StepFailed(f"{machine.name} was started anew: boot {since.nonce} became {tick.nonce}")
        return tick

    async def wait_node(self, name: str, within_s: float = 15.0) -> NodeInfo:
        """Wait until a node is a member."""
        async def look() -> NodeInfo | None:
            return next((node for node in (await self.client.nodes()).nodes
                         if node.name == name and node.state == "up"), None)

        return await self.wait(look, within_s, f"{name} did not join")

    async def places(self) -> dict[str, str | None]:
        """Ask where each resource is."""
        return {each.name: each.node for each in (await self.client.resources()).resources}

    async def last_event(self) -> str:
        """Give the id of the newest event, to read from there later."""
        return (await self.client.events(limit=1)).last

    async def cli(self, *words: str) -> str:
        """Run the real command line as a person would, show it and what it says. Raises ``StepFailed``."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "stanchion", *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | self._environment | {"COLUMNS": str(self.tell.columns), "NO_COLOR": "1"})
        try:
            said, _ = await asyncio.wait_for(process.communicate(), CLI_WITHIN_S * self.patience)
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
            raise
        text = said.decode(errors="replace")
        self.tell.command(("stanchion", *words), text)
        if process.returncode != 0:
            raise StepFailed(f"`stanchion {' '.join(words)}` ended with {process.returncode}")
        return text

    async def all_up(self) -> Status:
        """Wait until every node is a member and the cluster has a master; learn the timers."""
        async def look() -> Status | None:
            now = await self.client.status()
            up = [node for node in now.nodes if node.state == "up"]
            return now if len(up) == len(self.lab.hosts) and now.cluster.master else None

        status = await self.wait(look, 20, f"the cluster did not form: see {self.lab.directory}/node*/agent.log")
        timing = await self.client.timing()
        self.suspect_s, self.lease_s, self.fence_s = timing.suspect_s, timing.lease_s, timing.fence_s
        return status

    def audit(self) -> None:
        """Raise ``StepFailed`` when any machine's own log shows what must never be."""
        for machine in self.machines:
            if fault := machine.fault():
                raise StepFailed(fault)


def machines_in(directory: Path, linux: LinuxGuest | None) -> tuple[DemoMachine, ...]:
    """Make the demo's three machines: two that migrate live, and one whose monitor is on.

    The third is always the boot sector, because that one can be made to hang.
    """
    live, cold = "QemuLive_Template", "Qemu_Template"
    return (DemoMachine("web", live, ("node1", "node2", "node3"), directory, linux=linux),
            DemoMachine("db", live, ("node2", "node1", "node3"), directory, linux=linux),
            DemoMachine("mail", cold, ("node3", "node1", "node2"), directory))
