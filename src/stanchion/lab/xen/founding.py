"""From machines that are off to a cluster: power, boot, and then the commands that an administrator types.

The cluster's etcd is one that was there before, three members on this computer itself, and so is the witness: without
KVM a Xen host that had to answer for a store, too, would be too slow for its own lease. The timers are the *tolerant*
ones.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from stanchion.lab.cluster import Lab, LabHost, wait_until
from stanchion.lab.xen import furnish, remote
from stanchion.lab.xen.board import members
from stanchion.lab.xen.furnish import ETCD, HOSTS, WITNESS, XEN_HOSTS, address
from stanchion.lab.xen.guests import GUESTS
from stanchion.lab.xen.image import run as tool
from stanchion.lab.xen.iron import DISKS, Machine
from stanchion.lab.xen.place import Place
from stanchion.lab.xen.remote import Shell
from stanchion.model.errors import HostError

AGENT_PORT = 7423
SERVES_WITHIN_S = 300.0
CLIENT_FILES = ("client.toml", "token", "ca.crt")
SETTINGS = "/etc/stanchion"

Tell = Callable[[str], None]


class XenLab(Lab):
    """The lab's hosts, as every lab's steps know them."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.run, [LabHost(name=name, port=AGENT_PORT, directory=place.machine(name),
                                             address=address(name)) for name in HOSTS], ())
        self.place = place

    def environment(self) -> dict[str, str]:
        """Give the variables with which the command line and the client find this lab: the witness answers fastest."""
        urls = ",".join(f"https://{host.address}:{host.port}" for host in reversed(self.hosts))
        return {"STANCHION_URL": urls, "STANCHION_TOKEN_FILE": str(self.place.client / "token"),
                "STANCHION_CA": str(self.place.client / "ca.crt")}

    def shell(self, name: str) -> Shell:
        """Give a root shell on a host."""
        return Shell(self.place, name)


def start(place: Place) -> None:
    """Start the rack with fresh disks, in a process of its own. Raises ``HostError``."""
    shutil.rmtree(place.run, ignore_errors=True)
    for name in (*HOSTS, *ETCD):
        place.machine(name).mkdir(parents=True)
    agent = place.machine(WITNESS) / "sbin" / furnish.FENCE_AGENT
    agent.parent.mkdir()
    agent.write_text(furnish.files("", "")[f"usr/sbin/{furnish.FENCE_AGENT}"].text, encoding="utf-8")
    agent.chmod(0o755)
    for name in XEN_HOSTS:
        tool(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(place.image),
              str(Machine(name, place).disk)])
    for name, size in DISKS.items():
        tool(["truncate", "--size", size, str(place.disk(name))])
    with (place.run / "board.log").open("ab") as journal:
        process = subprocess.Popen([sys.executable, "-m", "stanchion.lab.xen.board", str(place.root)],
                                   stdin=subprocess.DEVNULL, stdout=journal, stderr=journal, start_new_session=True)
    wait_until(lambda: place.board.exists() or process.poll() is not None, 60.0, "the rack does not start")
    if process.poll() is not None:
        raise HostError(f"the rack does not start; see {place.run / 'board.log'}")
    process.returncode = 0  # it outlives this process on purpose, so nobody shall wait for it


def end(place: Place) -> None:
    """End the rack and everything in it."""
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        pid = int((place.run / "board.pid").read_text(encoding="ascii"))
        home = Path(f"/proc/{pid}")
        if b"stanchion.lab.xen.board" in (home / "cmdline").read_bytes().split(b"\0"):
            tool(["kill", str(pid)])
            wait_until(lambda: not home.exists(), 30.0, f"the rack, process {pid}, does not end")


