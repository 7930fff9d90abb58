"""Watchdogs: what resets the host when its agent stops saying that all is well.

``SupervisorWatchdog`` speaks to the supervisor of the process lab, which stands in for a host's watchdog hardware.
The protocol is one line each way over a Unix stream socket:

    arm <until>    begin to guard: reset the host at that instant          -> ok
    feed <until>   put the reset off to that instant                       -> ok
    release        stop guarding: nothing runs here any more               -> ok
    reset          reset the host now                                      -> (no answer: the host is gone)

``<until>`` is an absolute instant of CLOCK_MONOTONIC in seconds, which all processes of one machine share. An instant
only ever moves later, so a line that arrives late cannot shorten what a newer one granted. The supervisor keeps the
instant when the connection breaks: an agent that dies leaves its host armed, and the next agent feeds on.

Feeding never waits. Only ``arm`` waits for the answer, because what a session declares must be true.
"""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

from stanchion.model.errors import HostError

ANSWER_WITHIN_S = 2.0
"""How long the supervisor may take to answer ``arm``, in seconds."""


class NoWatchdog:
    """The absent watchdog of a host that declares no self-fence."""

    @property
    def armed(self) -> bool:
        """Never."""
        return False

    def arm(self, until_s: float) -> bool:  # noqa: ARG002 - the port's signature
        """Cannot be armed."""
        return False

    def feed(self, until_s: float) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Do nothing."""


class SupervisorWatchdog:
    """The watchdog of a pretend host: its supervisor, over a socket. Reconnects by itself at the next ``feed``."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path
        self._line: socket.socket | None = None
        self._wanted = False

    @property
    def armed(self) -> bool:
        """Whether the supervisor guards us, as far as the connection tells: False as soon as it is lost."""
        return self._wanted and self._alive()

    def arm(self, until_s: float) -> bool:
        """Begin to be guarded; waits for the supervisor's word, at most ``ANSWER_WITHIN_S``."""
        self._hang_up()
        self._wanted = self._connect() and self._say(f"arm {until_s!r}") and self._answer() == "ok"
        return self._wanted

    def feed(self, until_s: float) -> None:
        """Put the reset off. Where the connection was lost, connect anew and arm; failing that, try next time."""
        if not self._wanted:
            return
        if self._alive():
            self._say(f"feed {until_s!r}")
        elif self._connect():
            self._say(f"arm {until_s!r}")

    def release(self) -> None:
        """Stop being guarded. Where the supervisor cannot be reached it stays armed, which is the safe side."""
        if self._wanted and (self._alive() or self._connect()):
            self._say("release")
            self._answer()
        self._wanted = False
        self._hang_up()

    async def reset(self) -> None:
        """Have this host reset now. Does not return: raises ``HostError`` where we are still here afterwards."""
        if not ((self._alive() or self._connect()) and self._say("reset")):
            raise HostError(f"no reset: the supervisor does not answer at {self._path}")
        await asyncio.sleep(ANSWER_WITHIN_S)
        self._hang_up()
        raise HostError(f"no reset: the supervisor at {self._path} was told, but the host still runs")

    def _connect(self) -> bool:
        self._hang_up()
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        line.settimeout(ANSWER_WITHIN_S)
        try:
            line.connect(str(self._path))
        except OSError:
            line.close()
            return False
        line.setblocking(False)
        self._line = line
        return True

    def _alive(self) -> bool:
        """Drain the answers that wait; an end of the stream or an error means that the supervisor is gone."""
        if self._line is None:
            return False
        try:
            while self._line.recv(4096):
                pass
        except BlockingIOError:
            return True
        except OSError:
            pass
        self._hang_up()
        return False

    def _say(self, text: str) -> bool:
        """Send one line without waiting; a line that cannot go at once means that nobody reads."""
        if self._line is None:
            return False
        try:
            self._line.send(f"{text}\n".encode())
        except OSError:
            self._hang_up()
            return False
        return True

    def _answer(self) -> str:
        """Wait for one answer; empty when none came in time."""
        if self._line is None:
            return ""
        self._line.settimeout(ANSWER_WITHIN_S)
        try:
            return self._line.recv(4096).decode(errors="replace").partition("\n")[0]
        except OSError:
            self._hang_up()
            return ""
        finally:
            if self._line is not None:
                self._line.setblocking(False)

    def _hang_up(self) -> None:
        if self._line is not None:
            with suppress(OSError):
                self._line.close()
            self._line = None
