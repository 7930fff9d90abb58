"""Coming from the original, and going to and fro between clusters: import, dry run, export, adoption."""

from pathlib import Path

import pytest
from shell import Shell

from stanchion.cli.ncs.machines import Guess, guess
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import FailbackMode, FailureAction, MachineKind, ResourceSpec, ScriptKind, StartMode
from stanchion.model.state import State

LOAD, UNLOAD, MONITOR = ScriptKind.LOAD, ScriptKind.UNLOAD, ScriptKind.MONITOR

XEN_LOAD = """\
#!/bin/bash
. /opt/novell/ncs/lib/ncsfuncs
export OCF_ROOT=/usr/lib/ocf/
#define domU name
OCF_RESOURCE_INSTANCE=NAME
export OCF_RESKEY_directory=/mnt/$OCF_RESOURCE_INSTANCE
export OCF_RESKEY_xmfile=$OCF_RESKEY_directory/$OCF_RESOURCE_INSTANCE
if [ -n "$NCS_TOFROM" ]; then exit_on_error ocf_migrate_from Xen; else exit_on_error ocf_start Xen; fi
exit 0
"""
XEN_UNLOAD = XEN_LOAD.replace("ocf_migrate_from", "ocf_migrate_to").replace("ocf_start", "ocf_stop")

