"""A pretend cluster: hosts, their agents, one store, and somebody who acts on it.

``World`` runs the product's own ``Daemon`` on every host. A test (or a simulation) gives orders, cuts power, kills
agents, isolates nodes, and waits for what should come of it; ``second_copies`` judges the whole history at the end.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any

from stanchion.agent.daemon import Daemon
from stanchion.agent.doors import Doors, Identity
from stanchion.between import Colleagues
from stanchion.lookout import Bell
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Node, SelfFence, Session, Settings
from stanchion.model.history import Entry
from stanchion.model.ids import IntentId, NodeName, ResourceName, TemplateName
from stanchion.model.orders import ENDED, Intent, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import Machine, MachineKind, ResourceSpec, Script, Scripts
from stanchion.model.state import ResourceState, State
from stanchion.model.transaction import Committed, Put, Transaction
from stanchion.plan import binding
from stanchion.sim.air import Air, PretendPower, PretendPulse
from stanchion.sim.host import Nature, PretendClock, PretendHost, Record
from stanchion.sim.loop import Process, apart
from stanchion.sim.store import MemoryEngine, MemoryStore

BOOT_S = 5.0
"""How long a host takes to boot after a reset."""

RESTART_S = 0.5
"""How long a dead agent takes to be started anew."""


class _Chance:
    """Tokens in a row: a run is the same every time."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def token(self) -> str:
        return f"{next(self._numbers):016d}"


