"""A look at an address that somebody wrote down: bounded in bytes and time, one path, no redirect, nothing repeated."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from stanchion.client.glimpse import glimpse
from stanchion.model.errors import HostError, NoAnswer
from surface import TOKEN, World

Answering = Callable[[asyncio.StreamWriter], AsyncIterator[bytes]]


@asynccontextmanager
async def served(answer: Answering) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve one answer on the loopback interface, and keep what was asked."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        try:
            async for part in answer(writer):
                writer.write(part)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


def saying(*parts: bytes) -> Answering:
    """Answer with these bytes."""
    async def answer(_: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    return answer


async def test_the_first_address_that_answers_counts() -> None:
    transport = httpx2.ASGITransport(World().app())

    url, told = await glimpse(("http://node1",), TOKEN, within_s=3, transport=transport)

    assert (url, told.cluster.name) == ("http://node1", "lab")


async def test_a_wrong_token_is_said() -> None:
    with pytest.raises(NoAnswer, match="it does not accept the token"):
        await glimpse(("http://node1",), "wrong", within_s=3, transport=httpx2.ASGITransport(World().app()))


async def test_a_redirect_is_not_followed() -> None:
    async with served(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")) as (inner, reached):
        moved = f"HTTP/1.1 302 Found\r\nlocation: {inner}/secret\r\ncontent-length: 0\r\n\r\n".encode()
        async with served(saying(moved)) as (url, asked):
            with pytest.raises(NoAnswer, match="HTTP 302"):
                await glimpse((url,), "t", within_s=3)

    assert asked[0].startswith("GET /v1/overview HTTP/1.1")
    assert reached == []


async def test_nothing_of_a_strange_answer_is_repeated() -> None:
    body = b'{"password": "hunter2"}'
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    async with served(saying(head, body)) as (url, _):
        with pytest.raises(NoAnswer, match="no agent of this version") as told:
            await glimpse((url,), "t", within_s=3)

    assert "hunter2" not in str(told.value)


async def test_an_answer_without_end_is_cut_off() -> None:
    async def endless(_: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while True:
            yield b" " * 1_000_000

    async with served(endless) as (url, _):
        with pytest.raises(NoAnswer, match="answers without end"):
            await glimpse((url,), "t", within_s=30)


async def test_one_that_hangs_costs_its_share_of_the_time_and_the_next_is_asked() -> None:
    forever = asyncio.Event()

    async def silent(_: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        await forever.wait()
        yield b""

    async with served(silent) as (hanging, first), served(saying(b"HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n")) as (
            other, second):
        with pytest.raises(NoAnswer, match="HTTP 404"):
            await glimpse((hanging, other), "t", within_s=0.4)
        with pytest.raises(NoAnswer, match=r"does not answer within 0\.2 s"):
            await glimpse((hanging,), "t", within_s=0.2)
        forever.set()

    assert (len(first), len(second)) == (2, 1)


async def test_nobody_there_and_a_certificate_that_is_none_are_said() -> None:
    with pytest.raises(NoAnswer, match="no connection to it can be made"):
        await glimpse(("http://127.0.0.1:1",), "t", within_s=1)
    with pytest.raises(HostError, match="not one in PEM"):
        await glimpse(("https://127.0.0.1:1",), "t", authority="nonsense", within_s=1)
