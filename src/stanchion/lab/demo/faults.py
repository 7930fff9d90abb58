"""The steps in which things break: power, a guest, an agent; and a lost host that comes back."""

import asyncio
import time
from dataclasses import dataclass

from stanchion.lab import guest
from stanchion.lab.demo.machines import DemoMachine, Tick
from stanchion.lab.demo.stage import Stage, StepFailed
from stanchion.lab.fencing import equip
from stanchion.model.reasons import Why
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State

START_MARGIN_S = 2.0
"""How much later than the lease the first lost machine may start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A power cut: of which node, when (seconds since 1970), and the newest event before it."""

    node: str
    at: float
    since: str


async def power_cut(stage: Stage) -> None:
    """Pull the plug of the node that runs web, and see its machines run elsewhere before its lease has ended."""
    victim = str((await stage.wait_running("web")).node)
    first = await _cut(stage, victim)
    if first > stage.lease_s + START_MARGIN_S:
        raise StepFailed(f"the first start came {first:.1f} s after the cut, later than {stage.lease_s:g} s + "
                         f"{START_MARGIN_S:g} s")
    if first >= stage.lease_s:
        raise StepFailed(f"the first start came {first:.1f} s after the cut: the fence device did not help")
    stage.tell.saw(f"first start {first:.1f} s after the cut: {victim} was silent for {stage.suspect_s:g} s, then its "
                   f"fence device reported it off, which is proof; nobody waited for its lease of {stage.lease_s:g} s")


async def lease_cut(stage: Stage) -> None:
    """Take the fence device of mail's node away, pull its plug, and see that only the end of the lease is proof now."""
    victim = str((await stage.wait_running("mail")).node)
    await stage.cli("node", "fence", victim, "--remove")
    first, limit_s = await _cut(stage, victim), stage.lease_s + START_MARGIN_S
    if first > limit_s:
        raise StepFailed(f"the first start came {first:.1f} s after the cut, later than {limit_s:g} s")
    stage.tell.saw(f"first start {first:.1f} s after the cut (allowed: {limit_s:g} s): as soon as the lease of "
                   f"{victim}, {stage.lease_s:g} s from its last renewal, had ended, and not before: only then is "
                   "it safe")
    stage.host(victim).command("power on")
    await equip(stage.client, stage.lab)
    stage.tell.saw(f"{victim} gets its fence device and its power back")


async def _cut(stage: Stage, victim: str) -> float:
    """Cut a node's power and see its machines run elsewhere; give the seconds from the cut to the first start."""
    places, was_master = await stage.places(), (await stage.client.status()).cluster.master == victim
    lost = [machine for machine in stage.machines if places[machine.name] == victim]
    before = {machine.name: await stage.wait_tick(machine, lambda _: True) for machine in lost}
    cut = Cut(node=victim, at=time.time(), since=await stage.last_event())
    answer = stage.host(victim).command("power off")
    stage.tell.saw(f"power of {victim}{', the master,' if was_master else ''} is {answer['power']}: its agent and "
                   f"{', '.join(before)} died at once, without a word")
    ticked = await asyncio.gather(*(_next_life(stage, machine, before[machine.name], cut) for machine in lost))
    first = min([await _told(stage, *each, cut) for each in zip(lost, ticked, strict=True)])
    _was_off(stage, cut, first)
    return first


def _was_off(stage: Stage, cut: Cut, first: float) -> None:
    """See that the lost host was really off before anything of it was started elsewhere: its supervisor must know."""
    status = stage.host(cut.node).command("status")
    off_at = status["off_at"]
    if not isinstance(off_at, float) or off_at > cut.at + first:
        raise StepFailed(f"{cut.node} was not off when its machines were started elsewhere; its supervisor: {status}")
    stage.tell.saw(f"the supervisor of {cut.node} says: its last process was gone {off_at - cut.at:.1f} s after the "
                   "cut, before any of them was started elsewhere")


async def _next_life(stage: Stage, machine: DemoMachine, before: Tick, cut: Cut) -> float:
    """Wait for a machine's first word in its next life; give the seconds since the cut."""
    await stage.wait_tick(machine, lambda tick: tick.nonce != before.nonce, stage.lease_s + 30)
    return time.time() - cut.at


async def _told(stage: Stage, machine: DemoMachine, ticked: float, cut: Cut) -> float:
    """Tell when a machine was ordered and started elsewhere; give the seconds from the cut to its load script."""
    now = await stage.wait_running(machine.name)
    if now.node == cut.node:
        raise StepFailed(f"{machine.name} is said to run on {cut.node}, which has no power")
    events = (await stage.client.events(after=cut.since, limit=500, resource=machine.name)).events
    ordered = next((event.at for event in events if event.after is State.LOADING and event.at), None)
    run = next(iter((await stage.client.runs(machine.name, ScriptKind.LOAD, limit=1)).runs), None)
    if ordered is None or run is None or run.started_at is None or run.node != now.node:
        raise StepFailed(f"the history does not tell how {machine.name} came to {now.node}")
    began = run.started_at.timestamp() - cut.at
    stage.tell.saw(f"{machine.name} on {now.node}: Loading after {ordered.timestamp() - cut.at:.1f} s, its load script "
                   f"after {began:.1f} s, its first tick after {ticked:.1f} s")
    return began


