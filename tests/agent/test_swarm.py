"""Random lives of a pretend cluster: chaos drawn from a seed, then calm, in which all must settle.

Half the lives that are played here hold agents alone: killed, ended and stopped for a while, several at once; then no
machine may be touched. ``STANCHION_SWARM`` says how many lives, ``STANCHION_SWARM_BASE`` at which seed they begin;
for more there is ``stanchion sim swarm``.
"""

import os

import pytest

from stanchion.sim.draw import draw
from stanchion.sim.life import play
from stanchion.sim.swarm import tell

BASE = int(os.environ.get("STANCHION_SWARM_BASE", "0"))
COUNT = int(os.environ.get("STANCHION_SWARM", "500"))
BATCH = 20


@pytest.mark.parametrize("first", range(BASE, BASE + COUNT, BATCH))
def test_nothing_runs_twice_and_everything_settles(first: int) -> None:
    """Short lives, some with every fault and some with few; then three minutes to settle."""
    for seed in range(first, min(first + BATCH, BASE + COUNT)):
        story = tell(seed, short=True)
        assert story.violation is None, (seed, story.violation)


@pytest.mark.parametrize("first", range(BASE, BASE + COUNT // 10, 10))
def test_restarts_of_agents_alone_touch_no_machine(first: int) -> None:
    """Agents are killed, ended and stopped for less than K, several at once, while nothing else is wrong."""
    for seed in range(first, first + 10):
        assert play(draw(seed, short=True, alone=True)).violations == (), seed
