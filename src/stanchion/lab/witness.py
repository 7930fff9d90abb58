"""Who executed which machine when, seen from outside: by QEMU's own word, the kernel's, and never by the cluster's.

Every QEMU of the lab is started through a shim (``install``) that lets it note each change of its state, with the
instant in microseconds: from the line that says *running* until the next one, that process executes the machine. What
ends without a word was killed: the kernel tells when, by a descriptor of the process. The witness asks so often that
it also knows when it last saw the process alive; in between lies the truth.

The shim also takes the lock off the machine's disk. On a lab's one computer QEMU's lock would stop a second copy, which
on the shared storage of real hosts it may not; the lab is there to see second copies, not to be saved from them.

All instants are seconds since 1970, on the one clock of the computer that all hosts of a lab share.
"""

import os
import re
import select
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from stanchion.model.errors import HostError

LOOK_S = 0.01
"""How often the witness looks."""

QEMU = "qemu-system-x86_64"
TRACES = "STANCHION_LAB_TRACES"

_SHIM = """#!/usr/bin/env bash
# The lab's QEMU: it notes when the machine executes, and does not lock the disk.
set -u
words=() name=other
for word; do
    case $word in
        guest=*) name=${word#guest=} ;;
        file=*,format=raw,*) word=$word,file.locking=off ;;
    esac
    words+=("$word")
done
[ -n "${STANCHION_LAB_TRACES-}" ] || exec @QEMU@ "${words[@]}"
exec @QEMU@ "${words[@]}" -msg timestamp=on -trace runstate_set -D "$STANCHION_LAB_TRACES/$name@${NCS_NODE-nobody}@%d"
"""

_LINE = re.compile(r"(\d+)@(\d+\.\d+):runstate_set current_run_state \d+ \((\S+)\) new_state \d+ \((\S+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One process executed one machine without a break, from ``began_at`` on.

    ``ended_at``: not later than then; None: it goes on. ``alive_at``: it executed still then, for sure. ``booted``: it
    began as a machine that is switched on, not as one that came in from another host.
    """

    machine: str
    node: str
    pid: int
    began_at: float
    booted: bool
    alive_at: float
    ended_at: float | None = None


def install(directory: Path) -> dict[str, str]:
    """Make the shim and the place for its notes; give the variables with which hosts use it. Raises ``HostError``."""
    real = shutil.which(QEMU)
    if real is None:
        raise HostError(f"there is no {QEMU} here: install the package qemu-system-x86")
    programs, traces = directory / "bin", directory / "traces"
    for each in (programs, traces):
        each.mkdir(exist_ok=True)
    shim = programs / QEMU
    shim.write_text(_SHIM.replace("@QEMU@", real), encoding="ascii")
    shim.chmod(0o755)
    return {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}", TRACES: str(traces)}


@dataclass
class _Process:
    """One QEMU: where it notes its states, how far that was read, and what it executes now."""

    machine: str
    node: str
    notes: Path
    pid: int = 0
    descriptor: int = -1
    read: int = 0
    span: Span | None = None
    states: list[str] = field(default_factory=list)


class Witness:
    """Watches every QEMU of one lab, in a thread of its own, from ``start`` until ``stop``."""

    def __init__(self, directory: Path) -> None:
        self._traces = directory / "traces"
        self._read_already = directory / "traces-read"
        self._read_already.mkdir(exist_ok=True)
        self._processes: dict[str, _Process] = {}
        self._over: list[Span] = []
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._poll = select.poll()
        self._thread = threading.Thread(target=self._watch, name="witness", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Look once more, and end."""
        self._ends.set()
        self._thread.join()

    def spans(self) -> list[Span]:
        """Give all that was seen so far, the earliest first."""
        with self._lock:
            now = [each.span for each in self._processes.values() if each.span is not None]
            return sorted([*self._over, *now], key=lambda span: span.began_at)

    def executing(self) -> list[Span]:
        """Give what executes now."""
        return [span for span in self.spans() if span.ended_at is None]

    def _watch(self) -> None:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)  # late news would look like overlaps
        while not self._ends.is_set():
            # Who has not ended by the kernel's word lived when it was asked; on a busy computer that may be long ago.
            asked = time.time()
            ready = {descriptor for descriptor, _ in self._poll.poll(LOOK_S * 1000)}
            with self._lock:
                # By name: a descriptor that is closed below is given to the next process at once.
                self._look({name for name, each in self._processes.items() if each.descriptor in ready}, asked)

    def _look(self, ended: set[str], asked: float) -> None:
        """Take note of new processes, of what they wrote, and of who has ended; all others lived at ``asked``."""
        for notes in self._traces.iterdir():
            if notes.name not in self._processes:
                machine, _, rest = notes.name.partition("@")
                self._processes[notes.name] = _Process(machine, rest.partition("@")[0], notes)
        for name, process in list(self._processes.items()):
            self._read(process)
            if process.pid and process.descriptor < 0:
                self._take_up(process)
            if name in ended or (process.pid and process.descriptor < 0):
                self._read(process)
                self._close(process, time.time())
                self._forget(name)
            elif process.span is not None:
                process.span = replace(process.span, alive_at=max(asked, process.span.began_at))

    def _take_up(self, process: _Process) -> None:
        """Have the kernel tell the end of a process; one that has ended already gets no descriptor."""
        with suppress(OSError):
            process.descriptor = os.pidfd_open(process.pid)
            self._poll.register(process.descriptor, select.POLLIN)

    def _forget(self, name: str) -> None:
        process = self._processes.pop(name)
        if process.descriptor >= 0:
            self._poll.unregister(process.descriptor)
            os.close(process.descriptor)
        process.notes.rename(self._read_already / process.notes.name)

    def _read(self, process: _Process) -> None:
        """Read the whole lines that are new."""
        with process.notes.open("rb") as file:
            file.seek(process.read)
            news = file.read()
        whole = news[:news.rfind(b"\n") + 1]
        process.read += len(whole)
        for found in _LINE.finditer(whole.decode(errors="replace")):
            process.pid = int(found[1])
            self._changed(process, float(found[2]), found[3], found[4])

    def _changed(self, process: _Process, at: float, before: str, after: str) -> None:
        process.states.append(before)
        if before == "running":
            self._close(process, at, sure=True)
        if after == "running":
            process.span = Span(machine=process.machine, node=process.node, pid=process.pid, began_at=at, alive_at=at,
                                booted="inmigrate" not in process.states)

    def _close(self, process: _Process, at: float, *, sure: bool = False) -> None:
        if process.span is not None:
            alive_at = at if sure else process.span.alive_at
            self._over.append(replace(process.span, ended_at=at, alive_at=alive_at))
            process.span = None
