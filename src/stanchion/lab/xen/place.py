"""Where the lab keeps its things: outside the source tree, in the user's cache unless ``STANCHION_LAB_DIR`` says.

The image is made once and stays; everything else belongs to one life of the rack and is made anew by ``up``. Sockets
stand below it, so its path must be short.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from stanchion.model.errors import HostError

LONGEST = 80
"""Bytes that the directory's path may have: what is left of a socket's 107 after the parts below it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of the lab, and where each thing in it stands."""

    root: Path

    @property
    def packages(self) -> Path:
        """Debian's packages, unpacked, as a tar file."""
        return self.root / "debian.tar"

    @property
    def image(self) -> Path:
        """The disk image that all machines begin with."""
        return self.root / "base.img"

    @property
    def hypervisor(self) -> Path:
        """Xen, as QEMU starts it."""
        return self.root / "xen.elf"

    @property
    def kernel(self) -> Path:
        """The kernel of the hosts, and of their guests."""
        return self.root / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """The hosts' initial file system."""
        return self.root / "initrd.img"

    @property
    def ssh_key(self) -> Path:
        """The key with which the hosts are entered, and which they enter each other with."""
        return self.root / "key"

    @property
    def run(self) -> Path:
        """What belongs to one life of the rack."""
        return self.root / "run"

    @property
    def board(self) -> Path:
        """The rack's socket."""
        return self.run / "board.sock"

    @property
    def client(self) -> Path:
        """What the command line needs to speak to the cluster."""
        return self.run / "client"

    @property
    def heard(self) -> Path:
        """What the guests said."""
        return self.run / "machines"

    def machine(self, name: str) -> Path:
        """Give the directory of one machine."""
        return self.run / name

    def disk(self, name: str) -> Path:
        """Give the file of a shared disk."""
        return self.run / f"{name}.img"


def find() -> Place:
    """Find the lab's directory. Raises ``HostError`` when its path is too long for sockets."""
    given = os.environ.get("STANCHION_LAB_DIR")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = Path(given).absolute() if given else cache / "stanchion" / "xen"
    if len(os.fsencode(root)) > LONGEST:
        raise HostError(f"{root} is too long for sockets below it: let STANCHION_LAB_DIR name a shorter one")
    return Place(root)
