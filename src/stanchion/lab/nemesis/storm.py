"""Carrying strikes out on a rack, and undoing each when its time is over.

A strike that finds nothing to hit (a host that is off by another one) is told so and does nothing. A host that a fence
device switched off gets its power back after a while, as if somebody had looked at it.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from random import Random

from stanchion.client import Client
from stanchion.lab import etcd
from stanchion.lab.nemesis.draw import Strike, What
from stanchion.lab.nemesis.history import History
from stanchion.lab.nemesis.judges import Felt
from stanchion.lab.network import Cut, Net
from stanchion.lab.rack import Rack
from stanchion.lab.witness import Witness
from stanchion.model.errors import NotNow, StanchionError

ORDER_WITHIN_S = 60.0
"""How long an operator waits for the end of an order before he goes on."""

LOOKED_AFTER_S = (2.0, 6.0, 15.0)
"""How long a host that a fence device switched off stays off."""

COMMANDS = {
    What.PAUSE_AGENT: ("pause agent", "resume agent"), What.KILL_AGENT: ("kill agent", ""),
    What.PAUSE_ETCD: ("pause etcd", "resume etcd"), What.KILL_ETCD: ("kill etcd", ""),
    What.FREEZE: ("freeze", "thaw"), What.POWER_CUT: ("power off", "power on"),
}
"""What a supervisor is told, and what it is told afterwards."""


class Storm:
    """One rack under strikes. ``felt`` is what was in force when."""

    def __init__(self, rack: Rack, client: Client, witness: Witness, history: History, seed: int) -> None:
        self.rack = rack
        self.felt: list[Felt] = []
        self.count = 0
        self._client = client
        self._witness = witness
        self._history = history
        self._chance = Random(seed)
        self._undoing: set[asyncio.Task[None]] = set()
        self._orders: set[asyncio.Task[None]] = set()
        self._cut_off: set[str] = set()
        self._lives: dict[str, tuple[str, float]] = {}

    async def strike(self, strike: Strike) -> None:
        """Carry one strike out; what it did is undone by itself later."""
        self.count += 1
        await self._look_after()
        try:
            undo = await self._begin(strike)
        except StanchionError as fault:
            self._history.tell("strike", f"#{strike.number} {strike.told()}: not now ({fault})", strike=strike)
            return
        self._history.tell("strike", f"#{strike.number} {strike.told()}", strike=strike)
        if undo is not None:
            self._later(strike.lasts_s, undo)

    async def over(self) -> None:
        """Wait until everything is undone, and until no operator waits for the end of an order any more."""
        await self._look_after()
        await asyncio.gather(*self._undoing)
        await asyncio.gather(*self._orders)
        await self._look()

    async def drop(self) -> None:
        """Leave everything as it is."""
        for task in self._undoing | self._orders:
            task.cancel()
        await asyncio.gather(*self._undoing, *self._orders, return_exceptions=True)

    async def _begin(self, strike: Strike) -> Callable[[], object] | None:
        """Do it; give what undoes it. Raises ``StanchionError`` where it cannot be done now."""
        network = self.rack.network
        match strike.what:
            case What.KILL_GUEST:
                self._kill_guest(strike.machine)
                return None
            case What.MIGRATE | What.OFFLINE:
                self._order(strike)
                return None
            case What.BAD_LINE:
                network.spoil_line(strike.node)
                return self._felt(strike, partial(network.mend_line, strike.node))
            case _ if strike.what in COMMANDS:
                return await self._command(strike)
        cuts = self._cuts(strike)
        shared = strike.what is What.STORE and await asyncio.to_thread(etcd.needed, self.rack.members, strike.node)
        for cut in cuts:
            network.cut(cut)
        return self._felt(strike, partial(self._mend, cuts), shared=shared)

    def _mend(self, cuts: tuple[Cut, ...]) -> None:
        for cut in cuts:
            self.rack.network.mend(cut)

    def _cuts(self, strike: Strike) -> tuple[Cut, ...]:
        """Give the lines that die."""
        node, all_others = (strike.node,), tuple(each for each in self.rack.nodes if each != strike.node)
        others = (strike.other,) if strike.other else all_others
        nets = {What.STORE: (Net.STORE,), What.PEERS: (Net.PEER,)}.get(strike.what, (Net.PEER, Net.STORE))
        out, back = Cut(senders=node, receivers=others, nets=nets), Cut(senders=others, receivers=node, nets=nets)
        if strike.what in {What.MUTE, What.LINK_ONE_WAY}:
            return (out,)
        return (back,) if strike.what is What.DEAF else (out, back)

    async def _command(self, strike: Strike) -> Callable[[], object] | None:
        do, undo = COMMANDS[strike.what]
        host = self.rack.host(strike.node)
        if (await asyncio.to_thread(host.command, "status"))["power"] == "off":
            raise NotNow(f"{strike.node} has no power")
        if strike.what is What.POWER_CUT:
            self._cut_off.add(strike.node)
        answer = await asyncio.to_thread(host.command, do)
        self._history.note("host", node=strike.node, answer=answer)

        async def undone() -> None:
            self._cut_off.discard(strike.node)
            with suppress(NotNow):
                await asyncio.to_thread(host.command, undo)

        if not undo:
            now = self._history.now()
            self.felt.append(Felt(what=strike.what, node=strike.node, since=now, until=now))
            return None
        return self._felt(strike, undone)

    def _felt(self, strike: Strike, undo: Callable[[], object], *, shared: bool = False) -> Callable[[], object]:
        """Note that a strike is in force; give what undoes it, and notes that too."""
        at = len(self.felt)
        self.felt.append(Felt(what=strike.what, node=strike.node, since=self._history.now(), shared=shared))

        async def undone() -> None:
            self.felt[at] = replace(self.felt[at], until=self._history.now())
            done = undo()
            if asyncio.iscoroutine(done):
                await done
            self._history.note("undone", number=strike.number)

        return undone

    def _later(self, wait_s: float, act: Callable[[], object]) -> None:
        async def wait() -> None:
            await asyncio.sleep(wait_s)
            done = act()
            if asyncio.iscoroutine(done):
                await done

        task = asyncio.create_task(wait())
        self._undoing.add(task)
        task.add_done_callback(self._undoing.discard)

    def _kill_guest(self, machine: str) -> None:
        executing = [span for span in self._witness.executing() if span.machine == machine]
        if not executing:
            raise NotNow(f"{machine} is executed nowhere")
        with suppress(ProcessLookupError):
            os.kill(executing[-1].pid, signal.SIGKILL)

    def _order(self, strike: Strike) -> None:
        task = asyncio.create_task(self._ordered(strike))
        self._orders.add(task)
        task.add_done_callback(self._orders.discard)

    async def _ordered(self, strike: Strike) -> None:
        """Give an order as an operator would, and wait for its end."""
        try:
            async with asyncio.timeout(ORDER_WITHIN_S + strike.lasts_s):
                if strike.what is What.MIGRATE:
                    await self._ended(strike, (await self._client.migrate(strike.machine, strike.other)).id)
                else:
                    await self._ended(strike, (await self._client.offline(strike.machine)).id)
                    await asyncio.sleep(strike.lasts_s)
                    await self._ended(strike, (await self._client.online(strike.machine)).id)
        except (StanchionError, TimeoutError) as fault:
            self._history.note("order", number=strike.number, fault=str(fault) or "no end in time")

    async def _ended(self, strike: Strike, order: str) -> None:
        while not (told := await self._client.intent(order, wait_s=5.0)).ended:
            pass
        self._history.note("order", number=strike.number, outcome=told.outcome,
                           reason=told.reason.text if told.reason else "")

    async def _look_after(self) -> None:
        """Have those hosts switched on again, after a while, that are off without a strike that undoes it."""
        for node in await self._look():
            if node not in self._cut_off:
                self._cut_off.add(node)
                self._history.tell("off", f"{node} was switched off by its fence device")
                self._later(self._chance.choice(LOOKED_AFTER_S), partial(self._switch_on, node))

    async def _look(self) -> list[str]:
        """Find the hosts that are off now, and note those that lost their power since the last look."""
        off = []
        for host in self.rack.lab.hosts:
            with suppress(NotNow):
                status, now = await asyncio.to_thread(host.command, "status"), self._history.now()
                boot, on_at = str(status["boot"]), status["on_at"]
                before, looked_at = self._lives.get(host.name, (boot, now))
                if not boot or boot != before:
                    until = on_at if isinstance(on_at, float) else now
                    self.felt.append(Felt(what=What.POWER_CUT, node=host.name, since=looked_at, until=until))
                self._lives[host.name] = boot, now
                off += [] if boot else [host.name]
        return off

    async def _switch_on(self, node: str) -> None:
        self._cut_off.discard(node)
        with suppress(NotNow):
            await asyncio.to_thread(self.rack.host(node).command, "power on")
