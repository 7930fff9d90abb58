"""Playing a life: the cluster comes up, the strikes fall, and then it is calm and everything must settle.

In the calm everything is mended, every node is asked back and released from quarantine. Within ``SETTLE_S`` all nodes
must be members, every resource at rest, and every order ended; after another ``QUIET_S`` the records must tell the
truth about the hosts.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog

from stanchion.model.capacity import Size
from stanchion.model.cluster import ClusterView, Settings
from stanchion.model.fencing import FenceDevice
from stanchion.model.groups import Bond, Group
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import ENDED, Verb
from stanchion.model.resource import MachineKind
from stanchion.model.state import State, holders
from stanchion.model.timing import TIMINGS
from stanchion.model.transaction import Put, Transaction
from stanchion.plan.capacity import RESERVE_LEAST_MIB
from stanchion.sim import loop
from stanchion.sim.ambush import Ambush
from stanchion.sim.court import Court, Violation
from stanchion.sim.deeds import Deeds
from stanchion.sim.judges import JUDGES, Untouched
from stanchion.sim.strikes import Life, Strike, absences
from stanchion.sim.world import World

SETTLE_S = 180.0
"""The liveness bound: so long after the last fault is mended, everything that can run runs."""

QUIET_S = 30.0
TICK_S = 1.0
SOON_S = 1e-6
"""Less is no time at all: it would be lost in rounding."""
REST = frozenset({State.OFFLINE, State.RUNNING, State.COMATOSE, State.UNASSIGNED, State.ALERT})

Watcher = Callable[[Court], Callable[[Strike], None]]
"""What wants to see a life as it is played (``sim run``): it is given the court, and told every strike."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a life: its violations, and how long it was in virtual seconds."""

    violations: tuple[Violation, ...]
    lasted_s: float

    @property
    def broken(self) -> str:
        """The invariant that broke first; empty: none."""
        return self.violations[0].invariant if self.violations else ""


def play(life: Life, watch: Watcher | None = None) -> Played:
    """Play a life to its end, or to its first violation."""
    async def main() -> Played:
        return await _Stage(life, watch).play()

    with hushed():
        try:
            return loop.run(main)
        except loop.StandStill as problem:
            return Played((Violation(0.0, "liveness", str(problem)),), 0.0)


class _Silence(structlog.BoundLoggerBase):
    """A logger that says nothing, at no cost."""

    def debug(self, event: str, **words: object) -> None:
        """Say nothing."""

    info = warning = error = critical = debug


