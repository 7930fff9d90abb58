"""Runs the nemesis: ``./scripts/lab``, or as root ``python -m stanchion.lab.nemesis``.

Storm and calm take turns until the time is over. After every calm the judges look at all that was seen; the first
thing that must not be ends the run. Exit code 0: nothing was found; 1: something was, and what each part logged is
kept; 3: something that the lab needs is missing. Whatever happens, nothing is left running: Ctrl-C and every fault take
the same way out, the hosts' supervisors end by themselves when this process is killed, and the kernel takes the
network down with the last of them.
"""

import argparse
import asyncio
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stanchion.client import Client, find
from stanchion.lab import processes, witness
from stanchion.lab.cluster import short_directory
from stanchion.lab.demo.machines import DemoMachine
from stanchion.lab.nemesis.calm import SETTLE_S, Calm, NotCalm
from stanchion.lab.nemesis.draw import Drawer
from stanchion.lab.nemesis.history import History
from stanchion.lab.nemesis.judges import failovers, overdue, second_copies
from stanchion.lab.nemesis.storm import Storm
from stanchion.lab.rack import Rack, rack
from stanchion.lab.witness import Witness
from stanchion.model.errors import HostError, StanchionError
from stanchion.wire.requests import MonitoringChange, ResourceChange, ResourceCreate

MISSING = 3
"""Exit code for a machine that lacks what the lab needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for."""

    minutes: float
    nodes: int
    guests: int
    seed: int
    profile: str
    out: Path


class Run:
    """One run on one rack."""

    def __init__(self, wanted: Wanted, made: Rack, history: History) -> None:
        self._wanted = wanted
        self._rack = made
        self._history = history
        self._witness = Witness(made.directory)
        names = made.nodes
        self._machines = [
            DemoMachine(f"vm{number}", "QemuLive_Template",
                        tuple(names[(number + at) % len(names)] for at in range(len(names))), made.machines)
            for number in range(wanted.guests)]
        self._heard = dict.fromkeys(names, 0)
        self._kept = 0

    async def play(self) -> list[str]:
        """Play until the time is over or something is found; give what was found."""
        self._witness.start()
        self._rack.up()
        async with Client(find(env=os.environ | self._rack.lab.environment())) as client:
            calm = Calm(self._rack, client, self._witness, self._machines, self._history)
            storm = Storm(self._rack, client, self._witness, self._history, self._wanted.seed)
            try:
                found = await self._turns(client, storm, calm)
            finally:
                await storm.drop()
                self._witness.stop()
                self._keep()
        spans = self._witness.spans()
        copies = sum(each.startswith("I1") for each in found)
        running = len({span.machine for span in spans if span.ended_at is None})
        which = "all " if running == self._wanted.guests else ""
        self._history.tell("end", f"{storm.count} strikes, {failovers(spans)} failovers, {copies} second copies, "
                                  f"{which}{running} resources running")
        return found

    async def _turns(self, client: Client, storm: Storm, calm: Calm) -> list[str]:
        drawer = Drawer(self._wanted.seed, self._rack.nodes, [member.node for member in self._rack.members],
                        [machine.name for machine in self._machines])
        until = time.monotonic() + self._wanted.minutes * 60
        try:
            await self._begin(client, calm)
            fence_s, granularity_s = await self._bounds(client)
            while True:
                await self._settle(calm)
                found = self._judge(storm, fence_s + granularity_s)
                if found or time.monotonic() > until:
                    return found
                devices = drawer.devices()
                await calm.equip(devices)
                self._history.tell("storm", f"-- all is well; fence devices now: {', '.join(devices) or 'none'}")
                for strike in drawer.storm():
                    await storm.strike(strike)
                    await asyncio.sleep(strike.pause_s)
                await storm.over()
                await calm.mend()
        except NotCalm as fault:
            status = await _status(client)
            self._history.note("status", status=status)
            return [str(fault), *self._judge(storm, 0.0)]

    async def _begin(self, client: Client, calm: Calm) -> None:
        """Wait for the cluster, and give it its machines."""
        deadline = time.monotonic() + SETTLE_S
        monitoring = MonitoringChange(enabled=True, interval_s=2.0, max_failures=3, window_s=120.0)
        for machine in self._machines:
            machine.write()
            overrides = ResourceChange(monitoring=monitoring, preferred=machine.preferred)
            parameters = {"CONFIG": str(machine.config), "SHUTDOWN_TIMEOUT": "0"}
            asked = ResourceCreate(name=machine.name, template=machine.template, parameters=parameters,
                                   overrides=overrides)
            while True:
                try:
                    await client.create(asked)
                    break
                except StanchionError as fault:
                    if time.monotonic() > deadline:
                        raise NotCalm(f"the cluster did not form: {fault}") from None
                    await asyncio.sleep(0.2)
        await calm.mend()

    async def _settle(self, calm: Calm) -> None:
        begun = time.monotonic()
        await calm.settle()
        self._history.note("settled", after_s=round(time.monotonic() - begun, 1))

    async def _bounds(self, client: Client) -> tuple[float, float]:
        timing = await client.timing()
        return timing.fence_s, timing.granularity_s

    def _judge(self, storm: Storm, within_s: float) -> list[str]:
        """Let all judges look; what they find is told."""
        spans = self._witness.spans()
        found = second_copies(spans) + [f"I1: {fault}" for machine in self._machines if (fault := machine.fault())]
        if within_s:
            found += overdue(spans, storm.felt, within_s)
        found += [f"{node}'s agent met what nobody foresaw: {trouble}" for node in self._rack.nodes
                  for trouble in self._tracebacks(node)]
        return found

    def _tracebacks(self, node: str) -> list[str]:
        text = (self._rack.host(node).directory / "agent.log").read_text(encoding="utf-8", errors="replace")
        return [found.splitlines()[-1] for found in re.findall(r"Traceback.*?\n(?:\w[^\n]*)", text, re.DOTALL)]

    def _keep(self) -> None:
        """Keep what the witness saw."""
        for span in self._witness.spans():
            self._history.note("span", at=span.began_at, span=span)


