"""The six sample scripts of the original (seed 14.2.2) run as they are, against agents and tools that only record."""

from pathlib import Path

import pytest
from seed_house import LOAD, MONITOR, UNLOAD, Room, house, needs_samples

pytestmark = needs_samples


@pytest.mark.parametrize(
    ("script", "calls", "environment"),
    [
        ("Xen_Template.load", LOAD, {}),
        ("Xen_Template.unload", UNLOAD, {}),
        ("Xen_Template.monitor", MONITOR, {}),
        ("XenLive_Template.load", ("Xen start",), {}),
        ("XenLive_Template.load", ("Xen migrate_from",), {"NCS_TOFROM": "node-b"}),
        ("XenLive_Template.unload", ("Xen stop",), {}),
        ("XenLive_Template.unload", ("Xen migrate_to",), {"NCS_TOFROM": "node-b"}),
        ("XenLive_Template.monitor", ("Xen monitor",), {}),
    ],
)
def test_each_sample_calls_what_it_should_in_order_and_succeeds(
    room: Room, script: str, calls: tuple[str, ...], environment: dict[str, str],
) -> None:
    played = room.play(script, **environment)
    assert (played.run["end"], played.run["code"]) == ("exited", 0), played.run["output"]
    assert played.names == calls


@pytest.mark.parametrize(
    ("script", "calls", "broken"),
    [
        (script, calls, broken)
        for script, calls in (
            ("Xen_Template.load", LOAD), ("Xen_Template.unload", UNLOAD), ("Xen_Template.monitor", MONITOR),
            ("XenLive_Template.load", ("Xen start",)), ("XenLive_Template.monitor", ("Xen monitor",)),
        )
        for broken in calls
        if broken != "sleep 10"
    ],
)
def test_whatever_fails_ends_the_script_there_with_its_code(
    room: Room, script: str, calls: tuple[str, ...], broken: str,
) -> None:
    played = room.play(script, fail={broken: 7})
    code = 1 if broken.startswith("lvs") else 7  # status_lv cannot tell when its tool fails
    assert (played.run["end"], played.run["code"]) == ("exited", code), played.run["output"]
    assert played.names == calls[: calls.index(broken) + 1]
    tool, _, action = broken.partition(" ")
    function = {"start": "ocf_start", "stop": "ocf_stop", "monitor": "ocf_status"}.get(action, "")
    words = f"{function} {tool}" if function else {"lvs": "status_lv /dev/name/xen_vm_name"}.get(tool, broken[:-5])
    assert played.run["command"] == f"{words}: {tool} is told to fail"


def test_agents_see_what_the_script_exported_and_what_it_only_assigned(room: Room) -> None:
    played = room.play("Xen_Template.load")
    seen = played.environment_of("Filesystem start")
    assert {
        "OCF_ROOT": "/usr/lib/ocf/", "OCF_RESOURCE_INSTANCE": "xen_vm_name", "OCF_RESOURCE_TYPE": "Filesystem",
        "OCF_RESOURCE_PROVIDER": "heartbeat", "OCF_RA_VERSION_MAJOR": "1", "OCF_RA_VERSION_MINOR": "0",
        "OCF_RESKEY_device": "/dev/name/xen_vm_name", "OCF_RESKEY_directory": "/mnt/xen_vm_name",
        "OCF_RESKEY_fstype": "ext3", "OCF_RESKEY_xmfile": "/mnt/xen_vm_name/xen_vm_name",
        "OCF_RESKEY_CRM_meta_timeout": "600000", "NCS_NODE": "node-a",
    }.items() <= seen.items()
    assert not {"OCF_RESKEY_CRM_meta_interval", "OCF_RESKEY_CRM_meta_migrate_target"} & seen.keys()


def test_a_monitor_is_a_recurring_one(room: Room) -> None:
    seen = room.play("XenLive_Template.monitor", OCF_RESKEY_CRM_meta_interval="60000").environment_of("Xen monitor")
    assert seen["OCF_RESKEY_CRM_meta_interval"] == "60000"


@pytest.mark.parametrize(
    ("script", "call", "source", "target"),
    [
        ("XenLive_Template.unload", "Xen migrate_to", "node-a", "node-b"),
        ("XenLive_Template.load", "Xen migrate_from", "node-b", "node-a"),
    ],
)
def test_both_halves_of_a_migration_know_source_and_target(
    room: Room, script: str, call: str, source: str, target: str,
) -> None:
    seen = room.play(script, NCS_TOFROM="node-b").environment_of(call)
    assert seen["OCF_RESKEY_CRM_meta_migrate_source"] == source
    assert seen["OCF_RESKEY_CRM_meta_migrate_target"] == target


def test_a_failed_migration_is_not_hidden_and_the_sample_stops_the_machine(room: Room) -> None:
    played = room.play("XenLive_Template.unload", fail={"Xen migrate_to": 1}, NCS_TOFROM="node-b")
    assert played.names == ("Xen migrate_to", "Xen stop")
    assert played.run["code"] == 1
    assert played.run["command"] == "ocf_migrate_to Xen: Xen is told to fail"
    stop = played.environment_of("Xen stop")
    assert "OCF_RESKEY_CRM_meta_migrate_target" not in stop, "a plain stop has no hint of a migration"


def test_a_failed_migration_whose_stop_fails_too_still_gives_the_migrations_code(room: Room) -> None:
    fail = {"Xen migrate_to": 5, "Xen stop": 1}
    played = room.play("XenLive_Template.unload", fail=fail, NCS_TOFROM="node-b")
    assert (played.names, played.run["code"]) == (("Xen migrate_to", "Xen stop"), 5)


def test_a_cold_unload_that_could_not_stop_says_success_as_the_sample_is_written(room: Room) -> None:
    """That is why no exit code is believed: the agent looks for the machine itself before anybody loads it."""
    played = room.play("XenLive_Template.unload", fail={"Xen stop": 1})
    assert played.run["code"] == 0
    assert "ignore_error: code 1 from: ocf_stop Xen" in played.run["output"]


def test_a_live_load_whose_machine_never_came_fails(room: Room) -> None:
    played = room.play("XenLive_Template.load", fail={"Xen migrate_from": 1}, NCS_TOFROM="node-b")
    assert (played.names, played.run["code"]) == (("Xen migrate_from",), 1)


def test_a_sleep_that_fails_does_not_stop_the_unload(room: Room) -> None:
    assert room.play("Xen_Template.unload", fail={"sleep 10": 1}).names == UNLOAD


def test_a_vendors_own_library_wins(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    with house(tmp_path, vendor='exit_on_error() { echo "the vendor runs $*"; }\n') as process:
        played = Room(tmp_path / "room", process).play("XenLive_Template.load")
    assert played.names == ()
    assert "the vendor runs ocf_start Xen" in played.run["output"]
