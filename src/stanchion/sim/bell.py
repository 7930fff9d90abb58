"""The bell of a pretend host: it rings with every machine that begins or ends there, while it can be heard."""

import asyncio
from collections.abc import Sequence

from stanchion.model.resource import ResourceSpec
from stanchion.sim.host import PretendHost, Record


class PretendBell:
    """Port ``Bell``. ``deaf``: its hypervisor's daemon is away, and what happens meanwhile is never told."""

    def __init__(self, host: PretendHost) -> None:
        self.deaf = False
        self._host = host
        self._rung = asyncio.Event()
        self._machines: frozenset[str] = frozenset()
        host.nature.judges.append(self._heard)

    def listen(self, specs: Sequence[ResourceSpec]) -> None:
        """Listen for these machines."""
        self._machines = frozenset(spec.machine.name or spec.name for spec in specs)

    async def rung(self) -> None:
        """Wait until it rings."""
        await self._rung.wait()
        self._rung.clear()

    def _heard(self, record: Record) -> None:
        if record.host == self._host.name and record.machine in self._machines and not self.deaf:
            self._rung.set()
