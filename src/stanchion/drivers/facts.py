"""What this host is like, as far as a live migration depends on it: processor, hypervisor, networks, storage.

Everything is read, nothing is opened or started but the hypervisors' own word for their version. What cannot be found
out is left empty: it is unknown then, which is no reason against anything.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from stanchion.model.files import HostFacts
from stanchion.model.resource import MachineKind

VERSION_WITHIN_S = 2.0
PROGRAMS: Mapping[MachineKind, tuple[str, ...]] = {
    MachineKind.QEMU: (f"qemu-system-{os.uname().machine}", "qemu-kvm", "qemu-system-x86_64"),
    MachineKind.LIBVIRT: ("libvirtd", "virtqemud"),
}
"""Who says which version of a hypervisor is here; the first that is found. Xen's stands in a file."""

SBIN = "/usr/sbin:/sbin:/usr/libexec"


def host_facts(kind: MachineKind, storage: Sequence[str], root: Path = Path("/")) -> HostFacts:
    """Tell what this host is like for machines of that kind, and which of these paths cannot be reached here."""
    processor, flags = _processor(root / "proc/cpuinfo")
    return HostFacts(
        architecture=os.uname().machine, processor=processor, flags=flags, hypervisor=_hypervisor(kind, root),
        networks=_names(root / "sys/class/net"),
        storage={path: _fault(root / path.removeprefix("/")) for path in storage})


def _processor(file: Path) -> tuple[str, tuple[str, ...]]:
    said: dict[str, str] = {}
    for line in _text(file).split("\n\n", 1)[0].splitlines():
        name, _, value = line.partition(":")
        said[name.strip()] = value.strip()
    flags = said.get("flags") or said.get("Features") or ""
    return said.get("model name", ""), tuple(sorted(flags.split()))


def _hypervisor(kind: MachineKind, root: Path) -> str:
    if kind is MachineKind.XEN:
        parts = [_text(root / "sys/hypervisor/version" / part).strip() for part in ("major", "minor", "extra")]
        return f"{parts[0]}.{parts[1]}{parts[2]}" if parts[0] else ""
    for program in PROGRAMS.get(kind, ()):
        found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SBIN}")
        if found is not None:
            return _version(found)
    return ""


def _version(program: str) -> str:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=VERSION_WITHIN_S).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+\.\d+(?:\.\d+)?", said)
    return found[0] if found else ""


def _names(directory: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(each.name for each in directory.iterdir()))
    except OSError:
        return ()


def _fault(path: Path) -> str:
    try:
        path.stat()
    except OSError as problem:
        return problem.strerror or str(problem)
    return ""


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
