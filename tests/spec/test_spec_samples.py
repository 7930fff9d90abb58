"""Section 14.2.2, samples: the six scripts that the chapter prints run as they are."""

import pytest

from scripts.seed_house import LOAD, MONITOR, UNLOAD, Room, needs_samples
from spec.register import Surface, requirement

pytestmark = needs_samples


@requirement("14.2.2-50", "Every sample finds the function library at the path that it names, though no file need "
             "stand there.", "14.2.2 Sample Xen_Template.load", "14.2.2 Sample XenLive_Template.load",
             "14.2.2 Sample Xen_Template.unload", "14.2.2 Sample XenLive_Template.unload",
             "14.2.2 Sample Xen_Template.monitor", "14.2.2 Sample XenLive_Template.monitor", by=Surface.SAMPLES)
@pytest.mark.parametrize("kind", ["load", "unload", "monitor"])
@pytest.mark.parametrize("template", ["Xen_Template", "XenLive_Template"])
def test_every_sample_runs_as_it_is(room: Room, template: str, kind: str) -> None:
    played = room.play(f"{template}.{kind}")
    assert (played.run["end"], played.run["code"]) == ("exited", 0), played.run["output"]
    assert played.names


@requirement("14.2.2-51", "Load of Xen_Template: take the volume group, mount the file system, start the machine, in "
             "this order.", "14.2.2 Sample Xen_Template.load", "14.2.2 Load, step 1.2", by=Surface.SAMPLES)
def test_load_goes_from_the_ground_up(room: Room) -> None:
    assert room.play("Xen_Template.load").names == LOAD


@requirement("14.2.2-52", "What the load script sets reaches the agents: device, directory, type, configuration file, "
             "instance.", "14.2.2 Sample Xen_Template.load", by=Surface.SAMPLES)
def test_agents_see_the_settings(room: Room) -> None:
    seen = room.play("Xen_Template.load").environment_of("Xen start")
    assert {
        "OCF_ROOT": "/usr/lib/ocf/", "OCF_RESOURCE_INSTANCE": "xen_vm_name",
        "OCF_RESKEY_device": "/dev/name/xen_vm_name", "OCF_RESKEY_directory": "/mnt/xen_vm_name",
        "OCF_RESKEY_fstype": "ext3", "OCF_RESKEY_xmfile": "/mnt/xen_vm_name/xen_vm_name",
    }.items() <= seen.items()


@requirement("14.2.2-53", "The samples activate a volume group by a name that they never set: the one that they do set "
             "is taken, and never all of them.", "14.2.2 Sample Xen_Template.load",
             "14.2.2 Sample Xen_Template.unload", by=Surface.SAMPLES)
@pytest.mark.parametrize(("kind", "call"), [("load", "vgchange -a ey name"), ("unload", "vgchange -a n name")])
def test_a_forgotten_name_does_not_mean_all(room: Room, kind: str, call: str) -> None:
    assert [each for each in room.play(f"Xen_Template.{kind}").names if "vgchange" in each] == [call]


@requirement("14.2.2-54", "What fails under exit_on_error ends the script there, with its code; nothing after it runs.",
             "14.2.2 Sample Xen_Template.load", "14.2.2 Sample Xen_Template.unload", by=Surface.SAMPLES)
@pytest.mark.parametrize(("kind", "calls"), [("load", LOAD), ("unload", UNLOAD)])
def test_an_error_ends_the_script(room: Room, kind: str, calls: tuple[str, ...]) -> None:
    played = room.play(f"Xen_Template.{kind}", fail={calls[-2]: 7})
    assert (played.names, played.run["code"]) == (calls[:-1], 7)


@requirement("14.2.2-55", "Load of XenLive_Template: start the machine when nobody sends it.",
             "14.2.2 Sample XenLive_Template.load", by=Surface.SAMPLES)
def test_a_plain_load_starts_the_machine(room: Room) -> None:
    played = room.play("XenLive_Template.load")
    assert played.names == ("Xen start",)
    assert played.environment_of("Xen start")["OCF_RESKEY_xmfile"] == "/mnt/xen_vm_name/xen_vm_name"


@requirement("14.2.2-56", "Load of XenLive_Template: take the machine over when NCS_TOFROM names a node that sends it.",
             "14.2.2 Sample XenLive_Template.load", by=Surface.SAMPLES)
