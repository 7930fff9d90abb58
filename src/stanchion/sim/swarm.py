"""Many lives at once: one seed each, played in as many processes as are asked for.

Workers are handed seeds and hand back what came of them, so the order in which they finish does not matter: a seed
gives the same life wherever it is played.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from stanchion.sim import scenario
from stanchion.sim.court import Violation
from stanchion.sim.draw import draw
from stanchion.sim.life import play
from stanchion.sim.shrink import shrink
from stanchion.sim.strikes import Life


@dataclass(frozen=True, slots=True)
class Story:
    """What came of one seed."""

    seed: int
    violation: Violation | None
    lasted_s: float


def tell(seed: int, *, short: bool = False) -> Story:
    """Play the life of a seed."""
    played = play(draw(seed, short=short))
    return Story(seed, next(iter(played.violations), None), played.lasted_s)


def swarm(seeds: range, *, jobs: int, short: bool, told: Callable[[Story], None]) -> list[Story]:
    """Play the lives of all seeds; ``told`` hears each as it ends. Gives those that broke something."""
    broken = []
    for story in _each(partial(tell, short=short), seeds, jobs):
        told(story)
        if story.violation is not None:
            broken.append(story)
    return broken


def _each(work: Callable[[int], Story], seeds: range, jobs: int) -> Iterator[Story]:
    if jobs == 1:
        yield from map(work, seeds)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, seeds, chunksize=max(1, min(20, len(seeds) // (4 * jobs))))


def keep(story: Story, directory: Path, *, short: bool) -> tuple[Path, Life]:
    """Make the life of a seed that broke something smaller, and write it to a file."""
    assert story.violation is not None
    life = shrink(draw(story.seed, short=short), story.violation.invariant)
    played = play(life)
    told = played.violations[0].told() if played.violations else story.violation.told()
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"seed-{story.seed}.json"
    scenario.write(life, path, breaks=told)
    return path, life