class World:
    """A pretend cluster. Make it inside ``sim.loop.run``, with ``cluster``."""

    def __init__(self, nodes: Sequence[str], *, settings: Settings | None = None, has_watchdog: bool = True,
                 rates: Mapping[str, float] | None = None) -> None:
        self.nature = Nature()
        self.engine = MemoryEngine()
        self.operator = MemoryStore(self.engine)
        self.clock = PretendClock()
        self.hosts = {NodeName(name): PretendHost(
            NodeName(name), self.nature, has_watchdog=has_watchdog,
            clock=PretendClock((rates or {}).get(name, 1.0), self.clock)) for name in nodes}
        self.nature.hosts.update(self.hosts)
        self.daemons: dict[NodeName, Daemon] = {}
        self._settings = settings or Settings(cluster="pretend")
        self._stores: dict[NodeName, MemoryStore] = {}
        self.cut_off: set[NodeName] = set()
        self.paused: set[NodeName] = set()
        self.store_down = False
        self._tasks: dict[NodeName, asyncio.Task[None]] = {}
        self._processes: dict[NodeName, Process] = {}
        self.colleagues: Colleagues | None = None
        self.bells: dict[NodeName, Bell] = {}
        self.air = Air()
        self.power = PretendPower(self.nature)
        self._chance = _Chance()
        self._numbers = count(1)
        for name, host in self.hosts.items():
            host.on_power_cut = lambda name=name: self.cut_power(name)  # type: ignore[misc]  # binds the loop's name
            host.on_reset = lambda name=name: self.reset(name)  # type: ignore[misc]  # binds the loop's name

    # The cluster.

    async def found(self) -> None:
        """Write the settings and the nodes."""
        puts = (Put(self._settings), *(Put(Node(name=name)) for name in self.hosts))
        await self.operator.commit(Transaction(puts=puts))

    async def view(self) -> ClusterView:
        """Read the store as it is."""
        snapshot = await self.operator.snapshot()
        return ClusterView().apply(snapshot.changes, snapshot.revision)

    async def state(self, resource: str) -> ResourceState:
        """Read one resource's record."""
        return (await self.view()).states[ResourceName(resource)].value

    async def history(self) -> list[Entry]:
        """Read the whole history, oldest first."""
        found = await self.operator.records(Kind.HISTORY, limit=100_000)
        return [held.value for _, held in found if isinstance(held.value, Entry)]

    async def until(self, true: Callable[[ClusterView], bool], within_s: float = 60.0) -> ClusterView:
        """Wait until the store shows what ``true`` asks for. Raises ``TimeoutError`` with what it shows instead."""
        end_s = asyncio.get_running_loop().time() + within_s
        while not true(view := await self.view()):
            if asyncio.get_running_loop().time() >= end_s:
                told = "; ".join(f"{name} {held.value.state} on {held.value.node}: {held.value.reason}"
                                 for name, held in sorted(view.states.items()))
                raise TimeoutError(f"not within {within_s} s: {told}")
            await asyncio.sleep(0.05)
        return view

    async def runs_on(self, resource: str, node: str, within_s: float = 60.0) -> ResourceState:
        """Wait until the resource is Running on that node."""
        name = ResourceName(resource)

        def true(view: ClusterView) -> bool:
            state = view.states[name].value
            return state.state is State.RUNNING and state.node == node

        return (await self.until(true, within_s)).states[name].value

    async def becomes(self, resource: str, state: State, within_s: float = 60.0) -> ResourceState:
        """Wait until the resource is in that state."""
        name = ResourceName(resource)
        view = await self.until(lambda view: view.states[name].value.state is state, within_s)
        return view.states[name].value

    # Operators.

    async def create(self, spec: ResourceSpec) -> None:
        """Make a resource, Offline."""
        state = ResourceState(name=spec.name, state=State.OFFLINE, reason=reason(Why.CREATED, spec.template))
        await self.operator.commit(Transaction(puts=(Put(spec), Put(state))))

    async def change(self, resource: str, alter: Callable[[ResourceSpec], ResourceSpec], *,
                     at_once: bool = False) -> None:
        """Save a resource's configuration anew, as the API does."""
        name = ResourceName(resource)
        while True:
            view = await self.view()
            held = view.specs[name]
            told = Entry(at_s=self.clock.now().wall_s, reason=reason(Why.SPEC_SAVED, "operator"), resource=name)
            saved = binding.saved(view, held, alter(held.value), told, at_once=at_once)
            if isinstance(await self.operator.commit(saved), Committed):
                return

    async def order(self, verb: Verb, resource: str | None = None, node: str | None = None, *,
                    live: bool | None = None, within_s: float = 120.0, **more: Any) -> Intent:
        """Give an order and wait until it has ended."""
        id_ = await self.give(verb, resource, node, live=live, **more)

        def ended(held: Held[Intent] | None) -> bool:
            return held is not None and held.value.outcome in ENDED

        view = await self.until(lambda view: ended(view.intents.get(id_)), within_s)
        return view.intents[id_].value

    async def give(self, verb: Verb, resource: str | None = None, node: str | None = None, *,
                   live: bool | None = None, **more: Any) -> IntentId:
        """Give an order; what becomes of it is another matter."""
        id_ = IntentId(f"intent{next(self._numbers):04d}")
        intent = Intent(id=id_, verb=verb, by="operator", at_s=self.clock.now().wall_s,
                        resource=None if resource is None else ResourceName(resource),
                        node=None if node is None else NodeName(node), live=live, **more)
        await self.operator.commit(Transaction(puts=(Put(intent),)))
        return id_

    # Weather.

    def start(self, name: str) -> None:
        """Start a host's agent; a host without power starts nothing, and never a second one."""
        node = NodeName(name)
        host = self.hosts[node]
        if not host.powered or node in self._tasks:
            return
        kept_at_s = self.kept_at_s(name)
        store = self._stores[node] = MemoryStore(self.engine, latency_s=0.002)
        store.kept_at_s, store.available = kept_at_s, not (self.store_down or node in self.cut_off)
        doors = Doors(store=store, runner=host.runner, hypervisor=host, host=host, watchdog=host, journal=host,
                      clock=host.clock, chance=self._chance, fencer=self.power, pulse=PretendPulse(node, self.air),
                      colleagues=self.colleagues, bell=self.bells.get(node), storage=host.storage)
        kind = SelfFence.WATCHDOG if host.has_watchdog else SelfFence.NONE
        daemon = self.daemons[node] = Daemon(doors, Identity(node=node, pulse=node, self_fence=kind))
        process = self._processes[node] = Process(rate=host.clock.rate)
        self._tasks[node] = process.begin(daemon.run(), name=f"agent of {name}")

    async def kill(self, name: str) -> None:
        """Kill a host's agent: nothing is said to anybody."""
        node = NodeName(name)
        task = self._tasks.pop(node, None)
        self.paused.discard(node)
        if task is not None:
            self._stores[node].available = False
            self._processes[node].cancel()
            await asyncio.wait({task})

    async def end(self, name: str) -> None:
        """End a host's agent in order (SIGTERM): it may give its session back."""
        node = NodeName(name)
        task = self._tasks.pop(node, None)
        self.paused.discard(node)
        if task is not None:
            self._processes[node].go_on()
            task.cancel()
            await asyncio.wait({task})

    def pause(self, name: str) -> None:
        """Stop a host's agent (SIGSTOP); its machines and scripts go on."""
        if NodeName(name) in self._tasks:
            self.paused.add(NodeName(name))
            self._processes[NodeName(name)].stop()

    def resume(self, name: str) -> None:
        """Continue a paused agent (SIGCONT)."""
        if NodeName(name) in self._tasks:
            self.paused.discard(NodeName(name))
            self._processes[NodeName(name)].go_on()

    async def restart(self, name: str, after_s: float = RESTART_S) -> None:
        """Kill a host's agent and start it again."""
        await self.kill(name)
        await asyncio.sleep(after_s)
        self.start(name)

    def cut_power(self, name: str) -> None:
        """Cut a host's power, as its fence device does: in this instant, waiting for nothing."""
        self.hosts[NodeName(name)].power_off()
        asyncio.get_running_loop().create_task(self.kill(name), context=apart())

    async def power_off(self, name: str) -> None:
        """Cut a host's power."""
        self.hosts[NodeName(name)].power_off()
        await self.kill(name)

    def power_on(self, name: str) -> None:
        """Boot a host that is off, and start its agent."""
        if self.hosts[NodeName(name)].powered:
            return
        self.hosts[NodeName(name)].power_on()
        self.start(name)

    def slow(self, name: str, latency_s: float = 0.002, *, loses: Callable[[], bool] = lambda: False) -> None:
        """Make a host's line to the store slow, or lose some of what it says; without arguments as it was."""
        if NodeName(name) in self._stores:
            store = self._stores[NodeName(name)]
            store.latency_s, store.loses = latency_s, loses

    def isolate(self, name: str) -> None:
        """Cut a host off from the store, whatever its agent goes through."""
        self.cut_off.add(NodeName(name))
        if NodeName(name) in self._stores:
            self._stores[NodeName(name)].available = False

    def reconnect(self, name: str) -> None:
        """Join a host with the store again."""
        self.cut_off.discard(NodeName(name))
        if NodeName(name) in self._tasks and not self.store_down:
            self._stores[NodeName(name)].available = True

    def take_store(self, *, down: bool) -> None:
        """Let the store answer no host at all, or again those that are not cut off."""
        self.store_down = down
        for node in self._tasks:
            self._stores[node].available = not (down or node in self.cut_off)

    def reset(self, name: str) -> None:
        """Reset a host: off now, on after its boot."""
        self.hosts[NodeName(name)].power_off()
        asyncio.get_running_loop().create_task(self._boot(name), context=apart())

    async def _boot(self, name: str) -> None:
        await self.kill(name)
        await asyncio.sleep(BOOT_S)
        if not self.hosts[NodeName(name)].powered:
            self.power_on(name)

    async def stop(self) -> None:
        """End every agent."""
        for name in list(self._tasks):
            await self.kill(name)

    # Judgement.

    def has_agent(self, name: str) -> bool:
        """Tell whether a host's agent runs, paused or not."""
        return NodeName(name) in self._tasks

    def kept_at_s(self, name: str) -> float:
        """Give the instant before the host's last successful grant or renewal of a lease was sent."""
        store = self._stores.get(NodeName(name))
        return float("-inf") if store is None else store.kept_at_s

    def unkept_s(self, node: NodeName) -> float:
        """Give how long ago that was, or the last consent of all whose consent counts, by the host's own clock."""
        held = self.engine.records.get(Key(Kind.SESSION, node))
        session = held.value if held is not None and isinstance(held.value, Session) else None
        by_consent_s = float("-inf")
        if session is not None and session.peers is not None:
            by_consent_s = self.air.consents.since_s(session.id, session.peers)
        since_s = max(self.kept_at_s(node), by_consent_s)
        return (asyncio.get_running_loop().time() - since_s) * self.hosts[node].clock.rate

    def fallen(self) -> list[BaseException]:
        """Give what ended agents by themselves: nothing ever should."""
        ended = [task for task in self._tasks.values() if task.done() and not task.cancelled()]
        return [fault for task in ended if (fault := task.exception()) is not None]

    def where(self, machine: str) -> tuple[NodeName, ...]:
        """Name the hosts on which the machine executes now."""
        return tuple(name for name, host in self.hosts.items() if host.machines.get(machine) == "executes")

    def second_copies(self) -> tuple[Record, ...]:
        """Give every record of a machine that began while it executed elsewhere (invariant I1)."""
        there: dict[str, set[NodeName]] = {}
        broken = []
        for record in self.nature.records:
            hosts = there.setdefault(record.machine, set())
            if record.begins and hosts - {record.host}:
                broken.append(record)
            (hosts.add if record.begins else hosts.discard)(record.host)
        return tuple(broken)


