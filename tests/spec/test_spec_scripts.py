"""Section 14.2.2: what the templates make by themselves, and how scripts, modes and nodes are changed."""

import asyncio
from pathlib import Path

import pytest

from cli.shell import Shell
from scripts.seed_house import Room, needs_house
from spec.playing import act, configured, exports, kinds, online, runs, spec_of
from spec.register import Surface, requirement
from stanchion.model.orders import Outcome, Verb
from stanchion.model.resource import FailbackMode, FailoverMode, ScriptKind, StartMode
from stanchion.model.state import AlertKind, State
from stanchion.plan.recovery import EARLY_S
from stanchion.sim.world import World

XEN = ("Xen_Template", "XenLive_Template")
both_templates = pytest.mark.parametrize("template", XEN)


def edit(shell: Shell, tmp_path: Path, kind: str, old: str, new: str) -> str:
    """Take the script as it is shown, change it in a file and save it; give what was saved."""
    assert shell("script", "show", "web", kind) == 0
    assert old in shell.out
    file = tmp_path / f"new-{kind}"
    file.write_text(shell.out.replace(old, new))
    assert shell("script", "edit", "web", kind, "--file", str(file)) == 0, shell.err
    return file.read_text()


def play_made(room: Room, shell: Shell, kind: str) -> tuple[str, ...]:
    """Play a script of the resource as it was made, and give what it called."""
    script = room.path / f"web.{kind}"
    script.write_text(spec_of(shell, "web").scripts.of(ScriptKind(kind)).text)
    played = room.play(str(script))
    assert played.run["code"] == 0, played.run["output"]
    return played.names


@requirement("14.2.2-01", "The templates make the load, unload and monitor scripts by themselves.", "14.2.2 p1",
             by=Surface.COMMAND)
@both_templates
def test_the_three_scripts_are_made(shell: Shell, template: str) -> None:
    configured(shell, template=template)
    for kind in ("load", "unload", "monitor"):
        assert shell("script", "show", "web", kind) == 0
        assert shell.out.startswith("#!/bin/bash\n")
        assert "@" not in shell.out, "a blank was left open"


@requirement("14.2.2-02", "The templates set the failover and failback modes by themselves.", "14.2.2 p1",
             by=Surface.COMMAND)
@both_templates
def test_the_modes_are_set(shell: Shell, template: str) -> None:
    configured(shell, template=template)
    assert shell("resource", "show", "web") == 0
    assert "start AUTO, failover AUTO, failback DISABLE" in shell.out


@requirement("14.2.2-03", "The templates assign the machine to all nodes of the cluster.", "14.2.2 p1", by=Surface.BOTH)
def test_every_node_may_hold_it(shell: Shell) -> None:
    assert shell("resource", "create", "web", "Xen_Template") == 0
    spec = spec_of(shell, "web")

    async def story(world: World) -> None:
        await online(world, spec)
        for node in ("node2", "node3", "node1"):
            assert (await world.order(Verb.MIGRATE, "web", node)).outcome is Outcome.DONE

    act(story)


@requirement("14.2.2-04", "No script needs an edit where the machine has the resource's name; for another name the "
             "template asks.", "14.2.2 p2", "14.2.2, point 1", by=Surface.COMMAND)
@both_templates
def test_the_machine_bears_the_resources_name(shell: Shell, template: str) -> None:
    configured(shell, template=template)
    configured(shell, "VM=box", name="other", template=template)
    for name, machine in (("web", "web"), ("other", "box")):
        spec = spec_of(shell, name)
        assert spec.machine.name == machine
        assert exports(spec.scripts.load.text)["OCF_RESOURCE_INSTANCE"] == machine


@requirement("14.2.2-05", "No script needs an edit where the configuration file has the machine's name; for another "
             "the template asks.", "14.2.2, point 2", by=Surface.COMMAND)
@pytest.mark.parametrize(("template", "default", "answer"), [
    ("Xen_Template", "$OCF_RESKEY_directory/web", "$OCF_RESKEY_directory/box.cfg"),
    ("XenLive_Template", "/mnt/web/web", "/mnt/web/box.cfg")])
def test_the_configuration_file_bears_the_machines_name(shell: Shell, template: str, default: str,
                                                        answer: str) -> None:
    assert exports(configured(shell, template=template).scripts.load.text)["OCF_RESKEY_xmfile"] == default
    given = answer.removeprefix("$OCF_RESKEY_directory/")
    other = configured(shell, f"CONFIG={given}", name="other", template=template)
    assert exports(other.scripts.load.text)["OCF_RESKEY_xmfile"] == answer


@requirement("14.2.2-06", "No script needs an edit where the mount point has the machine's name; for another the "
             "template asks.", "14.2.2, point 3", by=Surface.COMMAND)
