"""How these tests speak to a served API: byte by byte, as no well-behaved client would."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

from starlette.types import ASGIApp

from stanchion.api.connections import Bounds
from stanchion.api.server import serve
from stanchion.api.tls import Tls
from surface import TOKEN

DEADLINE_S = 20.0

GENEROUS = Bounds()


@asynccontextmanager
async def served(app: ASGIApp, bounds: Bounds = GENEROUS, tls: Tls | None = None) -> AsyncIterator[int]:
    """Serve on a free port; whoever tests within has a deadline."""
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, ready=port.set_result, bounds=bounds,
                                        tls=tls))
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield await port
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


@dataclass
class Answer:
    """What came back. ``status`` 0: nothing did."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        """The problem that it holds."""
        return json.loads(self.body)


class Wire:
    """One connection, written to by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, port: int) -> "Wire":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 24))

    async def send(self, data: bytes) -> bool:
        """Write; False: the other side is gone."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            return False
        return True

    async def head(self, method: str, path: str, *headers: str, host: str = "127.0.0.1", token: str = TOKEN) -> bool:
        """Write the head of a request."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *([f"Authorization: Bearer {token}"] if token else []),
                 *headers, "", ""]
        return await self.send("\r\n".join(lines).encode("latin-1"))

    async def answer(self) -> Answer:
        """Read one answer."""
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except (asyncio.IncompleteReadError, ConnectionError):
            return Answer(0, {}, b"")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = headers.get("content-length")
        body = b""
        with suppress(ConnectionError):
            body = await (self.reader.read() if length is None else self.reader.readexactly(int(length)))
        return Answer(int(first.split()[1]), headers, body)

    async def is_closed(self) -> bool:
        """Wait until the other side has closed."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        return True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def ask(port: int, data: bytes) -> Answer:
    """Send these bytes on a connection of their own, and read the answer."""
    async with await Wire.to(port) as wire:
        await wire.send(data)
        return await wire.answer()
