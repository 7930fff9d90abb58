"""The guests of the KVM lab: libvirt's XML, a disk that is reached from every host, and a serial line into a file.

What ticks in them is the boot sector of ``lab.guest``, or a Linux. ``VirtualDomain`` reads the machine's name out of
the XML line by line, so ``<name>`` stands on a line of its own.
"""

import os
import subprocess
import time
from pathlib import Path
from xml.sax.saxutils import escape

from stanchion.lab import guest
from stanchion.lab.demo.machines import DemoMachine
from stanchion.lab.linux_guest import APPEND, LinuxGuest
from stanchion.lab.witness import QEMU

PROBE_S = 5.0
"""How long a guest may take to say its first word on KVM."""

XML = """\
<domain type='{kind}'>
  <name>{name}</name>
  <memory unit='MiB'>{memory_mib}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>{boot}</os>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <emulator>{emulator}</emulator>
{disk}    <serial type='file'><source path='{serial}' append='on'/><target port='0'/></serial>
  </devices>
</domain>
"""

DISK = """\
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/><source file='{disk}'/><target dev='hda' bus='ide'/><shareable/>
    </disk>
"""


class KvmMachine(DemoMachine):
    """One guest of the lab under libvirt."""

    def __init__(self, name: str, template: str, preferred: tuple[str, ...], directory: Path, emulator: str, *,
                 linux: LinuxGuest | None = None, memory_mib: int = 32) -> None:
        super().__init__(name, template, preferred, directory, linux=linux)
        self.config = directory / f"{name}.xml"
        self._emulator = emulator
        self._memory_mib = memory_mib

    def write(self) -> None:
        """Make its configuration, and its disk where it has one."""
        place = self.config.parent
        place.mkdir(exist_ok=True)
        kind = "kvm" if kvm_boots(place) else "qemu"
        boot, disk = self._boot()
        self.config.write_text(XML.format(kind=kind, name=self.name, memory_mib=self._memory_mib, boot=boot, disk=disk,
                                          emulator=self._emulator, serial=self.serial), encoding="utf-8")

    def _boot(self) -> tuple[str, str]:
        """Give what its XML says of how it boots, and of its disk."""
        if self._linux is None:
            guest.write_image(self.disk)
            return "<boot dev='hd'/>", DISK.format(disk=self.disk)
        return (f"<kernel>{self._linux.kernel}</kernel><initrd>{self._linux.initrd}</initrd>"
                f"<cmdline>{escape(APPEND)}</cmdline>"), ""


def kvm_boots(place: Path) -> bool:
    """Tell whether a guest runs on KVM here, by booting one: a /dev/kvm that opens may still run none."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    disk, serial = place / "probe.img", place / "probe.serial"
    guest.write_image(disk)
    words = [QEMU, "-accel", "kvm", "-machine", "pc", "-m", "32", "-display", "none", "-monitor", "none", "-serial",
             f"file:{serial}", "-drive", f"file={disk},format=raw,if=ide"]
    probe = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + PROBE_S
    try:
        while probe.poll() is None and time.monotonic() < until:
            if serial.exists() and guest.parse(serial.read_text(encoding="ascii", errors="replace")):
                return True
            time.sleep(0.1)
        return False
    finally:
        probe.kill()
        probe.wait()