def test_the_mount_point_bears_the_machines_name(shell: Shell) -> None:
    plain = configured(shell, template="Xen_Template")
    other = configured(shell, "DIRECTORY=/srv/machines/box", name="other", template="Xen_Template")
    assert exports(plain.scripts.load.text)["OCF_RESKEY_directory"] == "/mnt/web"
    assert exports(other.scripts.load.text)["OCF_RESKEY_directory"] == "/srv/machines/box"
    live = configured(shell, name="live")
    assert exports(live.scripts.load.text)["OCF_RESKEY_xmfile"] == "/mnt/live/live"


@requirement("14.2.2-07", "No script needs an edit for the file system: the template asks for its type, and Reiser is "
             "one of them.", "14.2.2, point 4", by=Surface.COMMAND)
@pytest.mark.parametrize("fstype", ["reiserfs", "ext3", "ext4", "xfs"])
def test_the_file_system_is_asked_for(shell: Shell, fstype: str) -> None:
    spec = configured(shell, f"FSTYPE={fstype}", template="Xen_Template")
    for script in (spec.scripts.load, spec.scripts.unload, spec.scripts.monitor):
        assert exports(script.text)["OCF_RESKEY_fstype"] == fstype


@needs_house
@requirement("14.2.2-08", "Where the names agree, the scripts run exactly as the template made them.", "14.2.2 p2",
             by=Surface.SCRIPTS)
def test_unmodified_scripts_run(shell: Shell, room: Room) -> None:
    assert shell("resource", "create", "web", "Xen_Template") == 0
    assert play_made(room, shell, "load") == ("vgchange -a ey web", "Filesystem start", "Xen start")
    assert play_made(room, shell, "unload") == ("Xen stop", "sleep 0", "Filesystem stop", "vgchange -a n web")
    calls = play_made(room, shell, "monitor")
    assert [call.split()[0] for call in calls] == ["lvs", "Filesystem", "Xen"]


@requirement("14.2.2-09", "The start, failover and failback modes are configured without touching a script.",
             "14.2.2 p3", "14.2.2 Unload, step 2.2", by=Surface.BOTH, console=True)
def test_modes_are_set_and_count(shell: Shell) -> None:
    before = configured(shell).scripts
    assert shell("resource", "edit", "web", "--start", "manual", "--failover", "manual", "--failback", "manual") == 0
    spec = spec_of(shell, "web")
    assert (spec.policies.start, spec.policies.failover, spec.policies.failback) == (
        StartMode.MANUAL, FailoverMode.MANUAL, FailbackMode.MANUAL)
    assert spec.scripts == before

    async def story(world: World) -> None:
        await online(world, spec)
        await world.power_off("node1")
        assert (await world.becomes("web", State.ALERT)).alert is AlertKind.FAILOVER
        await world.order(Verb.ALERT_YES, "web")
        world.power_on("node1")
        assert (await world.becomes("web", State.ALERT)).alert is AlertKind.FAILBACK
        assert world.where("web") == ("node2",), "it runs on while the question is open"

    act(story)


@requirement("14.2.2-10", "The preferred nodes and their order are configured; failover goes by that order.",
             "14.2.2 p3", "14.2.2 Unload, step 2.2", by=Surface.BOTH, console=True)
def test_failover_goes_by_the_preferred_nodes(shell: Shell) -> None:
    configured(shell)
    assert shell("resource", "edit", "web", "--preferred", "node2,node3") == 0
    spec = spec_of(shell, "web")

    async def story(world: World) -> None:
        await online(world, spec)
        assert world.where("web") == ("node2",)
        await world.power_off("node2")
        await world.runs_on("web", "node3")
        await asyncio.sleep(EARLY_S)
        await world.power_off("node3")
        await world.becomes("web", State.UNASSIGNED)
        assert world.where("web") == (), "node1 is not assigned"

    act(story, nodes=("node1", "node2", "node3", "node4", "node5"))


@requirement("14.2.2-11", "Scripts can be modified: from then on the modified ones run.", "14.2.2 p4",
             by=Surface.BOTH, console=True)
def test_modified_scripts_are_those_that_run(shell: Shell, tmp_path: Path) -> None:
    configured(shell)
    saved = {kind: edit(shell, tmp_path, kind, "exit 0", "logger done\nexit 0") for kind in ("load", "unload")}
    spec = spec_of(shell, "web")

    async def story(world: World) -> None:
        await online(world, spec)
        await world.order(Verb.OFFLINE, "web")
        assert [(order.script, order.text) for order in runs(world, "node1")] == list(saved.items())

    act(story)


