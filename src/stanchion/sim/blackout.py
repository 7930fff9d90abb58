"""The store is gone for everybody, for long: that is when nodes live by each other's consent (``agent.failsafe``).

Drawn apart from the rest of a life, so that all else stays what the seed says. Some find the store later than others,
one may have had it all along, and in the middle of it somebody may fall silent, which ends the consent of all.
"""

from collections.abc import Iterator
from random import Random

from stanchion.sim.strikes import MADE_GOOD, Strike, What

SHARE = 0.25
"""In so many lives the store is gone for long."""

LASTS = (0.5, 1.5, 3.0, 8.0)
LATER = (0.05, 0.2, 0.4, 0.8, 1.2, 2.5)
"""How long it lasts, and how much later some are back, in lengths of a lease."""


def blackouts(seed: int, nodes: tuple[str, ...], until_s: float, lease_s: float) -> tuple[Strike, ...]:
    """Draw the blackouts of one life."""
    chance = Random(f"{seed} blackout")  # noqa: S311 - weather, not secrets
    if chance.random() >= SHARE:
        return ()
    times = chance.choice((1, 1, 2))
    return tuple(strike for _ in range(times)
                 for strike in _blackout(chance, nodes, chance.uniform(0.0, until_s), lease_s))


def _blackout(chance: Random, nodes: tuple[str, ...], from_s: float, lease_s: float) -> Iterator[Strike]:
    lasts_s = chance.choice(LASTS) * lease_s
    reached = chance.choice(nodes) if chance.random() < 0.2 else ""  # noqa: PLR2004 - now and then
    if not reached:
        yield _strike(from_s, What.OUTAGE)
        yield _strike(from_s + lasts_s, What.BACK)
    for node in nodes:
        if node != reached and (reached or chance.random() < 0.4):  # noqa: PLR2004 - some come later
            yield _strike(from_s, What.CUT, node)
            yield _strike(from_s + lasts_s + chance.choice(LATER) * lease_s, What.JOIN, node)
    if chance.random() < 0.5:  # noqa: PLR2004 - half
        what, at_s = chance.choice((What.KILL, What.PAUSE, What.DEAF)), from_s + chance.uniform(0.0, 1.2) * lasts_s
        node, other = chance.choice(nodes), chance.choice((*nodes, ""))
        yield _strike(at_s, what, node, other if what is What.DEAF and other != node else "")
        yield _strike(at_s + chance.choice(LATER) * lease_s, MADE_GOOD[what], node)


def _strike(at_s: float, what: What, node: str = "", detail: str = "") -> Strike:
    return Strike(at_s=round(at_s, 6), what=what, node=node, detail=detail)
