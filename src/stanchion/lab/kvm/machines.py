"""The guests of the KVM lab: libvirt's XML, a disk that is reached from every host, and a serial line into a file.

What ticks in them is the boot sector of ``lab.guest``. ``VirtualDomain`` reads the machine's name out of the XML line
by line, so ``<name>`` stands on a line of its own.
"""

import os
import subprocess
import time
from pathlib import Path

from stanchion.lab import guest
from stanchion.lab.demo.machines import DemoMachine
from stanchion.lab.witness import QEMU

PROBE_S = 5.0
"""How long a guest may take to say its first word on KVM."""

XML = """\
<domain type='{kind}'>
  <name>{name}</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <emulator>{emulator}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/><source file='{disk}'/><target dev='hda' bus='ide'/><shareable/>
    </disk>
    <serial type='file'><source path='{serial}' append='on'/><target port='0'/></serial>
  </devices>
</domain>
"""


class KvmMachine(DemoMachine):
    """One guest of the lab under libvirt."""

    def __init__(self, name: str, template: str, preferred: tuple[str, ...], directory: Path, emulator: str) -> None:
        super().__init__(name, template, preferred, directory)
        self.config = directory / f"{name}.xml"
        self._emulator = emulator

    def write(self) -> None:
        """Make its configuration and its disk."""
        place = self.config.parent
        place.mkdir(exist_ok=True)
        kind = "kvm" if kvm_boots(place) else "qemu"
        guest.write_image(self.disk)
        self.config.write_text(XML.format(kind=kind, name=self.name, emulator=self._emulator, disk=self.disk,
                                          serial=self.serial), encoding="utf-8")


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
