"""Taking connections over TLS, so that every refusal is known and written down.

asyncio's own server drops a failed handshake without a word. Here each connection is taken by hand: its handshake is
awaited, and where it fails, who called and why he was refused stand in the journal. The context is asked for anew for
each connection, so renewed certificates and revocations count at once. A caller that is slow or silent holds up
nobody, and is let go after ``HANDSHAKE_S``; one address shakes hands ``AT_ONCE_EACH`` times at once, all ``AT_ONCE``.

Who is refused is told why as well: TLS has an alert for it, which asyncio would drop with the connection. So the
connection is kept until the alert is sent and what the caller was saying meanwhile is read; otherwise the caller's
system would throw the alert away.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

import structlog

from stanchion.model.errors import HostError

HANDSHAKE_S = 5.0
AT_ONCE_EACH, AT_ONCE = 32, 256
HEAR_OUT_S = 1.0
RETRY_S = 0.2
"""The pause after a connection could not be taken, for want of descriptors, say."""

log = structlog.get_logger(__name__)


class Context(Protocol):
    """A context for one connection, which knows the alert that was not sent any more when its handshake failed."""

    last_words: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to speak TLS: a context for each connection, and the words for a handshake that failed.

    ``context`` raises ``HostError`` where the certificates cannot be used; then that connection is refused.
    """

    context: Callable[[], "Context"]
    why_refused: Callable[[Exception], str]


class Doorkeeper:
    """Takes the connections of one listening socket and hands them to protocols; ends like asyncio's server.

    ``door`` is what people call it in the journal.
    """

    def __init__(self, listening: socket.socket, tls: Tls, protocol: Callable[[], asyncio.Protocol],
                 door: str) -> None:
        self._listening = listening
        self._tls = tls
        self._protocol = protocol
        self._door = door
        self._shaking: dict[asyncio.Task[None], str] = {}
        self._taking = asyncio.create_task(self._take(), name=f"{door} door")

    def close(self) -> None:
        """Take no more connections; those that are made stay."""
        self._taking.cancel()
        for task in self._shaking:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nothing is taken any more."""
        await asyncio.gather(self._taking, *self._shaking, return_exceptions=True)

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._listening)
            except OSError as problem:
                log.warning("no connection can be taken", door=self._door, problem=problem.strerror)
                await asyncio.sleep(RETRY_S)
                continue
            caller = str(address[0])
            near = sum(1 for each in self._shaking.values() if each == caller)
            if near >= AT_ONCE_EACH or len(self._shaking) >= AT_ONCE:
                connection.close()
                continue
            task = asyncio.create_task(self._shake(connection, caller))
            self._shaking[task] = caller
            task.add_done_callback(self._shaking.pop)

    async def _shake(self, connection: socket.socket, caller: str) -> None:
        """Shake hands, or say why not."""
        loop = asyncio.get_running_loop()
        try:
            context, spare = self._tls.context(), connection.dup()
        except (HostError, OSError) as problem:
            log.warning("a connection was refused", door=self._door, caller=caller, reason=str(problem))
            connection.close()
            return
        try:
            await loop.connect_accepted_socket(self._protocol, connection, ssl=cast("ssl.SSLContext", context),
                                               ssl_handshake_timeout=HANDSHAKE_S)
        except ssl.SSLError as fault:
            log.warning("a connection was refused", door=self._door, caller=caller,
                        reason=self._tls.why_refused(fault))
            await _say(spare, context.last_words)
        except OSError as fault:  # it hung up, or never said anything
            log.info("a caller went away", door=self._door, caller=caller, reason=str(fault) or "no handshake in time")
        finally:
            spare.close()


async def _say(connection: socket.socket, last_words: bytes) -> None:
    """Send an alert, and hear the caller out, so that he gets it."""
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(HEAR_OUT_S):
            await loop.sock_sendall(connection, last_words)
            connection.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(connection, 65536):
                pass
