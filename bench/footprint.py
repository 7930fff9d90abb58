"""Footprint: what a cluster takes of three hosts that are at rest, and how long it takes from no power to a machine.

On a rack (``stanchion.lab.rack``) with real virtual machines. *Cold start*: all hosts get their power at once; the time
until the first machine that was running before the power was lost executes again, by QEMU's own word. *At rest*: what
each agent and each etcd member holds of memory, and takes of a core, while nothing happens.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rig

from stanchion.client import Client
from stanchion.lab.demo.machines import DemoMachine
from stanchion.lab.rack import Rack, rack
from stanchion.lab.witness import Span, Witness
from stanchion.model.state import State
from stanchion.wire.requests import MonitoringChange, ResourceChange, ResourceCreate

DARK_S = 12.0
"""How long all hosts are off: longer than their leases last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one process takes: resident and proportional memory in MiB, and its share of a core."""

    name: str
    resident_mib: float
    proportional_mib: float
    core_share: float


async def measure(made: Rack, witness: Witness, machines: int, starts: int, rest_s: float) -> None:
    """Measure and say it."""
    made.up()
    async with rig.client(made) as client:
        await rig.all_up(client)
        await _create(client, made, machines)
        await _running(client)
        taken = await _at_rest(made, rest_s)
        for kind in ("agent", "etcd"):
            mine = [each for each in taken if each.name == kind]
            print(f"| {kind}, of each host, with {machines} monitored machines in the cluster | "
                  f"{_three([each.resident_mib for each in mine], 0)} MiB resident, "
                  f"{_three([each.proportional_mib for each in mine], 0)} MiB its proper share | "
                  f"{_three([100 * each.core_share for each in mine], 1)} % of a core |")
        cold = [await _cold(made, witness, client) for _ in range(starts)]
    print(f"| cold start, {len(cold)} times | {_three(cold, 2)} s from power on to the first machine | |")


def _three(values: list[float], digits: int) -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


async def _create(client: Client, made: Rack, count: int) -> None:
    for number in range(1, count + 1):
        machine = DemoMachine(f"vm{number}", "Qemu_Template", (), made.machines)
        machine.write()
        await client.create(ResourceCreate(
            name=machine.name, template=machine.template,
            parameters={"CONFIG": str(machine.config), "SHUTDOWN_TIMEOUT": "0"},
            overrides=ResourceChange(monitoring=MonitoringChange(enabled=True, interval_s=10.0))))
        await client.online(machine.name)


async def _running(client: Client) -> None:
    async def look() -> bool | None:
        return all(each.state is State.RUNNING for each in (await client.resources()).resources) or None

    await rig.until(look, "the machines did not start")


async def _at_rest(made: Rack, rest_s: float) -> list[Taken]:
    """Look at every agent and etcd member before and after a rest."""
    found: list[tuple[str, int]] = []
    for host in made.lab.hosts:
        programs = host.command("status")["programs"]
        assert isinstance(programs, dict)
        found += programs.items()
    await asyncio.sleep(5.0)
    began, before = time.monotonic(), [_cpu_s(pid) for _, pid in found]
    await asyncio.sleep(rest_s)
    passed = time.monotonic() - began
    return [Taken(name=name, resident_mib=_memory(pid, "Rss"), proportional_mib=_memory(pid, "Pss"),
                  core_share=(_cpu_s(pid) - used) / passed)
            for (name, pid), used in zip(found, before, strict=True)]


def _cpu_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int, what: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(f"{what}:")).split()[1]) / 1024


async def _cold(made: Rack, witness: Witness, client: Client) -> float:
    """Take all power away, give it back, and wait for the first machine; give the seconds."""
    await _running(client)
    await asyncio.gather(*(asyncio.to_thread(host.command, "power off") for host in made.lab.hosts))
    await asyncio.sleep(DARK_S)
    on = time.time()
    await asyncio.gather(*(asyncio.to_thread(host.command, "power on") for host in made.lab.hosts))

    async def first() -> Span | None:
        return next((span for span in witness.spans() if span.began_at > on), None)

    began = (await rig.until(first, "no machine started")).began_at
    await rig.all_up(client)
    return began - on


@contextmanager
def _witnessed(profile: str) -> Iterator[tuple[Rack, Witness]]:
    with rig.place() as directory:
        rig.enter(directory)
        with rack(directory, 3, profile) as made:
            witness = Witness(directory)
            witness.start()
            try:
                yield made, witness
            finally:
                witness.stop()


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="bench/footprint", description=__doc__.partition("\n")[0])
    parser.add_argument("--profile", choices=("fast", "default", "tolerant"), default="default")
    parser.add_argument("--machines", type=int, default=3)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--rest", type=float, default=60.0, metavar="S", help="how long to look at a cluster at rest")
    given = parser.parse_args()
    with _witnessed(given.profile) as (made, witness):
        print(f"# {rig.machine()}; load {rig.be_quiet(60.0):.2f}")
        asyncio.run(measure(made, witness, given.machines, given.starts, given.rest))


if __name__ == "__main__":
    sys.exit(rig.run(main))