@asynccontextmanager
async def cluster(nodes: Sequence[str] = ("a", "b", "c"), *, settings: Settings | None = None,
                  has_watchdog: bool = True) -> AsyncIterator[World]:
    """Give a pretend cluster whose agents all run and whose first node is the master."""
    world = World(nodes, settings=settings, has_watchdog=has_watchdog)
    await world.found()
    for name in nodes:
        world.start(name)
        await world.until(lambda view, name=name: view.is_live(NodeName(name)))  # type: ignore[misc]  # binds name
    await world.until(lambda view: view.membership is not None and len(view.membership.value.members) == len(nodes))
    try:
        yield world
    finally:
        await world.stop()
    second = world.second_copies()
    assert not second, f"a second copy: {second}"


def spec(name: str, *, preferred: Sequence[str] = (), live: bool = True) -> ResourceSpec:
    """Make a resource whose pretend scripts do what such scripts do."""
    text = "pretend"
    scripts = Scripts(load=Script(text=text), unload=Script(text=text), monitor=Script(text=text, timeout_s=60.0),
                      halt=Script(text=text, timeout_s=10.0), prepare=Script(text=text, timeout_s=60.0))
    plain = ResourceSpec(name=ResourceName(name), template=TemplateName("Pretend_Template"), scripts=scripts,
                         machine=Machine(kind=MachineKind.QEMU, name=name), live=live, files=(f"/etc/{name}",))
    return replace(plain, preferred=tuple(NodeName(node) for node in preferred))
