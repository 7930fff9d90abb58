"""Which agent is meant: any, or that of this node.

``cluster leave`` takes *this* node out. With several addresses in ``client.toml`` the client would go on to another
node's agent when this one does not answer, and the wrong node would leave. So for such words only an address counts
that is this host's own; its agent says what the node is called.
"""

import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stanchion.cli.session import TERMINAL, Session
from stanchion.model.errors import InvalidInput

if TYPE_CHECKING:
    from stanchion.client import Connection


@asynccontextmanager
async def anywhere() -> AsyncIterator[Session]:
    """Open a client of any agent."""
    from stanchion.client import find

    async with _open(find()) as session:
        yield session


@asynccontextmanager
async def here() -> AsyncIterator[Session]:
    """Open a client of this host's own agent. Raises ``InvalidInput`` where none of the addresses is this host's."""
    from stanchion.client import find

    connection = find()
    own = home(connection)
    if own is None:
        raise InvalidInput(f"this word is about the node on which it is typed, and here no agent is known but at "
                           f"{' and '.join(connection.urls)}; type it there, or name the node with `stanchion node`")
    async with _open(own) as session:
        yield session


@asynccontextmanager
async def nearest() -> AsyncIterator[Session]:
    """Open a client of this host's own agent where it has one, else of any."""
    from stanchion.client import find

    connection = find()
    async with _open(home(connection) or connection) as session:
        yield session


def home(connection: "Connection") -> "Connection | None":
    """Keep of a connection the first address that is this host's own; None: there is none."""
    for url in connection.urls:
        if is_ours(urlsplit(url).hostname or ""):
            return replace(connection, urls=(url,))
    return None


def is_ours(name: str) -> bool:
    """Whether a name or an address belongs to this host: what is sent there leaves from there."""
    try:
        found = socket.getaddrinfo(name, 9, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    for family, kind, protocol, _, address in found:
        if ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
            return True
        with socket.socket(family, kind, protocol) as probe:
            try:
                probe.connect(address)  # sends nothing: it only chooses the way
            except OSError:
                continue
            if probe.getsockname()[0] == address[0]:
                return True
    return False


@asynccontextmanager
async def _open(connection: "Connection") -> AsyncIterator[Session]:
    terminal = TERMINAL.get()
    async with terminal.client(connection) as client:
        yield Session(client, terminal, json=False)
