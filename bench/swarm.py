"""How fast the simulator is: long lives, one after the other in one process, and what each of them costs.

The processor's time is measured, not the clock on the wall: what else the computer does meanwhile is no property of
the simulator.
"""

import statistics
import sys
import time
from collections.abc import Sequence

from stanchion.sim.swarm import tell


def measured(first: int, count: int) -> tuple[list[float], list[float]]:
    """Play lives; give the seconds of processor time of each, and the simulated hours for a minute of it."""
    costs, speeds = [], []
    for seed in range(first, first + count):
        began = time.process_time()
        story = tell(seed)
        assert story.violation is None, (seed, story.violation.told())
        cost_s = time.process_time() - began
        costs.append(cost_s)
        speeds.append(story.lasted_s / 3600 / cost_s * 60)
    return costs, speeds


def main(words: Sequence[str]) -> None:
    """Measure and tell."""
    count, first = (int(words[0]) if words else 20), (int(words[1]) if len(words) > 1 else 0)
    for name, figures in zip(("s of processor time for a life", "simulated hours per processor minute"),
                             measured(first, count), strict=True):
        low, middle, high = min(figures), statistics.median(figures), max(figures)
        sys.stdout.write(f"{name}: {low:.2f} / {middle:.2f} / {high:.2f} (min / median / max of {count} lives)\n")


if __name__ == "__main__":
    main(sys.argv[1:])
