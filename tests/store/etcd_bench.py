"""The etcd store for the contract tests: every story gets a cluster of its own in servers that many stories share."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from etcd_servers import Servers
from store_benches import Bench

from stanchion.model.ids import Revision
from stanchion.ports import Store
from stanchion.store._rpc import etcd_pb2 as pb
from stanchion.store.etcd import EtcdStore
from stanchion.store.etcd_keys import Keys

_serials = count(1)


class EtcdBench(Bench):
    """Clients of one cluster in a real etcd."""

    lease_s = 1.0
    leases_write = True
    deadline_s = 40.0

    def __init__(self, servers: Servers) -> None:
        super().__init__()
        self.servers = servers
        self.cluster = f"lab{next(_serials)}"

    def _make(self) -> Store:
        return EtcdStore(self.servers.urls, self.cluster, tls=self.servers.tls, budget_s=10.0)

    def run(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run it on the real loop."""
        asyncio.run(self.tell(story))

    async def begin(self) -> None:
        """Found the cluster."""
        await EtcdStore.create(self.servers.urls, self.cluster, tls=self.servers.tls)
        self.base = (await self.client().snapshot()).revision

    async def end(self) -> None:
        """Delete the cluster's keys, so that no lease that ends later makes a revision in another story."""
        await self.servers.delete(*Keys(self.cluster).everything)

    async def pass_time(self, seconds: float) -> None:
        """Wait, which is all that real servers understand."""
        await asyncio.sleep(seconds)

    async def outlast(self, seconds: float) -> None:
        """Wait until no key hangs on a lease."""
        await asyncio.sleep(seconds)
        start, end = Keys(self.cluster).everything
        while any(pair.lease for pair in (await self.servers.ask(
                lambda line: line.kv.Range, pb.RangeRequest(key=start, range_end=end))).kvs):
            await asyncio.sleep(0.02)

    async def forget(self, revision: Revision) -> None:
        """Compact."""
        await self.servers.compact(revision)
