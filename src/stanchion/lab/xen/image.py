"""From Debian's packages and this source tree to a disk image that boots: Xen, a dom0, and Stanchion installed in it.

Two layers, because the first takes minutes and changes rarely: the packages, unpacked into a tar file; and the image,
into which Stanchion goes as what a user would install, a wheel built from this tree and the locked packages that it
needs. No loop device and no mount is needed: ``mke2fs -d`` fills a file system as it makes it.
"""

import gzip
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from stanchion.lab.xen import furnish, guests
from stanchion.lab.xen.place import Place
from stanchion.model.errors import HostError

SUITE = "bookworm"
PYTHON = "3.11"
"""The suite's own Python, for which the locked packages are taken."""

PACKAGES = (
    "linux-image-amd64", "xen-hypervisor-4.17-amd64", "xen-utils-4.17", "xen-system-amd64", "systemd-sysv", "udev",
    "kmod", "netbase", "iproute2", "iputils-ping", "openssh-server", "openssh-client", "procps", "psmisc", "e2fsprogs",
    "reiserfsprogs", "ocfs2-tools", "lvm2", "resource-agents", "busybox-static", "python3", "etcd-server",
    "etcd-client", "socat", "strace", "util-linux-extra")

TREE = Path(__file__).parents[4]
"""The source tree that the lab runs from."""

IMAGE_SIZE = "4G"
_PLATFORMS = ("manylinux_2_36_x86_64", "manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64",
              "manylinux2014_x86_64", "manylinux_2_5_x86_64", "manylinux1_x86_64")

Tell = Callable[[str], None]


def build(place: Place, tell: Tell) -> None:
    """Make the image, unless it is there and made of what stands here now. Raises ``HostError``."""
    place.root.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    if not _stamped(place.packages, _digest([" ".join(PACKAGES).encode()])):
        tell(f"fetching {len(PACKAGES)} packages of {SUITE} and what they need: some minutes")
        draft = place.packages.with_suffix(".part.tar")
        run(["mmdebstrap", "--quiet", "--variant=minbase", '--aptopt=APT::Install-Recommends "false"',
             f"--include={','.join(PACKAGES)}", SUITE, str(draft)])
        draft.replace(place.packages)
        _stamp(place.packages, _digest([" ".join(PACKAGES).encode()]))
        tell(f"the packages are there after {time.monotonic() - began:.0f} s")
    made_of = _digest(_sources())
    if not _stamped(place.image, made_of):
        with tempfile.TemporaryDirectory(dir=place.root, prefix="tree-") as room:
            _fill(Path(room), place, tell)
        _stamp(place.image, made_of)
    tell(f"{place.image} is ready after {time.monotonic() - began:.0f} s")


def is_current(place: Place) -> bool:
    """Whether the image is made of what stands here now."""
    return _stamped(place.image, _digest(_sources()))


def _fill(tree: Path, place: Place, tell: Tell) -> None:
    """Unpack, furnish, install Stanchion, and make the image and what QEMU boots."""
    tell("unpacking")
    run(["tar", "--extract", "--preserve-permissions", "--exclude=./dev/*", f"--file={place.packages}",
         f"--directory={tree}"])
    if not place.ssh_key.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "stanchion Xen lab", "-f", str(place.ssh_key)])
    _furnish(tree, place)
    tell("installing Stanchion")
    _install(tree)
    (tree / "vms").mkdir()
    (tree / "vms/initrd.gz").write_bytes(guests.initrd(tree))
    kernel = next((tree / "boot").glob("vmlinuz-*-amd64"))
    shutil.copy(kernel, tree / "vms/vmlinuz")
    shutil.copy(kernel, place.kernel)
    shutil.copy(next((tree / "boot").glob("initrd.img-*-amd64")), place.initrd)
    with gzip.open(next((tree / "boot").glob("xen-*-amd64.gz"))) as packed, place.hypervisor.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    tell("making the image")
    draft = place.image.with_suffix(".part")
    draft.unlink(missing_ok=True)
    run(["mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(draft), IMAGE_SIZE])
    draft.replace(place.image)


def _furnish(tree: Path, place: Place) -> None:
    public = place.ssh_key.with_suffix(".pub").read_text(encoding="ascii")
    for path, file in furnish.files(public, place.ssh_key.read_text(encoding="ascii")).items():
        at = tree / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(file.text, encoding="utf-8")
        at.chmod(file.mode)
    for path, target in furnish.links().items():
        at = tree / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.unlink(missing_ok=True)
        at.symlink_to(target)
    (tree / "root/.ssh").chmod(0o700)
    (tree / "etc/hostname").unlink(missing_ok=True)
    (tree / "etc/machine-id").write_text("", encoding="ascii")


def _install(tree: Path) -> None:
    """Install the locked packages and a wheel of this tree for the image's Python, and compile both."""
    target = tree / "opt/stanchion"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    fitting = ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}",
               *(f"--platform={each}" for each in _PLATFORMS)]
    run([*pip, "install", "--require-hashes", "--no-deps", f"--requirement={TREE / 'requirements.lock'}",
         f"--target={target}", *fitting])
    with tempfile.TemporaryDirectory() as room:
        run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", f"--wheel-dir={room}", str(TREE)])
        wheel = next(Path(room).glob("stanchion-*.whl"))
        run([*pip, "install", "--no-deps", "--no-index", f"--target={target}", str(wheel)])
    run(["chroot", str(tree), "/usr/bin/python3", "-m", "compileall", "-q", "/opt/stanchion"])


def _sources() -> Iterator[bytes]:
    """Give everything that the image is made of, beside the packages."""
    yield (TREE / "requirements.lock").read_bytes()
    for path in sorted((TREE / "src").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and "lab" not in path.relative_to(TREE / "src").parts:
            yield str(path.relative_to(TREE)).encode() + b"\0" + path.read_bytes()
    for path in (Path(furnish.__file__), Path(guests.__file__), Path(__file__)):
        yield path.read_bytes()


def _digest(parts: Sequence[bytes] | Iterator[bytes]) -> str:
    made = hashlib.sha256()
    for part in parts:
        made.update(part)
    return made.hexdigest()


def _stamped(file: Path, digest: str) -> bool:
    stamp = file.with_suffix(file.suffix + ".made-of")
    return file.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == digest


def _stamp(file: Path, digest: str) -> None:
    file.with_suffix(file.suffix + ".made-of").write_text(digest, encoding="ascii")


def run(words: Sequence[str]) -> None:
    """Run a tool. Raises ``HostError`` with the end of what it said."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise HostError(f"`{words[0]}` ended with {done.returncode}: {' | '.join(reason)}")
