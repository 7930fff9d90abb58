"""What befalls Xen hosts and their guests, and what must come of it."""

import time
from dataclasses import dataclass, replace

from stanchion.lab.demo.machines import Tick
from stanchion.lab.demo.stage import Stage, StepFailed
from stanchion.lab.xen.furnish import FENCE_AGENT, HUB, POWER_PORT, XEN_HOSTS
from stanchion.lab.xen.remote import Shell
from stanchion.lab.xen.scene import Scene
from stanchion.lab.xen.steps import scene_of

WRITER = "/var/lib/unsynced"
"""A file to which a host writes the time each second, and which nobody flushes to the disk."""

LOST_AT_LEAST_S = 2.0
"""What of it must be lost when the host is reset without sync: Linux writes such a file out after half a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """How the resource ``web`` stood before something befell its host: where, what it said, and its boots."""

    host: str
    other: str
    tick: Tick
    boots: int
    at: float


async def destroyed(stage: Stage) -> None:
    """Destroy a guest behind the cluster's back: its monitor finds it, and it starts where it was."""
    scene = scene_of(stage)
    await scene.online("web")
    before = await _before(scene)
    await scene.on(before.host, "xl destroy web")
    tick = await scene.wait_anew("web", before.tick)
    took_s = time.time() - before.at
    now = await scene.wait_running("web", before.host)
    await scene.alone("web", before.host)
    failures = (await scene.client.resource("web")).failures
    if not failures:
        raise StepFailed("web runs anew, but no failure of its monitor is on record")
    scene.tell.saw(f"`xl destroy web` on {before.host}; {took_s:.0f} s later it says tick {tick.counter} boot "
                   f"{tick.nonce}: {now.reason.text}")
    await _disk(scene, before)


async def power_cut(stage: Stage) -> None:
    """Cut the power of web's host: its guest starts on the other one, after the fence device reported the host off."""
    scene = scene_of(stage)
    before = await _equip(scene, await _before(scene))
    off_at = scene.host(before.host).command("power off")["off_at"]
    await _failed_over(scene, before, f"{before.host} lost its power")
    scene.tell.saw(f"the rack says: {before.host} was off {float(str(off_at)) - before.at:.1f} s after the order")
    await _recovered(scene, before)
    await scene.cli("node", "fence", before.host, "--remove")
    scene.host(before.host).command("power on")
    await scene.back(before.host)


async def frozen(stage: Stage) -> None:
    """Freeze web's host: it is neither dead nor alive until its fence device switches it off."""
    scene = scene_of(stage)
    before = await _equip(scene, await _before(scene))
    scene.host(before.host).command("freeze")
    await _failed_over(scene, before, f"{before.host} stood still")
    told = scene.host(before.host).command("status")
    off_at = told["off_at"]
    if told["power"] != "off" or not isinstance(off_at, float):
        raise StepFailed(f"web was started on {before.other} although {before.host} is not off: {told}")
    scene.tell.saw(f"the fence device switched it off {off_at - before.at:.1f} s after it froze")
    await scene.cli("node", "fence", before.host, "--remove")
    scene.host(before.host).command("power on")
    await scene.back(before.host)


async def hung_agent(stage: Stage) -> None:
    """Stop the agent of web's host, without a fence device: the host's watchdog resets it before its lease ends."""
    scene = scene_of(stage)
    before = await _before(scene)
    boot = scene.shell(before.host).boot()
    at = time.time()
    await scene.on(before.host, "systemctl kill --kill-whom=main --signal=STOP stanchion-agent")
    reset_at, _ = await scene.next_reset(before.host, at)
    if reset_at - at > scene.lease_s:
        raise StepFailed(f"the watchdog fired {reset_at - at:.1f} s after the agent was stopped: later than the lease "
                         f"of {scene.lease_s:g} s")
    scene.tell.saw(f"its agent was stopped; the watchdog reset {before.host} {reset_at - at:.1f} s later, within its "
                   f"lease of {scene.lease_s:g} s")
    await _failed_over(scene, before, f"{before.host} was reset")
    await scene.back(before.host)
    _another_life(scene.shell(before.host), boot)


