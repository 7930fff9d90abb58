"""A Linux guest for the demo: a distribution's own small kernel, busybox, and a shell script that ticks.

It speaks as the boot sector does (see ``guest``): ``tick COUNTER boot NONCE`` on the serial port, about nine times a
second, a fresh nonce at each boot. It shows that nothing here depends on the guest being ours; it takes some 80 MB of
packages once, and seconds instead of one to boot. The packages come from the host's own apt, are unpacked, never
installed, and kept in the user's cache directory.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stanchion.model.errors import HostError

KERNELS = ("linux-image-cloud-amd64", "linux-image-virtual")
"""Packages that stand for the newest small kernel: Debian's and Ubuntu's."""

INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
read uuid < /proc/sys/kernel/random/uuid
counter=0
while :; do
    echo "tick $counter boot ${uuid%%-*}"
    counter=$((counter + 1))
    /bin/busybox sleep 0.1
done
"""

APPEND = "console=ttyS0 quiet loglevel=0 panic=1 rdinit=/init"

_CONSOLE = os.makedev(5, 1)
_FILE, _DIRECTORY, _DEVICE = 0o100755, 0o040755, 0o020600


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxGuest:
    """Where the guest's kernel and its first file system stand."""

    kernel: Path
    initrd: Path


def fetch(cache: Path) -> LinuxGuest:
    """Give the guest, made on the first call. Raises ``HostError`` with what is missing."""
    made = LinuxGuest(kernel=cache / "vmlinuz", initrd=cache / "initrd")
    if made.kernel.exists() and made.initrd.exists():
        return made
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as room:
        place = Path(room)
        _run(["apt-get", "download", _kernel_package(), "busybox-static"], place)
        for package in place.glob("*.deb"):
            _run(["dpkg", "-x", str(package), "."], place)
        kernel = next(iter(place.glob("boot/vmlinuz-*")), None)
        busybox = next((path for path in (place / "usr/bin/busybox", place / "bin/busybox") if path.exists()), None)
        if kernel is None or busybox is None:
            raise HostError("the downloaded packages hold no kernel or no busybox; run the demo without --linux")
        (place / "initrd").write_bytes(archive((
            ("dev", _DIRECTORY, b"", 0), ("proc", _DIRECTORY, b"", 0), ("bin", _DIRECTORY, b"", 0),
            ("dev/console", _DEVICE, b"", _CONSOLE), ("bin/busybox", _FILE, busybox.read_bytes(), 0),
            ("init", _FILE, INIT.encode(), 0))))
        shutil.move(kernel, made.kernel)
        shutil.move(place / "initrd", made.initrd)
    return made


def default_cache() -> Path:
    """Where the guest is kept between demos."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stanchion" / "linux-guest"


def archive(entries: Sequence[tuple[str, int, bytes, int]]) -> bytes:
    """Write a cpio archive as the kernel reads it (newc): name, mode, content and device number of each entry."""
    written = bytearray()
    for number, (name, mode, content, device) in enumerate((*entries, ("TRAILER!!!", 0, b"", 0)), start=1):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, os.major(device), os.minor(device), len(name) + 1, 0)
        for part in (b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0", content):
            written += part
            written += bytes(-len(written) % 4)
    return bytes(written)


def _kernel_package() -> str:
    """Find the package with the kernel itself behind the one that stands for the newest."""
    for newest in KERNELS:
        said = _run(["apt-cache", "depends", newest], Path("/"), may_fail=True)
        if found := re.search(r"Depends: (linux-image-\d\S+)", said):
            return found[1]
    raise HostError(f"apt knows none of {', '.join(KERNELS)} (`apt-get update` may help); run the demo without --linux")


def _run(words: Sequence[str], where: Path, *, may_fail: bool = False) -> str:
    try:
        done = subprocess.run(words, cwd=where, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise HostError(f"the Linux guest needs `{words[0]}`: {problem}; run the demo without --linux") from None
    if done.returncode != 0 and not may_fail:
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise HostError(f"`{' '.join(words)}` failed: {reason[-1] if reason else f'code {done.returncode}'}; "
                        "run the demo without --linux")
    return done.stdout
