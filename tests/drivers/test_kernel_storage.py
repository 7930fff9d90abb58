"""What is active and mounted here: the kernel's tables, as real hosts show them, and this very host."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stanchion.drivers.storage import KernelStorage
from stanchion.model.errors import HostError
from stanchion.model.storage import InUse, Mount

MOUNTINFO = r"""22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:13 - proc proc rw
27 1 253:0 / / rw,relatime shared:1 - ext4 /dev/mapper/debian--vg-root rw,errors=remount-ro
98 27 253:4 / /mnt/web rw,relatime shared:53 - ext3 /dev/mapper/vg_web-web rw
101 27 7:3 / /mnt/a\040file\040system rw shared:60 master:2 - iso9660 /dev/loop3 ro
103 27 0:52 / /mnt/all rw,relatime - nfs4 nas:/all rw,vers=4.2
"""
DEVICES = {
    "dm-0": ("debian--vg-root", "LVM-1ab2C3RdHlX0SgWk2xV5M3Gm6VfG1sQ3Y0o1mE2x"),
    "dm-4": ("vg_web-web", "LVM-9dJ1s9YyKTqZxgJpYbSgQ2nUe6qP4wE8Gq8Z2c1T"),
    "dm-5": ("vg_web-pool-tpool", "LVM-9dJ1s9YyKTqZxgJpYbSgQ2nUe6qP4wE8Gq8Z2c1U-tpool"),
    "dm-6": ("mpatha", "mpath-36001405f1d8c"),
    "dm-7": ("luks-web", "CRYPT-LUKS2-0815-luks-web"),
}


def host(root: Path, *, without: str = "") -> KernelStorage:
    """Lay out the tables of a host below a directory."""
    for number, (name, identity) in DEVICES.items():
        place = root / "sys/block" / number / "dm"
        place.mkdir(parents=True)
        (place / "name").write_text(f"{name}\n", encoding="ascii")
        if number != without:
            (place / "uuid").write_text(f"{identity}\n", encoding="ascii")
    (root / "sys/block/sda").mkdir()
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text(MOUNTINFO, encoding="utf-8")
    return KernelStorage(root)


async def test_active_volumes_are_those_of_lvm_and_layers_belong_to_theirs(tmp_path: Path) -> None:
    assert (await host(tmp_path).look()).volumes == ("debian-vg/root", "vg_web/pool", "vg_web/web")


async def test_a_volume_that_goes_in_this_moment_is_not_there(tmp_path: Path) -> None:
    assert (await host(tmp_path, without="dm-4").look()).volumes == ("debian-vg/root", "vg_web/pool")


async def test_what_is_mounted_is_told_with_plain_names(tmp_path: Path) -> None:
    mounts = (await host(tmp_path).look()).mounts
    assert Mount(device="/dev/mapper/vg_web-web", directory="/mnt/web", kind="ext3") in mounts
    assert Mount(device="/dev/loop3", directory="/mnt/a file system", kind="iso9660") in mounts
    assert Mount(device="nas:/all", directory="/mnt/all", kind="nfs4") in mounts


async def test_a_host_without_a_device_mapper_has_no_volumes(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text("", encoding="utf-8")
    assert await KernelStorage(tmp_path).look() == InUse()


async def test_a_host_that_cannot_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be read"):
        await KernelStorage(tmp_path).look()


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounting takes root and unshare")
def test_a_real_mount_on_this_host_is_seen(tmp_path: Path) -> None:
    """In a mount namespace of its own, so that nobody else sees it."""
    code = ("import asyncio; from stanchion.drivers.storage import KernelStorage\n"
            "print(asyncio.run(KernelStorage().look()).mounts[-1])")
    place = tmp_path / "a place"
    place.mkdir()
    script = f"mount -t tmpfs fs-of-web '{place}' && exec '{sys.executable}' -c \"$CODE\""
    said = subprocess.run(["unshare", "--mount", "sh", "-c", script], env={**os.environ, "CODE": code}, text=True,
                          capture_output=True, check=False)
    if "permission denied" in said.stderr.lower():
        pytest.skip("this machine lets nobody mount anything")
    assert said.stdout.strip() == str(Mount(device="fs-of-web", directory=str(place), kind="tmpfs")), said.stderr
