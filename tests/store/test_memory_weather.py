"""The simulator's lines to the store can be cut and slow, and its leases end exactly on time."""

import asyncio

import pytest
from store_benches import Listener, node, put

from stanchion.model.cluster import Key, Kind
from stanchion.model.errors import StoreUnavailable
from stanchion.model.ids import Revision
from stanchion.model.transaction import Committed
from stanchion.ports import Batch, Resync
from stanchion.sim.loop import run
from stanchion.sim.store import MemoryEngine, MemoryStore


def test_a_lease_ends_exactly_on_its_deadline() -> None:
    async def story() -> None:
        engine = MemoryEngine()
        store = MemoryStore(engine)
        await asyncio.sleep(0.1)
        lease = await store.grant(4.0)
        await store.commit(put(node("a"), lease=lease))
        await asyncio.sleep(3.3)
        assert await store.renew(lease)
        news = asyncio.create_task(Listener(store, 1).reaching(2))
        await asyncio.sleep(3.999999999)
        assert Key(Kind.NODE, "a") in engine.records
        assert not news.done()
        await news
        assert asyncio.get_running_loop().time() == 0.1 + 3.3 + 4.0

    run(story)


def test_a_cut_line_refuses_and_falls_silent_then_resyncs_while_the_others_go_on() -> None:
    async def story() -> None:
        engine = MemoryEngine()
        cut, other = MemoryStore(engine), MemoryStore(engine)
        listener = Listener(cut, 0)
        await other.commit(put(node("a")))
        await asyncio.sleep(1)
        cut.available = False
        assert not cut.available
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await cut.commit(put(node("b")))
        assert await other.commit(put(node("c"))) == Committed(Revision(2))
        await asyncio.sleep(3600)
        assert [item.revision for item in listener.heard if isinstance(item, Batch)] == [1]
        cut.available = True
        await listener.task
        assert listener.heard[1:] == [Resync()]
        assert (await cut.snapshot()).revision == 2

    run(story)


def test_a_line_cut_for_an_instant_between_two_looks_is_not_overlooked() -> None:
    async def story() -> None:
        store = MemoryStore(MemoryEngine())
        listener = Listener(store, 0)
        await asyncio.sleep(1)
        store.available = False
        store.available = True
        await listener.task
        assert listener.heard == [Resync()]

    run(story)


def test_a_line_cut_while_the_answer_travels_loses_the_answer_not_the_write() -> None:
    async def story() -> None:
        engine = MemoryEngine()
        store = MemoryStore(engine, latency_s=2.0)
        asyncio.get_running_loop().call_later(1.5, setattr, store, "available", False)
        with pytest.raises(StoreUnavailable):
            await store.commit(put(node("a")))
        assert engine.revision == 1
        asyncio.get_running_loop().call_later(0.5, setattr, store, "available", False)
        store.available = True
        with pytest.raises(StoreUnavailable):
            await store.commit(put(node("b")))
        assert engine.revision == 1

    run(story)


def test_a_slow_line_takes_its_time_both_for_answers_and_for_news() -> None:
    async def story() -> None:
        engine = MemoryEngine()
        slow, fast = MemoryStore(engine, latency_s=1.0), MemoryStore(engine)
        listener = Listener(slow, 0)
        await slow.commit(put(node("a")))
        assert asyncio.get_running_loop().time() == 1.0
        await fast.commit(put(node("b")))
        assert len(await listener.reaching(2)) == 2
        assert asyncio.get_running_loop().time() == 1.5

    run(story)


def test_who_is_behind_when_the_log_is_compacted_resyncs() -> None:
    async def story() -> None:
        engine = MemoryEngine()
        store = MemoryStore(engine)
        await store.commit(put(node("a")))
        engine.compact()
        behind, level = Listener(store, 0), Listener(store, 1)
        await behind.task
        assert behind.heard == [Resync()]
        await store.commit(put(node("b")))
        assert len(await level.reaching(2)) == 1

    run(story)
