"""Following the store: one snapshot, then every change in order, and a new snapshot after any gap.

The follower never gives up: while the store does not answer, the last view stands, which is what every decision then
rests on; its guards make sure that nothing is written on a view that is too old.
"""

import asyncio
from collections.abc import Callable

import structlog

from stanchion.model.cluster import ClusterView
from stanchion.model.errors import StoreUnavailable
from stanchion.ports import Resync, Store

RETRY_S = 0.3

log = structlog.get_logger(__name__)


async def read(store: Store) -> ClusterView:
    """Give the view of one snapshot. Raises ``StoreUnavailable``."""
    snapshot = await store.snapshot()
    return ClusterView().apply(snapshot.changes, snapshot.revision)


async def follow(store: Store, seen: Callable[[ClusterView], None]) -> None:
    """Call ``seen`` with every view, for ever."""
    while True:
        try:
            await _once(store, seen)
        except StoreUnavailable as problem:
            log.warning("the store does not answer", problem=str(problem))
            await asyncio.sleep(RETRY_S)


async def _once(store: Store, seen: Callable[[ClusterView], None]) -> None:
    """Follow until a gap."""
    view = await read(store)
    seen(view)
    async for news in store.watch(view.revision):
        if isinstance(news, Resync):
            return
        view = view.apply(news.changes, news.revision)
        seen(view)
