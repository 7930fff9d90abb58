"""One program that a pretend host keeps running, as a service manager does: its agent, or its member of an etcd.

A program that ended is started again, at once the first time and then with a short, growing pause. It dies with the
supervisor; what it starts itself does not.
"""

import asyncio
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stanchion.lab import processes

RESTART_AFTER_S = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Pauses before the first, second ... restart in a row, in seconds; the last one repeats."""

STEADY_AFTER_S = 5.0
"""A program that lived so long begins the row anew."""


class Program:
    """One program: ``words`` run in ``directory``, their output in ``NAME.log`` there. ``log`` takes one line."""

    def __init__(self, name: str, words: Sequence[str], directory: Path, log: Callable[[str], None]) -> None:
        self.restarts = 0
        self._name = name
        self._words = list(words)
        self._directory = directory
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._process: subprocess.Popen[bytes] | None = None
        self._environment: Mapping[str, str] = {}
        self._born = 0.0
        self._in_a_row = 0
        self._kept = False
        self._restart: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; None: it does not run now."""
        return None if self._process is None else self._process.pid

    def begin(self, environment: Mapping[str, str]) -> None:
        """Start it, and keep it running from now on."""
        self._environment = environment
        self._kept, self._in_a_row = True, 0
        self._start()

    def give_up(self) -> None:
        """Do not start it again: the host loses its power."""
        self._kept = False
        if self._restart is not None:
            self._restart.cancel()

    def signal(self, signum: signal.Signals) -> bool:
        """Send it a signal; False: it does not run now."""
        if self._process is None:
            return False
        self._log(f"{signum.name} to {self._name} {self._process.pid}")
        processes.send([self._process.pid], signum)
        return True

    def ended(self, code: int) -> None:
        """Take note that it has ended, and have it started again."""
        if self._process is not None:
            self._process.returncode = code
            self._process = None
        if not self._kept:
            return
        if self._loop.time() - self._born >= STEADY_AFTER_S:
            self._in_a_row = 0
        pause_s = RESTART_AFTER_S[min(self._in_a_row, len(RESTART_AFTER_S) - 1)]
        self._in_a_row += 1
        self.restarts += 1
        self._log(f"{self._name} ended with {code}, restart in {pause_s} s")
        self._restart = self._loop.call_later(pause_s, self._start)

    def _start(self) -> None:
        with (self._directory / f"{self._name}.log").open("ab") as journal:
            self._process = subprocess.Popen(
                self._words, env=self._environment, cwd=self._directory, stdin=subprocess.DEVNULL, stdout=journal,
                stderr=journal, start_new_session=True,
                preexec_fn=processes.die_with_parent)  # noqa: PLW1509 - safe: this process has one thread only
        self._born = self._loop.time()
        self._log(f"{self._name} {self._process.pid} started")
