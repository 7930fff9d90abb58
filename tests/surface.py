"""A cluster to ask: the API over the store in memory, with a view of three nodes, but no agents.

node1 is the master, node2 is up, node3 was lost and nothing proves that it stopped. Orders are written into the
store as in life; ``World.end_orders`` makes the world end each one as soon as it is written, as a master would.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
from fastapi import FastAPI

from stanchion.api.access.brake import Vigil
from stanchion.api.app import create
from stanchion.api.services import Outside, Services
from stanchion.between import Colleagues, Files
from stanchion.client import Client, Connection
from stanchion.drivers.lint import ScriptLint
from stanchion.drivers.templates import shipped
from stanchion.model.cluster import (
    ClusterView,
    Held,
    Key,
    Kind,
    Live,
    Master,
    Membership,
    Node,
    Record,
    SelfFence,
    Session,
    Settings,
)
from stanchion.model.errors import HostError
from stanchion.model.fencing import FenceDevice, Power
from stanchion.model.history import FOR_AUDIT, Entry, Run, RunEnd, Severity
from stanchion.model.ids import (
    BootId,
    Epoch,
    LeaseId,
    Moment,
    NodeName,
    OperationId,
    ResourceName,
    Revision,
    SessionId,
    TemplateName,
)
from stanchion.model.notification import Message, Way
from stanchion.model.orders import Intent, Outcome
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import ResourceSpec, Script, ScriptKind, Scripts
from stanchion.model.running import Running
from stanchion.model.state import ResourceState, State
from stanchion.model.statistics import Statistics
from stanchion.model.timing import TIMINGS, Profile
from stanchion.model.transaction import Committed, Conflict, Put, Transaction
from stanchion.ports import Ballot, Issuer, Neighbours, Passwords
from stanchion.sim.store import MemoryEngine, MemoryStore
from stanchion.trust.passwords import Argon
from stanchion.web import app as web

TOKEN = "t0ken"
NODES = tuple(map(NodeName, ("node1", "node2", "node3")))
LOST = NODES[2]
NOW_S = 1_790_000_000.0
TEMPLATES = shipped()
MONITOR = Script(text="exit 0\n", timeout_s=60)


NOTHING_COUNTED = Statistics(since_s=NOW_S)

_APPS: list[FastAPI] = []
"""The application, made once: making one takes a tenth of a second, and it keeps nothing but its services."""


class StillClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.wall_s = NOW_S

    def now(self) -> Moment:
        """Read it."""
        return Moment(mono_s=self.wall_s, wall_s=self.wall_s)


class Counted:
    """Tokens that count."""

    def __init__(self) -> None:
        self.given = 0

    def token(self) -> str:
        """Give the next."""
        self.given += 1
        return f"order{self.given:011d}"


class Devices:
    """Fence devices without hosts: each reports the power that stands under its parameter ``ip``."""

    def __init__(self) -> None:
        self.power: dict[str, Power] = {}
        self.stuck: set[str] = set()
        self.calls: list[tuple[str, FenceDevice]] = []

    async def status(self, device: FenceDevice) -> tuple[Power, str]:
        """Report it; a device at an unknown address does not answer."""
        self.calls.append(("status", device))
        return self._power(device)

    async def off(self, device: FenceDevice) -> tuple[Power, str]:
        """Switch off, unless it is stuck."""
        self.calls.append(("off", device))
        return self._switch(device, Power.OFF)

    async def on(self, device: FenceDevice) -> tuple[Power, str]:
        """Switch on."""
        self.calls.append(("on", device))
        return self._switch(device, Power.ON)

    async def agents(self) -> Mapping[str, str]:
        """Name two."""
        return {"fence_ipmilan": "Fence agent for IPMI", "fence_apc": ""}

    def _switch(self, device: FenceDevice, power: Power) -> tuple[Power, str]:
        ip = device.parameters["ip"]
        if ip in self.power and ip not in self.stuck:
            self.power[ip] = power
        return self._power(device)

    def _power(self, device: FenceDevice) -> tuple[Power, str]:
        power = self.power.get(device.parameters["ip"], Power.UNKNOWN)
        return power, "no route to host" if power is Power.UNKNOWN else f"Status: {power.upper()}"


class Post:
    """A notifier that keeps what it is given; ``fault`` is what the other side refuses it with."""

    def __init__(self) -> None:
        self.sent: list[tuple[Way, Message]] = []
        self.fault = ""

    async def send(self, way: Way, message: Message) -> str:
        """Take it, or refuse it."""
        if self.fault:
            raise HostError(self.fault)
        self.sent.append((way, message))
        return "250 taken"


class Watched(MemoryStore):
    """A line to the store that tells after every commit what was written."""

    def __init__(self, engine: MemoryEngine) -> None:
        super().__init__(engine)
        self.written: Callable[[Transaction], Awaitable[None]] | None = None

    async def commit(self, transaction: Transaction) -> Committed | Conflict:
        """Write, then tell."""
        answer = await super().commit(transaction)
        if self.written is not None and isinstance(answer, Committed):
            await self.written(transaction)
        return answer


@dataclass(kw_only=True)
class World:
    """The cluster behind the API, and the hands that move it. Make one inside a running loop."""

    engine: MemoryEngine = field(default_factory=MemoryEngine)
    clock: StillClock = field(default_factory=StillClock)
    chance: Counted = field(default_factory=Counted)
    devices: Devices = field(default_factory=Devices)
    post: Post = field(default_factory=Post)
    process: int | None = None
    running: Running | None = None
    ended_processes: list[str] = field(default_factory=list)
    ends: Callable[[Intent], tuple[Outcome, Reason]] | None = None
    counted: Statistics = NOTHING_COUNTED
    store_away: bool = False
    silent: frozenset[SessionId] = frozenset()
    neighbours: Neighbours | None = None
    files: Files | None = None
    colleagues: Colleagues | None = None
    issuer: Issuer | None = None
    ballot: Ballot | None = None
    vigil: Vigil = field(default_factory=Vigil)
    outside: Outside = field(default_factory=Outside)
    passwords: Passwords = field(default_factory=lambda: Argon(memory_kib=8, rounds=1))

    def __post_init__(self) -> None:
        self.store = Watched(self.engine)
        self.store.written = self._written
        self._news = asyncio.Event()
        self._view = ClusterView()
        self.engine.commit(Transaction(puts=tuple(Put(record) for record in _cluster())))

    def view(self) -> ClusterView:
        """Give the store as it stands, as an agent's view."""
        if self._view.revision != self.engine.revision:
            now = self.engine.snapshot()
            self._view = ClusterView().apply(now.changes, now.revision)
        return self._view

    async def changed(self) -> None:
        """Return after the next write."""
        await self._news.wait()

    async def put(self, *records: Record, history: tuple[Entry, ...] = ()) -> Revision:
        """Write records past the API, as agents do."""
        answer = await self.store.commit(Transaction(puts=tuple(map(Put, records)), history=history))
        assert isinstance(answer, Committed)
        return answer.revision

    async def drop(self, kind: Kind, name: str) -> None:
        """Delete a record past the API."""
        await self.store.commit(Transaction(deletes=(Key(kind, name),)))

    async def resource(self, name: str, state: State = State.OFFLINE, *, node: str | None = None,
                       **spec: Any) -> ResourceName:
        """Make a resource past the API, in any state."""
        named = ResourceName(name)
        made = ResourceSpec(
            name=named, template=TemplateName("Generic_FS"), saved_by="anna", saved_at_s=NOW_S,
            scripts=Scripts(load=Script(text="true\n"), unload=Script(text="true\n"), monitor=MONITOR), **spec)
        held = NodeName(node) if node else None
        why = reason(Why.LOADED) if state is State.RUNNING else reason(Why.CREATED, "Generic_FS")
        await self.put(made, ResourceState(name=named, state=state, node=held, reason=why, lives=1, since_s=NOW_S,
                                           session=self.view().session_of(held) if held else None))
        return named

    async def ran(self, name: ResourceName, script: ScriptKind, operation: str, *, code: int = 0, at_s: float = NOW_S,
                  output: str = "") -> None:
        """Keep a run of a script."""
        await self.put(Run(resource=name, script=script, operation=OperationId(operation), node=NODES[0],
                           started_at_s=at_s, ended_at_s=at_s + 2, end=RunEnd.EXITED, code=code, output=output,
                           command="virsh start x" if code else ""))

    async def happened(self, why: Reason, name: str, severity: Severity = Severity.INFO) -> None:
        """Write one line of history."""
        entry = Entry(at_s=self.clock.wall_s, reason=why, severity=severity, resource=ResourceName(name))
        await self.store.commit(Transaction(history=(entry,)))

    async def happenings(self) -> list[Entry]:
        """Read the history as far as it tells of the cluster: without what stands there for the audit alone."""
        found = [held.value for _, held in await self.store.records(Kind.HISTORY)]
        return [each for each in found if isinstance(each, Entry) and each.reason.why not in FOR_AUDIT]

    def end_orders(self, outcome: Outcome, why: Reason) -> None:
        """End every order as soon as it is written."""
        self.ends = lambda _: (outcome, why)

    def app(self) -> FastAPI:
        """Make the API of node1."""
        services = Services(
            node=NODES[0], store=self.store, view=self.view, changed=self.changed, clock=self.clock, chance=self.chance,
            lint=ScriptLint(), fencer=self.devices, notifier=self.post, process_of=lambda _: self.process,
            running=lambda _: self.running, end_process=self._end_process, token=TOKEN, version="1.2.3",
            token_file="/var/lib/stanchion/token",
            statistics=lambda: self.counted, clear_statistics=self._count_anew,
            store_away=lambda: self.store_away, names=("node1.lab",), silent=lambda: self.silent,
            files=self.files, colleagues=self.colleagues, neighbours=self.neighbours,
            issuer=self.issuer, ballot=self.ballot, passwords=self.passwords,
            vigil=self.vigil, outside=self.outside)
        if not _APPS:
            _APPS.append(create(services))
            web.install(_APPS[0])
        _APPS[0].state.services = services
        return _APPS[0]

    def http(self, token: str = TOKEN) -> httpx2.AsyncClient:
        """Speak bare HTTP to the API."""
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app()), base_url="http://node1",
                                  headers={"Authorization": f"Bearer {token}"} if token else {})

    def client(self, token: str = TOKEN) -> Client:
        """Speak to the API with the typed client."""
        connection = Connection(urls=("http://node1",), token=token, by="anna")
        return Client(connection, transport=httpx2.ASGITransport(self.app()))

    def _count_anew(self) -> None:
        self.counted = Statistics(since_s=self.clock.wall_s)

    async def _end_process(self, name: ResourceName) -> bool:
        self.ended_processes.append(name)
        self.process = None
        return True

    async def _written(self, transaction: Transaction) -> None:
        self._news.set()
        self._news = asyncio.Event()
        for put in transaction.puts:
            if isinstance(put.record, Intent) and put.record.outcome is Outcome.PENDING and self.ends is not None:
                outcome, why = self.ends(put.record)
                await self.put(replace(put.record, outcome=outcome, reason=why, ended_at_s=self.clock.wall_s))


def held(world: World, kind: Kind, name: str) -> Held[Record] | None:
    """Look into the store."""
    return world.engine.records.get(Key(kind, name))


def _cluster() -> list[Record]:
    sessions = {node: SessionId(f"{node}-session") for node in NODES}
    living = {node: session for node, session in sessions.items() if node != LOST}
    fences = {LOST: SelfFence.NONE}
    return [
        Settings(cluster="lab"),
        *(Node(name=node) for node in NODES),
        *(Session(node=node, id=session, boot=BootId("boot"), lease=LeaseId("lease"), opened_at_s=NOW_S,
                  self_fence=fences.get(node, SelfFence.WATCHDOG), timing=TIMINGS[Profile.DEFAULT],
                  url=f"http://{node}:7423", version="1.2.3") for node, session in sessions.items()),
        *(Live(node=node, session=session) for node, session in living.items()),
        Master(node=NODES[0], session=sessions[NODES[0]]),
        Membership(epoch=Epoch(4), members=living, master=NODES[0], formed_at_s=NOW_S, quorum=True),
        *TEMPLATES,
    ]
