"""The machines of the rack, as QEMU's words: two Xen hosts, without KVM.

The processor is a plain one on purpose. With everything that QEMU can pretend, dom0 dies of smap at its start, and
wide registers are sometimes mixed up between dom0 and guests. What is left has what PVH guests need (svm, npt).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stanchion.lab.witness import QEMU
from stanchion.lab.xen.furnish import HOSTS
from stanchion.lab.xen.place import Place

PROCESSOR = "qemu64,svm=on,npt=on,+ssse3,+sse4.1,+sse4.2,+popcnt"
XEN_MB, DOM0_MB = 1800, 1000
"""Memory of a Xen host, and of its dom0, which leaves the rest to guests."""

DISKS: Mapping[str, str] = {"web": "256M", "rei": "256M", "live": "32M", "ocfs": "512M"}
"""The disks that both Xen hosts reach, by serial number, and their sizes."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine of the rack."""

    name: str
    place: Place

    @property
    def tap(self) -> str:
        """The end of its wire in the rack."""
        return f"w-{self.name}"

    @property
    def monitor(self) -> Path:
        """The socket on which its QEMU takes orders."""
        return self.place.machine(self.name) / "qmp.sock"

    @property
    def disk(self) -> Path:
        """Its own disk: what it has changed since the image."""
        return self.place.machine(self.name) / "root.qcow2"

    def words(self) -> list[str]:
        """Give the command that is this machine under power."""
        number, place = HOSTS[self.name], self.place
        dom0 = (f"{place.kernel} root=/dev/vda rw lab.number={number} systemd.hostname={self.name} net.ifnames=0 "
                "mitigations=off panic=5 console=hvc0")
        shared = [word for name in DISKS for word in _shared(place.disk(name), name)]
        return [QEMU, "-name", self.name, "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=256", "-cpu",
                PROCESSOR, "-smp", "1", "-m", str(XEN_MB), "-nodefaults", "-display", "none",
                "-kernel", f"{place.hypervisor}", "-append",
                f"dom0_mem={DOM0_MB}M,max:{DOM0_MB}M console=com1 com1=115200,8n1 loglvl=warning",
                "-initrd", f"{dom0},{place.initrd}",
                "-drive", f"file={self.disk},if=none,id=root,format=qcow2,cache=unsafe",
                "-device", "virtio-blk-pci,drive=root,serial=root", *shared,
                "-netdev", f"tap,id=net,ifname={self.tap},script=no,downscript=no",
                "-device", f"virtio-net-pci,netdev=net,mac=52:54:00:79:00:0{number},romfile=",
                "-device", "i6300esb", "-action", "watchdog=reset",
                "-serial", f"file:{place.machine(self.name) / 'console.log'}",
                "-qmp", f"unix:{self.monitor},server=on,wait=off"]


def _shared(file: Path, name: str) -> Sequence[str]:
    """Plug in a disk that another machine has, too: no lock on its file, nothing kept in a cache."""
    return ("-drive", f"file={file},if=none,id={name},format=raw,cache=none,file.locking=off",
            "-device", f"virtio-blk-pci,drive={name},serial={name},share-rw=on")
