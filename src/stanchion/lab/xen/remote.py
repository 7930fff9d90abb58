"""Commands on the lab's hosts, over ssh, as somebody who sits before them would give them.

This process has to be in the lab's network (``enter``), which belongs to the rack's process.
"""

import ctypes
import os
import subprocess
from pathlib import Path

from stanchion.lab.cluster import wait_until
from stanchion.lab.xen.furnish import address
from stanchion.lab.xen.place import Place
from stanchion.model.errors import HostError

CLONE_NEWNET = 0x40000000
BOOTS_WITHIN_S = 600.0
"""How long a host may take to boot: on a quiet computer of two processors it takes one to two minutes."""

ANSWERS_WITHIN_S = 300.0


def enter(place: Place) -> None:
    """Move this process, before it has threads, into the lab's network. Raises ``HostError``: the rack is not up."""
    try:
        pid = int((place.run / "board.pid").read_text(encoding="ascii"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"stanchion.lab.xen.board" not in words:
            raise FileNotFoundError
        network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    except (OSError, ValueError):
        raise HostError("the lab is not up: `./scripts/lab-xen up` starts it") from None
    try:
        if ctypes.CDLL(None, use_errno=True).setns(network, CLONE_NEWNET) != 0:
            raise HostError(f"the lab's network cannot be entered: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(network)


class Shell:
    """A root shell on one host."""

    def __init__(self, place: Place, name: str) -> None:
        self.name = name
        self._words = ["ssh", "-i", str(place.ssh_key), "-o", "StrictHostKeyChecking=no", "-o",
                       "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60", "-o",
                       "ServerAliveInterval=5", "-o", "ServerAliveCountMax=6", f"root@{address(name)}"]

    def ask(self, command: str, *, said: str = "", within_s: float = ANSWERS_WITHIN_S) -> tuple[int, str]:
        """Run a command; give its exit code (255: the host did not answer) and what it printed, errors included."""
        try:
            done = subprocess.run([*self._words, command], input=said, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                                  timeout=within_s)
        except subprocess.TimeoutExpired:
            return 255, f"no answer within {within_s:g} s"
        return done.returncode, done.stdout.strip()

    def do(self, command: str, *, said: str = "", within_s: float = ANSWERS_WITHIN_S) -> str:
        """Run a command that has to end well; give what it printed. Raises ``HostError``."""
        code, text = self.ask(command, said=said, within_s=within_s)
        if code != 0:
            raise HostError(f"on {self.name}, `{command.splitlines()[0]}` ended with {code}: {text[-600:]}")
        return text

    def write(self, path: str, text: str) -> None:
        """Write a file there, and make its directory. Raises ``HostError``."""
        self.do(f"mkdir -p $(dirname {path}) && cat > {path}", said=text)

    def wait(self, within_s: float = BOOTS_WITHIN_S) -> None:
        """Wait until it answers. Raises ``HostError``."""
        wait_until(lambda: self.ask("true", within_s=60)[0] == 0, within_s, f"{self.name} does not answer by ssh; see "
                   "its console.log", every_s=1.0)

    def boot(self) -> str:
        """Give the identity of this life of the host; empty: it does not answer."""
        code, text = self.ask("cat /proc/sys/kernel/random/boot_id", within_s=30)
        return text if code == 0 else ""
