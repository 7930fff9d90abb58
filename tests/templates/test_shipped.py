"""The shipped templates: complete, clean, and the same work in the same order as the original's."""

import re
import subprocess

import pytest

from stanchion.drivers.templates import shipped
from stanchion.model.resource import FailbackMode, FailoverMode, MachineKind, ScriptKind, StartMode
from stanchion.model.template import Template
from stanchion.plan.making import faults, make

TEMPLATES = {str(template.name): template for template in shipped()}
ANSWERS = {"Generic_IP_Service": {"ADDRESS": "192.0.2.7"}}
every_template = pytest.mark.parametrize("template", TEMPLATES.values(), ids=list(TEMPLATES))


def work(template: str, script: ScriptKind) -> list[str]:
    """Give what a script does, in order: its steps without settings, comments and blank lines."""
    spec = make(TEMPLATES[template], "web", {}, by="", at_s=0.0)
    text = re.sub(r"^\s*(#.*|export .*|\w+=.*|\. .*)$", "", spec.scripts.of(script).text, flags=re.MULTILINE)
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_there_are_these_eight() -> None:
    assert sorted(TEMPLATES) == [
        "Generic_FS", "Generic_IP_Service", "KVMLive_Template", "KVM_Template", "QemuLive_Template", "Qemu_Template",
        "XenLive_Template", "Xen_Template"]
    assert {name for name, template in TEMPLATES.items() if template.live} == {
        "XenLive_Template", "KVMLive_Template", "QemuLive_Template"}


@every_template
def test_a_resource_made_without_an_edit_has_no_fault(template: Template) -> None:
    """Defaults fit when resource, machine, configuration and mount directory bear one name; bash reads every script."""
    spec = make(template, "web", ANSWERS.get(str(template.name), {}), by="", at_s=0.0)
    assert faults(spec, ()) == ()
    for kind in ScriptKind:
        text = spec.scripts.of(kind).text
        assert not re.search(r"@[A-Z]+@", text)
        checked = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert not checked.stderr
    assert spec.scripts.halt.text, "every resource can be let go of at once"
    assert (spec.policies.start, spec.policies.failover) == (StartMode.AUTO, FailoverMode.AUTO)
    assert spec.policies.failback is FailbackMode.DISABLE
    assert not spec.monitoring.enabled
    assert spec.preferred == ()


@every_template
def test_every_blank_is_used_and_every_variable_is_set(template: Template) -> None:
    """No question without a use; and no script reads a variable that it never sets, as a sample of the original did."""
    texts = [template.scripts.of(kind).text for kind in ScriptKind]
    for parameter in template.parameters:
        assert any(f"@{parameter.name}@" in text for text in texts), parameter.name
    given = {"NCS_TOFROM", "STANCHION_DOOR"}
    for text in texts:
        used = set(re.findall(r"\$\{?([A-Z][A-Za-z_]*)", text))
        assert used - set(re.findall(r"^(?:export )?([A-Za-z_]+)=", text, re.MULTILINE)) <= given


def test_xen_does_what_the_original_does_in_its_order() -> None:
    """Seed, samples of Xen_Template; the volume group is named, which the original's vgchange forgot."""
    assert work("Xen_Template", ScriptKind.LOAD) == [
        "exit_on_error vgchange -a ey $CONTAINER_NAME", "exit_on_error ocf_start Filesystem",
        "exit_on_error ocf_start Xen", "exit 0"]
    assert work("Xen_Template", ScriptKind.UNLOAD) == [
        "exit_on_error ocf_stop Xen", "sleep 0", "exit_on_error ocf_stop Filesystem",
        "exit_on_error vgchange -a n $CONTAINER_NAME", "exit 0"]
    assert work("Xen_Template", ScriptKind.MONITOR) == [
        "exit_on_error status_lv $MOUNT_DEV", "exit_on_error ocf_status Filesystem", "exit_on_error ocf_status Xen",
        "exit 0"]


@pytest.mark.parametrize(("name", "agent"), [
    ("XenLive_Template", "Xen"), ("KVMLive_Template", "VirtualDomain"), ("QemuLive_Template", "stanchion:Qemu")])
def test_a_live_template_migrates_only_when_a_node_is_named(name: str, agent: str) -> None:
    """Seed, samples of XenLive_Template; a machine that could not be sent is left running."""
    assert work(name, ScriptKind.LOAD) == [
        'if [ -n "$NCS_TOFROM" ]; then', f"exit_on_error ocf_migrate_from {agent}", "else",
        f"exit_on_error ocf_start {agent}", "fi", "exit 0"]
    vouched = ["[ checked = shared ] && export OCF_RESKEY_migrate_options=--unsafe"] if agent == "VirtualDomain" else []
    assert work(name, ScriptKind.UNLOAD) == [
        'if [ -n "$NCS_TOFROM" ]; then', *vouched, f"exit_on_error ocf_migrate_to {agent}", "else",
        f"exit_on_error ocf_stop {agent}", "fi", "exit 0"]
    assert work(name, ScriptKind.MONITOR) == [f"exit_on_error ocf_status {agent}", "exit 0"]
    assert TEMPLATES[name].files == ("@CONFIG@",)


def test_only_a_machine_without_a_daemon_needs_a_door() -> None:
    assert {name for name, template in TEMPLATES.items() if template.scripts.prepare.text} == {"QemuLive_Template"}


def test_machines_are_looked_for_where_they_run() -> None:
    kinds = {name: template.machine.kind for name, template in TEMPLATES.items()}
    assert kinds["Xen_Template"] is kinds["XenLive_Template"] is MachineKind.XEN
    assert kinds["KVM_Template"] is kinds["KVMLive_Template"] is MachineKind.LIBVIRT
    assert kinds["Qemu_Template"] is kinds["QemuLive_Template"] is MachineKind.QEMU
    assert kinds["Generic_FS"] is kinds["Generic_IP_Service"] is MachineKind.SCRIPT
