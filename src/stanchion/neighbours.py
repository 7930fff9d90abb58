"""Looking at other clusters on behalf of the API: all of them at once, each for a moment, and not again for a while.

However many people look at their clusters, each neighbour is asked once in five seconds at most, by each agent; and
however many neighbours hang, a look ends after three.
"""

import asyncio
import importlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stanchion.model.errors import HostError, NoAnswer
from stanchion.model.neighbour import Glimpse, Neighbour
from stanchion.model.state import State
from stanchion.ports import Clock

if TYPE_CHECKING:
    from stanchion.wire.overview import Overview

WITHIN_S = 3.0
GOOD_S = 5.0
"""How long a glimpse is good."""

AT_ONCE = 10
PURPOSE = "a neighbour's token"

Ask = Callable[..., Awaitable[tuple[str, "Overview"]]]


@dataclass(frozen=True, slots=True)
class _Kept:
    of: Neighbour
    seen: Glimpse
    until_s: float


class ClusterNeighbours:
    """Looks at neighbours. ``secret`` gives the cluster's secret as it stands on this host now."""

    def __init__(self, secret: Callable[[], str], clock: Clock, ask: Ask | None = None) -> None:
        self._secret = secret
        self._clock = clock
        self._ask = ask
        self._kept: dict[str, _Kept] = {}
        self._looking: dict[str, asyncio.Task[Glimpse]] = {}
        self._free = asyncio.Semaphore(AT_ONCE)

    def sealed(self, token: str) -> str:
        """Seal a neighbour's token for the store. Raises ``HostError``."""
        # Imported where it is used, like the client: most clusters have no neighbours, and the libraries are large.
        from stanchion.trust.sealing import sealed

        return sealed(token, self._secret(), PURPOSE)

    def fault(self, authority: str) -> str:
        """Say what is wrong with the certificate of an authority; empty: nothing."""
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=authority)
        except (ssl.SSLError, ValueError):
            return "the authority's certificate is not one in PEM; copy the file ca.crt of a host of that cluster"
        return ""

    async def look(self, at: Sequence[Neighbour]) -> tuple[Glimpse, ...]:
        """Look at these neighbours, all at once."""
        return tuple(await asyncio.gather(*map(self._look, at)))

    async def _look(self, at: Neighbour) -> Glimpse:
        kept = self._kept.get(at.name)
        if kept is not None and kept.of == at and self._clock.now().mono_s < kept.until_s:
            return kept.seen
        looking = self._looking.get(at.name)
        if looking is None:
            looking = self._looking[at.name] = asyncio.create_task(self._fresh(at))
            looking.add_done_callback(lambda _: self._looking.pop(at.name, None))
        return await asyncio.shield(looking)

    async def _fresh(self, at: Neighbour) -> Glimpse:
        async with self._free:
            seen = replace(await self._asked(at), at_s=self._clock.now().wall_s)
        self._kept[at.name] = _Kept(at, seen, self._clock.now().mono_s + GOOD_S)
        return seen

    async def _asked(self, at: Neighbour) -> Glimpse:
        from stanchion.trust.sealing import opened

        try:
            token = opened(at.sealed_token, self._secret(), PURPOSE)
            if self._ask is None:
                client = await asyncio.to_thread(importlib.import_module, "stanchion.client.glimpse")
                self._ask = client.glimpse
            url, told = await self._ask(at.urls, token, authority=at.authority, within_s=WITHIN_S)
        except (NoAnswer, HostError) as problem:
            return Glimpse(text=f"{at.name} cannot be looked at: {problem}.")
        return _seen(url, told)


def _seen(url: str, of: "Overview") -> Glimpse:
    counts = {one.state: one.count for one in of.counts}
    return Glimpse(
        text=of.text, health=of.health, cluster=of.cluster.name, reasons=of.reasons, nodes=len(of.nodes),
        nodes_up=sum(node.state == "up" for node in of.nodes), resources=sum(counts.values()),
        running=counts.get(State.RUNNING, 0), url=url, version=of.cluster.version)
