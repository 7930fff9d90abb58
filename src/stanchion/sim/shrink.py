"""Making a life that breaks something smaller, as long as it still breaks the same invariant.

First everything after the breach goes, then halves, quarters and single strikes, then whole nodes and resources with
what is theirs; then strikes again, since with fewer nodes fewer are needed. What is left is short enough to read.
"""

from collections.abc import Iterator
from dataclasses import replace

from stanchion.sim.life import play
from stanchion.sim.strikes import Life

TRIES = 300
"""So many lives are played at most to make one smaller."""


def shrink(life: Life, invariant: str, *, tries: int = TRIES) -> Life:
    """Give a smaller life that breaks the same invariant; the same life where there is none."""
    left = tries
    smaller = True
    while smaller and left > 0:
        smaller = False
        for candidate in _smaller(life):
            if left <= 0:
                break
            left -= 1
            if play(candidate).broken == invariant:
                life, smaller = candidate, True
                break
    return life


def _smaller(life: Life) -> Iterator[Life]:
    """Give smaller lives, the much smaller ones first."""
    count = len(life.strikes)
    size = max(1, count // 2)
    while count:
        for start in range(count - size, -size, -size):
            kept = life.strikes[:max(start, 0)] + life.strikes[start + size:]
            yield replace(life, strikes=kept)
        if size == 1:
            break
        size //= 2
    if len(life.nodes) > 1:
        yield from (life.without_node(node) for node in life.nodes)
    if len(life.parts) > 1:
        yield from (life.without_part(part.name) for part in life.parts)
