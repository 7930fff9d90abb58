"""What a machine's process is doing, in words that the agent and the look share.

QEMU's own state decides, never the mere process: a machine that waits for its memory to arrive, or that has sent it
away, has a process and executes nothing.
"""

import os
import time
from enum import Enum
from typing import NamedTuple

from stanchion.drivers.qemu import config, qmp
from stanchion.drivers.qemu.process import Found, Place, find

ANSWER_WITHIN_S = 2.0
"""How long QEMU may take to tell its state before it counts as hung."""

_EXECUTES = frozenset({"running", "suspended", "finish-migrate", "save-vm", "restore-vm", "debug", "watchdog"})
_WAITS = frozenset({"paused", "prelaunch"})


class Life(Enum):
    """What a machine's process does on this host."""

    NONE = "there is no process"
    RUNS = "it runs"
    WAITS = "it waits for the machine to come in"
    SENT = "it has sent the machine away"
    STOPPED = "it stands still"
    HUNG = "its process does not answer"


class Health(NamedTuple):
    """A machine's state on this host: what it does, QEMU's word for it, and its process if it has one."""

    life: Life
    status: str = ""
    process: Found | None = None

    @property
    def executes(self) -> bool:
        """Whether the machine may be executing, or be made to execute by no more than a word to its process."""
        return self.life in {Life.RUNS, Life.STOPPED, Life.HUNG}

    @property
    def sentence(self) -> str:
        """Say it for people."""
        who = f" (process {self.process.pid}{', ' + self.status if self.status else ''})" if self.process else ""
        return self.life.value + who


def examine(of: Place, within_s: float = ANSWER_WITHIN_S) -> Health:
    """Look at the machine's process and ask it what it does."""
    processes = find(of)
    if not processes:
        return Health(Life.NONE)
    try:
        status = qmp.status(of.directory, of.asking, within_s)
    except qmp.Silent:
        # It may have ended while it was asked; only a process that is still there is hung.
        still = find(of)
        return Health(Life.HUNG, "", still[0]) if still else Health(Life.NONE)
    return Health(_life(of, status), status, processes[0])


def _life(of: Place, status: str) -> Life:
    if status == "postmigrate":
        return Life.SENT
    if status == "inmigrate" or (status in _WAITS and os.path.exists(of.incoming)):
        return Life.WAITS
    return Life.RUNS if status in _EXECUTES else Life.STOPPED


def silence_s(of: Place, process: Found) -> float | None:
    """Give how long the machine's serial log has not grown, counted from its start; None when it has no such log."""
    log = config.serial_log(process.argv)
    if not log:
        return None
    try:
        last = max(os.stat(log).st_mtime, os.stat(of.pid_file).st_mtime)
    except OSError:
        return None
    return max(time.time() - last, 0.0)
