"""One pretend host: power, machines, scripts, a watchdog and a journal, behind the agent's ports.

A machine is in one of three conditions: it executes, it waits for its incoming twin, or it has arrived and waits to be
let go. Only the first executes; that is what ``Record`` notes, and what the checker judges. Scripts have the effect
that their kind has on a real host, unless a ``Fault`` says otherwise. Like real ones they belong to the host: they
go on when the agent dies, and end when the power does.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.errors import HostError
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import BootId, Moment, NodeName, ResourceName
from stanchion.model.journal import JournalEntry
from stanchion.model.resource import MachineKind, ResourceSpec, ScriptKind
from stanchion.model.state import Presence
from stanchion.ports import Readiness, ScriptOrder
from stanchion.sim import loop
from stanchion.sim.storage import PretendStorage

WALL_S = 1_700_000_000.0
"""Wall time at virtual time zero."""


class Condition(StrEnum):
    """What a machine on a host is doing."""

    EXECUTES = "executes"
    AWAITED = "awaited"
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How a script misbehaves: its exit code, how long it takes, and whether it has its effect all the same.

    ``times`` is how many runs of it misbehave, counted from the first of all; None: every one. ``keeps_storage``: an
    unload or a halt that ends the machine, and leaves its storage in use.
    """

    code: int = 0
    takes_s: float = 0.05
    effect: bool = True
    never_ends: bool = False
    times: int | None = None
    keeps_storage: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One machine began or ended to execute on a host."""

    at_s: float
    host: NodeName
    machine: str
    begins: bool
    again: bool = False


@dataclass
class Nature:
    """What all hosts share: the records, the scripts' faults, and the way from one host to another.

    ``judges`` are told every record in its instant, also a beginning where the machine executes already: its load ran
    twice, beside the old process. ``runs`` counts the runs of every script. ``by_hand`` are the
    machines that somebody started on a host where nobody sent them, and since when an agent has known of each.
    ``sizes`` is how large machines are by their configuration.
    """

    records: list[Record] = field(default_factory=list)
    judges: list[Callable[[Record], None]] = field(default_factory=list)
    faults: dict[tuple[str, ScriptKind], Fault] = field(default_factory=dict)
    runs: Counter[tuple[str, ScriptKind]] = field(default_factory=Counter)
    hosts: dict[NodeName, "PretendHost"] = field(default_factory=dict)
    by_hand: dict[tuple[str, NodeName], float | None] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)

    def note(self, record: Record) -> None:
        """Keep a record, and tell the judges."""
        self.records.append(record)
        for judge in self.judges:
            judge(record)

    def misbehaviour(self, resource: str, script: ScriptKind) -> Fault:
        """Give how the next run of a script misbehaves."""
        self.runs[resource, script] += 1
        fault = self.faults.get((resource, script), Fault())
        return fault if fault.times is None or self.runs[resource, script] <= fault.times else Fault()


class PretendClock:
    """A host's clocks: one that begins with each boot and measures, and one on the wall.

    ``rate``: 1.01 is a monotonic clock that is 1 % fast. ``set_back_s``: how far the wall clock is off, beyond what
    ``shared``, the wall clock of everybody, is off.
    """

    def __init__(self, rate: float = 1.0, shared: "PretendClock | None" = None) -> None:
        self.rate = rate
        self.booted_s = 0.0
        self.set_back_s = 0.0
        self._shared = shared

    def now(self) -> Moment:
        """Read both clocks."""
        now_s = asyncio.get_running_loop().time()
        set_back_s = self.set_back_s if self._shared is None else self.set_back_s + self._shared.set_back_s
        return Moment(mono_s=(now_s - self.booted_s) * self.rate, wall_s=WALL_S + now_s - set_back_s)

    def instant_s(self, mono_s: float) -> float:
        """Give the virtual time at which the monotonic clock shows that."""
        return self.booted_s + mono_s / self.rate


class PretendHost:
    """The host itself; it stands behind ``Host``, ``Hypervisor``, ``Watchdog`` and ``Journal``."""

    def __init__(self, name: NodeName, nature: Nature, *, has_watchdog: bool = True,
                 clock: PretendClock | None = None) -> None:
        self.name = name
        self.nature = nature
        self.clock = clock or PretendClock()
        self.capacity_found = NOTHING_KNOWN
        self.has_watchdog = has_watchdog
        self.machines: dict[str, Condition] = {}
        self.missing_files: set[str] = set()
        self.blind = False
        self.hung = False
        self.journal_full = False
        self.watchdog_late_s = 0.0
        self.boots = 1
        self.powered = True
        self.resets = 0
        self.on_reset: Callable[[], None] = lambda: None
        self.on_power_cut: Callable[[], None] = self.power_off
        self.storage = PretendStorage()
        self.runner = PretendRunner(self)
        self._journal: JournalEntry | None = None
        self._until_s: float | None = None
        self._alarm: asyncio.TimerHandle | None = None

    # Power.

    def power_off(self) -> None:
        """Cut the power: every machine and every script ends in this instant."""
        self.powered = False
        self.storage.clear()
        for machine in list(self.machines):
            self.become(machine, None)
        self.runner.drop()
        self.release()

    def power_on(self) -> None:
        """Boot anew."""
        self.boots += 1
        self.powered = True
        self.clock.booted_s = asyncio.get_running_loop().time()

    def become(self, machine: str, condition: Condition | None) -> None:
        """Put a machine into a condition here, None for gone, and keep the record."""
        before = self.machines.get(machine)
        if condition is None:
            self.machines.pop(machine, None)
        else:
            self.machines[machine] = condition
        was, is_ = before is Condition.EXECUTES, condition is Condition.EXECUTES
        if was != is_:
            at_s = asyncio.get_running_loop().time()
            self.nature.note(Record(at_s, self.name, machine, is_))
        if condition is None:
            self.nature.by_hand.pop((machine, self.name), None)

    def start_by_hand(self, machine: str) -> None:
        """Somebody starts a machine here, whatever the cluster thinks of it."""
        if self.powered and machine not in self.machines:
            self.nature.by_hand[machine, self.name] = None
            self.become(machine, Condition.EXECUTES)

    # Port Host.

    def boot(self) -> BootId:
        """Identify this life of the host."""
        return BootId(f"{self.name}-boot{self.boots}")

    async def capacity(self) -> Size:
        """Say what it has."""
        return self.capacity_found

    async def readiness(self, spec: ResourceSpec, digests: Mapping[str, str]) -> Readiness:
        """Check the machine's files: each is the "same" here, unless it is missing."""
        gone = [path for path in spec.files if path in self.missing_files]
        if gone:
            return Readiness(fault=f"{gone[0]} is missing on {self.name}", digests=digests)
        other = [path for path in spec.files if digests.get(path, "same") != "same"]
        return Readiness(fault=f"{other[0]} differs on {self.name}" if other else "",
                         digests=dict.fromkeys(spec.files, "same"),
                         size=self.nature.sizes.get(spec.machine.name or spec.name, NOTHING_KNOWN))

    async def reset(self) -> None:
        """Reset the host hard."""
        self._fire()
        await asyncio.Event().wait()

    # Port Hypervisor.

    async def look(self, spec: ResourceSpec) -> tuple[Presence, str]:
        """Tell whether the machine executes here."""
        if self.blind and spec.machine.kind is not MachineKind.SCRIPT:
            return Presence.UNKNOWN, "the hypervisor does not answer"
        condition = self.machines.get(spec.machine.name or spec.name)
        executes = condition is Condition.EXECUTES
        return (Presence.RUNNING if executes else Presence.ABSENT), str(condition or "gone")

    async def sweep(self, specs: Sequence[ResourceSpec]) -> Mapping[ResourceName, tuple[Presence, str]]:
        """Look for many machines at once; a hypervisor that hangs never answers that."""
        if self.hung:
            await asyncio.Event().wait()
        return {spec.name: await self.look(spec) for spec in specs if spec.machine.kind is not MachineKind.SCRIPT}

    # Port Watchdog.

    @property
    def armed(self) -> bool:
        """Whether the watchdog would fire if feeding stopped now."""
        return self._until_s is not None

    def arm(self, until_s: float) -> bool:
        """Arm the watchdog, where there is one."""
        if not self.has_watchdog or not self.powered:
            return False
        self._set(until_s)
        return True

    def feed(self, until_s: float) -> None:
        """Put the reset off."""
        if self.armed and self.powered:
            self._set(until_s)

    def release(self) -> None:
        """Disarm."""
        self._until_s = None
        if self._alarm is not None:
            self._alarm.cancel()

    def _set(self, until_s: float) -> None:
        self._until_s = max(until_s, self._until_s or 0.0)
        if self._alarm is not None:
            self._alarm.cancel()
        at_s = self.clock.instant_s(self._until_s) + self.watchdog_late_s
        self._alarm = asyncio.get_running_loop().call_at(at_s, self._fire, context=loop.apart())

    def _fire(self) -> None:
        if self.powered:
            self.resets += 1
            self.on_reset()

    # Port Journal.

    def read(self) -> JournalEntry | None:
        """Give what was written last."""
        return self._journal

    def lose_journal(self) -> None:
        """Forget what was written: its file is gone."""
        self._journal = None

    def write(self, entry: JournalEntry) -> None:
        """Replace what was written."""
        if self.journal_full:
            raise HostError(f"the disk of {self.name} is full")
        self._journal = entry


