"""Guessing from a resource's scripts what machine it is: which hypervisor runs it, and under which name.

The scripts say it to whoever reads them: they set variables for an OCF agent, then call it. Only plain assignments are
read, with the variables in them that were assigned before; nothing is run. A guess is told to the operator, who can
correct it in the document before importing it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stanchion.model.plain_words import assigned, filled, without_comments
from stanchion.model.resource import MachineKind, ScriptKind

_AGENT = re.compile(r"\bocf_(?:start|migrate_from)[ \t]+(?:ocf:)?(?:\w+:)?(\w+)")
_VIRSH = re.compile(r"\bvirsh\b[^\n;|&]*?\bstart[ \t]+([^\s;|&]+)")
_XL = re.compile(r"\bx[lm][ \t]+create\b[^\n;|&]*?[ \t](/[^\s;|&]+)")
_HARMLESS = re.compile(r"[A-Za-z0-9_@%+=:,./][A-Za-z0-9_@%+=:,./-]*", re.ASCII)

AGENTS: Mapping[str, MachineKind] = {
    "Xen": MachineKind.XEN, "VirtualDomain": MachineKind.LIBVIRT, "Qemu": MachineKind.QEMU,
}
CONFIG_OF: Mapping[MachineKind, str] = {
    MachineKind.XEN: "OCF_RESKEY_xmfile", MachineKind.LIBVIRT: "OCF_RESKEY_config",
    MachineKind.QEMU: "OCF_RESKEY_config",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What machine a resource seems to be. ``because`` says what led to it."""

    kind: MachineKind = MachineKind.SCRIPT
    name: str = ""
    because: str = ""
    live: bool = False
    files: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)


def guess(resource: str, scripts: Mapping[ScriptKind, str]) -> Guess:
    """Guess the machine of a resource from its scripts."""
    load, unload = scripts.get(ScriptKind.LOAD, ""), scripts.get(ScriptKind.UNLOAD, "")
    code = without_comments(load)
    said = assigned(code)
    agent = next((each for each in _AGENT.findall(code) if each in AGENTS), None)
    if agent is not None:
        kind = AGENTS[agent]
        config = said.get(CONFIG_OF[kind], "")
        name, because = _named(kind, said, config) or resource, f"its load script calls the agent {agent}"
    elif found := _VIRSH.search(code):
        kind, config = MachineKind.LIBVIRT, ""
        name, because = filled(found[1], said) or resource, "its load script calls virsh start"
    elif found := _XL.search(code):
        kind, config = MachineKind.XEN, found[1]
        name, because = config.rpartition("/")[2] or resource, "its load script creates a Xen domain"
    else:
        return Guess(because="its load script names no hypervisor")
    live = "ocf_migrate_to" in without_comments(unload)
    uri = said.get("OCF_RESKEY_hypervisor", "")
    return Guess(
        kind=kind, name=name if _HARMLESS.fullmatch(name) else resource, because=because, live=live,
        files=(config,) if live and config.startswith("/") else (),
        parameters={"HYPERVISOR": uri} if kind is MachineKind.LIBVIRT and uri else {})


def _named(kind: MachineKind, said: Mapping[str, str], config: str) -> str:
    file = config.rpartition("/")[2]
    if kind is MachineKind.LIBVIRT:
        return file.removesuffix(".xml") or said.get("OCF_RESOURCE_INSTANCE", "")
    return said.get("OCF_RESKEY_name") or said.get("OCF_RESOURCE_INSTANCE") or file
