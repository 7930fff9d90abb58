"""What an administrator does with libvirt machines in a cluster, what befalls them, and what must come of it."""

import asyncio
import subprocess
import time
from itertools import pairwise

from stanchion.lab import guest
from stanchion.lab.cluster import LabHost
from stanchion.lab.demo.machines import Tick
from stanchion.lab.demo.stage import Stage, StepFailed
from stanchion.lab.fencing import equip
from stanchion.lab.kvm.rooms import inside
from stanchion.model.state import State

NOTICED_S = 30.0
"""How long a monitor may take to find something and to mend it."""

SILENT_S = 10
"""How long the guest may say nothing: on a busy computer without KVM it needs some seconds to boot."""


async def create(stage: Stage) -> None:
    """Make and start the machine from its template, with the real command line."""
    await stage.all_up()
    await equip(stage.client, stage.lab)
    for machine in stage.machines:
        machine.write()
        words = ["resource", "create", machine.name, machine.template, f"CONFIG={machine.config}", "TRANSPORT=tcp",
                 "DISKS=shared", "--preferred", ",".join(machine.preferred), "--unload-timeout", "8s", "--monitoring",
                 "--interval", "2s", "--max-failures", "5", "--window", "10m", "--action", "migrate"]
        await stage.cli(*words, "--online")
    for machine in stage.machines:
        tick = await stage.wait_tick(machine, lambda _: True)
        stage.tell.saw(f"{machine.name} says on its serial line: tick {tick.counter} boot {tick.nonce}")
    stage.tell.saw(f"libvirt on node1 says: {virsh(stage.host('node1'), 'list --name').split()}")


async def migrate(stage: Stage) -> None:
    """Move web live to another host and back; its counter goes on without a gap."""
    web = stage.machine("web")
    for target in ("node2", "node1"):
        before = await stage.wait_tick(web, lambda _: True)
        begun = time.monotonic()
        await stage.cli("migrate", "web", target)
        took_s = time.monotonic() - begun
        await stage.wait_running("web", target)
        after = await stage.wait_goes_on(web, before)
        numbers = [tick.counter for tick in web.heard() if tick.nonce == after.nonce]
        if any(later != earlier + 1 for earlier, later in pairwise(numbers)):
            raise StepFailed("web lost ticks on the way")
        stage.tell.saw(f"web went to {target} in {took_s:.1f} s: tick {before.counter}, then {after.counter}, none "
                       f"missing, still boot {after.nonce}")


async def migrate_in_vain(stage: Stage) -> None:
    """Order a live migration to a host whose libvirtd is stopped: it fails, and the machine runs on where it is."""
    web = stage.machine("web")
    before, now = await stage.wait_tick(web, lambda _: True), await stage.wait_running("web")
    deaf = next(name for name in web.preferred if name != now.node)
    stage.host(deaf).command("pause libvirtd")
    refused = ""
    try:
        await stage.cli("migrate", "web", deaf)
    except StepFailed as told:
        refused = str(told)
    finally:
        stage.host(deaf).command("resume libvirtd")
    if "ended with 1" not in refused:
        raise StepFailed(f"web is said to have gone to {deaf}, where nobody answers: {refused}")
    await stage.wait_running("web", now.node, 60)
    after = await stage.wait_goes_on(web, before)
    stage.tell.saw(f"web ticks on at {now.node}: {before.counter}, then {after.counter}, still boot {after.nonce}")


async def crash(stage: Stage) -> None:
    """Kill web's QEMU; the monitor finds it and starts it where it was."""
    web = stage.machine("web")
    before, now = await stage.wait_tick(web, lambda _: True), await stage.wait_running("web")
    begun = time.monotonic()
    inside(stage.host(now.node), "pkill", "-KILL", "-f", "guest=web,")
    tick = await _anew(stage, before)
    again = await stage.wait_running("web", now.node)
    stage.tell.saw(f"its QEMU on {now.node} was killed; {time.monotonic() - begun:.1f} s later it says tick "
                   f"{tick.counter} boot {tick.nonce}, on {again.node}")


