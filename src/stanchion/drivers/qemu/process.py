"""Which process of this host is the machine, and how to be sure that it has ended.

A machine's process carries the whole path of its pid file on its command line, in the run directory of *this* host
(``HA_RSCTMP``). The path is the mark: on one machine with several pretend hosts each finds only its own, and the name
alone, or a stale pid file whose number belongs to somebody else by now, never deceives. All of ``/proc`` is read for
it every time; that takes a few milliseconds and cannot be wrong.

The sockets stand in the same directory. Their paths may be longer than the 107 bytes that a Unix socket's name may
have, so they are reached through a descriptor of the directory (``/proc/self/fd``), which is always short.
"""

import os
import signal
import time
from typing import NamedTuple

_LOOK_AGAIN_S = (0.02, 0.25)
"""How soon to look again while waiting for an end: soon at first, then seldom."""


class Found(NamedTuple):
    """A machine's process."""

    pid: int
    argv: list[str]


class Place(NamedTuple):
    """Where a machine's run files are on this host: ``directory`` is the host's run directory, resolved."""

    directory: str
    name: str

    @property
    def pid_file(self) -> str:
        """The mark on the command line."""
        return os.path.join(self.directory, f"{self.name}.pid")

    @property
    def asking(self) -> str:
        """The socket for short questions, by its name in the directory: QMP serves one client at a time."""
        return f"{self.name}.ask"

    @property
    def acting(self) -> str:
        """The socket that is held for a whole action, by its name in the directory."""
        return f"{self.name}.act"

    @property
    def incoming(self) -> str:
        """The file that says: this process was made to receive the machine and has not been let go yet."""
        return os.path.join(self.directory, f"{self.name}.incoming")


def place(directory: str, name: str) -> Place:
    """Give the place of a machine on the host with that run directory."""
    return Place(os.path.realpath(directory), name)


def find(of: Place) -> list[Found]:
    """Give the machine's processes on this host; more than one only while QEMU puts itself into the background."""
    found = []
    for argv, pid in _processes():
        if "-pidfile" in argv[:-1] and argv[argv.index("-pidfile") + 1] == of.pid_file:
            found.append(Found(pid, argv))
    return found


def find_named(name: str) -> list[Found]:
    """Give every process of this host that is a QEMU machine of that name, whoever started it."""
    found = []
    for argv, pid in _processes():
        if "qemu" in os.path.basename(argv[0]) and "-name" in argv[:-1]:
            first = argv[argv.index("-name") + 1].partition(",")[0]
            if first in (name, f"guest={name}"):
                found.append(Found(pid, argv))
    return found


def names_in(directory: str) -> frozenset[str]:
    """Name the machines that have a process on the host with that run directory."""
    here = os.path.realpath(directory)
    files = (argv[argv.index("-pidfile") + 1] for argv, _ in _processes() if "-pidfile" in argv[:-1])
    return frozenset(os.path.basename(file).removesuffix(".pid") for file in files if os.path.dirname(file) == here)


def names() -> frozenset[str]:
    """Name every QEMU machine of this host, whoever started it."""
    found = set()
    for argv, _ in _processes():
        if "qemu" in os.path.basename(argv[0]) and "-name" in argv[:-1]:
            found.add(argv[argv.index("-name") + 1].partition(",")[0].removeprefix("guest="))
    return frozenset(found)


def _processes() -> list[tuple[list[str], int]]:
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                raw = file.read()
        except OSError:
            continue
        if raw:
            found.append(([os.fsdecode(word) for word in raw.rstrip(b"\0").split(b"\0")], int(entry)))
    return found


def kill(of: Place) -> None:
    """End the machine's processes at once. The caller waits for ``gone``."""
    for process in find(of):
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def gone(of: Place, within_s: float) -> bool:
    """Wait until the machine has no process on this host any more; False when the time is over first."""
    deadline = time.monotonic() + within_s
    pause_s, longest_s = _LOOK_AGAIN_S
    while find(of):
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, longest_s)
    return True


def forget(of: Place) -> None:
    """Remove what an ended machine left in the run directory."""
    for path in (of.pid_file, of.incoming, *(os.path.join(of.directory, it) for it in (of.asking, of.acting))):
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
