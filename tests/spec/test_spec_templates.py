"""Section 14.2.1: what the two Xen templates do, and what live migration is good for."""

import asyncio
from pathlib import Path

import pytest

from cli.shell import Shell
from drivers.qemu_bench import make_bench, needs_qemu
from spec.playing import act, configured, kinds, online, runs, spec_of
from spec.register import Surface, requirement
from stanchion.drivers.hypervisor import HostHypervisor
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import Presence
from stanchion.sim.world import World

XEN = ("Xen_Template", "XenLive_Template")


@requirement("14.2.1-01", "Two resource templates for Xen machines are shipped: Xen_Template and XenLive_Template.",
             "14.2.1 p1", by=Surface.COMMAND, console=True)
def test_the_two_templates_are_there(shell: Shell) -> None:
    assert shell("template", "list") == 0
    assert set(XEN) <= {line.split()[0] for line in shell.out.splitlines()}


@requirement("14.2.1-02", "The template configures the resource: a name is all that has to be given.", "14.2.1 p1",
             by=Surface.BOTH, console=True)
@pytest.mark.parametrize("template", XEN)
def test_a_name_is_enough(shell: Shell, template: str) -> None:
    assert shell("resource", "create", "web", template) == 0
    assert shell.err == ""
    spec = spec_of(shell, "web")

    async def story(world: World) -> None:
        await online(world, spec)
        assert world.where("web") == ("node1",)

    act(story)


@requirement("14.2.1-03", "Both templates configure the same things in the same way.", "14.2.1 p1",
             by=Surface.COMMAND)
def test_both_templates_configure_alike(shell: Shell) -> None:
    one, other = (configured(shell, name=name.lower(), template=name) for name in XEN)
    for spec in (one, other):
        assert all((spec.scripts.load.text, spec.scripts.unload.text, spec.scripts.monitor.text))
    assert (one.policies, one.monitoring) == (other.policies, other.monitoring)
    assert [script.timeout_s for script in (one.scripts.load, one.scripts.unload, one.scripts.monitor)] == [
        script.timeout_s for script in (other.scripts.load, other.scripts.unload, other.scripts.monitor)]


@requirement("14.2.1-04", "A machine of XenLive_Template migrates by order without being booted on the target.",
             "14.2.1 p2", by=Surface.BOTH, console=True)
def test_a_live_machine_is_taken_over_not_booted(shell: Shell) -> None:
    spec = configured(shell)

    async def story(world: World) -> None:
        await online(world, spec)
        assert (await world.order(Verb.MIGRATE, "web", "node2")).outcome is Outcome.DONE
        assert (await world.state("web")).lives == 1
        there, = runs(world, "node2")
        assert (there.script, there.environment["NCS_TOFROM"]) == ("load", "node1")

    act(story)


@pytest.mark.qemu
@needs_qemu
@requirement("14.2.1-05", "Who uses the machine goes on while it migrates: it is the same machine, in the same "
             "moment of its life.", "14.2.1 p2", by=Surface.MACHINE)
def test_a_running_guest_goes_on_on_the_other_host(tmp_path: Path) -> None:
    """The guest counts aloud: no number is missing or said twice, and it never began anew."""
    bench = make_bench(tmp_path)
    assert bench.a.call("start").code == 0
    try:
        bench.await_more()
        door = bench.b.call("prepare").told("door")
        sent = bench.a.call("migrate_to", STANCHION_DOOR=door, OCF_RESKEY_CRM_meta_migrate_target="b")
        assert sent.code == 0, sent.err
        assert bench.b.call("migrate_from").code == 0
        bench.await_more()
        assert len({tick.nonce for tick in bench.ticks()}) == 1
        assert [tick.counter for tick in bench.ticks()] == list(range(len(bench.ticks())))
    finally:
        assert [host.call("halt").code for host in (bench.a, bench.b)] == [0, 0]


@requirement("14.2.1-06", "Only the live template adds this: a machine of Xen_Template is unloaded and loaded anew.",
             "14.2.1 p2", by=Surface.BOTH)
def test_a_machine_of_the_plain_template_moves_cold(shell: Shell) -> None:
    spec = configured(shell, template="Xen_Template")

    async def story(world: World) -> None:
        await online(world, spec)
        refused = await world.order(Verb.MIGRATE, "web", "node2", live=True)
        assert refused.reason is not None
        assert (refused.outcome, refused.reason.why) == (Outcome.REFUSED, Why.NOT_LIVE)
        assert (await world.order(Verb.MIGRATE, "web", "node2")).outcome is Outcome.DONE
        assert (await world.state("web")).lives == 2
        assert kinds(world, "node1") == ["load", "unload"]
        assert all("NCS_TOFROM" not in order.environment for node in ("node1", "node2") for order in runs(world, node))

    act(story)


@requirement("14.2.1-07", "A failover is never live, whatever the template.", "14.2.1 p3", by=Surface.BOTH)
def test_a_failover_boots_the_machine(shell: Shell) -> None:
    spec = configured(shell)

    async def story(world: World) -> None:
        await online(world, spec)
        await world.power_off("node1")
        assert (await world.runs_on("web", "node2")).lives == 2
        assert [order.environment.get("NCS_TOFROM") for order in runs(world, "node2")] == [None]

    act(story)


@requirement("14.2.1-08", "A failback is not live, whatever the template.", "14.2.1 p3", by=Surface.BOTH)
def test_a_failback_boots_the_machine(shell: Shell) -> None:
    spec = configured(shell, "--failback", "auto")

    async def story(world: World) -> None:
        await online(world, spec)
        await world.power_off("node1")
        await world.runs_on("web", "node2")
        world.power_on("node1")
        assert (await world.runs_on("web", "node1")).lives == 3
        assert [order.environment.get("NCS_TOFROM") for order in runs(world, "node2")] == [None, None]

    act(story)


@requirement("14.2.1-09", "The hypervisor has to work first: of a host whose Xen does not answer nothing is believed, "
             "and it is told.", "14.2.1 p4", by=Surface.STUB)
@pytest.mark.parametrize("xl", ["", "echo cannot open the control interface >&2; exit 1"])
def test_a_xen_that_does_not_work_is_told(shell: Shell, tmp_path: Path, xl: str) -> None:
    if xl:
        (tmp_path / "xl").write_text(f"#!/bin/sh\n{xl}\n")
        (tmp_path / "xl").chmod(0o755)

    async def no_script(_: ResourceSpec) -> tuple[int, str]:
        raise AssertionError("the monitor script was asked")

    host = HostHypervisor(tmp_path, no_script, search_path=str(tmp_path), within_s=5)
    presence, said = asyncio.run(host.look(configured(shell)))
    assert presence is Presence.UNKNOWN
    why = "cannot open the control interface" if xl else "there is no xl on this host"
    assert said == f"Xen cannot be asked: {why}"