async def _status(client: Client) -> object:
    try:
        return (await client.status()).model_dump(mode="json")
    except StanchionError as fault:
        return str(fault)


def run(wanted: Wanted) -> bool:
    """Run once from an empty directory to nothing left; whether nothing was found."""
    directory = short_directory()
    history = History(wanted.out / f"seed-{wanted.seed}.jsonl")
    right = False
    try:
        os.environ.update(witness.install(directory))
        processes.leave_network()
        with rack(directory, wanted.nodes, wanted.profile) as made:
            history.tell("begin", f"a rack of {wanted.nodes} hosts in {directory}, {wanted.guests} machines, profile "
                                  f"{wanted.profile}, seed {wanted.seed}, {wanted.minutes:g} minutes")
            found = asyncio.run(Run(wanted, made, history).play())
        right = not found
        for each in found:
            history.tell("found", f"FOUND {each}")
    except KeyboardInterrupt:
        right = True
        raise
    finally:
        if right:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            history.tell("kept", f"What each part logged is kept in {directory}: node*/*.log, machines/*.serial.")
        print(f"The history of this run is in {history.path}.")
        history.close()
    return right


def main(arguments: Sequence[str]) -> int:
    """Read the options, run, and give the exit code."""
    parser = argparse.ArgumentParser(prog="./scripts/lab", description=(
        "A rack of pretend hosts with networks, etcd members and real virtual machines of their own, on which "
        "everything goes wrong again and again. Needs root. The same seed draws the same strikes."))
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (default 5)")
    parser.add_argument("--nodes", type=int, default=3, choices=range(3, 6), help="how many hosts, 3 to 5")
    parser.add_argument("--guests", type=int, default=6, help="how many virtual machines (default 6)")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn (default 1)")
    parser.add_argument("--profile", choices=("fast", "default", "tolerant"), default="default", help="the timers")
    parser.add_argument("--out", type=Path, default=Path("lab-history"), help="where the history is written")
    wanted = Wanted(**vars(parser.parse_args(arguments)))
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.default_int_handler)
    try:
        return 0 if run(wanted) else 1
    except (HostError, OSError) as error:
        print(f"The lab cannot run: {error}", file=sys.stderr)
        return MISSING
    except KeyboardInterrupt:
        print("Interrupted; everything that was started has been ended.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
