"""Who sends too much, too slowly, or takes nothing, is told so and let go; nobody else waits for him."""

import asyncio
import select
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import structlog
from starlette.types import ASGIApp

from access.visitors import person
from attacks.wires import Wire, ask, served
from stanchion.api.access.identity import COOKIE
from stanchion.api.connections import Bounds
from stanchion.api.events import STREAM_PAGE
from stanchion.api.patience import Patience
from stanchion.api.tls import AT_ONCE_EACH, Tls
from stanchion.client import Client, Connection
from stanchion.hosting import keep
from stanchion.model.cluster import Kind
from stanchion.model.reasons import Why, reason
from stanchion.trust import contexts, papers
from stanchion.trust.authority import Signer
from stanchion.trust.papers import Papers
from stanchion.wire.bounds import LARGEST_BODY_BYTES
from surface import NODES, TOKEN, Watched, World

BRISK = Bounds(head_s=0.3, stuck_s=0.5, per_address=8, at_once=12)
DRIP_S = 0.05
EVENTS = 2000


class Counted(Watched):
    """Counts what is read of the history."""

    pages = 0

    async def records(self, kind: Kind, **more: Any) -> Any:
        """Read, and count."""
        self.pages += kind is Kind.HISTORY
        return await super().records(kind, **more)


def brisk(world: World) -> ASGIApp:
    """Give the API with little patience for bodies."""
    return Patience(world.app(), body_s=0.5)


async def world_with_idle() -> World:
    world = World()
    await world.resource("idle")
    return world


async def test_a_body_that_announces_too_much_is_refused_before_it_is_read() -> None:
    async with served((await world_with_idle()).app()) as port:
        wire = await Wire.to(port)
        await wire.head("PATCH", "/v1/resources/idle", "Content-Type: application/json",
                        f"Content-Length: {LARGEST_BODY_BYTES + 1}")
        answer = await wire.answer()
        assert (answer.status, answer.headers["content-type"]) == (413, "application/problem+json")
        await wire.close()


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "10, 11", "99999999999999999999999"])
async def test_a_length_that_is_none_is_refused(length: str) -> None:
    async with served((await world_with_idle()).app()) as port:
        wire = await Wire.to(port)
        await wire.head("PATCH", "/v1/resources/idle", f"Content-Length: {length}")
        assert (await wire.answer()).status in {400, 413}
        await wire.close()


async def test_a_body_without_end_is_refused_where_its_bound_is() -> None:
    world = await world_with_idle()
    before = world.engine.revision
    async with served(world.app()) as port:
        wire = await Wire.to(port)
        await wire.head("PATCH", "/v1/resources/idle", "Content-Type: application/json", "Transfer-Encoding: chunked")
        sent = 0
        while sent < 40 * LARGEST_BODY_BYTES and await wire.send(b"10000\r\n" + b" " * 65536 + b"\r\n"):
            sent += 65536
            if wire.reader._buffer:  # type: ignore[attr-defined] # it has been answered
                break
        assert (await wire.answer()).status == 413
        assert sent < 10 * LARGEST_BODY_BYTES
        await wire.close()
    assert world.engine.revision == before


async def test_a_length_and_chunks_at_once_are_not_read_as_two_requests() -> None:
    """What a proxy would take for a body must not be taken here for a second request."""
    world = await world_with_idle()
    smuggled = f"DELETE /v1/resources/idle HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    async with served(world.app()) as port:
        wire = await Wire.to(port)
        await wire.head("POST", "/v1/lint", "Content-Type: application/json", f"Content-Length: {5 + len(smuggled)}",
                        "Transfer-Encoding: chunked")
        await wire.send(b"0\r\n\r\n" + smuggled.encode())
        assert (await wire.answer()).status == 400
        assert await wire.is_closed()
        await wire.close()
    assert "idle" in world.view().specs


