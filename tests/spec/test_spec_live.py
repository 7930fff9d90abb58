"""Section 14.2.3: what live migration needs, and how the configuration reaches every node."""

import asyncio
from pathlib import Path

import pytest

from cli.shell import Shell
from spec.playing import act, configured, online, runs, spec_of
from spec.register import Surface, requirement
from stanchion.drivers.host import LinuxHost
from stanchion.model.ids import BootId, NodeName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.sim.world import World


@requirement("14.2.3-01", "Live migration is a matter of the XenLive template.", "14.2.3 p1", by=Surface.COMMAND)
def test_only_the_live_template_migrates_live(shell: Shell) -> None:
    assert (configured(shell, name="live").live, configured(shell, name="cold", template="Xen_Template").live) == (
        True, False)
    assert shell("template", "list") == 0
    live = {line.split()[0]: line.split()[1] for line in shell.out.splitlines() if line.startswith("Xen")}
    assert live == {"XenLive_Template": "yes", "Xen_Template": "no"}


@requirement("14.2.3-02", "The machine's configuration file stands at the same path on every node; the resource says "
             "which one.", "14.2.3 p1", "14.2.3, point 1", by=Surface.BOTH, console=True)
def test_the_file_is_known_and_asked_for_on_the_target(shell: Shell) -> None:
    spec = configured(shell, "CONFIG=/etc/xen/web.cfg")
    assert spec.files == ("/etc/xen/web.cfg",)

    async def story(world: World) -> None:
        await online(world, spec)
        world.hosts[NodeName("node3")].missing_files.add("/etc/xen/web.cfg")
        refused = await world.order(Verb.MIGRATE, "web", "node3")
        assert refused.reason is not None
        assert (refused.outcome, refused.reason.why) == (Outcome.FAILED, Why.PREFLIGHT_FAILED)
        assert "/etc/xen/web.cfg" in str(refused.reason.operands)
        assert (world.where("web"), (await world.state("web")).lives) == (("node1",), 1)
        assert (await world.order(Verb.MIGRATE, "web", "node2")).outcome is Outcome.DONE

    act(story)


@requirement("14.2.3-03", "Each node that is to run the machine needs the file, and only those.", "14.2.3, point 1",
             by=Surface.BOTH)
def test_nodes_that_never_run_the_machine_need_no_file(shell: Shell) -> None:
    spec = configured(shell, preferred="node1,node2")

    async def story(world: World) -> None:
        world.hosts[NodeName("node3")].missing_files.update(spec.files)
        await online(world, spec)
        assert (await world.order(Verb.MIGRATE, "web", "node2")).outcome is Outcome.DONE
        assert runs(world, "node3") == []

    act(story)


@requirement("14.2.3-04", "A copy of the file by hand is as good as a shared one; a copy that differs is refused.",
             "14.2.3, point 1", by=Surface.FILES)
@pytest.mark.parametrize(("text", "fault"), [
    ("memory = 512\n", ""), ("memory = 256\n", "differs from the one on the node that runs the machine")])
def test_copies_are_compared(shell: Shell, tmp_path: Path, text: str, fault: str) -> None:
    """Two hosts on one file system cannot have one path twice, so the second host's copy takes its place."""
    config = tmp_path / "web"
    spec = configured(shell, f"CONFIG={config}")
    config.write_text("memory = 512\n")
    source = asyncio.run(LinuxHost(BootId("a")).readiness(spec, {}))
    config.write_text(text)
    target = asyncio.run(LinuxHost(BootId("b")).readiness(spec, source.digests))
    assert source.fault == ""
    assert fault in target.fault
    assert bool(target.fault) is bool(fault)


@requirement("14.2.3-05", "The file may stand on a file system that all nodes share: the path may lie anywhere.",
             "14.2.3, point 2", by=Surface.FILES)
def test_a_shared_directory_serves_all_nodes(shell: Shell, tmp_path: Path) -> None:
    """Stands in for OCFS2: one directory, reached by two hosts under one path."""
    shared = tmp_path / "volume/machines"
    shared.mkdir(parents=True)
    (shared / "web").write_text("memory = 512\n")
    spec = configured(shell, f"CONFIG={shared}/web")
    first = asyncio.run(LinuxHost(BootId("a")).readiness(spec, {}))
    assert (first.fault, asyncio.run(LinuxHost(BootId("b")).readiness(spec, first.digests)).fault) == ("", "")


@requirement("14.2.3-06", "Every node that is to run the machine needs access to the shared file system: where it is "
             "not mounted, the machine is not sent.", "14.2.3, point 2", by=Surface.FILES)
def test_a_node_without_the_volume_is_refused(shell: Shell, tmp_path: Path) -> None:
    spec = configured(shell, f"CONFIG={tmp_path}/not-mounted/web")
    ready = asyncio.run(LinuxHost(BootId("b")).readiness(spec, {}))
    assert ready.fault.startswith(f"the file {tmp_path}/not-mounted/web is missing")


@requirement("14.2.3-07", "The shared file system has to work first: where it does not, that is told, and the machine "
             "is left alone.", "14.2.3, point 2.2", "14.2.3, point 2.3", by=Surface.FILES)
def test_a_file_that_cannot_be_read_is_told(shell: Shell, tmp_path: Path) -> None:
    spec = configured(shell, f"CONFIG={tmp_path}/web")
    (tmp_path / "web").symlink_to("web")
    ready = asyncio.run(LinuxHost(BootId("b")).readiness(spec, {}))
    assert ready.fault.startswith(f"the file {tmp_path}/web cannot be read: ")
    assert spec_of(shell, "web").files == (f"{tmp_path}/web",)