async def hang(stage: Stage) -> None:
    """Let what runs in web hang, with a check of the guest in its monitor script: found, and started anew."""
    web = stage.machine("web")
    silent_s = SILENT_S * stage.patience
    check = (f'silent_s=$(( $(date +%s) - $(stat -c %Y {web.serial}) ))\n'
             f'[ "$silent_s" -lt {silent_s:.0f} ] || {{ echo "the guest is silent for $silent_s s" >&2; exit 1; }}\n')
    told = await stage.client.resource("web")
    text = told.scripts[next(kind for kind in told.scripts if kind == "monitor")].text
    changed = web.config.with_suffix(".monitor")
    changed.write_text(text.replace("exit 0\n", f"{check}exit 0\n"), encoding="utf-8")
    await stage.cli("resource", "edit", "web", "--monitor", str(changed), "--now", "--why",
                    "look at the guest, not at its process alone")
    before, now = await stage.wait_tick(web, lambda _: True), await stage.wait_running("web")
    begun = time.monotonic()
    guest.hang(web.disk, 1)
    tick = await _anew(stage, before)
    await stage.wait_running("web", now.node)
    stage.tell.saw(f"the guest hung, its process lived; {time.monotonic() - begun:.1f} s later it says tick "
                   f"{tick.counter} boot {tick.nonce}")


async def daemon_killed(stage: Stage) -> None:
    """Kill libvirtd of web's host, again and again: nothing moves, nothing is started anew."""
    web, since = stage.machine("web"), await stage.last_event()
    before, places = await stage.wait_tick(web, lambda _: True), await stage.places()
    host = stage.host((await stage.wait_running("web")).node)
    for _ in range(3):
        host.command("kill libvirtd")
        await asyncio.sleep(2.0)
    after = await stage.wait_goes_on(web, before, lines=40)
    moved = [event for event in (await stage.client.events(after=since, limit=500)).events
             if event.resource and event.before is not event.after and event.after is not State.RUNNING]
    if moved or await stage.places() != places:
        raise StepFailed("something moved: " + "; ".join(f"{event.resource}: {event.reason.text}" for event in moved))
    stage.tell.saw(f"libvirtd of {host.name} was killed three times; web went from tick {before.counter} to "
                   f"{after.counter}, still boot {after.nonce}, and nothing moved")


async def stray(stage: Stage) -> None:
    """Start an offline machine past the cluster: it is told as a stray, and can be taken over as it is."""
    web = stage.machine("web")
    before = await stage.wait_tick(web, lambda _: True)
    await stage.cli("offline", "web")
    begun = time.monotonic()
    virsh(stage.host("node3"), f"create {web.config}")

    async def told() -> bool:
        return any(each.node == "node3" for each in (await stage.client.resource("web")).strays)

    await stage.wait(told, NOTICED_S, "nobody noticed web on node3")
    tick = await _anew(stage, before)
    stage.tell.saw(f"started by hand on node3, told as a stray {time.monotonic() - begun:.1f} s later")
    await stage.cli("resource", "adopt", "web", "--node", "node3")
    await stage.wait_running("web", "node3")
    after = await stage.wait_goes_on(web, tick)
    stage.tell.saw(f"taken over where it was: tick {tick.counter}, then {after.counter}, still boot {after.nonce}")


async def power_cut(stage: Stage) -> None:
    """Cut the power of web's host; it starts elsewhere, on proof and not before."""
    web = stage.machine("web")
    victim = str((await stage.wait_running("web")).node)
    before, begun = await stage.wait_tick(web, lambda _: True), time.time()
    stage.host(victim).command("power off")
    tick = await _anew(stage, before)
    after = await stage.wait_running("web")
    if after.node == victim:
        raise StepFailed(f"web is said to run on {victim}, which has no power")
    stage.tell.saw(f"{victim} lost its power; web says tick {tick.counter} boot {tick.nonce} on {after.node} "
                   f"{time.time() - begun:.1f} s after the cut")
    stage.host(victim).command("power on")
    await stage.wait_node(victim)


async def _anew(stage: Stage, before: Tick) -> Tick:
    """Wait for web's first word in its next life."""
    return await stage.wait_tick(stage.machine("web"), lambda tick: tick.nonce != before.nonce,
                                 stage.lease_s + NOTICED_S)


def virsh(host: LabHost, words: str) -> str:
    """Ask the libvirt of a host. Raises ``StepFailed``."""
    done: subprocess.CompletedProcess[str] = inside(host, "virsh", "-q", "-c", "qemu:///system", *words.split())
    if done.returncode != 0:
        raise StepFailed(f"virsh {words} on {host.name}: {done.stderr.strip()}")
    return done.stdout