class PretendRunner:
    """The host's scripts, behind ``Runner``."""

    def __init__(self, host: PretendHost) -> None:
        self._host = host
        self._runs: dict[tuple[str, str, str], asyncio.Task[Run]] = {}
        self._loads: dict[str, str] = {}
        self._going: dict[str, list[asyncio.Task[Run]]] = {}
        self.orders: list[ScriptOrder] = []

    async def run(self, order: ScriptOrder) -> Run:
        """Run a script after every earlier one of the resource; a run that is known is joined."""
        key = (order.resource, order.script, order.operation)
        if key not in self._runs:
            for earlier in self._living(order.resource):
                await asyncio.wait({earlier})
            self.orders.append(order)
            self._runs[key] = asyncio.create_task(self._execute(order), context=loop.apart())
            self._going[order.resource] = [*self._living(order.resource), self._runs[key]]
        task = self._runs[key]
        done, _ = await asyncio.wait({task}, timeout=order.timeout_s)
        if not done:
            return self._told(order, RunEnd.OVERDUE, 0)
        if task.cancelled():
            return self._told(order, RunEnd.KILLED, 137)
        return task.result()

    async def rehearse(self, order: ScriptOrder) -> Run:
        """Tell the text, which is all that a pretend script does."""
        return replace(self._told(order, RunEnd.EXITED, 0), output=order.text)

    def process_of(self, resource: ResourceName) -> int | None:
        """Give a number for the script that runs now."""
        return 4242 if self._living(resource) else None

    async def end(self, resource: ResourceName, *, grace_s: float = 5.0,  # noqa: ARG002 - the port's
                  script: ScriptKind | None = None) -> bool:
        """End the resource's running script."""
        kinds = {task: key[1] for key, task in self._runs.items()}
        living = [task for task in self._living(resource) if script is None or kinds.get(task) == script]
        for task in living:
            task.cancel()
        if living:
            await asyncio.wait(living)
        return bool(living)

    async def forget(self, resource: ResourceName) -> None:
        """Forget a resource's runs."""
        self._runs = {key: task for key, task in self._runs.items() if key[0] != resource}

    def drop(self) -> None:
        """The power is cut: every script ends, and no run is remembered as going on."""
        for task in self._runs.values():
            task.cancel()
        self._runs.clear()

    def _living(self, resource: str) -> list[asyncio.Task[Run]]:
        return [task for task in self._going.get(resource, ()) if not task.done()]

    async def _execute(self, order: ScriptOrder) -> Run:
        fault = self._host.nature.misbehaviour(order.resource, order.script)
        if fault.never_ends:
            await asyncio.Event().wait()
        await asyncio.sleep(fault.takes_s)
        code = fault.code
        if fault.effect and (code == 0 or order.script is not ScriptKind.MONITOR):
            done = self._effect(order)
            code = code or done
            self._use_storage(order, keeps=fault.keeps_storage)
        return self._told(order, RunEnd.EXITED, code)

    def _use_storage(self, order: ScriptOrder, *, keeps: bool) -> None:
        """Let a script take the storage of its resource, or let go of it; which that is, its load script says."""
        if order.script is ScriptKind.LOAD:
            self._loads[order.resource] = order.text
            self._host.storage.take(order.text)
        elif order.script in {ScriptKind.UNLOAD, ScriptKind.HALT} and not keeps:
            self._host.storage.release(self._loads.get(order.resource, ""))

    def _effect(self, order: ScriptOrder) -> int:
        """Do what such a script does to the machine; give its exit code."""
        host, machine = self._host, str(order.resource)
        other = order.environment.get("NCS_TOFROM", "")
        match order.script:
            case ScriptKind.LOAD if other:
                if host.machines.get(machine) is not Condition.ARRIVED:
                    return 1
                host.become(machine, Condition.EXECUTES)
            case ScriptKind.LOAD:
                if host.machines.get(machine) is Condition.EXECUTES:
                    host.nature.note(Record(asyncio.get_running_loop().time(), host.name, machine, begins=True,
                                            again=True))
                host.become(machine, Condition.EXECUTES)
            case ScriptKind.UNLOAD if other:
                return self._send(machine, NodeName(other), door=order.environment.get("STANCHION_DOOR", ""))
            case ScriptKind.UNLOAD | ScriptKind.HALT:
                host.become(machine, None)
            case ScriptKind.PREPARE if host.machines.get(machine) is Condition.EXECUTES:
                return 1
            case ScriptKind.PREPARE:
                host.become(machine, Condition.AWAITED)
            case ScriptKind.MONITOR:
                return 0 if host.machines.get(machine) is Condition.EXECUTES else 7
        return 0

    def _send(self, machine: str, target: NodeName, door: str) -> int:
        """Send it to where it is awaited; without a door, the hypervisor there lets in what it does not have."""
        there = self._host.nature.hosts[target]
        if not there.powered or there.machines.get(machine) is not (Condition.AWAITED if door else None):
            return 1
        self._host.become(machine, None)
        there.become(machine, Condition.ARRIVED)
        return 0

    def _told(self, order: ScriptOrder, end: RunEnd, code: int) -> Run:
        at_s = WALL_S + asyncio.get_running_loop().time()
        output = "door: tcp:pretend:1\n" if order.script is ScriptKind.PREPARE else ""
        return Run(resource=order.resource, script=order.script, operation=order.operation, node=self._host.name,
                   started_at_s=at_s, ended_at_s=at_s, end=end, code=code, output=output,
                   command="" if code == 0 else f"pretend {order.script}")
