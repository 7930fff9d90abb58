"""Runs the demonstration: ``./scripts/demo``, or ``python -m stanchion.lab.demo``.

Whatever happens, nothing is left running, unless ``--keep`` asks for it: Ctrl-C, a failed step and the end all take
the same way out, and the hosts' supervisors end by themselves when this process is killed. The exit code is 0 when
every step saw what it must see, 1 when one did not, 3 when something that the demo needs is missing.
"""

import argparse
import asyncio
import io
import re
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stanchion.lab import linux_guest
from stanchion.lab.cluster import Lab, short_directory
from stanchion.lab.demo import calm, faults
from stanchion.lab.demo.stage import Stage, StepFailed, machines_in
from stanchion.lab.demo.telling import Outcome, Teller
from stanchion.lab.linux_guest import LinuxGuest
from stanchion.model.errors import StanchionError

MISSING = 3
"""Exit code for a machine that lacks what the demo needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: what it shows, what it does, and the steps that must have come before it."""

    name: str
    title: str
    shows: str
    act: Callable[[Stage], Awaitable[None]]
    needs: tuple[str, ...] = ()


SETTING = Step(name="start", title="Three hosts, three machines", act=calm.set_the_stage, shows=(
    "Three pretend hosts form a cluster; three virtual machines, each run by its own QEMU, are made from templates."))

STEPS = (
    Step(name="status", title="The cluster at rest", act=calm.look, shows=(
        "One look tells which hosts are up, who decides, and where each machine runs.")),
    Step(name="migrate", title="Live migration", act=calm.migrate, shows=(
        "A running machine moves to another host. Its counter goes on: it does not even notice.")),
    Step(name="power-cut", title="A host loses its power", act=faults.power_cut, shows=(
        "Everything on a host dies at once. Its fence device proves it off, and its machines start elsewhere.")),
    Step(name="rejoin", title="The lost host comes back", act=faults.rejoin, needs=("power-cut",), shows=(
        "It joins again by itself, and nothing moves merely because it did.")),
    Step(name="lease-cut", title="The same without a fence device", act=faults.lease_cut, shows=(
        "Nobody can reach the host or switch it off. The end of its lease is the proof: later, but as sure.")),
    Step(name="hang", title="A guest hangs", act=faults.hang, shows=(
        "The monitor finds it, restarts it where it is, and moves it when that does not help.")),
    Step(name="agent-kill", title="An agent is killed", act=faults.agent_kill, shows=(
        "The agent is not the machine: it comes back, takes up its machines, and nobody notices.")),
    Step(name="explain", title="Why is it where it is?", act=calm.explain, shows=(
        "Every decision carries its reason; the history tells all that happened.")),
)


async def play(stage: Stage, steps: Sequence[Step], outcomes: list[Outcome]) -> None:
    """Play the steps until one fails, and note how each ended."""
    async with stage.client:
        for step in steps:
            stage.tell.title(step.title, step.shows)
            begun, fault = time.monotonic(), ""
            try:
                await step.act(stage)
                stage.audit()
            except (StepFailed, StanchionError) as error:
                fault = str(error)
            outcome = Outcome(name=step.name, title=step.title, seconds=time.monotonic() - begun, fault=fault)
            outcomes.append(outcome)
            stage.tell.ended(outcome)
            if fault:
                return


def run_once(teller: Teller, steps: Sequence[Step], *, keep: bool = False, linux: LinuxGuest | None = None) -> bool:
    """Run one demo from an empty directory to nothing left; whether every step was right."""
    directory = short_directory()
    outcomes: list[Outcome] = []
    lab: Lab | None = None
    evidence = False
    try:
        lab = Lab.create(directory)
        lab.up(attached=not keep)
        evidence = True
        asyncio.run(play(Stage(lab, teller, machines_in(directory / "machines", linux)), steps, outcomes))
        evidence = any(outcome.fault for outcome in outcomes)
    except KeyboardInterrupt:
        evidence = False
        raise
    finally:
        right = len(outcomes) == len(steps) and not evidence
        if not (keep and right):
            _clean_up(lab, directory, teller, evidence=evidence)
    teller.summary(outcomes)
    if keep and right:
        teller.line("The cluster goes on running. Speak to it:")
        teller.lines([f'eval "$(stanchion lab env --dir {directory})"', "stanchion status --watch",
                     "stanchion user invite me --role administrator   # prints the link to the console",
                      f"stanchion lab power off node1 --dir {directory}", f"stanchion lab down --dir {directory}"])
    return right


