"""What passes between pretend hosts outside the store: signs of life, and the cables of the fence devices.

``Air`` carries signs of life between agents and can be cut, one way or both. ``PretendPower`` is the fence device of
every host: it really switches the host off, unless it is told to be slow, out of reach, lame (its commands end well
and do nothing), or to cry (they do their work and report an error).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stanchion.model.fencing import FenceDevice, Power
from stanchion.model.ids import NodeName
from stanchion.ports import Word
from stanchion.sim.consent import Consents
from stanchion.sim.host import Nature
from stanchion.sim.loop import apart


@dataclass
class Air:
    """The network between agents. ``cuts`` holds (from, to) pairs that carry nothing.

    ``haze`` is asked for every word how long it travels; None: it is lost.
    """

    ears: dict[NodeName, "asyncio.Queue[Word]"] = field(default_factory=dict)
    cuts: set[tuple[NodeName, NodeName]] = field(default_factory=set)
    haze: Callable[[], float | None] | None = None
    consents: Consents = field(default_factory=Consents)


class PretendPulse:
    """One agent's ear and voice, behind ``Pulse``; its address is the node's name."""

    def __init__(self, node: NodeName, air: Air) -> None:
        self._node = node
        self._air = air
        self._heard: asyncio.Queue[Word] = asyncio.Queue()
        air.ears[node] = self._heard

    def send(self, to: str, word: Word) -> None:
        """Send one word."""
        self._air.consents.spoken(self._node, word)
        ear = self._air.ears.get(NodeName(to))
        if ear is not None and (self._node, NodeName(to)) not in self._air.cuts:
            flight_s = 0.0 if self._air.haze is None else self._air.haze()
            if flight_s == 0.0:
                ear.put_nowait(word)
            elif flight_s is not None:
                asyncio.get_running_loop().call_later(flight_s, ear.put_nowait, word, context=apart())

    async def hear(self) -> Word:
        """Wait for the next word."""
        return await self._heard.get()


class PretendPower:
    """Every host's fence device, behind ``Fencer``. The parameter ``host`` names the host."""

    def __init__(self, nature: Nature) -> None:
        self._nature = nature
        self.takes_s = 0.2
        self.dead: set[NodeName] = set()
        self.lame: set[NodeName] = set()
        self.crying: set[NodeName] = set()
        self.calls: list[tuple[str, NodeName]] = []
        self.judges: list[Callable[[frozenset[NodeName]], None]] = []
        self._under_way: Counter[NodeName] = Counter()

    async def status(self, device: FenceDevice) -> tuple[Power, str]:
        """Report the power state."""
        node = NodeName(device.parameters["host"])
        if node in self.dead:
            await asyncio.sleep(device.timeout_s)
            return Power.UNKNOWN, "the device does not answer"
        return (Power.ON if self._nature.hosts[node].powered else Power.OFF), ""

    async def off(self, device: FenceDevice) -> tuple[Power, str]:
        """Switch the host off and look; the command goes on while its agent is stopped, and ends when that gives up."""
        self.calls.append(("off", NodeName(device.parameters["host"])))
        return await asyncio.create_task(self._command(device), context=apart())

    async def _command(self, device: FenceDevice) -> tuple[Power, str]:
        """Run the command; judges are told of all hosts that are being switched off now."""
        node = NodeName(device.parameters["host"])
        self._under_way[node] += 1
        for judge in self.judges:
            judge(frozenset(self._under_way))
        try:
            return await self._switch(node, device)
        finally:
            self._under_way -= Counter([node])

    async def _switch(self, node: NodeName, device: FenceDevice) -> tuple[Power, str]:
        if node in self.dead:
            return await self.status(device)
        await asyncio.sleep(min(self.takes_s, device.timeout_s))
        if self.takes_s > device.timeout_s:
            return Power.UNKNOWN, "the device takes too long"
        if self._nature.hosts[node].powered and node not in self.lame:
            self._nature.hosts[node].on_power_cut()
            if node in self.crying:
                return Power.UNKNOWN, "the device reports an error"
        return await self.status(device)

    async def on(self, device: FenceDevice) -> tuple[Power, str]:
        """Report the power state; hosts are booted by the world."""
        return await self.status(device)

    async def agents(self) -> Mapping[str, str]:
        """Name this one."""
        return {"fence_pretend": "Pretend power of the simulator"}
