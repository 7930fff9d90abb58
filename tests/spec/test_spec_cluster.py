"""Section 14.2: machines as resources of a cluster of physical hosts."""

import re

from cli.shell import Shell
from scripts.seed_house import Room, needs_house
from spec.playing import NODES, act, configured, kinds, online, spec_of
from spec.register import Surface, requirement
from stanchion.model.orders import Outcome, Verb
from stanchion.model.resource import MachineKind
from stanchion.model.state import State
from stanchion.sim.world import World


@requirement("14.2-01", "The cluster is made of physical hosts: the cluster's own software runs on every one of them.",
             "14.2 p1", by=Surface.CLUSTER)
def test_every_host_is_a_member_by_its_own_agent() -> None:
    async def story(world: World) -> None:
        membership = (await world.view()).membership
        assert membership is not None
        assert sorted(membership.value.members) == list(NODES)
        await world.end("node3")
        view = await world.until(lambda view: not view.is_live("node3"))  # type: ignore[arg-type]  # a node's name
        assert sorted(view.live) == ["node1", "node2"]

    act(story)


@requirement("14.2-02", "Nothing about the cluster is special for machines: other services stand in it beside them, "
             "under the same rules.", "14.2 p1", by=Surface.BOTH)
def test_a_machine_and_a_file_system_stand_in_one_cluster(shell: Shell) -> None:
    machine = configured(shell, name="web", preferred="node2,node3")
    service = configured(shell, name="data", template="Generic_FS", preferred="node2,node1")
    assert (machine.machine.kind, service.machine.kind) == (MachineKind.XEN, MachineKind.SCRIPT)
    assert machine.policies == service.policies

    async def story(world: World) -> None:
        await online(world, machine, service)
        await world.power_off("node2")
        await world.runs_on("web", "node3")
        await world.runs_on("data", "node1")

    act(story)


@requirement("14.2-03", "Machines on every node can be made cluster resources.", "14.2 p2", by=Surface.BOTH,
             console=True)
def test_each_node_holds_machines_that_are_resources(shell: Shell) -> None:
    specs = [configured(shell, name=f"vm{number}", preferred=node) for number, node in enumerate(NODES)]

    async def story(world: World) -> None:
        await online(world, *specs)
        assert [world.where(each.name) for each in specs] == [(node,) for node in NODES]

    act(story)


@requirement("14.2-04", "When its host is lost, the whole machine fails over to another physical node.", "14.2 p2",
             by=Surface.BOTH)
def test_a_machine_fails_over_when_its_host_is_lost(shell: Shell) -> None:
    spec = configured(shell)

    async def story(world: World) -> None:
        await online(world, spec)
        await world.power_off("node1")
        state = await world.runs_on("web", "node2", within_s=12)
        assert (state.lives, world.where("web")) == (2, ("node2",))

    act(story)


@requirement("14.2-05", "By order, the whole machine migrates to another physical node.", "14.2 p2", by=Surface.BOTH,
             console=True)
def test_a_machine_migrates_by_order(shell: Shell) -> None:
    spec = configured(shell)

    async def story(world: World) -> None:
        await online(world, spec)
        assert (await world.order(Verb.MIGRATE, "web", "node3")).outcome is Outcome.DONE
        assert world.where("web") == ("node3",)

    act(story)


@needs_house
@requirement("14.2-06", "The cluster acts on the machine's host, from outside: no part of it runs within the machine.",
             "14.2 p3", "14.2 p4", by=Surface.SCRIPTS)
def test_a_load_is_a_script_of_the_host(shell: Shell, room: Room) -> None:
    script = room.path / "web.load"
    script.write_text(configured(shell).scripts.load.text)
    played = room.play(str(script))
    assert played.names == ("Xen start",)
    assert played.environment_of("Xen start")["NCS_NODE"] == "node-a"


@requirement("14.2-07", "Each machine has a resource of its own, with scripts of its own.", "14.2 p5",
             by=Surface.BOTH, console=True)
def test_scripts_belong_to_one_resource(shell: Shell) -> None:
    first, second = (configured(shell, name=name) for name in ("web", "mail"))
    for kind in ("load", "unload", "monitor"):
        mine, other = (str(getattr(each.scripts, kind).text) for each in (first, second))
        assert re.sub(r"\bweb\b", "mail", mine) == other != mine
    assert shell("resource", "edit", "web", "--load-timeout", "90") == 0
    assert spec_of(shell, "mail") == second
    assert shell("resource", "create", "third", "XenLive_Template", "VM=web") == 2
    assert "the machine web belongs to the resource web already" in shell.err

    async def story(world: World) -> None:
        await online(world, first, second)
        await world.order(Verb.OFFLINE, "web")
        assert (await world.state("mail")).state is State.RUNNING
        assert kinds(world, "node1", "mail") == ["load"]

    act(story)
