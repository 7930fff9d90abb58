"""Doing to a pretend cluster what the strikes of a life say, and mending all of it in the end.

Whatever a strike finds - a host that is off already, an agent that is not there - it does what can be done and
nothing else, so that any part of a life is a life too. Strikes that lie in wait (``ambush``) come here when their time
has come, with their roles filled. Two strikes look first, because they would make the promise impossible: an operator
confirms a node down only when it is, and a watchdog breaks only while its node is well.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random

from stanchion.model.cluster import Key, Kind
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import Verb
from stanchion.model.resource import MachineKind, ScriptKind
from stanchion.model.state import State, holders
from stanchion.model.transaction import Guard, Transaction
from stanchion.sim import verbs
from stanchion.sim.loop import apart
from stanchion.sim.strikes import FAULTS, MADE_GOOD, Life, Strike, What
from stanchion.sim.world import World

WELL_S = 1.5
"""How long nothing else happens after a watchdog broke: its node must tell the cluster first."""

ORDERS = {What.ONLINE: Verb.ONLINE, What.OFFLINE: Verb.OFFLINE, What.MIGRATE: Verb.MIGRATE,
          What.ALERT_YES: Verb.ALERT_YES, What.ALERT_NO: Verb.ALERT_NO, What.LEAVE: Verb.LEAVE,
          What.ENTER: Verb.JOIN, What.END_PROCESS: Verb.END_PROCESS, What.DRAIN: Verb.DRAIN, What.UNDRAIN: Verb.UNDRAIN}


class Deeds:
    """Does the strikes of one life to its world."""

    def __init__(self, world: World, life: Life) -> None:
        self._world = world
        self._life = life
        self._chance = Random(life.seed)  # noqa: S311 - weather, not secrets
        self._down: set[str] = set()
        self._alone = asyncio.Lock()
        self._lasting: set[asyncio.Task[None]] = set()

    async def do(self, strike: Strike) -> None:
        """Do one strike, one at a time; what lasts only a while is made good by itself."""
        async with self._alone:
            await self._do(strike)
        if strike.lasts_s is not None and strike.what in MADE_GOOD:
            loop = asyncio.get_running_loop()
            loop.call_later(strike.lasts_s, self._later, replace(strike, what=MADE_GOOD[strike.what], lasts_s=None,
                                                                 amount=0.0, detail=""), context=apart())

    def _later(self, strike: Strike) -> None:
        self._lasting.add(task := asyncio.create_task(self.do(strike), context=apart()))
        task.add_done_callback(self._lasting.discard)

    async def _do(self, strike: Strike) -> None:
        match strike.what:
            case What.POWER_OFF:
                self._down.add(strike.node)
                await self._world.power_off(strike.node)
            case What.KILL:
                await self._world.kill(strike.node)
            case What.END:
                await self._world.end(strike.node)
            case What.WATCHDOG_BREAKS:
                await self._break_watchdog(strike)
            case What.CONFIRM_DOWN:
                if strike.node in self._down and not self._world.hosts[NodeName(strike.node)].powered:
                    await self._world.give(Verb.CONFIRM_DOWN, node=strike.node)
            case What.REMAKE:
                await self._remake(strike)
            case What.HAND:
                await self._start_by_hand(strike)
            case what if what in ORDERS or what in verbs.STANDING or what is What.HAND_OVER:
                await self._order(strike)
            case _:
                self._agent(strike) or self._line(strike) or self._host(strike) or self._device(strike)

    async def _order(self, strike: Strike) -> None:
        if strike.what is What.HAND_OVER:
            await verbs.hand_over(self._world, NodeName(strike.node))
        elif strike.what in verbs.STANDING:
            await verbs.stand(self._world, strike.what, strike.amount, strike.detail)
        else:
            await self._world.give(ORDERS[strike.what], strike.resource or None, strike.node or strike.detail or None)

    def _agent(self, strike: Strike) -> bool:
        """Agents and power that come back at once."""
        match strike.what:
            case What.POWER_ON:
                self._down.discard(strike.node)
                self._world.power_on(strike.node)
            case What.START:
                self._world.start(strike.node)
            case What.PAUSE:
                self._world.pause(strike.node)
            case What.RESUME:
                self._world.resume(strike.node)
            case _:
                return False
        return True

    def _line(self, strike: Strike) -> bool:
        """The store and the ways to it."""
        world = self._world
        match strike.what:
            case What.CUT:
                world.isolate(strike.node)
            case What.JOIN:
                world.reconnect(strike.node)
            case What.SLOW:
                share = float(strike.detail or 0)
                for name in [strike.node] if strike.node else world.hosts:
                    world.slow(name, strike.amount or 0.002, loses=lambda: self._chance.random() < share)
            case What.OUTAGE | What.BACK:
                world.take_store(down=strike.what is What.OUTAGE)
            case What.COMPACT:
                world.engine.compact()
            case _:
                return self._air(strike)
        return True

    def _air(self, strike: Strike) -> bool:
        """The air between agents."""
        world, me = self._world, NodeName(strike.node)
        match strike.what:
            case What.HAZE:
                world.air.haze = self._haze(strike.amount, float(strike.detail or 0)) if strike.amount else None
            case What.DEAF if strike.detail:
                world.air.cuts.add((NodeName(strike.detail), me))
            case What.DEAF:
                world.air.cuts |= {pair for other in world.hosts if other != me for pair in ((me, other), (other, me))}
            case What.HEAR:
                world.air.cuts -= {pair for pair in world.air.cuts if me in pair}
            case _:
                return False
        return True

    def _haze(self, longest_s: float, share: float) -> Callable[[], float | None]:
        chance = self._chance
        return lambda: None if chance.random() < share else round(chance.random() * longest_s, 6)

    def _host(self, strike: Strike) -> bool:
        """Scripts, hypervisors, watchdogs, disks and clocks."""
        nature, host = self._world.nature, self._world.hosts.get(NodeName(strike.node))
        match strike.what:
            case What.SCRIPT:
                kind, _, name = strike.detail.partition(" ")
                key, fault = (strike.resource, ScriptKind(kind)), FAULTS[name]
                until = None if fault.times is None else nature.runs[key] + fault.times
                nature.faults[key] = replace(fault, times=until)
            case What.SCRIPTS_WELL:
                nature.faults.clear()
            case What.CLOCK:
                clock = self._world.clock if host is None else host.clock
                clock.set_back_s = strike.amount
            case _ if host is None:
                return False
            case What.BLIND | What.SEEING:
                host.blind = strike.what is What.BLIND
            case What.WATCHDOG_WELL:
                host.has_watchdog, host.watchdog_late_s = True, 0.0
            case What.WATCHDOG_LATE:
                host.watchdog_late_s = strike.amount
            case What.DISK_FULL | What.DISK_WELL:
                host.journal_full = strike.what is What.DISK_FULL
            case _:
                return False
        return True

    def _device(self, strike: Strike) -> bool:
        """Fence devices."""
        power, node = self._world.power, NodeName(strike.node)
        match strike.what:
            case What.DEVICE_DEAD:
                power.dead.add(node)
            case What.DEVICE_LAME:
                power.lame.add(node)
            case What.DEVICE_CRIES:
                power.crying.add(node)
            case What.DEVICE_WELL:
                for wrong in (power.dead, power.lame, power.crying):
                    wrong.discard(node)
            case What.DEVICE_SLOW:
                power.takes_s = strike.amount
            case _:
                return False
        return True

    async def _break_watchdog(self, strike: Strike) -> None:
        world, host, node = self._world, self._world.hosts[NodeName(strike.node)], NodeName(strike.node)
        disturbed = world.store_down or node in world.cut_off | world.paused or not world.has_agent(strike.node)
        if disturbed or not host.powered or (await world.view()).session_of(node) is None:
            return
        host.has_watchdog = False
        await world.kill(strike.node)
        host.release()
        world.start(strike.node)
        await asyncio.sleep(WELL_S)

    async def _remake(self, strike: Strike) -> None:
        """Delete a resource that is offline, as the API does, and make it again, its list turned by one."""
        world, name = self._world, ResourceName(strike.resource)
        view = await world.view()
        if name not in view.states or view.states[name].value.state not in {State.OFFLINE, State.UNASSIGNED}:
            return
        keys = (Key(Kind.SPEC, name), Key(Kind.STATE, name))
        guards = (Guard(keys[0], view.specs[name].revision), Guard(keys[1], view.states[name].revision))
        await world.operator.commit(Transaction(guards=guards, deletes=keys))
        await asyncio.sleep(strike.amount)
        part = next(part for part in self._life.parts if part.name == strike.resource)
        await world.create(replace(part, preferred=(*part.preferred[1:], *part.preferred[:1])).spec())
        await world.give(Verb.ONLINE, strike.resource)

    async def _start_by_hand(self, strike: Strike) -> None:
        """Start a machine where nobody sent it; one that only a script can tell of would never be found."""
        held = (await self._world.view()).states.get(ResourceName(strike.resource))
        part = next(part for part in self._life.parts if part.name == strike.resource)
        if held is not None and strike.node not in holders(held.value) and part.kind is not MachineKind.SCRIPT:
            self._world.hosts[NodeName(strike.node)].start_by_hand(strike.resource)

    async def calm(self) -> None:
        """Mend everything, ask every node back, and end what hangs."""
        world, power = self._world, self._world.power
        world.nature.faults.clear()
        for machine, node in list(world.nature.by_hand):
            world.hosts[node].become(machine, None)
        world.air.cuts.clear()
        world.air.haze = None
        for wrong in (power.dead, power.lame, power.crying):
            wrong.clear()
        power.takes_s, world.clock.set_back_s = 0.2, 0.0
        world.take_store(down=False)
        await verbs.end(world)
        for name, host in world.hosts.items():
            host.blind = host.journal_full = False
            host.has_watchdog, host.watchdog_late_s = name not in self._life.bare, 0.0
            host.clock.set_back_s = 0.0
            await world.give(Verb.JOIN, node=name)
            await world.give(Verb.UNDRAIN, node=name)
            world.slow(name)
            world.power_on(name)
            world.reconnect(name)
            world.resume(name)
            world.start(name)
        if not any(strike.what is What.SCRIPT for strike in self._life.strikes):
            return
        for host in world.hosts.values():
            for part in self._life.parts:
                await host.runner.end(ResourceName(part.name))
