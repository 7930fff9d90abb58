"""Guessing from a resource's scripts what machine it is: which hypervisor runs it, and under which name.

The scripts say it to whoever reads them: they set variables for an OCF agent, then call it. Only plain assignments are
read, with the variables in them that were assigned before; nothing is run. A guess is told to the operator, who can
correct it in the document before importing it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stanchion.model.resource import MachineKind, ScriptKind

_ASSIGNED = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=(.*)$", re.MULTILINE)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
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
    code = _without_comments(load)
    said = assigned(code)
    agent = next((each for each in _AGENT.findall(code) if each in AGENTS), None)
    if agent is not None:
        kind = AGENTS[agent]
        config = said.get(CONFIG_OF[kind], "")
        name, because = _named(kind, said, config) or resource, f"its load script calls the agent {agent}"
    elif found := _VIRSH.search(code):
        kind, config = MachineKind.LIBVIRT, ""
        name, because = _filled(found[1], said) or resource, "its load script calls virsh start"
    elif found := _XL.search(code):
        kind, config = MachineKind.XEN, found[1]
        name, because = config.rpartition("/")[2] or resource, "its load script creates a Xen domain"
    else:
        return Guess(because="its load script names no hypervisor")
    live = "ocf_migrate_to" in _without_comments(unload)
    uri = said.get("OCF_RESKEY_hypervisor", "")
    return Guess(
        kind=kind, name=name if _HARMLESS.fullmatch(name) else resource, because=because, live=live,
        files=(config,) if live and config.startswith("/") else (),
        parameters={"HYPERVISOR": uri} if kind is MachineKind.LIBVIRT and uri else {})


def assigned(code: str) -> dict[str, str]:
    """Read the plain assignments of a script; a value that needs more than earlier ones is left out."""
    said: dict[str, str] = {}
    for name, value in _ASSIGNED.findall(code):
        plain = _filled(value.strip(), said)
        if plain is not None:
            said[name] = plain
    return said


def _named(kind: MachineKind, said: Mapping[str, str], config: str) -> str:
    file = config.rpartition("/")[2]
    if kind is MachineKind.LIBVIRT:
        return file.removesuffix(".xml") or said.get("OCF_RESOURCE_INSTANCE", "")
    return said.get("OCF_RESKEY_name") or said.get("OCF_RESOURCE_INSTANCE") or file


def _filled(value: str, said: Mapping[str, str]) -> str | None:
    """Fill variables in; None where the value cannot be known by reading."""
    bare = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
    if value.startswith("'"):
        return bare
    names = [first or second for first, second in _VARIABLE.findall(bare)]
    if any(name not in said for name in names):
        return None
    plain = _VARIABLE.sub(lambda found: said[found[1] or found[2]], bare)
    return None if re.search(r"[$`\"'\s\\;|&<>()]", plain) else plain


def _without_comments(code: str) -> str:
    return re.sub(r"(?m)(?:^|(?<=[\s;]))#.*$", "", code)
