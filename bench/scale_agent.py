"""One real agent of ``bench/scale``: everything but its host, which does at once what it is told and breaks nothing.

It is forked from the bench, so that the modules of an agent are there at once. It finds its session in its journal and
resumes it, as an agent that was restarted does. Its machines run already. On each line of its standard input it answers
with a line of JSON: what it asked of the store so far, and for how long its event loop did not come round at worst
since the last line.
"""

import asyncio
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress

import structlog

from stanchion.agent.daemon import Daemon
from stanchion.agent.doors import Doors, Identity
from stanchion.agent.follow import read
from stanchion.api import app as api
from stanchion.api import server
from stanchion.api.services import Services
from stanchion.drivers.clock import HostChance, HostClock
from stanchion.drivers.fence import FenceAgents
from stanchion.drivers.lint import ScriptLint
from stanchion.drivers.pulse import UdpPulse
from stanchion.model.capacity import Size
from stanchion.model.cluster import Held, Kind, Record, SelfFence
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import BootId, LeaseId, NodeName, ResourceName, Revision, SessionId
from stanchion.model.journal import JournalEntry
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.model.state import Presence
from stanchion.model.transaction import Committed, Conflict, Transaction
from stanchion.ports import Batch, Readiness, Resync, ScriptOrder, Snapshot, Store
from stanchion.store.etcd import EtcdStore
from stanchion.web import app as web

CLUSTER, SECRET = "measured", "what the signs of life are signed with"
HOST = Size(memory_mib=1_048_576, cpus=256)
MACHINE = Size(memory_mib=2048, cpus=2)
LAG_S = 0.02


class EasyHost:
    """Host, hypervisor, watchdog, journal and runner in one. ``machines`` run here."""

    armed = True

    def __init__(self, boot: BootId, entry: JournalEntry, machines: set[str]) -> None:
        self._boot, self._entry, self._machines = boot, entry, machines

    def boot(self) -> BootId:
        """Give the life of the host."""
        return self._boot

    async def capacity(self) -> Size:
        """Say what it has."""
        return HOST

    async def readiness(self, spec: ResourceSpec, digests: Mapping[str, str]) -> Readiness:  # noqa: ARG002 - the port's
        """Say that all is well."""
        return Readiness(digests=dict(digests), size=MACHINE)

    async def reset(self) -> None:
        """Do nothing; nobody asks for it here."""

    async def look(self, spec: ResourceSpec) -> tuple[Presence, str]:
        """Tell whether the machine runs here."""
        return (Presence.RUNNING, "running") if spec.name in self._machines else (Presence.ABSENT, "gone")

    async def sweep(self, specs: Sequence[ResourceSpec]) -> Mapping[ResourceName, tuple[Presence, str]]:
        """Look for many."""
        return {spec.name: await self.look(spec) for spec in specs}

    def arm(self, until_s: float) -> bool:  # noqa: ARG002 - the port's
        """Say that it is armed."""
        return True

    def feed(self, until_s: float) -> None:
        """Never fire."""

    def release(self) -> None:
        """Never fire."""

    def read(self) -> JournalEntry:
        """Give what was written last."""
        return self._entry

    def write(self, entry: JournalEntry) -> None:
        """Remember."""
        self._entry = entry

    async def run(self, order: ScriptOrder) -> Run:
        """Do at once what a script of that kind does."""
        await asyncio.sleep(0)
        match order.script:
            case ScriptKind.LOAD:
                self._machines.add(order.resource)
            case ScriptKind.UNLOAD | ScriptKind.HALT:
                self._machines.discard(order.resource)
        now_s = time.time()
        return Run(resource=order.resource, script=order.script, operation=order.operation, node=NodeName(""),
                   started_at_s=now_s, ended_at_s=now_s, end=RunEnd.EXITED, code=0)

    async def rehearse(self, order: ScriptOrder) -> Run:
        """Do it; nobody asks for it here."""
        return await self.run(order)

    def process_of(self, resource: ResourceName) -> int | None:  # noqa: ARG002 - the port's
        """No script takes any time."""
        return None

    async def end(self, resource: ResourceName, *, grace_s: float = 5.0,  # noqa: ARG002 - the port's
                  script: ScriptKind | None = None) -> bool:  # noqa: ARG002 - the port's
        """No script takes any time."""
        return False

    async def forget(self, resource: ResourceName) -> None:
        """Nothing is kept."""


