"""The API behind a real socket: streams that resume, a port that is taken, an end in order."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from stanchion.api.server import serve
from stanchion.client import Client, Connection
from stanchion.model.cluster import ClusterView
from stanchion.model.errors import HostError, NoAnswer, NotAllowed, StanchionError
from stanchion.model.reasons import Why, reason
from surface import TOKEN, World


@asynccontextmanager
async def served(world: World) -> AsyncIterator[int]:
    """Serve the world's API on a free port, as the agent's task group does."""
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(world.app(), "127.0.0.1", 0, ready=port.set_result))
    try:
        yield await port
    finally:
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving


def _client(*ports: int, token: str = TOKEN) -> Client:
    return Client(Connection(urls=tuple(f"http://127.0.0.1:{port}" for port in ports), token=token))


def _dead_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def test_events_are_streamed_as_they_happen_and_from_where_a_reader_was() -> None:
    world = World()
    await world.happened(reason(Why.CREATED, "first"), "web")
    async with served(world) as port, _client(port) as client, asyncio.timeout(10):
        page = await client.events()
        seen = []
        stream = client.follow(after="")
        async for event in stream:
            seen.append(event)
            if len(seen) == 1:
                await world.happened(reason(Why.CREATED, "second"), "web")
            if len(seen) == 2:
                break
        await stream.aclose()
        assert [event.reason.operands[0] for event in seen] == ["first", "second"]
        resumed = client.follow(after=page.last)
        assert (await anext(resumed)).id == seen[1].id
        await resumed.aclose()


async def test_last_event_id_resumes_the_stream() -> None:
    world = World()
    await world.happened(reason(Why.CREATED, "first"), "web")
    await world.happened(reason(Why.CREATED, "second"), "web")
    async with served(world) as port, asyncio.timeout(10):
        async with _client(port) as client:
            first = (await client.events()).events[0].id
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /v1/events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
                     f"Last-Event-ID: {first}\r\n\r\n".encode())
        said = await reader.readuntil(b"data: ")
        told = await reader.readuntil(b"\n\n")
        writer.close()
        await writer.wait_closed()
    assert b"content-type: text/event-stream" in said.lower()
    assert b'"operands":["second"]' in told


async def test_a_stream_does_not_hold_up_the_end() -> None:
    world = World()
    async with asyncio.timeout(10):
        async with served(world) as port:
            client = _client(port)
            stream = client.follow(after="")
            waiting = asyncio.ensure_future(anext(stream))
            await world.happened(reason(Why.CREATED, "first"), "web")
            await waiting
        await stream.aclose()
        async with client:
            with pytest.raises(NoAnswer):
                await client.status()


async def test_a_port_in_use_is_one_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HostError, match=rf"cannot listen on 127.0.0.1 port {port} \(Address already in use\); end"):
            await serve(World().app(), "127.0.0.1", port)


async def test_an_address_that_is_not_here_is_one_clear_error() -> None:
    with pytest.raises(HostError, match=r"cannot listen on 192\.0\.2\.1 port 1"):
        await serve(World().app(), "192.0.2.1", 1)


async def test_a_dead_node_is_passed_over_and_nobody_left_is_told() -> None:
    world = World()
    await world.resource("web")
    dead = _dead_port()
    async with served(world) as port, _client(dead, port) as client:
        assert (await client.status()).cluster.name == "lab"
        assert (await client.online("web")).resource == "web"
    async with _client(dead) as client:
        with pytest.raises(NoAnswer, match=f"no agent answers at http://127.0.0.1:{dead} .*; check that"):
            await client.status()


async def test_an_order_whose_answer_was_lost_is_not_repeated_and_said_to_be_in_doubt() -> None:
    asked = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n"))
        writer.close()

    world = World()
    await world.resource("web")
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, served(world) as port:
        broken = server.sockets[0].getsockname()[1]
        async with _client(broken, port) as client:
            with pytest.raises(NoAnswer, match="it is not known whether it was done"):
                await client.online("web")
        async with _client(broken, port) as client:
            assert (await client.status()).cluster.name == "lab"
    assert not world.view().intents
    assert len(asked) == 2


async def test_a_wrong_token_is_told_to_the_client() -> None:
    async with served(World()) as port, _client(port, token="wrong") as client:
        with pytest.raises(NotAllowed, match="the token is not this cluster's"):
            await client.status()
        assert (await client.health()).status == "ok"


async def test_what_is_no_agent_is_told_as_such() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server, _client(server.sockets[0].getsockname()[1]) as client:
        with pytest.raises(NoAnswer, match="is not an agent"):
            await client.status()


async def test_an_error_of_our_own_is_a_problem_and_a_line_in_the_journal() -> None:
    class Broken(World):
        def view(self) -> ClusterView:
            """Fail."""
            if self.broken:
                raise ZeroDivisionError
            return super().view()

        broken = False

    world = Broken()
    async with served(world) as port, _client(port) as client:
        world.broken = True
        with structlog.testing.capture_logs() as logs, pytest.raises(StanchionError, match="an error of its own"):
            await client.status()
    assert [(line["event"], line["path"]) for line in logs] == [("the API failed", "/v1/status")]
