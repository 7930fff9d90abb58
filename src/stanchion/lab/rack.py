"""A rack of pretend hosts that share nothing but wires and a directory: the namespace lab.

Each host stands in a network of its own (``network``) and has all that a real one has: a supervisor as its board, an
agent, its member of the etcd on the first hosts, and its machines. A power cut takes all of it at once; what is on
disk stays. The machines' directory is what shared storage is to real hosts. For root, on Linux.
"""

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stanchion.lab import etcd
from stanchion.lab.cluster import Lab, LabHost
from stanchion.lab.etcd import Member
from stanchion.lab.network import Net, Network
from stanchion.model.errors import HostError

MEMBERS = 3
"""How many hosts have a member of the etcd: enough to survive one."""

AGENT_PORT = 7423
TOOLS = {"ip": "iproute2", "tc": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "etcd": "etcd-server"}
"""The programs that a rack needs, and Debian's packages that have them."""


class Rack:
    """The hosts, their wires and their etcd. ``machines`` is the directory that all hosts see."""

    def __init__(self, directory: Path, nodes: int, profile: str) -> None:
        names = [f"node{number}" for number in range(1, nodes + 1)]
        self.directory = directory
        self.machines = directory / "machines"
        self.network = Network(names)
        self.network.up()
        self.members = tuple(Member(node=name, address=self.network.address(name, Net.STORE), directory=directory / name
                                    / "etcd", enter=self.network.enter(name)) for name in names[:MEMBERS])
        hosts = [self._host(name) for name in names]
        for host in hosts:
            host.directory.mkdir(parents=True)
        self.machines.mkdir()
        with etcd.running(self.members):
            self.lab = Lab.create(directory, hosts=hosts, profile=profile, etcd=[each.url for each in self.members])

    def up(self) -> None:
        """Give all hosts power; they lose it when this process ends, however it ends."""
        self.lab.up(attached=True)

    def down(self) -> None:
        """Cut the power of all hosts, and take the wires down."""
        self.lab.down()
        self.network.down()

    def host(self, node: str) -> LabHost:
        """Find a host."""
        return self.lab.host(node)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The hosts' names."""
        return self.network.nodes

    def _host(self, name: str) -> LabHost:
        beside = tuple(f"etcd={shlex.join(member.words(self.members))}" for member in self.members
                       if member.node == name)
        return LabHost(name=name, port=AGENT_PORT, directory=self.directory / name, beside=beside,
                       address=self.network.address(name, Net.PEER), enter=self.network.enter(name))


@contextmanager
def rack(directory: Path, nodes: int, profile: str) -> Iterator[Rack]:
    """Lend a rack, not yet under power; nothing of it runs on afterwards. Raises ``HostError``."""
    if os.geteuid() != 0:
        raise HostError("the hosts of this lab have networks of their own, which only root can make")
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise HostError(f"this lab needs the packages {', '.join(missing)}: install them, then run it again")
    made = Rack(directory, nodes, profile)
    try:
        yield made
    finally:
        made.down()
