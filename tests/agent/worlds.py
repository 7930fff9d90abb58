"""How these tests tell a story: a pretend cluster on virtual time, and what happens to it."""

from collections.abc import Awaitable, Callable, Sequence

from stanchion.model.cluster import Settings
from stanchion.sim import loop
from stanchion.sim.world import World, cluster


def play(story: Callable[[World], Awaitable[None]], nodes: Sequence[str] = ("a", "b", "c"), *,
         settings: Settings | None = None, has_watchdog: bool = True) -> None:
    """Play a story to its end; no machine may ever have executed on two hosts."""

    async def main() -> None:
        async with cluster(nodes, settings=settings, has_watchdog=has_watchdog) as world:
            await story(world)

    loop.run(main)
