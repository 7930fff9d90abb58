"""One connection, and how long it may make others wait.

The library answers whoever speaks at a good pace. Who does not is bounded here: the head of a request must come in
time, however it is dripped; what is sent to a reader must be taken in time; one address has a bounded number of
connections, and so have all together, because the agent beside this needs descriptors of its own. Whoever goes beyond
is told so in a sentence, where there is still somebody to tell it to, and is let go.

What cannot be read as HTTP at all never reaches the application; the problem about it is written here.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from stanchion.api.problems import problem
from stanchion.model.errors import InvalidInput, StanchionError, TooSoon

RETRY_S = 5

UNREADABLE = "this is no HTTP request that can be read, or all but its body is larger than 64 KiB; send it anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much patience there is: for the head of a request, and for a reader that takes nothing, in seconds.

    ``per_address`` connections are taken from one address (a browser opens six for each host, a proxy some dozens),
    and ``at_once`` in all.
    """

    head_s: float = 10.0
    stuck_s: float = 60.0
    per_address: int = 128
    at_once: int = 512


class Connection(H11Protocol):
    """A connection that waits for nobody without end."""

    bounds: ClassVar[Bounds] = Bounds()
    _waiting: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None
    _heard = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the library has it
        """Begin, or refuse one too many."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        near = sum(1 for each in self.connections if isinstance(each, Connection) and each.client
                   and each.client[0] == address)
        if near > self.bounds.per_address:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, f"{near - 1} connections from {address} are open, and more are "
                                                       "not taken; close some of them", TooSoon)
        elif len(self.connections) > self.bounds.at_once:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"{self.bounds.at_once} connections are open, and more are "
                                                         "not taken; ask another node, or try again in a moment")
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that has begun has its time from its first byte on."""
        if self.transport.is_closing():
            return
        self._heard = True
        super().data_received(data)
        if self._is_asked():
            self._rest()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._rest()
        self._unstick()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request, which has its own time."""
        self._heard = False
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Stop writing; who takes nothing for too long is cut off."""
        super().pause_writing()
        self._unstick()
        self._stuck = self.loop.call_later(self.bounds.stuck_s, self._cut_off)

    def resume_writing(self) -> None:
        """Go on writing."""
        self._unstick()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says more
        """Refuse what cannot be read."""
        self._refuse(HTTPStatus.BAD_REQUEST, UNREADABLE, InvalidInput)

    def _is_asked(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        if self._waiting is None and not self.transport.is_closing():
            self._waiting = self.loop.call_later(self.bounds.head_s, self._lose_patience)

    def _rest(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _unstick(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _cut_off(self) -> None:
        """End at once; what was not taken is thrown away by the kernel too, which would offer it for minutes."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _lose_patience(self) -> None:
        self._waiting = None
        if self._is_asked() or self.transport.is_closing():
            return
        if self._heard and self.conn.their_state is h11.IDLE:
            text = f"the head of the request did not come within {self.bounds.head_s:g} s; send it again at once"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, text, InvalidInput)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, text: str, kind: type[StanchionError] = StanchionError) -> None:
        """Say why, where nothing else was said yet, and end the connection."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            told = problem(status, text, kind=kind, headers={
                "connection": "close", "retry-after": str(RETRY_S), "x-content-type-options": "nosniff"})
            head = h11.Response(status_code=int(status), reason=status.phrase.encode(), headers=told.raw_headers)
            parts: tuple[Any, ...] = (head, h11.Data(data=bytes(told.body)), h11.EndOfMessage())
            for part in parts:
                self.transport.write(self.conn.send(part) or b"")
        self._rest()
        self.transport.close()


def bounded(by: Bounds) -> type[Connection]:
    """Give connections with this much patience."""
    return type("Bounded", (Connection,), {"bounds": by})
