"""Routes that tell about the cluster as a whole: health, one look at everything, and the timers."""

from typing import Annotated

from fastapi import APIRouter, Query

from stanchion.api import telling
from stanchion.api.finding import known_nodes
from stanchion.api.services import Here, Services
from stanchion.wire import replies
from stanchion.wire.bounds import LAST_REVISION

router = APIRouter(tags=["cluster"])

WaitS = Annotated[float, Query(ge=0, le=60, description="how long to wait, in seconds, before answering")]
"""A query parameter: how long a request may wait for news."""


@router.get("/health")
async def health(here: Here) -> replies.HealthInfo:
    """Tell that this agent answers. Needs no token."""
    return replies.HealthInfo(node=here.node, version=here.version)


@router.get("/cluster")
async def cluster(here: Here) -> replies.ClusterInfo:
    """Tell the cluster's name, master, epoch and quorum, as this node sees them."""
    return telling.cluster_info(here.view(), here.node, here.version, store_away=here.store_away())


@router.get("/status")
async def status(
    here: Here,
    after: Annotated[int | None, Query(
        ge=0, le=LAST_REVISION, description="wait for a revision beyond this one")] = None,
    wait_s: WaitS = 20.0,
) -> replies.Status:
    """Tell everything that one look needs. With ``after``, wait for a change first, up to ``wait_s``."""
    if after is not None:
        await here.wait_until(lambda view: view.revision > after, wait_s)
    return status_of(here)


def status_of(here: Services) -> replies.Status:
    """Tell the cluster, its nodes and its resources."""
    view = here.view()
    return replies.Status(
        cluster=telling.cluster_info(view, here.node, here.version, store_away=here.store_away()),
        nodes=tuple(telling.node_info(view, name, here.silent()) for name in known_nodes(view)),
        resources=tuple(
            replies.ResourceInfo(**telling.resource_fields(view, name, here.process_of(name)))
            for name in telling.shown_resources(view)),
    )


@router.get("/timing")
async def timing(here: Here) -> replies.TimingInfo:
    """Tell the timers of the cluster, and the derivation that shows why a failover is safe."""
    return telling.timing_info(here.view())