async def test_half_a_body_is_not_an_order() -> None:
    world = await world_with_idle()
    before = world.engine.revision
    async with served(world.app()) as port:
        wire = await Wire.to(port)
        await wire.head("POST", "/v1/resources/idle/online", "Content-Type: application/json", "Content-Length: 18")
        await wire.send(b"")
        await wire.close()
        assert (await ask(port, b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")).status == 200
    assert world.engine.revision == before
    assert not world.view().intents


async def test_a_head_that_drips_has_its_time_in_all() -> None:
    async with served(World().app(), BRISK) as port:
        wire = await Wire.to(port)
        for byte in b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"x" * 1000:
            if not await wire.send(bytes([byte])) or wire.reader._buffer:  # type: ignore[attr-defined]
                break
            await asyncio.sleep(DRIP_S)
        answer = await wire.answer()
        assert answer.status == 408
        assert answer.told["detail"].startswith("the head of the request did not come within")
        assert await wire.is_closed()
        await wire.close()


async def test_a_second_head_that_drips_has_its_time_too() -> None:
    async with served(World().app(), BRISK) as port:
        wire = await Wire.to(port)
        await wire.send(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await wire.answer()).status == 200
        await wire.send(b"GET /v1/heal")
        assert (await wire.answer()).status == 408
        await wire.close()


async def test_who_says_nothing_at_all_is_let_go() -> None:
    async with served(World().app(), BRISK) as port:
        wire = await Wire.to(port)
        assert (await wire.answer()).status == 0
        await wire.close()


async def test_a_body_that_drips_has_its_time_in_all() -> None:
    world = await world_with_idle()
    before = world.engine.revision
    async with served(brisk(world), BRISK) as port:
        wire = await Wire.to(port)
        await wire.head("POST", "/v1/resources/idle/online", "Content-Type: application/json", "Content-Length: 1000")
        for _ in range(1000):
            if not await wire.send(b" ") or wire.reader._buffer:  # type: ignore[attr-defined]
                break
            await asyncio.sleep(DRIP_S)
        answer = await wire.answer()
        assert (answer.status, answer.told["do"]) == (408, "send it again at once")
        assert await wire.is_closed()
        await wire.close()
    assert world.engine.revision == before


async def test_a_body_that_drips_on_after_the_answer_ends_with_the_connection() -> None:
    async with served(World().app(), BRISK) as port:
        wire = await Wire.to(port)
        await wire.head("POST", "/v1/lint", "Content-Length: 1000000", token="wrong")
        assert (await wire.answer()).status == 401
        while await wire.send(b" "):
            await asyncio.sleep(DRIP_S)
        assert await wire.is_closed()
        await wire.close()


async def test_many_who_drip_hold_up_nobody() -> None:
    async with served(World().app(), Bounds(head_s=5, per_address=50)) as port:
        slow = [await Wire.to(port) for _ in range(40)]
        for wire in slow:
            await wire.send(b"GET /v1/st")
        async with asyncio.timeout(3):
            assert (await ask(port, b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")).status == 200
        for wire in slow:
            await wire.close()


async def test_one_address_has_a_bounded_number_of_connections() -> None:
    async with served(World().app(), Bounds(per_address=8)) as port:
        wires = [await Wire.to(port) for _ in range(8)]
        for wire in wires:
            await wire.send(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await wire.answer()).status == 200
        late = await Wire.to(port)
        refused = await late.answer()
        assert (refused.status, refused.headers["retry-after"]) == (429, "5")
        assert refused.told["detail"] == "8 connections from 127.0.0.1 are open, and more are not taken"
        assert await late.is_closed()
        await wires[0].close()
        for _ in range(100):
            again = await ask(port, b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
            if again.status == 200:
                break
            await asyncio.sleep(0.02)
        assert again.status == 200
        for wire in (*wires, late):
            await wire.close()


async def test_all_together_have_a_bounded_number_of_connections() -> None:
    async with served(World().app(), Bounds(per_address=8, at_once=4)) as port:
        wires = [await Wire.to(port) for _ in range(4)]
        for wire in wires:
            await wire.send(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await wire.answer()).status == 200
        late = await Wire.to(port)
        assert (await late.answer()).status == 503
        for wire in (*wires, late):
            await wire.close()


async def test_a_reader_that_takes_nothing_is_cut_off_and_costs_little() -> None:
    """Events pile up in the store, where they are anyway, and not in the memory of the agent."""
    world = World()
    counted = Counted(world.engine)
    world.store = counted
    for _ in range(EVENTS):
        await world.happened(reason(Why.CREATED, "x" * 9000), "web")
    async with served(world.app(), BRISK) as port:
        deaf = socket.create_connection(("127.0.0.1", port))
        deaf.sendall(f"GET /v1/events/stream?after= HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
                     .encode())
        ends = select.poll()
        ends.register(deaf, select.POLLHUP | select.POLLERR)
        with structlog.testing.capture_logs() as journal:
            while not ends.poll(0):
                await asyncio.sleep(DRIP_S)
        deaf.close()
        assert not journal
        assert counted.pages < EVENTS / STREAM_PAGE
        assert (await ask(port, b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")).status == 200


async def test_silent_handshakes_are_bounded_for_each_address(tmp_path: Path) -> None:
    own, now_s = Papers(tmp_path), time.time()
    signer = Signer.make("lab", now_s)
    papers.make_key(own.key)
    keep(tmp_path, signer.sign(papers.request(own.key, NODES[0]), NODES[0], "127.0.0.1", now_s), signer.certificate,
         signer.revocations((), now_s))
    tls = Tls(context=lambda: contexts.server(own.cert, own.key), why_refused=contexts.why_refused)
    async with served(World().app(), tls=tls) as port:
        silent = [await Wire.to(port) for _ in range(AT_ONCE_EACH)]
        late = await Wire.to(port)
        assert await late.is_closed()
        for wire in (*silent, late):
            await wire.close()
        connection = Connection(urls=(f"https://127.0.0.1:{port}",), ca=own.ca, token=TOKEN)
        async with Client(connection) as client:
            assert (await client.health()).status == "ok"


COSTLY = {
    "very many parts": b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n' * 18_000 + b"--b--\r\n",
    "parts within parts": b"".join(b"--b%d\r\ncontent-type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1)
                                   for n in range(12_000)),
    "encoded words": b'--b\r\ncontent-disposition: form-data; name="%s"\r\n\r\nx\r\n--b--' % (
        b"=?utf-8?q?a?= " * 60_000),
    "very many heads": b"--b\r\n" + b"x: y\r\n" * 150_000 + b"\r\nx\r\n--b--\r\n",
    "nothing but boundaries": b"\r\n--b" * 200_000,
}


@pytest.mark.parametrize("body", COSTLY.values(), ids=COSTLY.keys())
async def test_a_form_that_is_costly_to_read_keeps_nobody_waiting(body: bytes) -> None:
    """The agent renews its lease in the loop that reads it. There is a deadline."""
    world = World()
    cookie = await person(world)
    async with served(world.app()) as port:
        for path, more, status in (("/console/sign-in", "X-No: body", 413),
                                   ("/console/import", f"Cookie: {COOKIE}={cookie}", 422)):
            async with await Wire.to(port) as wire:
                await wire.head("POST", path, "Content-Type: multipart/form-data; boundary=b", more,
                                f"Content-Length: {len(body)}", "Sec-Fetch-Site: same-origin", token="")
                await wire.send(body)
                assert (await wire.answer()).status == status


@pytest.mark.parametrize("path", ["/v1/join", "/console/sign-in", "/console/first/x.y"])
async def test_strangers_send_little(path: str) -> None:
    async with served(World().app()) as port, await Wire.to(port) as wire:
        await wire.head("POST", path, "Content-Type: application/json", "Transfer-Encoding: chunked",
                        "Sec-Fetch-Site: same-origin", token="")
        for _ in range(5):
            await wire.send(b"2000\r\n" + b" " * 8192 + b"\r\n")
        answer = await wire.answer()
        assert (answer.status, answer.told["detail"]) == (413, "the request body is larger than 32768 bytes")
