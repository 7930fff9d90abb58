"""What storage is in use on this host, read from the kernel's own tables.

An active logical volume *is* a device of the kernel's device mapper, and what is mounted stands in one file; both are
read in a moment, and without touching a disk. LVM's own tools are not asked: they read every disk that the host sees
and take locks, and with a path to the storage that is dead they hang, which is just when the answer is needed.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

from stanchion.model.errors import HostError, plainly
from stanchion.model.storage import InUse, Mount, mapped

_LVM = "LVM-"
"""How the device mapper's identity of a logical volume begins."""


class KernelStorage:
    """Port ``Storage``. ``root`` is where ``sys`` and ``proc`` stand."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    async def look(self) -> InUse:
        """Read both tables. Raises ``HostError``."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> InUse:
        try:
            table = (self._root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
            return InUse(volumes=tuple(sorted(set(self._volumes()))), mounts=tuple(_mounts(table)))
        except OSError as problem:
            raise HostError(f"what is active and mounted on this host cannot be read ({plainly(problem)})") from None

    def _volumes(self) -> Iterator[str]:
        for device in (self._root / "sys/block").glob("dm-*/dm"):
            try:
                identity = (device / "uuid").read_text(encoding="ascii").strip()
                name = (device / "name").read_text(encoding="ascii").strip()
            except FileNotFoundError:
                continue  # it was deactivated in this moment
            volume = mapped(name) if identity.startswith(_LVM) else None
            if volume is not None:
                yield volume


def _mounts(table: str) -> Iterator[Mount]:
    """Read the lines of a mountinfo: number parent major:minor root directory options ... - type source options."""
    for line in table.splitlines():
        before, dash, after = line.partition(" - ")
        if dash:
            _, _, _, _, directory, *_ = before.split(" ")
            kind, device, *_ = after.split(" ")
            yield Mount(device=_plain(device), directory=_plain(directory), kind=kind)


def _plain(word: str) -> str:
    """Take back what the kernel writes for blanks and the like: three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)
