"""The rest of the cluster in ``bench/scale``: what agents of many nodes write and say, without being agents.

It renews their leases, sends their signs of life to the real agents, and when a machine is sent to one of its nodes it
writes what an agent writes: that the node takes it over, the run of its load script, and that it runs. And it keeps
the times: of the proofs, and of the instants at which machines that were lost are taken over elsewhere.
"""

import asyncio
import time
from collections.abc import Collection, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from scale_agent import CLUSTER, HOST, MACHINE, SECRET

from stanchion.drivers.clock import HostClock
from stanchion.drivers.pulse import UdpPulse
from stanchion.drivers.templates import shipped
from stanchion.model import events as e
from stanchion.model.cluster import (
    Change,
    Held,
    Key,
    Kind,
    Live,
    Membership,
    Node,
    Record,
    SelfFence,
    Session,
    Settings,
)
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import BootId, Epoch, NodeName, ResourceName, Revision, SessionId
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import Monitoring, ResourceSpec, ScriptKind
from stanchion.model.state import ResourceState, State
from stanchion.model.timing import TIMINGS, Profile
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.plan.change import step
from stanchion.ports import Batch, Sign
from stanchion.store.etcd import EtcdStore

CLOCK = HostClock()
REAL = 2
"""So many nodes have real agents: the first, which becomes the master, and the second."""

PORT = 7000
BUDGET_S = 20.0
CHUNK = 60
SLICES = 10
LOAD_S = 0.05
"""How long a load script takes on a node that is not real."""


