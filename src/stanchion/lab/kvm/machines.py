"""The guests of the KVM lab: libvirt's XML, a disk that is reached from every host, and a serial line into a file.

What ticks in them is the boot sector of ``lab.guest``. ``VirtualDomain`` reads the machine's name out of the XML line
by line, so ``<name>`` stands on a line of its own.
"""

from pathlib import Path

from stanchion.drivers.qemu import accel
from stanchion.lab import guest
from stanchion.lab.demo.machines import DemoMachine
from stanchion.lab.witness import QEMU

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
        kind = "kvm" if accel.best(QEMU, str(place)) == "kvm" else "qemu"
        guest.write_image(self.disk)
        self.config.write_text(XML.format(kind=kind, name=self.name, emulator=self._emulator, disk=self.disk,
                                          serial=self.serial), encoding="utf-8")
