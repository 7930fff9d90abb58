"""What an administrator does with Xen machines, by the original's sample scripts, and what must come of it."""

import tempfile
import time
from pathlib import Path

from stanchion.lab.demo.stage import Stage, StepFailed
from stanchion.lab.xen import samples
from stanchion.lab.xen.furnish import FENCE_AGENT, HOSTS, OCFS2_DISK, XEN_HOSTS
from stanchion.lab.xen.guests import GUESTS
from stanchion.lab.xen.scene import SAMPLES, Sample, Scene
from stanchion.model.cluster import SelfFence
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State

FILESYSTEM_AGENT = "/usr/lib/ocf/resource.d/heartbeat/Filesystem"
OCFS2_DEVICE = f"/dev/disk/by-id/virtio-{OCFS2_DISK}"
STANDS_STILL_S = 120.0
"""How long a guest may say nothing while it moves live: without KVM it was seen to stand still for 10 to 18 s."""

FAILED, REFUSED = 1, 5
"""How the command line ends when what was ordered does not come about, and when the order is not taken at all."""

FAT_MARGIN_MB = 60
"""What a guest that fills a host's memory leaves free: less than any guest of the lab needs."""


def scene_of(stage: Stage) -> Scene:
    """Give the stage as what it is in this lab."""
    assert isinstance(stage, Scene)
    return stage


async def cluster(stage: Stage) -> None:
    """See three members, a master, and for each Xen host an armed watchdog and a fence agent that knows its power."""
    scene = scene_of(stage)
    status = await scene.all_up()
    await scene.cli("status")
    for node in status.nodes:
        if node.witness != (node.name not in XEN_HOSTS):
            raise StepFailed(f"{node.name} is {'' if node.witness else 'not '}a witness")
        if node.name in XEN_HOSTS and node.self_fence is not SelfFence.WATCHDOG:
            raise StepFailed(f"{node.name} declares {node.self_fence}, not its watchdog")
    for host in XEN_HOSTS:
        said = await scene.on(host, f"printf 'plug={host}\\naction=status\\n' | {FENCE_AGENT}")
        armed = await scene.on(host, "cat /sys/class/watchdog/watchdog0/identity /sys/class/watchdog/watchdog0/state")
        scene.tell.saw(f"{host}: {said}; its watchdog, {armed.replace(chr(10), ', is ')}")
    scene.tell.saw(f"{len(HOSTS)} nodes, master {status.cluster.master}; a lease lasts {scene.lease_s:g} s")


async def on_ext3(stage: Stage) -> None:
    """Xen_Template as the original wrote it: LVM and ext3."""
    await _whole_life(scene_of(stage), SAMPLES["web"])


async def on_reiserfs(stage: Stage) -> None:
    """Xen_Template with ReiserFS: the sample's file system type edited."""
    await _whole_life(scene_of(stage), SAMPLES["rei"])


async def storage_astray(stage: Stage) -> None:
    """Activate web's volume group by hand on the other host: told, and web starts nowhere else until it is released."""
    scene, group = scene_of(stage), SAMPLES["web"].group
    source, target = XEN_HOSTS
    await scene.on(target, f"vgchange -q -ay {group}")
    begun = time.monotonic()

    async def told() -> str | None:
        return next((seen.text for seen in (await scene.resource("web")).strays
                     if seen.node == target and not seen.machine), None)

    text = await scene.wait(told, 5.0, f"nobody told that {group} is active on {target}")
    scene.tell.saw(f"`vgchange -ay {group}` on {target}: told {time.monotonic() - begun:.0f} s later, {text}")
    await _fails(scene, "online", "web", source, code=REFUSED)
    await scene.gone("web")
    await scene.on(target, f"vgchange -q -an {group}")

    async def forgotten() -> bool | None:
        return not (await scene.resource("web")).strays or None

    await scene.wait(forgotten, 5.0, f"{group} was released, and is told as astray still")
    scene.tell.saw(f"`vgchange -an {group}`: nothing is astray any more")


async def live(stage: Stage) -> None:
    """XenLive_Template with the configuration copied to each host: load, monitor, there and back live, unload."""
    scene = scene_of(stage)
    await _make(scene, SAMPLES["live"])
    for target in reversed(XEN_HOSTS):
        await _move(scene, "live", target)
    await _unload(scene, "live")