@dataclass
class Loss:
    """One mass failover: the instants that matter, in seconds of the monotonic clock."""

    lost: set[ResourceName]
    sessions: set[SessionId]
    began_s: float
    proofs: list[float] = field(default_factory=list)
    taken: dict[ResourceName, float] = field(default_factory=dict)
    running: dict[ResourceName, float] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Rest:
    """All nodes but the real ones. ``sessions`` are those of all nodes."""

    def __init__(self, endpoints: list[str], nodes: int, machines: int, profile: Profile) -> None:
        self.store = EtcdStore(endpoints, CLUSTER, budget_s=BUDGET_S)
        self.nodes = [NodeName(f"node{number:03d}") for number in range(1, nodes + 1)]
        self.machines = [ResourceName(f"vm{number:05d}") for number in range(1, machines + 1)]
        self.sessions: dict[NodeName, Session] = {}
        self.states: dict[ResourceName, Held[ResourceState]] = {}
        self.late = self.gaps = 0
        self._timing = TIMINGS[profile]
        self._profile = profile
        self._specs: dict[str, Revision] = {}
        self._loss: Loss | None = None
        self._lives: dict[NodeName, asyncio.Task[None]] = {}
        self._live: dict[NodeName, Revision] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pulse = UdpPulse("127.0.0.1", PORT, SECRET)

    def home(self, name: ResourceName) -> NodeName:
        """Say where a machine runs at first."""
        return self.nodes[int(name.removeprefix("vm")) % len(self.nodes)]

    async def found(self) -> None:
        """Write everything, as it is after a quiet year; and begin to live."""
        for node in self.nodes:
            self.sessions[node] = await self._session(node, 1)
        now_s = time.time()
        members = {node: session.id for node, session in self.sessions.items()}
        template = next(each for each in shipped() if each.name == "Qemu_Template")
        await self._write([
            Settings(cluster=CLUSTER, profile=self._profile), *shipped(), *(Node(name=name) for name in self.nodes),
            *self.sessions.values(),
            Membership(epoch=Epoch(1), members=members, master=self.nodes[0], formed_at_s=now_s, quorum=True)])
        self._specs = await self._write([ResourceSpec(
            name=name, template=template.name, scripts=template.scripts, machine=replace(template.machine, name=name),
            monitoring=Monitoring(enabled=True, interval_s=10.0), size=MACHINE,
            parameters={"CONFIG": f"/etc/stanchion/{name}.conf"}) for name in self.machines])
        await self._write([ResourceState(
            name=name, state=State.RUNNING, node=self.home(name), reason=reason(Why.LOADED), lives=1,
            since_s=now_s - 3600.0, session=members[self.home(name)], spec_revision=self._specs[name])
            for name in self.machines])

    async def begin(self) -> None:
        """Live: renew, speak, follow."""
        await self._pulse.open()
        following = asyncio.Event()
        self._begin(self._follow(following))
        await following.wait()
        for node in self.nodes:
            self._lives[node] = self._begin(self._renew(self.sessions[node]))
        self._begin(self._speak())

    async def close(self) -> None:
        """End."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pulse.close()
        await self.store.close()

    def release(self, node: NodeName) -> None:
        """Leave a real node's lease to its agent."""
        self._lives.pop(node).cancel()

    def address(self, node: NodeName) -> str:
        """Say where a node hears signs of life."""
        number = self.nodes.index(node)
        return f"127.0.0.1:{PORT + 1 + number if number < REAL else PORT}"

    def holding(self, node: NodeName) -> set[ResourceName]:
        """Name the machines that run on a node."""
        return {name for name, held in self.states.items() if held.value.node == node}

    async def lose(self, victims: Collection[NodeName]) -> Loss:
        """Lose nodes at once; give the instants once all that ran there runs again."""
        lost = set().union(*(self.holding(node) for node in victims))
        sessions = {self.sessions[node].id for node in victims}
        loss = self._loss = Loss(lost, sessions, time.monotonic())
        for node in victims:
            self._lives.pop(node).cancel()
            self._live.pop(node, None)
        await asyncio.gather(*(self.store.revoke(self.sessions[node].lease) for node in victims))
        async with asyncio.timeout(240):
            await loss.over.wait()
        self._loss = None
        return loss

    async def bring_back(self, victims: Iterable[NodeName]) -> None:
        """Let lost nodes join anew, empty."""
        for node in victims:
            number = int(self.sessions[node].id.rpartition("-")[2])
            session = self.sessions[node] = await self._session(node, number + 1)
            await self._put((Put(session),))
            self._lives[node] = self._begin(self._renew(session))

    async def _session(self, node: NodeName, number: int) -> Session:
        lease = await self.store.grant(self._timing.lease_s if number > 1 else 600.0)
        session = Session(node=node, id=SessionId(f"{node}-{number}"), boot=BootId(f"{node}-boot{number}"), lease=lease,
                          self_fence=SelfFence.WATCHDOG, timing=self._timing, pulse=self.address(node), version="1",
                          opened_at_s=time.time(), capacity=HOST)
        await self._put((Put(Live(node=node, session=session.id), lease),))
        return session

    async def _write(self, records: Sequence[Record]) -> dict[str, Revision]:
        """Write many; give the revision of each by its name."""
        told: dict[str, Revision] = {}
        for start in range(0, len(records), CHUNK):
            puts = tuple(map(Put, records[start:start + CHUNK]))
            revision = await self._put(puts)
            told |= {put.key.name: revision for put in puts}
        return told

    async def _put(self, puts: tuple[Put, ...]) -> Revision:
        done = await self.store.commit(Transaction(puts=puts))
        assert isinstance(done, Committed), done
        return done.revision

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _renew(self, session: Session) -> None:
        """Keep one lease, as an agent does."""
        await asyncio.sleep(hash(session.node) % 100 / 100 * self._timing.renew_s)
        while True:
            sent_s = time.monotonic()
            assert await self.store.renew(session.lease), f"{session.node} lost its lease"
            rest_s = sent_s + self._timing.renew_s - time.monotonic()
            self.late += rest_s < 0
            await asyncio.sleep(max(rest_s, 0.0))

    async def _speak(self) -> None:
        """Send everybody's signs of life to the real agents, spread over the beat."""
        part = 0
        while True:
            for node in self.nodes[REAL + part::SLICES]:
                if node in self._lives:
                    for real in self.nodes[:REAL]:
                        self._pulse.send(self.address(real), Sign(node=node, session=self.sessions[node].id))
            part = (part + 1) % SLICES
            await asyncio.sleep(self._timing.beat_s / SLICES)

    async def _follow(self, following: asyncio.Event) -> None:
        while True:
            snapshot = await self.store.snapshot()
            for change in snapshot.changes:
                self._note(change)
            following.set()
            async for news in self.store.watch(snapshot.revision):
                for change in news.changes if isinstance(news, Batch) else ():
                    self._note(change)
            self.gaps += 1

    def _note(self, change: Change) -> None:
        kind, value = change.key.kind, change.value
        if kind is Kind.LIVE and value is not None:
            self._live[NodeName(change.key.name)] = change.revision
        if kind is Kind.PROOF and self._loss is not None and change.key.name in self._loss.sessions:
            self._loss.proofs.append(time.monotonic())
        if kind is not Kind.STATE or not isinstance(value, ResourceState):
            return
        held = self.states[value.name] = Held(value, change.revision)
        if value.state is State.LOADING and value.session is None and value.node in self.nodes[REAL:]:
            self._begin(self._load(held))
        if self._loss is not None and value.name in self._loss.lost and value.session not in {
                None, *self._loss.sessions}:
            self._clock(self._loss, value)

    @staticmethod
    def _clock(loss: Loss, value: ResourceState) -> None:
        now_s = time.monotonic()
        loss.taken.setdefault(value.name, now_s)
        if value.state is State.RUNNING:
            loss.running.setdefault(value.name, now_s)
        if len(loss.running) == len(loss.lost):
            loss.over.set()

    async def _load(self, held: Held[ResourceState]) -> None:
        """Write what the agent of a node writes when a machine is sent to it."""
        name, node = held.value.name, held.value.node
        assert node is not None
        assert held.value.operation is not None
        with suppress(KeyError):  # the node is lost too
            live = Guard(Key(Kind.LIVE, node), self._live[node])
            claimed = e.Claimed(session=self.sessions[node].id, spec_revision=self._specs[name], why=held.value.reason)
            taken = await self._step(held, claimed, node, live)
            if taken is None:
                return
            began_s = time.time()
            await asyncio.sleep(LOAD_S)
            run = Run(resource=name, script=ScriptKind.LOAD, operation=held.value.operation, node=node,
                      started_at_s=began_s, ended_at_s=time.time(), end=RunEnd.EXITED, code=0)
            await self._put((Put(run),))
            await self.store.trim(Kind.RUN, prefix=f"{name}/{run.script}/", keep=10)
            await self._step(taken, e.Loaded(spec_revision=self._specs[name], why=reason(Why.LOADED)), node, live)

    async def _step(self, held: Held[ResourceState], event: e.Event, node: NodeName,
                    live: Guard) -> Held[ResourceState] | None:
        decision = step(held, event, CLOCK.now(), by=node, guards=(live,))
        done = await self.store.commit(decision.transaction)
        if not isinstance(done, Committed):
            return None
        (put,) = decision.transaction.puts
        assert isinstance(put.record, ResourceState)
        return Held(put.record, done.revision)