async def hang(stage: Stage) -> None:
    """Let mail hang again and again, and see it restarted where it is, then moved to the next preferred node."""
    mail, since = stage.machine("mail"), await stage.last_event()
    home = (await stage.wait_running("mail")).node
    boots = len(mail.boots())
    guest.hang(mail.disk, 3)
    stage.tell.saw(f"mail, on {home}, will hang now and after each of its next two starts: its process lives, "
                   "its serial line is silent")
    told: dict[str, str] = {}

    async def moved() -> bool:
        for event in (await stage.client.events(after=since, limit=500, resource="mail")).events:
            by_monitor = event.reason.code in {Why.MONITOR_RESTART, Why.MONITOR_MIGRATE}
            if event.id not in told and by_monitor and event.before is State.RUNNING:
                told[event.id] = event.reason.code
                stage.tell.saw(f"mail: {event.reason.text}")
        return Why.MONITOR_MIGRATE in told.values()

    await stage.wait(moved, 60, "the monitor did not move mail")
    after = await _running_elsewhere(stage, mail, home)
    restarts = list(told.values()).count(Why.MONITOR_RESTART)
    if restarts != 2:  # noqa: PLR2004 - three failures: two restarts, then the move
        raise StepFailed(f"mail was restarted {restarts} times before it was moved, not twice")
    tick = await stage.wait_goes_on(mail, await stage.wait_tick(mail, lambda _: len(mail.boots()) >= boots + 3), 12)
    stage.tell.saw(f"mail ticks on {after}: tick {tick.counter} boot {tick.nonce}, its boot number {len(mail.boots())}")


async def _running_elsewhere(stage: Stage, machine: DemoMachine, home: str | None) -> str:
    """Wait until a machine runs on the next of its preferred nodes that is up."""
    up = {node.name for node in (await stage.client.nodes()).nodes if node.state == "up"}
    at = machine.preferred.index(str(home))
    order = machine.preferred[at + 1:] + machine.preferred[:at]
    expected = next(name for name in order if name in up)
    await stage.wait_running(machine.name, expected)
    return expected


async def agent_kill(stage: Stage) -> None:
    """Kill the agent that looks after web, and see that its machines do not notice."""
    web, since = stage.machine("web"), await stage.last_event()
    now = await stage.wait_running("web")
    host, places = stage.host(now.node), await stage.places()
    before, status = await stage.wait_tick(web, lambda _: True), host.command("status")
    killed_at = time.monotonic()
    host.command("kill agent")
    stage.tell.saw(f"agent {status['agent']} of {host.name} got SIGKILL")

    async def fed_again() -> object:
        """See another agent that renewed the lease and fed the watchdog beyond what the dead one could have."""
        after = host.command("status")
        fires_in_s = after["fires_in_s"]
        fed = isinstance(fires_in_s, float) and time.monotonic() + fires_in_s > killed_at + stage.fence_s + 0.5
        return after["agent"] if fed and after["agent"] not in {None, status["agent"]} else None

    successor = await stage.wait(fed_again, stage.fence_s, f"no new agent took over on {host.name}")
    took = time.monotonic() - killed_at
    stage.tell.saw(f"agent {successor} was started and had renewed the lease {took:.1f} s later")
    tick = await stage.wait_goes_on(web, before, lines=max(3, 9 * int(took)))
    stage.tell.saw(f"web went from tick {before.counter} to {tick.counter} meanwhile, still boot {tick.nonce}")
    moved = [event for event in (await stage.client.events(after=since, limit=500)).events
             if event.resource and event.before is not event.after]
    if moved or await stage.places() != places:
        raise StepFailed("something moved: " + "; ".join(f"{event.resource}: {event.reason.text}" for event in moved))
    if host.command("status")["boot"] != status["boot"]:
        raise StepFailed(f"{host.name} was reset")
    stage.tell.saw(f"{host.name} was not reset, no resource changed its state or place")


async def rejoin(stage: Stage) -> None:
    """Give the lost host its power back, and see it join without disturbing anybody."""
    off = [host for host in stage.lab.hosts if host.command("status")["power"] == "off"]
    if not off:
        raise StepFailed("no host is without power; the step power-cut comes before this one")
    host, places = off[0], await stage.places()
    before = {machine.name: await stage.wait_tick(machine, lambda _: True) for machine in stage.machines}
    begun = time.monotonic()
    host.command("power on")
    await stage.wait_node(host.name)
    stage.tell.saw(f"{host.name} has power again and is a member {time.monotonic() - begun:.1f} s later")
    for machine in stage.machines:
        await stage.wait_goes_on(machine, before[machine.name], lines=9)
    if await stage.places() != places:
        raise StepFailed(f"resources moved although failback is off: {places} became {await stage.places()}")
    stage.tell.saw("every machine goes on ticking where it was: failback is DISABLE unless asked for")
    await stage.cli("status")