async def live_on_ocfs2(stage: Stage) -> None:
    """XenLive_Template with the configuration and the disk on OCFS2, mounted on both hosts at once."""
    scene = scene_of(stage)
    await _mount_ocfs2(scene)
    await _make(scene, SAMPLES["ocfs"])
    for target in reversed(XEN_HOSTS):
        await _move(scene, "ocfs", target)
    await _unload(scene, "ocfs")
    for host in XEN_HOSTS:
        await scene.on(host, f"{_ocfs2_agent()} {FILESYSTEM_AGENT} stop && systemctl stop o2cb")


async def in_vain(stage: Stage) -> None:
    """Order live migrations that cannot succeed: no memory on the target, no way into it. The guest runs on."""
    scene = scene_of(stage)
    await _make(scene, SAMPLES["keep"])
    source, target = XEN_HOSTS
    free = int((await scene.on(target, "xl info free_memory 2>/dev/null || xl info | sed -n 's/^free_memory *: //p'")
                ).split()[-1])
    fat = f"{GUESTS['keep'].config()}name = \"fat\"\nmemory = {free - FAT_MARGIN_MB}\nvif = []\n"
    await scene.on(target, "cat > /vms/fat && xl create -q /vms/fat", said=fat)
    await _refused(scene, "keep", source, target, f"{target} has no memory left")
    await scene.on(target, "xl destroy fat")
    await scene.on(source, "mv ~/.ssh/id_ed25519 ~/.ssh/away")
    try:
        await _refused(scene, "keep", source, target, f"{target} lets nobody in")
    finally:
        await scene.on(source, "mv ~/.ssh/away ~/.ssh/id_ed25519")
    await _unload(scene, "keep")


async def sample_in_vain(stage: Stage) -> None:
    """Let the sample's own unload script fail to send: by its text it then stops the guest, which is loaded anew."""
    scene = scene_of(stage)
    source, target = XEN_HOSTS
    before = await scene.online("live", source)
    await scene.on(source, "mv ~/.ssh/id_ed25519 ~/.ssh/away")
    try:
        await _fails(scene, "migrate", "live", target)
        tick = await scene.wait_anew("live", before)
    finally:
        await scene.on(source, "mv ~/.ssh/away ~/.ssh/id_ed25519")
    now = await scene.wait_running("live")
    await scene.alone("live", str(now.node))
    scene.tell.saw(f"the sample stopped its guest when it could not send it; the cluster saw that it is gone and "
                   f"loaded it on {now.node}: tick {tick.counter} boot {tick.nonce}, before {before.nonce}")
    await _unload(scene, "live")


async def _whole_life(scene: Scene, sample: Sample) -> None:
    """Make a resource from a sample, load it, watch its monitor, unload it."""
    await _make(scene, sample)
    await _unload(scene, sample.name)
    mounted = await scene.on(XEN_HOSTS[0], f"grep -c ' /mnt/{sample.name} ' /proc/mounts || true")
    active = await scene.on(XEN_HOSTS[0], f"lvs --noheadings -o lv_active {sample.group}")
    if mounted != "0" or active:
        raise StepFailed(f"{sample.name} left its file system mounted ({mounted}) or its volume {active}")
    scene.tell.saw(f"/mnt/{sample.name} is not mounted any more, volume group {sample.group} is not active")


async def _make(scene: Scene, sample: Sample) -> None:
    """Make a resource with the real command line, or take it as it was made; load it, and watch its monitor."""
    since = time.time()
    if sample.name in await scene.places():
        if (await scene.resource(sample.name)).state is State.OFFLINE:
            await scene.online(sample.name, XEN_HOSTS[0])
    else:
        await _create(scene, sample)
    guest, host = scene.machine(sample.name), XEN_HOSTS[0]
    await scene.wait_running(sample.name, host)
    tick = await scene.wait_tick(guest, lambda _: True)
    await scene.alone(sample.name, host)
    scene.tell.saw(f"load: {await scene.script_took(sample.name, ScriptKind.LOAD):.1f} s; Xen on {host} has it, and it "
                   f"says tick {tick.counter} boot {tick.nonce}")
    scene.tell.saw(f"monitor: {await scene.monitored(sample.name, host, since)}")


