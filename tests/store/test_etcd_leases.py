"""Leases over etcd: they end on time, never early, and completely."""

import asyncio
from contextlib import suppress

import pytest
from etcd_servers import Servers, needs_etcd
from etcd_stories import Follower, cluster, patiently
from store_benches import Listener, node, put

from stanchion.model.errors import StoreUnavailable
from stanchion.model.ids import LeaseId
from stanchion.model.transaction import Put, Transaction
from stanchion.ports import Resync
from stanchion.store._rpc import etcd_pb2 as pb
from stanchion.store.etcd import EtcdStore
from stanchion.store.etcd_keys import Keys, number_of
from stanchion.store.etcd_lease import STONE

pytestmark = needs_etcd


@pytest.mark.slow
async def test_a_lease_that_is_renewed_outlives_a_leader_that_was_paused_and_goes_on(three_victims: Servers) -> None:
    """With leases of etcd 3.4.23 itself this fails: its old leader wakes up and has leases revoked that live."""
    servers, stopped = three_victims, asyncio.Event()
    async with cluster(servers, "paused") as client:
        leader = await servers.leader()
        others = [url for url in servers.urls if url != leader.url]
        store = client(*others)
        leases = [await store.grant(4.0) for _ in range(5)]
        for lease in leases:
            await store.commit(Transaction(puts=(Put(node(f"n{lease}"), lease),)))
        follower = Follower(client(*servers.urls))

        async def keep(lease: LeaseId) -> None:
            while not stopped.is_set():
                with suppress(StoreUnavailable):
                    assert await store.renew(lease)
                await asyncio.sleep(0.2)

        keeping = asyncio.gather(*map(keep, leases))
        leader.stop()
        await asyncio.sleep(5.5)
        leader.go_on()
        await asyncio.sleep(2.0)
        stopped.set()
        await keeping
        done = await patiently(store, put(node("last")))
        assert len((await follower.reaching(done.revision)).nodes) == len(leases) + 1
        follower.task.cancel()


async def test_a_lease_ends_though_the_client_that_ended_it_died_halfway(one_member: Servers) -> None:
    async with cluster(one_member, "halfway") as client:
        store = client()
        lease = await store.grant(60.0)
        await store.commit(Transaction(puts=(Put(node("a"), lease),)))
        keys = Keys("halfway")
        beat, stone = keys.beat(number_of(lease)), pb.RequestOp(request_put=pb.PutRequest(
            key=keys.beat(number_of(lease)) + STONE, value=b"{}", lease=number_of(lease)))
        gone = pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=beat))
        await one_member.ask(lambda line: line.kv.Txn, pb.TxnRequest(success=[gone, stone]))
        assert not await store.renew(lease)
        while (await store.snapshot()).changes:
            await asyncio.sleep(0.05)


async def test_old_revisions_are_compacted(one_member: Servers) -> None:
    async with cluster(one_member, "old") as client:
        store = EtcdStore(one_member.urls, "old", compact_s=0.2)
        begun = (await store.snapshot()).revision
        lease = await store.grant(60.0)
        heard: list[object] = []
        while heard != [Resync()]:
            assert await store.renew(lease)
            listener = Listener(client(), begun)
            await store.commit(put(node("a")))
            await listener.begun()
            listener.task.cancel()
            heard = listener.heard
        await store.close()