@requirement("14.2.2-12", "The load script starts the machine.", "14.2.2 Load p1", by=Surface.BOTH)
@both_templates
def test_the_load_script_starts_the_machine(shell: Shell, template: str) -> None:
    spec = configured(shell, template=template)

    async def story(world: World) -> None:
        await online(world, spec)
        assert (kinds(world, "node1"), world.where("web")) == (["load"], ("node1",))

    act(story)


@requirement("14.2.2-13", "The load script can be viewed and its lines edited: directories, mount point, configuration "
             "file, type of the file system.", "14.2.2 Load p1", "14.2.2 Load, step 1", by=Surface.COMMAND,
             console=True)
@pytest.mark.parametrize(("old", "new"), [
    ("OCF_RESKEY_directory=/mnt/web", "OCF_RESKEY_directory=/srv/web"), ("MOUNT_DEV=/dev/", "MOUNT_DEV=/dev/mapper/"),
    ("$OCF_RESKEY_directory/web", "$OCF_RESKEY_directory/web.cfg"), ("fstype=ext4", "fstype=ocfs2")])
def test_lines_of_the_load_script_are_edited(shell: Shell, tmp_path: Path, old: str, new: str) -> None:
    configured(shell, template="Xen_Template")
    saved = edit(shell, tmp_path, "load", old, new)
    assert new in saved
    assert shell("script", "show", "web", "load") == 0
    assert shell.out == saved


@requirement("14.2.2-14", "After the load script comes the unload script: both can be given at once.",
             "14.2.2 Load, step 2", by=Surface.COMMAND, console=True)
def test_load_and_unload_are_saved_together(shell: Shell, tmp_path: Path) -> None:
    configured(shell)
    for kind in ("load", "unload"):
        (tmp_path / kind).write_text(f"echo {kind}\nexit 0\n")
    assert shell("resource", "edit", "web", "--load", str(tmp_path / "load"), "--unload", str(tmp_path / "unload")) == 0
    scripts = spec_of(shell, "web").scripts
    assert (scripts.load.text, scripts.unload.text) == ("echo load\nexit 0\n", "echo unload\nexit 0\n")


@requirement("14.2.2-15", "The unload script stops the machine.", "14.2.2 Unload p1", by=Surface.BOTH)
@both_templates
def test_the_unload_script_stops_the_machine(shell: Shell, template: str) -> None:
    spec = configured(shell, template=template)

    async def story(world: World) -> None:
        await online(world, spec)
        assert (await world.order(Verb.OFFLINE, "web")).outcome is Outcome.DONE
        assert (kinds(world, "node1"), world.where("web")) == (["load", "unload"], ())

    act(story)


@requirement("14.2.2-16", "The unload script can be viewed and edited like the load script.", "14.2.2 Unload p1",
             "14.2.2 Unload, step 1", by=Surface.COMMAND, console=True)
def test_lines_of_the_unload_script_are_edited(shell: Shell, tmp_path: Path) -> None:
    configured(shell, template="Xen_Template")
    saved = edit(shell, tmp_path, "unload", "fstype=ext4", "fstype=xfs")
    assert spec_of(shell, "web").scripts.unload.text == saved


@requirement("14.2.2-17", "The unload script uses the same values as the load script.", "14.2.2 Unload, step 1.2",
             by=Surface.COMMAND)
@both_templates
def test_unload_has_the_values_of_load(shell: Shell, template: str) -> None:
    """Answers to the form go into both; the target of a migration is the unload script's alone."""
    answers = ("VOLUME_GROUP=san", "FSTYPE=xfs", "DIRECTORY=/srv/web") if template == "Xen_Template" else ()
    scripts = configured(shell, "VM=box", *answers, template=template).scripts
    unload = {name: value for name, value in exports(scripts.unload.text).items() if "migrate_target" not in name}
    assert unload == exports(scripts.load.text) != {}


@requirement("14.2.2-18", "After the scripts, modes and nodes are configured, and monitoring only if it is wanted.",
             "14.2.2 Unload, step 2", "14.2.2 Unload, step 3", by=Surface.COMMAND, console=True)
def test_policies_nodes_and_monitoring_can_follow_in_any_order(shell: Shell) -> None:
    configured(shell)
    assert shell("template", "form", "XenLive_Template", "-o", "json") == 0
    assert shell("resource", "edit", "web", "--failback", "auto") == 0
    assert shell("resource", "edit", "web", "--preferred", "node3,node1") == 0
    assert not spec_of(shell, "web").monitoring.enabled
    assert shell("resource", "edit", "web", "--monitoring") == 0
    spec = spec_of(shell, "web")
    assert (spec.policies.failback, spec.preferred, spec.monitoring.enabled) == (
        FailbackMode.AUTO, ("node3", "node1"), True)
