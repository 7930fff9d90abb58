"""What the tests of the etcd store need for a story: a cluster with clients, patience, and somebody who follows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from etcd_servers import Servers

from stanchion.agent.follow import follow
from stanchion.model.cluster import ClusterView
from stanchion.model.errors import StoreUnavailable
from stanchion.model.transaction import Committed, Transaction
from stanchion.store.etcd import EtcdStore

DEADLINE_S = 60.0


async def heal(servers: Servers) -> None:
    """Bring back every member that is dead or hangs, and wait until all answer."""
    for member in servers.members:
        member.go_on()
        if member.process is None:
            servers.start(member)
    await servers.ready()


@asynccontextmanager
async def cluster(servers: Servers, name: str) -> AsyncIterator[Callable[..., EtcdStore]]:
    """Found a cluster; lend a maker of clients, which are closed at the end. Afterwards all members are well again."""
    stores: list[EtcdStore] = []

    def client(*urls: str, budget_s: float = 2.0) -> EtcdStore:
        stores.append(EtcdStore(urls or servers.urls, name, budget_s=budget_s))
        return stores[-1]

    async with asyncio.timeout(DEADLINE_S):
        await EtcdStore.create(servers.urls, name, budget_s=10.0)
        try:
            yield client
        finally:
            for store in stores:
                await store.close()
            await heal(servers)


async def patiently(store: EtcdStore, transaction: Transaction) -> Committed:
    """Commit, again and again until the store answers; for transactions that may be repeated."""
    while True:
        try:
            done = await store.commit(transaction)
        except StoreUnavailable:
            await asyncio.sleep(0.05)
        else:
            assert isinstance(done, Committed)
            return done


class Follower:
    """Follows a store as an agent does."""

    def __init__(self, store: EtcdStore) -> None:
        self.view = ClusterView()
        self._news = asyncio.Event()
        self.task = asyncio.create_task(follow(store, self._see))

    def _see(self, view: ClusterView) -> None:
        assert view.revision >= self.view.revision
        self.view = view
        self._news.set()

    async def reaching(self, revision: int) -> ClusterView:
        """Wait for a view of that revision or a later one."""
        while self.view.revision < revision:
            self._news.clear()
            await self._news.wait()
        return self.view
