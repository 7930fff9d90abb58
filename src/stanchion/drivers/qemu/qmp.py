"""QEMU's own protocol: one JSON object in each line over a Unix socket; orders, their answers, and events.

QEMU serves one client at a time on each socket and throws away the events of a time without a client. So a machine has
two sockets: one for short questions, one that an action holds from its first order to its last event.
"""

import json
import os
import socket
import time
from typing import Any, NamedTuple, Self

Answer = dict[str, Any]


class Silent(Exception):
    """QEMU did not answer in time, or not at all."""


class Late(Silent):
    """The time was over before QEMU said anything more."""


class Refused(Exception):
    """QEMU answered that it cannot; the text is its own."""


class Event(NamedTuple):
    """Something that QEMU told unasked, and when it happened (seconds since 1970, by QEMU's clock)."""

    name: str
    at_s: float
    data: Answer


class Line:
    """A connection to one machine. Every call is bounded in time; use it in a ``with`` block."""

    def __init__(self, directory: str, socket_name: str, within_s: float) -> None:
        """Connect and agree on the protocol. Raises ``Silent``."""
        self.events: list[Event] = []
        self._rest = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        deadline = time.monotonic() + within_s
        handle = -1
        try:
            handle = os.open(directory, os.O_PATH | os.O_DIRECTORY)
            self._socket.settimeout(within_s)
            self._socket.connect(f"/proc/self/fd/{handle}/{socket_name}")
            self._read(deadline)
            self.order("qmp_capabilities", within_s=max(deadline - time.monotonic(), 0.01))
        except OSError as problem:
            self._socket.close()
            raise Silent(f"QEMU cannot be reached at {directory}/{socket_name}: {problem}") from problem
        except Silent:
            self._socket.close()
            raise
        finally:
            if handle >= 0:
                os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def order(self, command: str, within_s: float = 5.0, **arguments: object) -> Any:
        """Give an order and wait for its answer. Keyword ``max_bandwidth`` is sent as ``max-bandwidth``.

        Raises ``Refused`` with QEMU's own sentence, ``Silent`` when the time is over.
        """
        deadline = time.monotonic() + within_s
        words = {key.replace("_", "-"): value for key, value in arguments.items()}
        request = json.dumps({"execute": command, "arguments": words}) + "\n"
        try:
            self._socket.settimeout(within_s)
            self._socket.sendall(request.encode())
        except OSError as problem:
            raise Silent(f"QEMU did not take the order {command}: {problem}") from problem
        while True:
            message = self._read(deadline)
            if "error" in message:
                raise Refused(message["error"]["desc"])
            if "return" in message:
                return message["return"]

    def wait_for(self, names: tuple[str, ...], within_s: float) -> Event | None:
        """Wait for the next event of one of these names; None when the time is over first."""
        deadline = time.monotonic() + within_s
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event.name in names:
                    self.events.remove(event)
                    return event
            seen = len(self.events)
            try:
                self._read(deadline)
            except Late:
                return None

    def _read(self, deadline: float) -> Answer:
        """Read one message; events are also kept. Raises ``Late`` or ``Silent``."""
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late("QEMU does not answer")
            self._socket.settimeout(left)
            try:
                more = self._socket.recv(65536)
            except TimeoutError as late:
                raise Late("QEMU does not answer") from late
            except OSError as problem:
                raise Silent(f"QEMU hung up: {problem}") from problem
            if not more:
                raise Silent("QEMU hung up")
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        message: Answer = json.loads(line)
        if "event" in message:
            stamp = message["timestamp"]
            at_s = stamp["seconds"] + stamp["microseconds"] / 1e6
            self.events.append(Event(message["event"], at_s, message.get("data", {})))
        return message


def status(directory: str, socket_name: str, within_s: float) -> str:
    """Ask for the machine's state as QEMU names it: running, paused, inmigrate, postmigrate ... Raises ``Silent``."""
    with Line(directory, socket_name, within_s) as line:
        try:
            return str(line.order("query-status", within_s=within_s)["status"])
        except Refused as refused:
            raise Silent(str(refused)) from refused
