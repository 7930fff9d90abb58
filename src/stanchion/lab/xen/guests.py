"""The Xen guests: the hosts' own kernel with an initial file system of ours, whose one script ticks.

What a guest says goes over the network to the rack, which writes it down, so it is heard wherever the guest runs, and
two copies of it would both be heard. The connection survives a live migration, so no word is lost. Its words are those
of every lab's guests: ``tick COUNTER boot NONCE``, the counter from 0 at each boot, the nonce drawn anew. A guest with
a disk also counts its boots there and says ``disk boots COUNT`` at its start: that number must grow by one with each
start, or a disk has lost what was written to it.
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stanchion.lab.linux_guest import archive
from stanchion.lab.xen.furnish import BRIDGE, HEARING_PORT, HUB, NET

MODULES = ("xen-netfront", "xen-blkfront", "crc16", "crc32c_generic", "mbcache", "jbd2", "ext4")
"""What a guest loads, in this order; those that are built into the kernel are not there as files."""

KERNEL, INITRD = "/vms/vmlinuz", "/vms/initrd.gz"
"""Where the guests' kernel and initial file system stand on the hosts."""

MEMORY_MB = 96
_FILE, _DIRECTORY = 0o100755, 0o040755

INIT = f"""\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /sbin
ln -s /bin/busybox /sbin/poweroff
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in {' '.join(MODULES)}; do
    [ -e /lib/$module.ko ] && insmod /lib/$module.ko
done
ip=$(sed -n 's/.*lab.ip=\\([0-9.]*\\).*/\\1/p' /proc/cmdline)
ifconfig lo 127.0.0.1 up
until [ -e /sys/class/net/eth0 ]; do usleep 100000; done
ifconfig eth0 $ip netmask 255.255.255.0 up
boot=$(cut -c1-8 /proc/sys/kernel/random/boot_id)

# Xen asks for an orderly end through /sbin/poweroff, which signals this process.
over() {{ echo "over boot $boot" >&3; sync; umount /mnt; poweroff -f; }}
trap over USR1 USR2 TERM

# The pipe outlives a sender that gave up because nobody listened for a moment.
mkfifo /words
while :; do nc {HUB} {HEARING_PORT} < /words; sleep 1; done &
exec 3<> /words

if grep -q lab.disk /proc/cmdline; then
    until [ -b /dev/xvda ]; do usleep 100000; done
    mount -t ext4 /dev/xvda /mnt && echo "boot $boot" >> /mnt/boots && sync
    echo "disk boots $(grep -c boot /mnt/boots)" >&3
fi
counter=0
while :; do
    echo "tick $counter boot $boot" >&3
    counter=$((counter + 1))
    sleep 1
done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class XenGuest:
    """One guest: its name, the last number of its address, and its disk as a host sees it; empty: it has none."""

    name: str
    number: int
    disk: str = ""

    @property
    def address(self) -> str:
        """Its address in the lab's network."""
        return f"{NET}.{self.number}"

    def config(self) -> str:
        """Write its configuration file for ``xl``.

        Without KVM a guest must be PVH: Debian's Xen moves no paravirtual machine live. And it must read the
        processor's clock as it is, because QEMU emulates too little for Xen to put itself between.
        """
        words = f"console=hvc0 panic=-1 lab.ip={self.address}{' lab.disk' if self.disk else ''}"
        disk = f'disk = ["format=raw,vdev=xvda,access=rw,target={self.disk}"]\n' if self.disk else ""
        return (f'name = "{self.name}"\ntype = "pvh"\nmemory = {MEMORY_MB}\nvcpus = 1\ntsc_mode = "native"\n'
                f'kernel = "{KERNEL}"\nramdisk = "{INITRD}"\ncmdline = "{words}"\n'
                f'vif = ["mac=00:16:3e:79:00:{self.number:02x},bridge={BRIDGE}"]\non_crash = "destroy"\n{disk}')


GUESTS: Mapping[str, XenGuest] = {guest.name: guest for guest in (
    XenGuest(name="web", number=101, disk="/mnt/web/disk.img"),
    XenGuest(name="rei", number=102, disk="/mnt/rei/disk.img"),
    XenGuest(name="live", number=103, disk="/dev/disk/by-id/virtio-live"),
    XenGuest(name="ocfs", number=104, disk="/mnt/ocfs/disk.img"),
    XenGuest(name="keep", number=105),
)}


def initrd(tree: Path) -> bytes:
    """Make the guests' initial file system out of a Debian tree with busybox and a kernel's modules."""
    modules = next((tree / "usr/lib/modules").glob("*-amd64"))
    found = {path.stem: path for path in modules.rglob("*.ko")}
    entries: Sequence[tuple[str, int, bytes, int]] = [
        *((name, _DIRECTORY, b"", 0) for name in ("bin", "dev", "lib", "mnt", "proc", "sys")),
        ("bin/busybox", _FILE, (tree / "usr/bin/busybox").read_bytes(), 0),
        ("init", _FILE, INIT.encode(), 0),
        *((f"lib/{name}.ko", _FILE, found[name].read_bytes(), 0) for name in MODULES if name in found)]
    return gzip.compress(archive(entries), 6)
