"""Storage: what a resource takes for itself alone, and which of it is in use where it should not be.

What a resource takes is read from its load script, by the words that its library and LVM give to scripts:
``vgchange`` and ``lvchange`` that activate, the agents Filesystem, LVM and LVM-activate, ``mount_fs`` and ``mount``. So
it is true of the scripts of the original and of edited ones too, and nobody has to say the same thing twice. What is
activated as *shared*, and what carries a cluster file system, is made for many hosts and counts for nothing here.

A volume group counts as in use where any of its volumes is active: an active volume keeps the map of its blocks as it
was when it was activated, and whoever mounts it trusts that map. What is in use on a host where the resource has no
business is told, and keeps it from starting elsewhere (``plan.strays``), like a machine that runs there.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from stanchion.model.plain_words import Said, commands
from stanchion.model.resource import ResourceSpec
from stanchion.model.storage import Claim, InUse, Mount, volume_of

SHARED = frozenset({"ocfs2", "gfs2", "gfs", "nfs", "nfs4", "cifs", "smb3", "ceph", "fuse.ceph", "lustre", "gpfs", "9p",
                    "virtiofs", "glusterfs", "fuse.glusterfs", "fuse.sshfs"})
"""Types of file systems that many hosts may mount at once."""

_ACTIVATES = re.compile(r"-(?:\w*a|-activate=?)(\w*)")
_AGENTS = {"LVM": "OCF_RESKEY_volgrpname", "LVM-activate": "OCF_RESKEY_vgname"}
_START = "ocf_start"

Thing = str | Mount
"""What can be in use: a logical volume, as ``group/volume``, or something mounted."""


def claimed(spec: ResourceSpec) -> Claim:
    """Give what the resource takes for itself alone while it is loaded."""
    return read(spec.scripts.load.text)


def in_use(claim: Claim, here: InUse) -> frozenset[Thing]:
    """Give what of it is in use on a host: the volumes that are active, and what is mounted."""
    volumes = (volume for volume in here.volumes if volume in claim.volumes or _of_group(claim.groups, volume))
    mounts = (mount for mount in here.mounts if mount.kind not in SHARED
              and any(_same(wanted, mount) for wanted in claim.mounts))
    return frozenset((*volumes, *mounts))


def told(found: Iterable[Thing]) -> str:
    """Say what is in use, as half a sentence."""
    mounts = sorted(f"{thing.device} is mounted at {thing.directory}" for thing in found if isinstance(thing, Mount))
    volumes = sorted(f"{thing} is active" for thing in found if isinstance(thing, str))
    return ", ".join((*mounts, *volumes))


def shared(one: Claim, other: Claim) -> str:
    """Name something that two resources both take, each for itself alone; empty: nothing."""
    mine, theirs = ({*claim.groups, *claim.volumes, *map(_device, claim.mounts)} for claim in (one, other))
    mine |= {volume for volume in theirs if _group(volume) in one.groups}
    theirs |= {volume for volume in mine if _group(volume) in other.groups}
    return min(mine & theirs, default="")


def _of_group(groups: Sequence[str], volume: str) -> bool:
    """Tell whether it is a volume of these groups; the one that keeps a cluster's own locks is active everywhere."""
    group, _, name = volume.partition("/")
    return group in groups and name != "lvmlock"


def _same(wanted: Mount, there: Mount) -> bool:
    """Tell whether it is that file system: by its device, or by its place where the name of its device tells nothing.

    A kernel names a mounted device by its own name, never by a label, an identity, or a link of ``/dev/disk``.
    """
    if wanted.device.startswith("/dev/") and not wanted.device.startswith("/dev/disk/"):
        return _device(wanted) == _device(there)
    return wanted.directory == there.directory


def _device(mount: Mount) -> str:
    return volume_of(mount.device) or mount.device


def _group(volume: str) -> str:
    return volume.partition("/")[0]


@lru_cache(maxsize=4096)
def read(load: str) -> Claim:
    """Read what a load script takes for its resource alone."""
    groups: dict[str, None] = {}
    volumes: dict[str, None] = {}
    mounts: dict[Mount, None] = {}
    shared: set[str] = set()
    for words, said in commands(load):
        name = words[0].rpartition("/")[2]
        mount = _mount(name, words[1:], said)
        if mount is not None and (mount.kind in SHARED or ":" in mount.device or mount.device.startswith("//")):
            shared.add(_group(volume_of(mount.device) or ""))
        elif mount is not None:
            mounts[mount] = None
        elif name in {"vgchange", "lvchange"}:
            for operand in _activated(words[1:], said):
                path = volume_of(operand) or operand.removeprefix("/dev/")
                (volumes if "/" in path else groups)[path] = None
        elif name == _START and words[-1].rpartition(":")[2] in _AGENTS:
            group = said.get(_AGENTS[words[-1].rpartition(":")[2]], "")
            if group and said.get("OCF_RESKEY_activation_mode") != "shared":
                groups[group] = None
    return Claim(groups=tuple(group for group in groups if group not in shared),
                 volumes=tuple(volume for volume in volumes if _group(volume) not in shared), mounts=tuple(mounts))


def _mount(name: str, words: Sequence[str], said: Said) -> Mount | None:
    """Read a command that mounts something; None for any other."""
    if name == _START and words and words[-1].rpartition(":")[2] == "Filesystem":
        given = [said.get(f"OCF_RESKEY_{word}", "") for word in ("device", "directory", "fstype", "options")]
    elif name == "mount_fs":
        given = [*words, "", "", "", ""][:4]
    elif name == "mount":
        options = dict(pairwise(words))
        plain = [word for before, word in pairwise(("", *words)) if word[0] != "-" and before not in {"-t", "-o"}]
        given = [*[*plain, "", ""][:2], options.get("-t", ""), options.get("-o", "")]
    else:
        return None
    device, directory, kind, options_ = given
    if not directory or "bind" in options_ or (not device.startswith("/") and "=" not in device and ":" not in device):
        return None
    return Mount(device=device, directory=directory.rstrip("/") or "/", kind=kind)


def _activated(words: Sequence[str], said: Said) -> tuple[str, ...]:
    """Give what a command of LVM activates for this host alone; nothing where it does not, or does so as shared.

    Without an operand our library gives it the group that the script names otherwise.
    """
    mode, operands, waits = "", [], False
    for word in words:
        found = _ACTIVATES.fullmatch(word)
        if waits:
            mode, waits = word, False
        elif found is not None:
            mode, waits = found[1], not found[1]
        elif not word.startswith("-"):
            operands.append(word)
    if not mode or mode.startswith("s") or mode.endswith("n"):
        return ()
    named = said.get("VOLGROUP_NAME") or said.get("CONTAINER_NAME")
    return tuple(operands) or ((named,) if named else ())
