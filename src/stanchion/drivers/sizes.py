"""How large a machine is by what its configuration file says: libvirt XML, an ``xl`` configuration, or our QEMU's own.

Memory is what the machine may come to take: where a file names a start and a maximum, the maximum counts, because a
guest that grows must not find that the room was promised to another. A file that cannot be understood says nothing, and
nothing is refused for that (``model.capacity``).
"""

import re
import shlex
from collections.abc import Mapping
from itertools import pairwise

from stanchion.drivers.qemu.config import DEFAULTS
from stanchion.model.capacity import LARGEST_CPUS, LARGEST_MIB, NOTHING_KNOWN, Size
from stanchion.model.resource import MachineKind

LONGEST_NUMBER = 20
"""So many digits are not read any more."""

_KIB = 1024
_BYTES: Mapping[str, int] = {
    "b": 1, "bytes": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "k": _KIB, "kib": _KIB, "m": _KIB**2, "mib": _KIB**2, "g": _KIB**3, "gib": _KIB**3, "t": _KIB**4, "tib": _KIB**4,
}
"""What one of libvirt's and QEMU's units is in bytes."""

_XML_NOISE = re.compile(r"<!--.*?-->|<metadata\b.*?</metadata>", re.DOTALL)
_XML_MEMORY = re.compile(r"<memory(\s[^>]*)?>\s*(\d{1,20})\s*</memory>")
_XML_UNIT = re.compile(r"""\sunit\s*=\s*["'](\w+)["']""")
_XML_CPUS = re.compile(r"<vcpu(?:\s[^>]*)?>\s*(\d{1,9})\s*</vcpu>")
_LINE = re.compile(r"""^\s*(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^#;\s]+))""", re.MULTILINE)
_AMOUNT = re.compile(r"(?:size=)?(\d{1,20})([bkmgt]?)", re.IGNORECASE)


def size_in(kind: MachineKind, text: str) -> Size:
    """Say how large a machine is by its configuration; what it does not say is not known."""
    match kind:
        case MachineKind.LIBVIRT:
            found = _libvirt(text)
        case MachineKind.XEN:
            found = _xl(text)
        case MachineKind.QEMU:
            found = _qemu(text)
        case MachineKind.SCRIPT:
            found = NOTHING_KNOWN
    return Size(memory_mib=found.memory_mib if found.memory_mib <= LARGEST_MIB else 0,
                cpus=found.cpus if found.cpus <= LARGEST_CPUS else 0.0)


def _libvirt(text: str) -> Size:
    plain = _XML_NOISE.sub("", text)
    memory, cpus = _XML_MEMORY.search(plain), _XML_CPUS.search(plain)
    unit = _XML_UNIT.search(memory[1] or "") if memory else None
    return Size(memory_mib=_mib(memory[2], unit[1] if unit else "KiB") if memory else 0,
                cpus=float(cpus[1]) if cpus else 0.0)


def _xl(text: str) -> Size:
    said = _lines(text)
    memory = max(_number(said.get("memory", "")), _number(said.get("maxmem", "")))
    cpus = max(_number(said.get("vcpus", "")), _number(said.get("maxvcpus", "")))
    # A machine that names no processors gets one.
    return Size(memory_mib=memory, cpus=float(cpus or bool(memory)))


def _qemu(text: str) -> Size:
    said = {**DEFAULTS, **{key.strip(): value.strip() for line in text.splitlines()
                           if not line.lstrip().startswith("#") for key, _, value in [line.partition("=")]}}
    memory, cpus = _number(said["memory"]), _number(said["cpus"])
    try:
        words = shlex.split(said["args"])
    except ValueError:
        words = []
    for option, value in pairwise(words):
        if option == "-m" and (amount := _AMOUNT.match(value)):
            memory = _mib(amount[1], amount[2] or "M")
        elif option == "-smp":
            cpus = _number(value.split(",", 1)[0].removeprefix("cpus=")) or cpus
    return Size(memory_mib=memory, cpus=float(cpus))


def _lines(text: str) -> Mapping[str, str]:
    """Give what lines of the form ``key = value`` say; the last one of a key counts."""
    return {key: double or single or bare for key, double, single, bare in _LINE.findall(text)}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < LONGEST_NUMBER else 0


def _mib(amount: str, unit: str) -> int:
    """Give an amount in MiB, rounded up; 0 for a unit that nobody knows."""
    return -(-int(amount) * _BYTES.get(unit.lower(), 0) // _KIB**2)
