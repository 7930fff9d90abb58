"""The three hosts of the KVM lab: a cluster whose every host has a network, a room and a libvirtd of its own."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stanchion.lab.cluster import Lab, LabHost
from stanchion.lab.kvm import rooms
from stanchion.lab.network import Net, Network
from stanchion.lab.witness import QEMU
from stanchion.model.errors import HostError

NODES = ("node1", "node2", "node3")
AGENT_PORT = 7423
VIRTUAL_DOMAIN = Path("/usr/lib/ocf/resource.d/heartbeat/VirtualDomain")
TOOLS = {"libvirtd": "libvirt-daemon-system", "virsh": "libvirt-clients", QEMU: "qemu-system-x86", "ip": "iproute2",
         "unshare": "util-linux", "nsenter": "util-linux"}
"""The programs that the lab needs, and Debian's packages that have them."""
DAEMON = "libvirtd=libvirtd -l -f /etc/libvirt/libvirtd.conf -p /run/libvirt/libvirtd.pid"


def check() -> None:
    """Refuse to begin where something is missing. Raises ``HostError``."""
    if os.geteuid() != 0:
        raise HostError("its hosts have networks, mounts and processes of their own, which only root can make")
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None}
                     | (set() if VIRTUAL_DOMAIN.exists() else {"resource-agents"}))
    if missing:
        raise HostError(f"install the packages {', '.join(missing)}, then run it again")


@contextmanager
def powered(directory: Path) -> Iterator[Lab]:
    """Lend a cluster of hosts under power, from nothing; nothing of it runs on afterwards. Raises ``HostError``."""
    network, lab = Network(NODES), None
    network.up()
    try:
        at = {name: network.address(name, Net.PEER) for name in NODES}
        hosts = []
        for name in NODES:
            (directory / name).mkdir()
            enter = rooms.furnish(directory / name, at[name], at)
            hosts.append(LabHost(name=name, port=AGENT_PORT, directory=directory / name, address=at[name],
                                 enter=(*network.enter(name), *rooms.words(enter)), beside=(DAEMON,)))
        lab = Lab.create(directory, hosts=hosts, profile="default")
        lab.up(attached=True)
        yield lab
    finally:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        if lab is not None:
            lab.down()
        network.down()
        signal.signal(signal.SIGINT, before)
