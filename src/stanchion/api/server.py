"""Serving the API inside the agent's event loop.

The agent owns the process: it handles the signals, and it ends the server by cancelling the task. The server's
socket is bound here before anything else, so that a port in use is one clear error at start-up and never a process
that ends itself from within a library. The library's own log is silenced: what fails in a route is logged by
``problems``, and readers of a stream that are cut off when the server stops are no news.
"""

import asyncio
import contextlib
import socket
from asyncio.base_events import Server
from collections.abc import Callable, Iterator
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from stanchion.api.connections import Bounds, bounded
from stanchion.api.tls import Doorkeeper, Tls
from stanchion.model.errors import HostError
from stanchion.wire.requests import KEPT_S

BACKLOG = 128
PATIENCE = Bounds()
GRACE_S = 1
"""How long running requests may take when the server stops; streams and long polls are cut off then."""


class _Server(uvicorn.Server):
    """A server that leaves the signals to the agent, and the handshakes to the doorkeeper."""

    def __init__(self, config: uvicorn.Config, tls: Tls | None, door: str) -> None:
        super().__init__(config)
        self._tls = tls
        self._door = door

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections; over TLS by a doorkeeper, who stands in for asyncio's server."""
        if self._tls is None or not sockets:
            await super().startup(sockets)
            return
        keeper = Doorkeeper(sockets[0], self._tls, self._protocol, self._door)
        self.servers = [cast("Server", keeper)]
        self.started = True

    def _protocol(self) -> asyncio.Protocol:
        made = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        return made(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen; port 0 takes a free one. Raises ``HostError`` where the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise HostError(f"the address {host} cannot be resolved ({error.strerror}); "
                        "correct it in the agent's configuration") from error
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        raise HostError(f"the API cannot listen on {host} port {port} ({error.strerror}); "
                        "end what uses it, or configure another port") from error
    return opened


async def serve(app: ASGIApp, host: str, port: int, *, ready: Callable[[int], None] | None = None,
                tls: Tls | None = None, door: str = "API", bounds: Bounds = PATIENCE) -> None:
    """Serve until cancelled, then stop in order. ``ready`` is called with the port once connections are taken.

    With ``tls`` every connection is a TLS one; ``door`` names it in the journal; ``bounds`` is how much patience there
    is with those who call.

    Raises ``HostError`` where the address cannot be had.
    """
    opened = listen(host, port)
    # Whoever calls from this host could otherwise say that he calls from anywhere (X-Forwarded-For).
    config = uvicorn.Config(app, log_config=None, log_level="critical", access_log=False, lifespan="off",
                            server_header=False, proxy_headers=False, timeout_graceful_shutdown=GRACE_S,
                            timeout_keep_alive=KEPT_S, ws="none", http=bounded(bounds))
    server = _Server(config, tls, door)
    serving = asyncio.create_task(server.serve(sockets=[opened]), name="api server")
    try:
        if ready is not None:
            ready(opened.getsockname()[1])
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
    finally:
        opened.close()
