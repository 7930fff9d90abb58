"""What a host of the KVM lab sees: its own libvirt directories and processes, and the others' names.

A room is a network namespace of the hub's (``lab.network``), and in it a mount and a process namespace that begin
with the host's supervisor and end with it. libvirt keeps its files where it always does; there each room has
directories of its own. The host's supervisor is process 1 of its room, and reaps: libvirt's end of a migration waits
for the source's QEMU to be gone, and without an init that reaps it waits for ever.
"""

import shlex
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from stanchion.lab.cluster import LabHost
from stanchion.model.errors import HostError

OWN = {"/run/libvirt": "run", "/var/lib/libvirt": "lib", "/var/log/libvirt": "log", "/var/cache/libvirt": "cache",
       "/etc/libvirt": "etc"}
"""Where libvirt keeps its things, and what each is called in the host's own directory."""

ENDS_S = 120.0
"""How long a command in a room may take."""

_QEMU = """\
namespaces = []
cgroup_controllers = []
security_driver = "none"
remember_owner = 0
dynamic_ownership = 0
stdio_handler = "file"
user = "root"
group = "root"
"""

_DAEMON = """\
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
auth_unix_rw = "none"
listen_addr = "{address}"
host_uuid = "{identity}"
log_outputs = "3:stderr"
"""


def furnish(directory: Path, address: str, names: Mapping[str, str]) -> Path:
    """Make a room's files below the host's directory; give the script that enters it. ``names`` to addresses."""
    own = directory / "libvirt"
    for name in OWN.values():
        (own / name).mkdir(parents=True, exist_ok=True)
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{directory}")
    (own / "etc" / "qemu.conf").write_text(_QEMU, encoding="ascii")
    (own / "etc" / "libvirtd.conf").write_text(_DAEMON.format(address=address, identity=identity), encoding="ascii")
    hosts = own / "hosts"
    hosts.write_text("127.0.0.1 localhost\n" + "".join(f"{at} {name}\n" for name, at in names.items()),
                     encoding="ascii")
    host_name = next(name for name, at in names.items() if at == address)
    lines = ["#!/bin/sh", "set -e", "mount --make-rprivate /", f"hostname {shlex.quote(host_name)}"]
    for place, name in OWN.items():
        lines += [f"mkdir -p {place}", f"mount --bind {shlex.quote(str(own / name))} {place}"]
    lines += [f"mount --bind {shlex.quote(str(hosts))} /etc/hosts", 'exec "$@"']
    enter = own / "enter"
    enter.write_text("\n".join(lines) + "\n", encoding="utf-8")
    enter.chmod(0o755)
    return enter


def words(enter: Path) -> tuple[str, ...]:
    """Give the words before a command that is to be process 1 of a new room."""
    return ("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--", str(enter))


def inside(host: LabHost, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in the room of a host that is up, as somebody who sits before it would. Raises ``HostError``."""
    mark = str(host.directory / "libvirt" / "enter").encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            said = (entry / "cmdline").read_bytes().split(b"\0")
            kin = (entry / "task" / entry.name / "children").read_text(encoding="ascii").split()
        except OSError:
            continue
        if b"unshare" in said and mark in said and kin:
            try:
                return subprocess.run(["nsenter", "--target", kin[0], "--all", "--", *words], capture_output=True,
                                      text=True, check=False, timeout=ENDS_S, stdin=subprocess.DEVNULL)
            except subprocess.TimeoutExpired:
                raise HostError(f"`{shlex.join(words)}` on {host.name} did not end within {ENDS_S:g} s") from None
    raise HostError(f"{host.name} has no room: it has no power")