async def _create(scene: Scene, sample: Sample) -> None:
    words = ["resource", "create", sample.name, sample.template, "--preferred", ",".join(XEN_HOSTS),
             "--monitor-timeout", "5m", "--halt-timeout", "60s", "--monitoring", "--interval", "10s",
             "--max-failures", "3", "--window", "30m", "--action", "comatose"]
    if sample.group:
        words += [f"VOLUME_GROUP={sample.group}", f"FSTYPE={sample.fstype}"]
    with tempfile.TemporaryDirectory(prefix="samples-") as room:
        if sample.sampled:
            for kind, text in samples.scripts(sample.template, name=sample.name, group=sample.group,
                                              fstype=sample.fstype).items():
                file = Path(room) / kind
                file.write_text(text, encoding="utf-8")
                words += [f"--{kind}", str(file)]
        await scene.cli(*words, "--online")


async def _unload(scene: Scene, name: str) -> None:
    """Take a resource offline; no host has its guest any more."""
    await scene.cli("offline", name)
    if (now := await scene.resource(name)).state is not State.OFFLINE:
        raise StepFailed(f"{name} is {now.state}: {now.reason.text}")
    await scene.gone(name)
    scene.tell.saw(f"unload: {await scene.script_took(name, ScriptKind.UNLOAD):.1f} s; no host has it any more")


async def _move(scene: Scene, name: str, target: str) -> None:
    """Move a guest live; its counter goes on."""
    guest = scene.machine(name)
    before, begun, at = await scene.wait_tick(guest, lambda _: True), time.monotonic(), time.time()
    await scene.cli("migrate", name, target)
    took_s = time.monotonic() - begun
    await scene.wait_running(name, target)
    after = await scene.wait_goes_on(guest, before)
    await scene.alone(name, target)
    still_s = await scene.longest_silence(name, at)
    if still_s > STANDS_STILL_S:
        raise StepFailed(f"{name} stood still for {still_s:.0f} s")
    out, come = await scene.script_took(name, ScriptKind.UNLOAD), await scene.script_took(name, ScriptKind.LOAD)
    scene.tell.saw(f"{name} went to {target} in {took_s:.0f} s (unload {out:.1f} s, load {come:.1f} s): tick "
                   f"{before.counter}, then {after.counter}, still boot {after.nonce}; silent for {still_s:.1f} s")


async def _refused(scene: Scene, name: str, source: str, target: str, why: str) -> None:
    """See a live migration fail, and the guest run on where it is."""
    guest, begun = scene.machine(name), time.monotonic()
    before = await scene.wait_tick(guest, lambda _: True)
    await _fails(scene, "migrate", name, target)
    took_s = time.monotonic() - begun
    await scene.wait_running(name, source)
    after = await scene.wait_goes_on(guest, before)
    await scene.alone(name, source)
    scene.tell.saw(f"{why}: told after {took_s:.0f} s; {name} runs on at {source}, tick {before.counter}, then "
                   f"{after.counter}, still boot {after.nonce}")


async def _fails(scene: Scene, *words: str, code: int = FAILED) -> None:
    """Give an order that must fail."""
    try:
        await scene.cli(*words)
    except StepFailed as told:
        if f"ended with {code}" in str(told):
            return
        raise
    raise StepFailed(f"`stanchion {' '.join(words)}` is said to have gone well")


async def _mount_ocfs2(scene: Scene) -> None:
    """Make an OCFS2 file system, mount it on both hosts, and put the guest's configuration and disk on it."""
    for host in XEN_HOSTS:
        await scene.on(host, "systemctl unmask o2cb && systemctl start o2cb")
    await scene.on(XEN_HOSTS[0], f"mkfs.ocfs2 -q -F -L lab -N {len(XEN_HOSTS)} --cluster-stack=o2cb "
                   f"--cluster-name=lab {OCFS2_DEVICE}")
    for host in XEN_HOSTS:
        await scene.on(host, f"{_ocfs2_agent()} {FILESYSTEM_AGENT} start")
    await scene.on(XEN_HOSTS[0], "truncate -s 16M /mnt/ocfs/disk.img && mkfs.ext4 -q /mnt/ocfs/disk.img && "
                   "cat > /mnt/ocfs/ocfs && sync", said=GUESTS["ocfs"].config())
    seen = await scene.on(XEN_HOSTS[1], "ls /mnt/ocfs && grep ' /mnt/ocfs ' /proc/mounts")
    scene.tell.saw(f"OCFS2 is mounted on both hosts; {XEN_HOSTS[1]} sees {', '.join(seen.splitlines()[:-1])}")


def _ocfs2_agent() -> str:
    return (f"OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=ocfs OCF_RESKEY_device={OCFS2_DEVICE} "
            "OCF_RESKEY_directory=/mnt/ocfs OCF_RESKEY_fstype=ocfs2")
