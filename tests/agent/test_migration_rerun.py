"""A live migration, run again from every state in which it can be interrupted.

The migration is played once and every *boundary* is written down: each revision of the store, each script that begins,
and each machine that changes its condition on a host. Then it is played again up to each boundary, and in that instant
one thing is struck. After a while everything is mended. All judges of the simulator sit in each of these stories; in
the end the machine must execute exactly once where its record says, nothing is lost, and a machine that was never
handed over was never stopped. 16 boundaries and 10 victims make 160 stories; in 28 more a script misbehaves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from stanchion.model.cluster import Kind
from stanchion.model.ids import NodeName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from stanchion.sim import loop
from stanchion.sim.court import Court
from stanchion.sim.host import Fault, PretendHost
from stanchion.sim.judges import JUDGES
from stanchion.sim.life import hushed
from stanchion.sim.strikes import FAULTS
from stanchion.sim.world import World, cluster, spec

MASTER, SOURCE, TARGET = map(NodeName, "abc")
STORM_S, CALM_S, TICK_S = 25.0, 20.0, 1.0


class _Told(dict[str, Any]):
    """The machines of a host; says when one changes."""

    def __init__(self, host: PretendHost, say: Callable[[str], None]) -> None:
        super().__init__(host.machines)
        self._name, self._say = host.name, say

    def __setitem__(self, machine: str, condition: Any) -> None:
        super().__setitem__(machine, condition)
        self._say(f"{machine} {condition} on {self._name}")

    def pop(self, machine: str, *default: Any) -> Any:
        """A machine is gone."""
        had = machine in self
        found = super().pop(machine, *default)
        if had:
            self._say(f"{machine} gone from {self._name}")
        return found


class _Orders(list[Any]):
    """The scripts that a host began; says when one begins."""

    def __init__(self, host: PretendHost, say: Callable[[str], None]) -> None:
        super().__init__(host.runner.orders)
        self._name, self._say = host.name, say

    def append(self, order: Any) -> None:
        super().append(order)
        self._say(f"{order.script} begins on {self._name}")


@dataclass
class Story:
    """One migration from b to c: its boundaries, and what is struck at one of them."""

    world: World
    at: int | None = None
    strike: Callable[["Story"], Awaitable[None]] | None = None
    boundaries: list[str] = field(default_factory=list)
    struck: asyncio.Task[None] | None = None
    ran_at_strike: tuple[NodeName, ...] = ()
    over: bool = False

    def say(self, what: str) -> None:
        """Count a boundary; strike at the one that was asked for, in the same instant."""
        if self.over or self.struck is not None:
            return
        self.boundaries.append(what)
        if self.at is not None and len(self.boundaries) == self.at + 1 and self.strike is not None:
            self.ran_at_strike = self.world.where("web")
            self.struck = asyncio.create_task(self.strike(self), context=loop.apart())  # type: ignore[arg-type]

    def listen(self) -> None:
        """Hear everything from now on."""
        self.world.engine.judges.append(lambda batch: self.say(", ".join(
            f"{change.key.kind} {change.key.name}" for change in batch.changes
            if change.key.kind not in {Kind.HISTORY, Kind.RUN}) or "a line"))
        for host in self.world.hosts.values():
            host.machines = _Told(host, self.say)
            host.runner.orders = _Orders(host, self.say)


async def _agent_dies(story: Story, *nodes: NodeName) -> None:
    for node in nodes:
        await story.world.kill(node)
    await asyncio.sleep(1.0)
    for node in nodes:
        story.world.start(node)


async def _power(story: Story, *nodes: NodeName) -> None:
    for node in nodes:
        await story.world.power_off(node)


async def _pause(story: Story, *nodes: NodeName) -> None:
    for node in nodes:
        story.world.pause(node)
    await asyncio.sleep(12.0)
    for node in nodes:
        story.world.resume(node)


async def _outage(story: Story) -> None:
    story.world.take_store(down=True)
    await asyncio.sleep(3.0)
    story.world.take_store(down=False)


async def _offline(story: Story) -> None:
    await story.world.give(Verb.OFFLINE, "web")


VICTIMS: Mapping[str, Callable[[Story], Awaitable[None]]] = {
    "the source's agent dies": lambda story: _agent_dies(story, SOURCE),
    "the source loses its power": lambda story: _power(story, SOURCE),
    "the source's agent hangs": lambda story: _pause(story, SOURCE),
    "the target's agent dies": lambda story: _agent_dies(story, TARGET),
    "the target loses its power": lambda story: _power(story, TARGET),
    "the target's agent hangs": lambda story: _pause(story, TARGET),
    "both lose their power": lambda story: _power(story, SOURCE, TARGET),
    "the master's agent dies": lambda story: _agent_dies(story, MASTER),
    "the store is away for 3 s": _outage,
    "an operator wants it offline": _offline,
}


LIGHT = ("the source's agent dies", "the target's agent dies", "the master's agent dies", "the store is away for 3 s")
"""Shorter than K: nobody may notice."""

FITTING = {Why.MIGRATED, Why.PREFLIGHT_FAILED, Why.MIGRATE_FAILED, Why.MIGRATE_LOST, Why.UNLOAD_TIMEOUT,
           Why.LOAD_FAILED, Why.LOAD_NOT_RUNNING, Why.LOAD_TIMEOUT}
"""How a migration may end when a script misbehaves."""


def played(victim: str = "", at: int | None = None, faults: Mapping[ScriptKind, Fault] | None = None) -> list[str]:
    """Play one story; give its boundaries. Raises ``AssertionError`` with everything that is wrong in the end."""

    async def main() -> list[str]:
        async with cluster("abc") as world:
            plain = spec("web", preferred=(SOURCE, TARGET, MASTER))
            patient = {kind.value: replace(plain.scripts.of(kind), timeout_s=10.0) for kind in ScriptKind}
            await world.create(replace(plain, scripts=replace(plain.scripts, **patient)))
            await world.order(Verb.ONLINE, "web", SOURCE)
            story = Story(world, at, VICTIMS.get(victim))
            court = Court(world, JUDGES)
            for kind, fault in (faults or {}).items():
                until = None if fault.times is None else world.nature.runs["web", kind] + fault.times
                world.nature.faults["web", kind] = replace(fault, times=until)
            story.listen()
            await _through(story, court)
            assert not court.violations, (victim, story.boundaries[-1], court.violations[0].told())
            return story.boundaries

    with hushed():
        return loop.run(main)


async def _through(story: Story, court: Court) -> None:
    world = story.world
    order = await world.give(Verb.MIGRATE, "web", TARGET, live=True)
    if story.at is None:
        await world.until(lambda view: view.intents[order].value.outcome is Outcome.DONE or bool(world.nature.faults),
                          within_s=STORM_S)
        story.over = True
    await _wait(court, STORM_S)
    if story.at is not None:
        assert story.struck is not None, "the boundary was not reached"
        await story.struck
    _untouched(story)
    await _ended_well(story)
    for name in world.hosts:
        world.power_on(name)
        world.start(name)
    for host in world.hosts.values():
        await host.runner.end(spec("web").name)
    world.nature.faults.clear()
    await _wait(court, CALM_S)
    court.end()
    await _at_rest(story)


async def _wait(court: Court, seconds: float) -> None:
    for _ in range(round(seconds / TICK_S)):
        await asyncio.sleep(TICK_S)
        court.tick()


def _untouched(story: Story) -> None:
    """The death of the target alone never stopped a machine that ran on the source."""
    if story.strike is not VICTIMS["the target loses its power"] or story.ran_at_strike != (SOURCE,):
        return
    ends = [record for record in story.world.nature.records if record.host == SOURCE and not record.begins]
    assert ends == [], (story.boundaries[-1], ends)


async def _ended_well(story: Story) -> None:
    """What was struck lightly did not even fail the migration, and what was struck hard cost one life at most."""
    state, last = await story.world.state("web"), story.boundaries[-1]
    light = [VICTIMS[name] for name in LIGHT]
    if story.strike in light:
        assert (state.state, state.node, state.lives) == (State.RUNNING, TARGET, 1), (last, state)
    elif story.strike is VICTIMS["both lose their power"]:
        assert (state.state, state.node, state.lives) == (State.RUNNING, MASTER, 2), (last, state)
    elif story.strike is not None:
        assert state.lives <= 2, (last, state)
        assert state.reason.why in {Why.MIGRATED, Why.SOURCE_LOST, Why.TARGET_LOST, Why.FAILOVER, Why.UNLOADED}
    else:
        assert state.reason.why in FITTING, state


async def _at_rest(story: Story) -> None:
    """It executes once, where its record says; or it is at rest for a reason that fits."""
    world, last = story.world, story.boundaries[-1]
    state = await world.state("web")
    assert len((await world.view()).live) == len(world.hosts), last
    if state.state is State.RUNNING:
        assert world.where("web") == (state.node,), (last, state)
    elif state.state is State.OFFLINE:
        assert story.strike is VICTIMS["an operator wants it offline"], (last, state)
        assert world.where("web") == (), (last, state)
    else:
        assert story.strike is None, (last, state)
        assert state.state is State.COMATOSE, (last, state)
        assert len(world.where("web")) <= 1, (last, state)
    waits = [host.name for host in world.hosts.values() if host.machines.get("web") in {"awaited", "arrived"}]
    assert state.state is State.COMATOSE or waits == [], (last, state, waits)


BOUNDARIES = played()


def test_there_are_many_boundaries() -> None:
    assert len(BOUNDARIES) >= 15
    assert len(BOUNDARIES) * len(VICTIMS) >= 150
    for what in ("prepare begins on c", "web awaited on c", "unload begins on b", "web gone from b",
                 "web arrived on c", "load begins on c", "web executes on c"):
        assert what in BOUNDARIES


@pytest.mark.parametrize("victim", VICTIMS)
def test_whatever_is_struck_at_whatever_moment_it_runs_once_in_the_end(victim: str) -> None:
    for at in range(len(BOUNDARIES)):
        boundaries = played(victim, at)
        assert boundaries == BOUNDARIES[:at + 1]


@pytest.mark.parametrize("kind", [kind for kind in ScriptKind if kind is not ScriptKind.MONITOR])
def test_whatever_a_script_does_it_runs_once_or_waits_for_an_administrator(kind: ScriptKind) -> None:
    for fault in FAULTS.values():
        played(faults={kind: fault})