async def reboot(stage: Stage) -> None:
    """Let a monitor fail whose failure action is *reboot*: a hard reset of the host, without sync or unmount."""
    scene = scene_of(stage)
    await scene.cli("resource", "edit", "web", "--max-failures", "1", "--action", "reboot")
    before = await _before(scene)
    boot = scene.shell(before.host).boot()
    await scene.on(before.host, f"sync; systemd-run --quiet sh -c 'while :; do date +%s >> {WRITER}; sleep 1; done'")
    await scene.on(before.host, "xl destroy web")
    reset_at, word = await scene.next_reset(before.host, before.at)
    scene.tell.saw(f"web was destroyed behind its back; {reset_at - before.at:.1f} s later the rack saw {word} of "
                   f"{before.host}")
    await _failed_over(scene, before, f"{before.host} was reset")
    await _recovered(scene, before)
    await scene.back(before.host)
    _another_life(scene.shell(before.host), boot)
    kept = await scene.on(before.host, f"[ ! -s {WRITER} ] || tail -n 1 {WRITER}; rm -f {WRITER}")
    lost_s = reset_at - float(kept) if kept.isdigit() else reset_at - before.at
    if lost_s < LOST_AT_LEAST_S:
        raise StepFailed(f"{before.host} had all but {lost_s:.1f} s of an unflushed file on its disk: it synced")
    scene.tell.saw(f"of a file that it wrote to each second the last {lost_s:.0f} s are lost: nothing was synced")


async def _equip(scene: Scene, before: Before) -> Before:
    """Give web's host its fence device, for one step only.

    Without KVM, on a computer with other work, a host may say nothing for some seconds. One with a fence device would
    then be switched off, as it should be; one without has until the end of its lease.
    """
    await scene.cli("node", "fence", before.host, "--agent", FENCE_AGENT, f"ip={HUB}", f"port={POWER_PORT}",
                    f"plug={before.host}")
    return replace(before, at=time.time())


async def _before(scene: Scene) -> Before:
    """Note how web stands."""
    now = await scene.wait_running("web")
    host = str(now.node)
    tick = await scene.wait_tick(scene.machine("web"), lambda _: True)
    tick = await scene.wait_goes_on(scene.machine("web"), tick)
    return Before(host=host, other=next(name for name in XEN_HOSTS if name != host), tick=tick,
                  boots=await scene.boots("web"), at=time.time())


async def _failed_over(scene: Scene, before: Before, what: str) -> None:
    """See web start anew on the other host, with what it had written to its disk."""
    tick = await scene.wait_anew("web", before.tick)
    took_s = time.time() - before.at
    now = await scene.wait_running("web", before.other)
    found = [name for name in await scene.domains(before.other) if name == "web"]
    if not found:
        raise StepFailed(f"Xen on {before.other} does not know web")
    scene.tell.saw(f"{what}; {took_s:.0f} s later web says tick {tick.counter} boot {tick.nonce} on {before.other}: "
                   f"{now.reason.text}")
    await _disk(scene, before)


async def _disk(scene: Scene, before: Before) -> None:
    """See that the guest's disk has kept what the guest wrote to it."""
    boots = await scene.boots("web")
    if boots != before.boots + 1:
        raise StepFailed(f"web's disk counts {boots} boots, not {before.boots + 1}")
    scene.tell.saw(f"its disk is whole: it counts {boots} boots, before {before.boots}")


async def _recovered(scene: Scene, before: Before) -> None:
    """See that the other host had to recover the journal: the file system was never unmounted by the lost one."""
    said = await scene.on(before.other, "dmesg | grep -E 'dm-[0-9]+.*recovery complete' | tail -n 1")
    if not said:
        raise StepFailed(f"{before.other} found web's file system clean: it was unmounted first")
    scene.tell.saw(f"{before.other} recovered the journal of a file system that nobody had unmounted")


def _another_life(shell: Shell, boot: str) -> None:
    """See that a host has booted since."""
    if shell.boot() in {"", boot}:
        raise StepFailed(f"{shell.name} was not reset")
