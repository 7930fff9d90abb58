"""From scripts and settings of the original to a document: one rule for files and for exports."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from stanchion.cli.ncs.found import TEMPLATE_MARK, Found
from stanchion.cli.ncs.machines import guess
from stanchion.model.resource import MachineKind, ScriptKind

if TYPE_CHECKING:
    from stanchion.wire.requests import MonitoringChange, PoliciesChange

KINDS = {
    MachineKind.XEN: "a Xen machine", MachineKind.LIBVIRT: "a machine of libvirt", MachineKind.QEMU: "a QEMU machine",
}
NEEDED = (ScriptKind.LOAD, ScriptKind.UNLOAD)

_NAME = re.compile(r"[A-Za-z0-9_]{1,63}", re.ASCII)


def name_fault(name: str) -> str:
    """Say why a resource cannot have this name; empty: it can."""
    return "" if _NAME.fullmatch(name) else "this name is not possible: 1 to 63 letters, digits and underscores"


def take(found: Found, name: str, texts: Mapping[ScriptKind, str], *, timeouts: Mapping[ScriptKind, float],
         policies: "PoliciesChange | None" = None, monitoring: "MonitoringChange | None" = None,
         preferred: tuple[str, ...] = ()) -> None:
    """Make a document of one resource or template, or say why not."""
    from stanchion.wire.documents import MachineDocument, ResourceDocument, TemplateDocument
    from stanchion.wire.requests import MonitoringChange, PoliciesChange, ScriptChange

    missing = [kind for kind in NEEDED if not texts.get(kind, "").strip()]
    if fault := name_fault(name):
        found.lose(name, fault)
        return
    if missing:
        found.lose(name, f"it has no {' and no '.join(missing)} script, and a resource needs both")
        return
    machine = guess(name, texts)
    live = machine.live and not (machine.kind is MachineKind.QEMU and not texts.get(ScriptKind.PREPARE, "").strip())
    shared = {
        "name": name, "live": live, "files": machine.files if live else (),
        "machine": MachineDocument(kind=machine.kind, name=machine.name),
        "scripts": {kind: ScriptChange(text=text, timeout_s=timeouts.get(kind)) for kind, text in texts.items()},
        "policies": policies or PoliciesChange(), "monitoring": monitoring or MonitoringChange(),
    }
    if name.lower().endswith(TEMPLATE_MARK):
        found.templates.append(TemplateDocument.model_validate({
            **shared, "title": name, "description": "From Novell Cluster Services."}))
        if machine.name:
            found.note(name, f"its scripts name the machine {machine.name}: edit the template and put @RESOURCE@ there")
        return
    if machine.kind is MachineKind.SCRIPT and not texts.get(ScriptKind.MONITOR, "").strip():
        found.lose(name, f"{machine.because}, so only a monitor script could tell whether it runs, and it has none")
        return
    found.resources.append(ResourceDocument.model_validate({
        **shared, "preferred": preferred, "parameters": dict(machine.parameters)}))
    kind = KINDS.get(machine.kind)
    found.note(name, f"taken for {kind} named {machine.name}, because {machine.because}" if kind else
               f"{machine.because}, so its monitor script is asked whether it runs")
    if machine.live != live:
        found.note(name, "it does not migrate live: a QEMU machine needs a prepare script for that")
    if not texts.get(ScriptKind.HALT, "").strip():
        found.note(name, "it has no halt script: a node that loses the cluster while it holds it can only be reset")