EXPORT = """\
<?xml version="1.0"?>
<ncsReply><clusterConfig>
  <priorityInfo><resourceList><resource name="web"/></resourceList></priorityInfo>
  <resourceInfo>
    <name>web</name><resourceType>resource</resourceType>
    <scriptInfo>
      <loadScript timeout="120"><![CDATA[{load}]]></loadScript>
      <unloadScript><script><![CDATA[{unload}]]></script><timeout>3 minutes</timeout></unloadScript>
    </scriptInfo>
    <policyInfo><followMaster>0</followMaster><ignoreQuorum>1</ignoreQuorum><startMode>manual</startMode>
      <failoverMode>auto</failoverMode><failbackMode>whenever</failbackMode></policyInfo>
    <preferredNodeInfo><preferredNodes><node>NODE2</node><node>node1</node></preferredNodes>
      <unassignedNodes>node3</unassignedNodes></preferredNodeInfo>
    <monitorInfo><pollingInterval>30</pollingInterval><maxLocalFailures>4</maxLocalFailures>
      <failureAction>migrate to another node</failureAction></monitorInfo>
    <ipAddress>10.0.0.1</ipAddress>
  </resourceInfo>
  <resourceInfo><name>POOL1</name><resourceType>pool</resourceType></resourceInfo>
</clusterConfig></ncsReply>
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """Give a directory as the original keeps it: one machine, and what cannot be taken over."""
    place = tmp_path / "ncs"
    place.mkdir()
    for end, text in (("load", XEN_LOAD), ("unload", XEN_UNLOAD), ("monitor", XEN_LOAD.replace("start", "status"))):
        (place / f"web.{end}").write_text(text.replace("NAME", "web"))
    (place / "half.load").write_text("exit 0\n")
    (place / "nodes.xml").write_text("<nodes/>")
    return place


def _spec(shell: Shell, name: str = "web") -> ResourceSpec:
    return shell.world.view().specs[name].value  # type: ignore[index]  # a name


def test_a_directory_becomes_resources_and_what_does_not_is_told_line_by_line(shell: Shell, scripts: Path) -> None:
    assert shell("import", str(scripts)) == 0
    lines = shell.out.splitlines()
    assert "resource web: made" in lines
    assert "    taken for a Xen machine named web, because its load script calls the agent Xen" in lines
    assert "not taken over: half: it has no unload script, and a resource needs both" in lines
    assert any(line.startswith("not taken over: nodes.xml: it is not named like a script") for line in lines)
    assert any("timeouts, modes, monitoring and preferred nodes do not stand in script files" in line for line in lines)
    spec = _spec(shell)
    assert (spec.machine.kind, spec.machine.name, spec.live, spec.files) == (
        MachineKind.XEN, "web", True, ("/mnt/web/web",))
    assert spec.scripts.load.text == (scripts / "web.load").read_text()
    state = shell.world.view().states["web"].value  # type: ignore[index]  # a name
    assert (state.state, state.reason.why) == (State.OFFLINE, Why.SPEC_IMPORTED)


def test_a_dry_run_tells_the_same_and_makes_nothing(shell: Shell, scripts: Path) -> None:
    before = shell.world.engine.revision
    assert shell("import", str(scripts), "--dry-run") == 0
    dry = shell.out
    assert "resource web: would be made" in dry
    assert shell.world.engine.revision == before
    assert shell("import", str(scripts)) == 0
    assert shell.out == dry.replace("would be made", "made")


def test_importing_twice_is_importing_once_and_a_name_that_is_taken_is_told(shell: Shell, scripts: Path) -> None:
    assert shell("import", str(scripts)) == 0
    assert shell("import", str(scripts)) == 0
    assert "resource web: is here already, just like this" in shell.out
    assert shell("resource", "edit", "web", "--priority", "3") == 0
    assert shell("import", str(scripts)) == 1
    assert "resource web: refused: there is a resource web already" in shell.out
    assert shell("import", str(scripts), "-o", "json") == 1
    assert [item["outcome"] for item in shell.json["items"]] == ["refused"]
    assert {"half", "nodes.xml"} <= {each["about"] for each in shell.json["remarks"] if each["lost"]}


def test_two_resources_of_one_import_never_name_the_same_machine(shell: Shell, scripts: Path) -> None:
    for end in ("load", "unload", "monitor"):
        (scripts / f"zwei.{end}").write_text((scripts / f"web.{end}").read_text())
    assert shell("import", str(scripts), "--dry-run") == 1
    assert "resource zwei: refused: the machine web belongs to the resource web already" in shell.out
    assert shell("import", str(scripts)) == 1
    assert list(shell.world.view().specs) == ["web"]


def test_an_export_of_the_original_is_read_with_its_policies(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "ResourceConfig.xml"
    file.write_text(EXPORT.format(load=XEN_LOAD.replace("NAME", "web"), unload=XEN_UNLOAD.replace("NAME", "web")))
    assert shell("import", str(file)) == 0, shell.out
    spec = _spec(shell)
    assert (spec.scripts.load.timeout_s, spec.scripts.unload.timeout_s) == (120, 180)
    assert (spec.policies.ignore_quorum, spec.policies.start, spec.policies.failback) == (
        True, StartMode.MANUAL, FailbackMode.DISABLE)
    assert spec.preferred == ("node2", "node1")
    assert (spec.monitoring.interval_s, spec.monitoring.max_failures, spec.monitoring.action) == (
        30, 4, FailureAction.MIGRATE)
    lines = shell.out.splitlines()
    assert "not taken over: POOL1: it is a pool, which is no machine" in lines
    assert "not taken over: web: failbackMode says 'whenever', which is not understood; the default stands" in lines
    assert "not taken over: web: ipAddress (10.0.0.1) has no counterpart here" in lines


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_was_exported_is_the_same_when_it_is_imported(shell: Shell, tmp_path: Path, form: str) -> None:
    odd = "#!/bin/bash\n\techo 'a: b # c'  \n\n  echo \"ü → \\\\n\"\n: trailing\t\nexit 0\n\n"
    load = tmp_path / "load.sh"
    load.write_text(odd)
    assert shell("resource", "create", "web", "KVMLive_Template", "--load", str(load), "--preferred", "node2,node1",
                 "--monitoring", "--interval", "7", "--failback", "auto") == 0
    assert shell("resource", "create", "disk", "Generic_FS", "--load-timeout", "90") == 0
    before = {name: _spec(shell, name) for name in ("web", "disk")}
    file = tmp_path / f"all.{form}"
    assert shell("export", "--file", str(file), "--format", form) == 0
    assert "2 resources and 8 templates are in" in shell.out
    assert shell("import", str(file)) == 0
    assert shell.out.count("is here already, just like this") == 10
    for name in before:
        assert shell("resource", "delete", name, "--yes") == 0
    assert shell("import", str(file)) == 0
    for name, spec in before.items():
        after = _spec(shell, name)
        assert (after.scripts, after.machine, after.files, after.live) == (
            spec.scripts, spec.machine, spec.files, spec.live)
        assert (after.policies, after.monitoring, after.preferred, after.parameters, after.template) == (
            spec.policies, spec.monitoring, spec.preferred, spec.parameters, spec.template)


def test_what_is_named_is_exported_and_nothing_else(shell: Shell) -> None:
    shell.prepare(shell.world.resource("web"))
    assert shell("export", "WEB", "generic_fs", "-o", "json") == 0
    assert [each["name"] for each in shell.json["resources"]] == ["web"]
    assert [each["name"] for each in shell.json["templates"]] == ["Generic_FS"]
    assert shell("export", "nothing") == 4
    assert "there is no resource and no template nothing" in shell.err


def test_what_was_imported_is_adopted_where_it_runs(shell: Shell, scripts: Path) -> None:
    shell.world.end_orders(Outcome.DONE, reason(Why.ADOPT_ASKED, "anna", "node2"))
    assert shell("import", str(scripts), "--adopt", "node2") == 0
    intent, = (held.value for held in shell.world.view().intents.values())
    assert (intent.verb, intent.resource, intent.node) == (Verb.ADOPT, "web", "node2")


def test_what_cannot_be_adopted_does_not_undo_the_import(shell: Shell, scripts: Path) -> None:
    shell.world.end_orders(Outcome.FAILED, reason(Why.NOT_THERE, "node2", "no such domain"))
    assert shell("import", str(scripts), "--adopt", "node2") == 1
    assert "web: adopt of web: failed: it is not found running on node2" in shell.err
    assert "web" in shell.world.view().specs


@pytest.mark.parametrize(("load", "expected"), [
    (XEN_LOAD, (MachineKind.XEN, "NAME")),
    ("export OCF_RESKEY_name=dom7\nocf_start Xen\n", (MachineKind.XEN, "dom7")),
    ("export OCF_RESKEY_xmfile=/etc/xen/vm/box\nexit_on_error ocf_start Xen\n", (MachineKind.XEN, "box")),
    ("V='mail server'\nOCF_RESOURCE_INSTANCE=\"$V\"\nocf_start Xen\n", (MachineKind.XEN, "it")),
    ("export OCF_RESKEY_config=/etc/libvirt/qemu/db1.xml\nocf_start VirtualDomain\n", (MachineKind.LIBVIRT, "db1")),
    ("virsh -c qemu:///system start db2\n", (MachineKind.LIBVIRT, "db2")),
    ("xl create -q /etc/xen/box.cfg\n", (MachineKind.XEN, "box.cfg")),
    ("OCF_RESOURCE_INSTANCE=q\nocf_start stanchion:Qemu\n", (MachineKind.QEMU, "q")),
    ("# ocf_start Xen\nsystemctl start x\n", (MachineKind.SCRIPT, "")),
    ("OCF_RESOURCE_INSTANCE=$(hostname)\nocf_start Xen\n", (MachineKind.XEN, "it")),
    ("mount x\n", (MachineKind.SCRIPT, "")),
])
def test_the_machine_is_guessed_from_the_load_script(load: str, expected: tuple[MachineKind, str]) -> None:
    found: Guess = guess("it", {LOAD: load, UNLOAD: "", MONITOR: ""})
    assert (found.kind, found.name) == expected


def test_the_page_about_coming_from_the_original_shows_what_import_says(shell: Shell, scripts: Path) -> None:
    owning = XEN_LOAD.replace("NAME", "mail").replace(
        "if [", "CONTAINER_NAME=vg_mail\nexit_on_error vgchange -a ey $VOLGROUP_NAME\nif [").replace("\n", "\r\n")
    for end in ("load", "unload", "monitor"):
        (scripts / f"mail.{end}").write_text(owning.replace("ocf_migrate_from", "ocf_start"), newline="")
    page = (Path(__file__).parents[2] / "docs" / "import.md").read_text()
    assert shell("import", str(scripts), "--dry-run") == 0
    told = shell.out.splitlines()
    assert [line for line in told if line not in page] == []
