"""``stanchion sim``: the simulator from the command line."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

app = App(name="sim", help="The agent's own code on virtual time: hunt for a second copy, replay what was found.")

PROGRESS_S = 10.0
"""How often a swarm says how far it is, in seconds."""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@app.command
def run(*, seed: int, nodes: int | None = None, strikes: int | None = None, short: bool = False) -> int:
    """Play one life and tell every event of it, with a column for each node.

    Parameters
    ----------
    seed
        Which life: the same seed is the same life, everywhere and always.
    nodes
        How many nodes; without it the seed says.
    strikes
        How often something happens.
    short
        Minutes of chaos instead of half an hour.
    """
    from stanchion.sim.draw import draw
    from stanchion.sim.life import play
    from stanchion.sim.trace import tracer

    life = draw(seed, nodes=nodes, strikes=strikes, short=short)
    for line in life.told():
        _say(line)
    played = play(life, tracer(_say))
    for violation in played.violations:
        _say(violation.told())
    _say(f"seed {seed}: {played.lasted_s:.1f} s of virtual time, {len(played.violations)} violations")
    return 1 if played.violations else 0


@app.command
def swarm(*, seed: int = 0, count: int = 100, jobs: int = 1, short: bool = False,
          out: Path = Path("sim-failures")) -> int:
    """Play many lives; those that break something are made smaller and written to files.

    Parameters
    ----------
    seed
        The first seed.
    count
        How many.
    jobs
        How many processes play them.
    short
        Minutes of chaos instead of half an hour.
    out
        The directory for the lives that broke something.
    """
    from stanchion.sim import swarm as many

    began = time.monotonic()
    broken = many.swarm(range(seed, seed + count), jobs=jobs, short=short, told=_progress(count, began))
    for story in broken:
        assert story.violation is not None
        _say(f"seed {story.seed}: {story.violation.told()}")
        path, life = many.keep(story, out, short=short)
        size = f"{len(life.strikes)} strikes, {len(life.nodes)} nodes, {len(life.parts)} resources"
        _say(f"  made smaller, {size}: {path}")
    _say(f"{count} histories, {len(broken)} violations")
    return 1 if broken else 0


def _progress(count: int, began: float) -> Callable[["object"], None]:
    """Give what tells how far a swarm is: now and then, and at its end."""
    from stanchion.sim.swarm import Story

    lives, virtual_s, spoke = 0, 0.0, began

    def told(story: object) -> None:
        nonlocal lives, virtual_s, spoke
        assert isinstance(story, Story)
        lives, virtual_s = lives + 1, virtual_s + story.lasted_s
        now = time.monotonic()
        if lives == count or now - spoke >= PROGRESS_S:
            spoke = now
            speed = virtual_s / 3600 / max(now - began, 0.001) * 60
            _say(f"{lives} of {count} lives, {virtual_s / 3600:.1f} simulated hours, "
                 f"{speed:.1f} simulated hours per minute")

    return told


Files = Annotated[list[Path], Parameter(negative="")]


@app.command
def replay(files: Files, /, *, table: Path | None = None) -> int:
    """Play scenario files: pass, differs or fail for each. Exit code 1 when any fails.

    Parameters
    ----------
    files
        Lives that a swarm wrote (JSON), or neutral scenarios (YAML, neutral-ha-scenarios/1).
    table
        Write the results of the neutral scenarios there as a page of Markdown.
    """
    from stanchion.sim.replay import page, replayed

    results = [result for file in files for result in replayed(file)]
    for result in results:
        _say(result.told())
    if table is not None:
        table.write_text(page(results), encoding="utf-8")
    failed = sum(result.verdict == "fail" for result in results)
    _say(f"{sum(result.verdict == 'pass' for result in results)} passed, {failed} failed")
    return 1 if failed else 0
