"""What operators order for nodes and for the whole cluster: pauses, drains, hosts that shut down, all down and up.

Drawn apart from the rest of a life, so that all else stays what the seed says. A host that shuts down does what its
unit does: the hand-over is ordered, some time is given to it, and then the power is gone, whatever has come of it.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from stanchion.model.cluster import Key, Kind
from stanchion.model.ids import NOTHING, NodeName
from stanchion.model.orders import Verb
from stanchion.model.standing import Down, Pause, Shutdown, Standing
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.sim.strikes import Strike, What
from stanchion.sim.world import World

SHARE = 0.35
"""In so many lives some of this happens."""

KINDS = (What.DRAIN, What.DRAIN, What.HAND_OVER, What.HAND_OVER, What.HAND_OVER, What.PAUSED, What.PAUSED, What.DOWN)
LASTS_S = (0.5, 3.0, 10.0, 30.0, 90.0)
BOOTS_S = (0.0, 2.0, 12.0, 40.0)

STANDING = frozenset({What.PAUSED, What.RESUMED, What.DOWN, What.UP, What.POLICY})
"""What is ordered for the whole cluster."""

ENDS = {What.DRAIN: What.UNDRAIN, What.PAUSED: What.RESUMED, What.DOWN: What.UP}


def verbs(seed: int, nodes: tuple[str, ...], until_s: float) -> tuple[Strike, ...]:
    """Draw what is ordered in one life."""
    chance = Random(f"{seed} verbs")  # noqa: S311 - weather, not secrets
    if chance.random() >= SHARE:
        return ()
    policy = Strike(at_s=0.0, what=What.POLICY, detail=chance.choice(list(Shutdown)).value)
    times = chance.choice((1, 2, 4))
    return (policy, *(strike for _ in range(times) for strike in _verb(chance, nodes, chance.uniform(0.0, until_s))))


def _verb(chance: Random, nodes: tuple[str, ...], at_s: float) -> Iterator[Strike]:
    what, lasts_s = chance.choice(KINDS), chance.choice(LASTS_S)
    node = chance.choice(nodes) if what in {What.DRAIN, What.HAND_OVER} else ""
    by_itself = what is What.PAUSED and chance.random() < 0.5  # noqa: PLR2004 - half
    yield _strike(at_s, what, node, lasts_s if by_itself else 0.0)
    if what is What.HAND_OVER:
        yield _strike(at_s + lasts_s, What.POWER_OFF, node)
        yield _strike(at_s + lasts_s + chance.choice(BOOTS_S), What.POWER_ON, node)
    elif not by_itself and chance.random() < 0.8:  # noqa: PLR2004 - some are forgotten
        yield _strike(at_s + lasts_s, ENDS[what], node)
    if what is What.DOWN and chance.random() < 0.5:  # noqa: PLR2004 - half
        for each in nodes:
            yield _strike(at_s + lasts_s / 2, What.POWER_OFF, each)
            yield _strike(at_s + lasts_s / 2 + chance.choice(BOOTS_S), What.POWER_ON, each)


def _strike(at_s: float, what: What, node: str = "", amount: float = 0.0) -> Strike:
    return Strike(at_s=round(at_s, 6), what=what, node=node, amount=amount)


async def stand(world: World, what: What, amount: float = 0.0, detail: str = "") -> None:
    """Write what is ordered for the whole cluster, as the API does: guarded by what stands there."""
    while True:
        view, now_s = await world.view(), world.clock.now().wall_s
        if what is What.POLICY:
            assert view.settings is not None
            put, held = Put(replace(view.settings.value, shutdown=Shutdown(detail))), view.settings.revision
        else:
            now = view.standing.value if view.standing else Standing()
            boots = tuple(sorted({view.sessions[node].value.boot for node in view.live}))
            fresh = {
                What.PAUSED: replace(now, pause=Pause(by="operator", since_s=now_s,
                                                      until_s=now_s + amount if amount else 0.0)),
                What.RESUMED: replace(now, pause=replace(now.pause, ended_at_s=now_s) if now.pause else None),
                What.DOWN: replace(now, down=now.down or Down(by="operator", at_s=now_s, boots=boots)),
                What.UP: replace(now, down=None),
            }[what]
            put, held = Put(fresh), view.standing.revision if view.standing else NOTHING
        guard = Guard(Key(Kind.SETTINGS if what is What.POLICY else Kind.STANDING), held)
        if isinstance(await world.operator.commit(Transaction(guards=(guard,), puts=(put,))), Committed):
            return


async def hand_over(world: World, node: NodeName) -> None:
    """Order a host's hand-over as the API does: of this life of the host, and only of a member."""
    view = await world.view()
    if node in view.live and node in view.sessions:
        await world.give(Verb.HAND_OVER, node=node, boot=view.sessions[node].value.boot)


async def end(world: World) -> None:
    """End all of it."""
    await stand(world, What.RESUMED)
    await stand(world, What.UP)