def _clean_up(lab: Lab | None, directory: Path, teller: Teller, *, evidence: bool) -> None:
    """End all that was started; a second Ctrl-C must not stop that half-way. Evidence of a fault is kept."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if lab is not None:
            lab.down()
        if not evidence:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            teller.line(f"Everything was ended. What each part logged is kept in {directory}: node*/agent.log, "
                        "node*/supervisor.log, machines/*.serial.")
    finally:
        signal.signal(signal.SIGINT, before)


def run_many(times: int, steps: Sequence[Step], linux: LinuxGuest | None) -> bool:
    """Run several demos in a row, one line for each; the whole story only of one that failed."""
    teller, well = Teller(), 0
    for number in range(1, times + 1):
        story, begun = io.StringIO(), time.monotonic()
        right = run_once(Teller(story), steps, linux=linux)
        well += right
        teller.line(f"demo {number} of {times}: {'ok' if right else 'WRONG'}, {time.monotonic() - begun:.1f} s")
        if not right:
            teller.lines(story.getvalue().splitlines())
    teller.line(f"{well} of {times} demos ended well.", "bold" if well == times else "bold red")
    return well == times


def write_readme(readme: Path, steps: Sequence[Step]) -> bool:
    """Run one demo and put its story between the marks in the front page."""
    story = io.StringIO()
    right = run_once(Teller(story), steps)
    if right:
        told = "\n".join(line.rstrip() for line in story.getvalue().strip().splitlines())
        text = re.sub(r"(<!-- demo -->\n```\n).*?(\n```\n<!-- /demo -->)", lambda found: found[1] + told + found[2],
                      readme.read_text(encoding="utf-8"), flags=re.DOTALL)
        readme.write_text(text, encoding="utf-8")
    print(story.getvalue())
    return right


def chosen(only: str | None) -> tuple[Step, ...]:
    """Give the steps to play: all, or one with what it needs; the stage is always set."""
    if only is None:
        return (SETTING, *STEPS)
    step = next(step for step in STEPS if step.name == only)
    return (SETTING, *(each for each in STEPS if each.name in step.needs), step)


def main(arguments: Sequence[str]) -> int:
    """Read the options, run, and give the exit code."""
    parser = argparse.ArgumentParser(prog="./scripts/demo", description=(
        "Three pretend hosts on this machine, three real virtual machines, and what happens when things break. "
        "Every step checks itself."))
    parser.add_argument("--only", choices=[step.name for step in STEPS], help="play one step and what it needs")
    parser.add_argument("--keep", action="store_true", help="leave the cluster running, and say how to speak to it")
    parser.add_argument("--times", type=int, default=1, metavar="N", help="run N demos in a row, a line for each")
    parser.add_argument("--linux", action="store_true", help="let two of the machines run Linux (fetched by apt once)")
    parser.add_argument("--readme", action="store_true", help="put the story into README.md")
    given = parser.parse_args(arguments)
    if not (shutil.which("qemu-system-x86_64") or shutil.which("qemu-kvm", path="/usr/libexec:/usr/bin")):
        print("The demo needs QEMU: install the package qemu-system-x86, then run it again.", file=sys.stderr)
        return MISSING
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        linux = linux_guest.fetch(linux_guest.default_cache()) if given.linux else None
        if given.times > 1:
            right = run_many(given.times, chosen(given.only), linux)
        elif given.readme:
            right = write_readme(Path("README.md"), chosen(given.only))
        else:
            right = run_once(Teller(), chosen(given.only), keep=given.keep, linux=linux)
    except StanchionError as error:
        print(f"The demo cannot run: {error}", file=sys.stderr)
        return MISSING
    except KeyboardInterrupt:
        print("Interrupted; everything that was started has been ended.", file=sys.stderr)
        return 130
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