@contextmanager
def hushed() -> Iterator[None]:
    """Let the agents' own logs say nothing meanwhile: there are many agents, and they live long."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=_Silence)
    try:
        yield
    finally:
        structlog.configure(**before)


class _Stage:
    """One life on its stage: the world, the court, and what the strikes have made wrong."""

    def __init__(self, life: Life, watch: Watcher | None) -> None:
        self.life = life
        apart = Group(name="apart", bond=Bond.APART, members=tuple(map(ResourceName, life.apart)))
        settings = Settings(cluster="pretend", profile=life.profile, groups=(apart,) if life.apart else ())
        self.world = World(life.nodes, settings=settings, rates=dict(life.rates))
        self.watch = watch
        self.deeds = Deeds(self.world, life)
        self.ambush = Ambush(self.world, self.deeds.do)

    async def play(self) -> Played:
        """Play all of it."""
        world, life = self.world, self.life
        court: Court | None = None
        try:
            await self._rise()
            quiet = absences(life)
            alone = quiet is not None and all(away_s <= 0.7 * TIMINGS[life.profile].halt_s
                                              for away_s in quiet.values())
            alone = alone and bool(life.strikes) and not life.devices
            court = Court(world, (*JUDGES, Untouched) if alone else JUDGES)
            told = self.ambush.told = self.watch(court) if self.watch is not None else None
            await self._storm(court, told)
            if not court.violations:
                await self._settle(court)
        except TimeoutError as problem:
            if court is None:
                raise
            court.find("liveness", str(problem))
        finally:
            await world.stop()
        return Played(tuple(court.violations), asyncio.get_running_loop().time())

    async def _rise(self) -> None:
        """Found the cluster, start it, and put every resource online."""
        world = self.world
        await world.found()
        view = await world.view()
        for name in self.life.devices:
            device = FenceDevice(agent="fence_pretend", parameters={"host": name}, timeout_s=5.0)
            node = replace(view.nodes[NodeName(name)].value, fence=(device,))
            await world.operator.commit(Transaction(puts=(Put(node),)))
        for name, room in self.life.rooms:
            world.hosts[NodeName(name)].capacity_found = Size(memory_mib=room + RESERVE_LEAST_MIB)
        world.nature.sizes.update({part.name: Size(memory_mib=part.memory_mib) for part in self.life.parts})
        for name in self.life.nodes:
            world.hosts[NodeName(name)].has_watchdog = name not in self.life.bare
            world.start(name)
        await world.until(lambda view: view.membership is not None and (
            len(view.membership.value.members) == len(self.life.nodes)))
        for part in self.life.parts:
            await world.create(part.spec())
            await world.order(Verb.ONLINE, part.name)

    async def _storm(self, court: Court, told: Callable[[Strike], None] | None) -> None:
        start_s = asyncio.get_running_loop().time()
        for strike in self.life.strikes:
            while not court.violations:
                left_s = start_s + strike.at_s - asyncio.get_running_loop().time()
                if left_s <= SOON_S:
                    break
                await asyncio.sleep(min(left_s, TICK_S))
                court.tick()
            if court.violations:
                return
            if told is not None:
                told(strike)
            if strike.cue is not None:
                self.ambush.lay(strike)
            else:
                await self.deeds.do(strike)
            court.tick()

    async def _settle(self, court: Court) -> None:
        world = self.world
        end_s = asyncio.get_running_loop().time() + SETTLE_S
        self.ambush.lift()
        await self.deeds.calm()
        while not self._settled(await world.view()):
            if court.violations:
                return
            if asyncio.get_running_loop().time() >= end_s:
                left = self._unsettled(await world.view())
                court.find("liveness", f"not settled {SETTLE_S:g} s into the calm: {left}")
                return
            for name in self.life.nodes:
                # A host that is fenced for what was wrong before stays off until somebody switches it on.
                world.power_on(name)
            await self._release(await world.view())
            await asyncio.sleep(TICK_S)
            court.tick()
        for _ in range(round(QUIET_S / TICK_S)):
            await asyncio.sleep(TICK_S)
            court.tick()
        court.end()
        self._true(court, await world.view())

    async def _release(self, view: ClusterView) -> None:
        """Release nodes from quarantine, as an operator has to who mended them."""
        asked = {held.value.node for held in view.intents.values()
                 if held.value.verb is Verb.RELEASE and held.value.outcome not in ENDED}
        for node in sorted(set(view.live) & _quarantined(view) - asked):
            await self.world.give(Verb.RELEASE, node=node)

    def _settled(self, view: ClusterView) -> bool:
        """Whether all are members, none in quarantine, all resources at rest, and all orders ended."""
        return (len(view.live) == len(self.life.nodes) and not _quarantined(view)
                and all(held.value.state in REST for held in view.states.values())
                and all(held.value.outcome in ENDED for held in view.intents.values()))

    def _unsettled(self, view: ClusterView) -> str:
        away = [f"{node} is no member" for node in self.life.nodes if NodeName(node) not in view.live]
        away += [f"{node} is in quarantine" for node in sorted(_quarantined(view))]
        moving = [f"{name} is {held.value.state} on {held.value.node} ({held.value.reason.why})"
                  for name, held in sorted(view.states.items()) if held.value.state not in REST]
        orders = [f"{held.value.verb} {held.value.resource or held.value.node} is {held.value.outcome}"
                  for held in view.intents.values() if held.value.outcome not in ENDED]
        return "; ".join((*away, *moving, *orders))

    def _true(self, court: Court, view: ClusterView) -> None:
        """Compare what the records say with what the hosts do."""
        for name, held in sorted(view.states.items()):
            state, there = held.value, self.world.where(name)
            # Where there is no hypervisor to ask, a load script that lies is believed.
            believed = view.specs[name].value.machine.kind is MachineKind.SCRIPT and not there
            if state.state is State.RUNNING and there != (state.node,) and not believed:
                court.find("liveness", f"{name} is Running on {state.node}, but executes on {there or 'no host'}")
            if state.state in {State.OFFLINE, State.UNASSIGNED} and there:
                court.find("liveness", f"{name} is {state.state}, but executes on {there[0]}")
            if state.state is State.UNASSIGNED and not self.life.apart and not self._too_large(view, name):
                court.find("liveness", f"{name} is Unassigned though every node is there")

    def _too_large(self, view: ClusterView, name: ResourceName) -> bool:
        """Tell whether no node has the memory for a machine, counted anew from the records."""
        takes = {each: view.specs[each].value.size.memory_mib or held.value.size.memory_mib
                 for each, held in view.states.items()}
        rooms = dict(self.life.rooms)
        return all(node in rooms and takes[name] > rooms[node] - sum(
            takes[each] for each, held in view.states.items() if node in holders(held.value))
            for node in view.specs[name].value.preferred)


def _quarantined(view: ClusterView) -> set[NodeName]:
    return {name for name, held in view.nodes.items() if held.value.quarantined_at_s}