class Counted:
    """A store that counts what is asked of it, and what its watch tells."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.counts: Counter[str] = Counter()

    async def snapshot(self) -> Snapshot:
        """Count, and pass on."""
        self.counts["snapshots"] += 1
        return await self._store.snapshot()

    async def commit(self, transaction: Transaction) -> Committed | Conflict:
        """Count, and pass on."""
        self.counts["commits"] += 1
        return await self._store.commit(transaction)

    async def records(self, kind: Kind, *, after: str = "", prefix: str = "", limit: int = 500,
                      newest_first: bool = False) -> list[tuple[str, Held[Record]]]:
        """Count, and pass on."""
        self.counts["reads"] += 1
        return await self._store.records(kind, after=after, prefix=prefix, limit=limit, newest_first=newest_first)

    async def trim(self, kind: Kind, *, prefix: str = "", keep: int) -> int:
        """Count, and pass on."""
        self.counts["trims"] += 1
        return await self._store.trim(kind, prefix=prefix, keep=keep)

    async def grant(self, ttl_s: float) -> LeaseId:
        """Count, and pass on."""
        self.counts["leases"] += 1
        return await self._store.grant(ttl_s)

    async def renew(self, lease: LeaseId) -> bool:
        """Count, and pass on."""
        self.counts["renewals"] += 1
        return await self._store.renew(lease)

    async def revoke(self, lease: LeaseId) -> None:
        """Count, and pass on."""
        self.counts["leases"] += 1
        await self._store.revoke(lease)

    async def watch(self, after: Revision) -> AsyncIterator[Batch | Resync]:
        """Count, and pass on."""
        async for news in self._store.watch(after):
            self.counts["watched"] += 1
            yield news

    async def close(self) -> None:
        """Pass on."""
        await self._store.close()


class Lag:
    """For how long the event loop did not come round at worst."""

    worst_s = 0.0

    async def watch(self) -> None:
        """Look for ever."""
        while True:
            before_s = time.monotonic()
            await asyncio.sleep(LAG_S)
            self.worst_s = max(self.worst_s, time.monotonic() - before_s - LAG_S)


async def live(endpoints: Sequence[str], node: NodeName, entry: JournalEntry, port: int, machines: set[str]) -> None:
    """Be the agent of a node until the standard input ends."""
    store, lag = Counted(EtcdStore(endpoints, CLUSTER)), Lag()
    watching = asyncio.create_task(lag.watch())
    began_s = time.monotonic()
    view = await read(store)
    read_s = time.monotonic() - began_s
    assert view.index.near
    tell(first_view_s=time.monotonic() - began_s, read_s=read_s, stall_s=lag.worst_s, records=len(view.specs))
    del view
    pulse, host = UdpPulse("127.0.0.1", port, SECRET), EasyHost(entry.boot, entry, machines)
    await pulse.open()
    doors = Doors(store=store, runner=host, hypervisor=host, host=host, watchdog=host, journal=host, clock=HostClock(),
                  chance=HostChance(), fencer=FenceAgents(), pulse=pulse)
    daemon = Daemon(doors, Identity(node=node, pulse=pulse.address, version="1", self_fence=SelfFence.WATCHDOG))
    here = Services(node=node, store=store, view=lambda: daemon.view, changed=daemon.loop.changed, clock=doors.clock,
                    chance=doors.chance, lint=ScriptLint(), fencer=doors.fencer, process_of=host.process_of,
                    end_process=host.end, token=SECRET, version="1")
    made = api.create(here)
    web.install(made)
    living = asyncio.create_task(daemon.run(server.serve(made, "127.0.0.1", port)))
    telling = asyncio.create_task(answer(store, lag))
    await asyncio.wait({living, telling}, return_when=asyncio.FIRST_COMPLETED)
    for task in (telling, living, watching):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await store.close()


async def answer(store: Counted, lag: Lag) -> None:
    """Tell how it goes whenever a line comes in."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        tell(counts=dict(store.counts), stall_s=lag.worst_s)
        lag.worst_s = 0.0


def tell(**facts: object) -> None:
    """Write a line of JSON."""
    print(json.dumps(facts), flush=True)


def main() -> None:
    """Be the agent that the JSON in the first line of the standard input describes; the second names its machines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
                        logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    given = json.loads(sys.stdin.readline())
    entry = JournalEntry(session=SessionId(given["session"]), lease=LeaseId(given["lease"]),
                         boot=BootId(given["boot"]), renewed_at=time.monotonic())
    machines = set(sys.stdin.readline().split())
    asyncio.run(live(given["endpoints"], NodeName(given["node"]), entry, given["port"], machines))
