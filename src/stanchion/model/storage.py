"""Storage that only one host may use at a time: what a resource takes for itself, and what is in use on a host.

A logical volume has one name here, ``group/volume``, whatever its device is called: LVM makes ``/dev/group/volume``,
and the kernel knows it as ``group-volume``, with every hyphen of the two names doubled.
"""

import re
from dataclasses import dataclass

_LVM = re.compile(r"/dev/(?!mapper/|disk/)([^/]+/[^/]+)")
_MAPPED = re.compile(r"((?:[^-]|--)+)-((?:[^-]|--)+)(?:-\w+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file system: its device, or whatever else it comes from, the directory where it is mounted, and its type."""

    device: str
    directory: str
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a resource takes for itself alone while it is loaded: volume groups, single volumes, file systems."""

    groups: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether it takes anything."""
        return bool(self.groups or self.volumes or self.mounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class InUse:
    """What is in use on a host: the logical volumes that are active, as ``group/volume``, and what is mounted."""

    volumes: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()


def mapped(name: str) -> str | None:
    """Give ``group/volume`` for a volume's name in the kernel's device mapper, which may add a layer to it."""
    found = _MAPPED.fullmatch(name)
    return None if found is None else "/".join(part.replace("--", "-") for part in found.groups())


def volume_of(device: str) -> str | None:
    """Give ``group/volume`` for the device of a logical volume; None for any other device."""
    if found := _LVM.fullmatch(device):
        return found[1]
    return mapped(device.removeprefix("/dev/mapper/")) if device.startswith("/dev/mapper/") else None