@pytest.mark.parametrize("code", [0, 1])
def test_a_live_load_takes_the_machine_over(room: Room, code: int) -> None:
    played = room.play("XenLive_Template.load", fail={"Xen migrate_from": code}, NCS_TOFROM="node-b")
    assert (played.names, played.run["code"]) == (("Xen migrate_from",), code)
    assert played.environment_of("Xen migrate_from")["OCF_RESKEY_CRM_meta_migrate_source"] == "node-b"


@requirement("14.2.2-57", "Unload of Xen_Template: stop the machine, wait for backups, unmount, release the volume "
             "group, in this order.", "14.2.2 Sample Xen_Template.unload", "14.2.2 Unload, step 1.3",
             by=Surface.SAMPLES)
def test_unload_goes_from_the_top_down(room: Room) -> None:
    assert room.play("Xen_Template.unload").names == UNLOAD


@requirement("14.2.2-58", "The wait for backups can be taken out of the unload script.",
             "14.2.2 Sample Xen_Template.unload", by=Surface.SAMPLES)
def test_the_wait_is_one_line(room: Room) -> None:
    text = room.sample("Xen_Template.unload")
    script = room.path / "own.unload"
    script.write_text(text.replace("\nsleep 10", "\n#sleep 10"))
    assert room.play(str(script)).names == tuple(call for call in UNLOAD if call != "sleep 10")


@requirement("14.2.2-59", "Unload of XenLive_Template: stop the machine when it goes nowhere; a failed stop is told "
             "and passed over.", "14.2.2 Sample XenLive_Template.unload", by=Surface.SAMPLES)
@pytest.mark.parametrize("code", [0, 1])
def test_a_plain_unload_stops_the_machine(room: Room, code: int) -> None:
    played = room.play("XenLive_Template.unload", fail={"Xen stop": code} if code else None)
    assert (played.names, played.run["code"]) == (("Xen stop",), 0)
    assert ("ignore_error: code 1 from: ocf_stop Xen" in played.run["output"]) is bool(code)


@requirement("14.2.2-60", "Unload of XenLive_Template: send the machine to the node that NCS_TOFROM names.",
             "14.2.2 Sample XenLive_Template.unload", by=Surface.SAMPLES)
def test_a_live_unload_sends_the_machine(room: Room) -> None:
    played = room.play("XenLive_Template.unload", NCS_TOFROM="node-b")
    assert (played.names, played.run["code"]) == (("Xen migrate_to",), 0)
    assert played.environment_of("Xen migrate_to")["OCF_RESKEY_CRM_meta_migrate_target"] == "node-b"


@requirement("14.2.2-61", "Unload of XenLive_Template: a machine that could not be sent is stopped, and the script "
             "gives the migration's code.", "14.2.2 Sample XenLive_Template.unload", by=Surface.SAMPLES)
@pytest.mark.parametrize("stop", [0, 1])
def test_a_failed_migration_stops_the_machine_and_is_not_hidden(room: Room, stop: int) -> None:
    fail = {"Xen migrate_to": 5} | ({"Xen stop": stop} if stop else {})
    played = room.play("XenLive_Template.unload", fail=fail, NCS_TOFROM="node-b")
    assert (played.names, played.run["code"]) == (("Xen migrate_to", "Xen stop"), 5)


@requirement("14.2.2-62", "Monitor of Xen_Template: ask for the volume, the file system, the machine; the first that "
             "is not well decides.", "14.2.2 Sample Xen_Template.monitor", "14.2.2 Viewing, step 5.3",
             by=Surface.SAMPLES)
@pytest.mark.parametrize("broken", [None, *MONITOR])
def test_monitor_asks_from_the_ground_up(room: Room, broken: str | None) -> None:
    played = room.play("Xen_Template.monitor", fail={broken: 7} if broken else None)
    assert (played.run["code"] == 0) is (broken is None)
    assert played.names == (MONITOR if broken is None else MONITOR[: MONITOR.index(broken) + 1])


@requirement("14.2.2-63", "Monitor of XenLive_Template: ask for the machine alone, and give the answer as the code.",
             "14.2.2 Sample XenLive_Template.monitor", "14.2.2 Viewing, step 5.3", by=Surface.SAMPLES)
@pytest.mark.parametrize("code", [0, 7])
def test_the_live_monitor_asks_for_the_machine(room: Room, code: int) -> None:
    played = room.play("XenLive_Template.monitor", fail={"Xen monitor": code})
    assert (played.names, played.run["code"]) == (("Xen monitor",), code)