def found(lab: XenLab, tell: Tell) -> None:
    """Make the cluster on hosts that boot. Raises ``HostError``."""
    began = time.monotonic()
    shells = {name: lab.shell(name) for name in XEN_HOSTS}
    with ThreadPoolExecutor() as at_once:
        for name in at_once.map(_boot, shells.values()):
            tell(f"{name} answers after {time.monotonic() - began:.0f} s")
    first, *others = shells.values()
    etcd = ",".join(member.url for member in members(lab.place))
    tell(first.do(f"stanchion init xenlab --address {address(first.name)} --etcd {etcd} --profile tolerant "
                  "--self-fence watchdog").splitlines()[0])
    _serve(first)
    lab.place.client.mkdir(exist_ok=True)
    for name in CLIENT_FILES:
        kept = lab.place.client / name
        kept.write_text(first.do(f"cat {SETTINGS}/{name}") + "\n", encoding="ascii")
        kept.chmod(0o600)
    tell(f"{first.name} serves after {time.monotonic() - began:.0f} s")
    home = lab.place.machine(WITNESS) / "etc"
    _said(lab, "join", _said(lab, "token", "create"), "--address", address(WITNESS), "--node", WITNESS, "--witness",
          "--dir", str(home))
    for shell in others:
        tell(shell.do(f"stanchion join - --address {address(shell.name)} --self-fence watchdog",
                      said=_said(lab, "token", "create")).splitlines()[0])
        _serve(shell)
        tell(f"{shell.name} serves after {time.monotonic() - began:.0f} s")
    _storage(shells)
    tell(f"the cluster stands after {time.monotonic() - began:.0f} s")


def _said(lab: XenLab, *words: str) -> str:
    """Run the command line on this computer; give what it printed. Raises ``HostError``."""
    done = subprocess.run([sys.executable, "-m", "stanchion", *words], env=os.environ | lab.environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=remote.ANSWERS_WITHIN_S)
    if done.returncode != 0:
        raise HostError(f"`stanchion {' '.join(words)}` ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()


def _boot(shell: Shell) -> str:
    shell.wait()
    wait_until(lambda: shell.ask("xl list")[0] == 0, remote.BOOTS_WITHIN_S, f"Xen does not answer on {shell.name}",
               every_s=2.0)
    return shell.name


def _serve(shell: Shell) -> None:
    """Start a host's services as ``stanchion init`` says, and wait until its agent answers."""
    units = f"{SETTINGS}/systemd"
    shell.do(f"sed -i 's/^#* *reset = .*/reset = \"sysrq\"/' {SETTINGS}/agent.toml && "
             f"systemctl link {units}/*.service && systemctl enable --now $(ls {units})")
    wait_until(lambda: shell.ask(f"timeout 5 bash -c '< /dev/tcp/{address(shell.name)}/{AGENT_PORT}'")[0] == 0,
               SERVES_WITHIN_S, f"the agent of {shell.name} does not listen", every_s=2.0)


def _storage(shells: Mapping[str, Shell]) -> None:
    """Make volume groups and file systems on the shared disks, and put the guests' files where they belong."""
    first = shells["xen1"]
    for name, make in {"web": "mkfs.ext3 -q", "rei": "mkfs.reiserfs -q -f"}.items():
        at = f"/dev/vg_{name}/{name}"
        first.do(f"set -e; pvcreate -q -y /dev/disk/by-id/virtio-{name}; "
                 f"vgcreate -q --setautoactivation n vg_{name} /dev/disk/by-id/virtio-{name}; "
                 f"lvcreate -q -y -l 100%FREE -n {name} vg_{name}; {make} {at} > /dev/null; "
                 f"mkdir -p /mnt/{name}; mount {at} /mnt/{name}; truncate -s 16M /mnt/{name}/disk.img; "
                 f"mkfs.ext4 -q /mnt/{name}/disk.img")
        first.write(f"/mnt/{name}/{name}", GUESTS[name].config())
        first.do(f"umount /mnt/{name} && vgchange -q -a n vg_{name}")
    first.do(f"mkfs.ext4 -q {GUESTS['live'].disk}")
    for shell in (shells[name] for name in XEN_HOSTS):
        for name in ("live", "keep"):
            shell.write(f"/mnt/{name}/{name}", GUESTS[name].config())
        shell.do("mkdir -p /mnt/web /mnt/rei /mnt/ocfs")
