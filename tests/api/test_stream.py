"""The stream of events has no gap and tells nothing twice, wherever and however often it is cut."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from attacks.wires import served
from stanchion.api.app import create
from stanchion.client import Client, Connection
from stanchion.model.cluster import Kind
from stanchion.model.errors import NotFound
from stanchion.model.reasons import Why, reason
from stanchion.sim.store import MemoryEngine
from surface import TOKEN, World

EVENTS = 500


class Follower(World):
    """A second node's agent: it sees what the first one writes, by its own watch of the store."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.engine.judges.append(lambda _: self.wake())

    def wake(self) -> None:
        """Tell whoever waits that there is news."""
        self._news.set()
        self._news = asyncio.Event()


@asynccontextmanager
async def breaking(port: int, chance: random.Random) -> AsyncIterator[tuple[int, list[int]]]:
    """Stand in between, and cut every connection after some bytes; give the port, and where it was cut."""
    cuts: list[int] = []

    passing: list[asyncio.Event] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing.append(ended := asyncio.Event())
        there, back = await asyncio.open_connection("127.0.0.1", port)
        ways = {asyncio.create_task(_pump(reader, back, 1 << 30)),
                asyncio.create_task(_pump(there, writer, chance.randrange(600, 12_000)))}
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        cuts.append(max(task.result() for task in done))
        for task in ways - done:
            task.cancel()
        for each in (writer, back):
            each.close()
            with suppress(ConnectionError):
                await each.wait_closed()
        ended.set()

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], cuts
    finally:
        server.close()
        for each in passing:
            await each.wait()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> int:
    """Hand on up to so many bytes; give how many there were."""
    passed = 0
    with suppress(ConnectionError):
        while passed < most and (data := await reader.read(min(most - passed, 4096))):
            passed += len(data)
            writer.write(data)
            await writer.drain()
    return passed


@pytest.mark.parametrize("seed", range(2))
async def test_a_stream_that_is_cut_anywhere_goes_on_at_another_node_without_a_gap_or_a_double(seed: int) -> None:
    engine = MemoryEngine()
    first = World(engine=engine)
    second = Follower(engine=engine)
    chance = random.Random(seed)
    here, there = create(first.app().state.services), create(second.app().state.services)

    async def write() -> None:
        for number in range(EVENTS):
            await first.happened(reason(Why.CREATED, str(number)), "web")
            await asyncio.sleep(0)

    async with (served(here) as one, served(there) as other, breaking(one, chance) as (near, cuts),
                breaking(other, chance) as (far, more_cuts)):
        urls = tuple(f"http://127.0.0.1:{port}" for port in (far, near))
        async with Client(Connection(urls=urls, token=TOKEN)) as client:
            writing = asyncio.create_task(write())
            seen: list[str] = []
            stream = client.follow(after="")
            async for event in stream:
                seen.append(event.reason.operands[0])
                if len(seen) == EVENTS:
                    break
            await stream.aclose()
            await writing
    assert seen == [str(number) for number in range(EVENTS)]
    assert len(cuts) + len(more_cuts) > 5
    assert more_cuts


async def test_from_now_on_leaves_out_what_was_before() -> None:
    world = World()
    await world.happened(reason(Why.CREATED, "before"), "web")
    async with served(world.app()) as port, Client(Connection(
            urls=(f"http://127.0.0.1:{port}",), token=TOKEN)) as client:
        stream = client.follow()
        waiting = asyncio.ensure_future(anext(stream))
        while not waiting.done():
            await world.happened(reason(Why.CREATED, "after"), "web")
            await asyncio.sleep(0.02)
        assert waiting.result().reason.operands == ("after",)
        await stream.aclose()


async def test_a_history_that_does_not_reach_back_says_so() -> None:
    world = World()
    for number in range(20):
        await world.happened(reason(Why.CREATED, str(number)), "web")
    async with served(world.app()) as port, Client(Connection(
            urls=(f"http://127.0.0.1:{port}",), token=TOKEN)) as client:
        first = (await client.events(after="", limit=1)).last
        await world.store.trim(Kind.HISTORY, prefix="", keep=5)
        with pytest.raises(NotFound, match=f"does not reach back to {first} any more"):
            await anext(client.follow(after=first))
        oldest = (await client.events(after="", limit=1)).events[0]
        assert (await anext(client.follow(after=oldest.id))).reason.operands == ("16",)
