"""Idle: a cluster that nothing happens to must fence nobody, and move nothing.

Two parts. *Simulated*: lives of a day in the simulator, with fence devices everywhere and nothing to do; every order to
fence, every proof and every start counts as false. *Real*: a rack with fence devices everywhere, while as many
processes as twice the cores keep the computer busy; every suspicion that fences, every lost session and every reset
counts.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import rig

from stanchion.lab import processes
from stanchion.lab.fencing import equip
from stanchion.model.cluster import Change, Proof
from stanchion.model.cluster import Record as Written
from stanchion.model.fencing import Fencing
from stanchion.model.timing import Profile
from stanchion.sim.court import Court, Judge
from stanchion.sim.draw import draw
from stanchion.sim.host import Record
from stanchion.sim.life import play
from stanchion.sim.strikes import Strike, What

HOUR_S = 3600.0


class Alarms(Judge):
    """Counts what must not happen where nothing happens."""

    invariant = "idle"

    def written(self, change: Change, before: Written | None) -> None:  # noqa: ARG002 - a judge hears both
        """A fencing or a proof is a false alarm."""
        if isinstance(change.value, Fencing | Proof):
            self.find(f"a false alarm: {change.value}")

    def executed(self, record: Record) -> None:
        """So is a machine that begins or ends."""
        self.find(f"{record.machine} {'begins' if record.begins else 'ends'} on {record.host}")


def simulated(hours: float, profile: Profile) -> None:
    """Play a life in which nothing happens, and say what came of it."""
    drawn = draw(1, nodes=3, strikes=0)
    nothing = (Strike(at_s=hours * HOUR_S, what=What.SCRIPTS_WELL),)
    life = replace(drawn, strikes=nothing, devices=drawn.nodes, bare=(), profile=profile)

    def watch(court: Court) -> Callable[[Strike], None]:
        court.judges.append(Alarms(court))
        return lambda _: None

    began = time.monotonic()
    played = play(life, watch)
    took_s = time.monotonic() - began
    print(f"| simulated, {profile} | {played.lasted_s / HOUR_S:.1f} hours, played in {took_s:.0f} s | "
          f"{len(played.violations)} false alarms |", flush=True)
    for violation in played.violations[:5]:
        print(f"  {violation.told()}")


async def real(minutes: float, profile: str) -> None:
    """Keep a real cluster and the computer busy with nothing, and say what came of it."""
    with rig.cluster(profile) as made:
        made.up()
        async with rig.client(made) as client:
            await rig.all_up(client)
            await equip(client, made.lab)
            await asyncio.sleep(5.0)
            first = await rig.all_up(client)
            before = {host.name: host.command("status") for host in made.lab.hosts}
            since = (await client.events(limit=1)).last
            with _busy(2 * (os.cpu_count() or 1)):
                await asyncio.sleep(minutes * 60)
                load = rig.load()
            last = await rig.all_up(client)
            events = (await client.events(after=since, limit=500)).events
            after = {host.name: host.command("status") for host in made.lab.hosts}
        told = [event.reason.text for event in events]
        lives = sum(before[name]["boot"] != after[name]["boot"] or before[name]["agent"] != after[name]["agent"]
                    for name in before)
        print(f"| real, {profile} | {minutes:g} minutes at load {load:.1f} | {len(told)} lines of history, {lives} "
              f"hosts or agents started anew, epoch {first.cluster.epoch} to {last.cluster.epoch} |", flush=True)
        for line in told[:10]:
            print(f"  {line}")


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """Keep so many processes busy with nothing."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"], stdin=subprocess.DEVNULL,
                                 preexec_fn=processes.die_with_parent)  # noqa: PLW1509 - one system call
                for _ in range(count)]
    try:
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="bench/idle", description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=24.0, help="simulated hours for each profile; 0: none")
    parser.add_argument("--minutes", type=float, default=10.0, help="real minutes for each profile; 0: none")
    parser.add_argument("--profile", choices=("fast", "default", "tolerant"), action="append", help="default: two")
    given = parser.parse_args()
    print(f"# {rig.machine()}")
    profiles = given.profile or ["default", "fast"]
    if given.hours:
        for profile in profiles:
            simulated(given.hours, Profile(profile))
    if given.minutes:
        rig.enter()
        for profile in profiles:
            asyncio.run(real(given.minutes, profile))


if __name__ == "__main__":
    sys.exit(rig.run(main))
