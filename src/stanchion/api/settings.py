"""Routes for what holds for the whole cluster: its settings, its groups, and the order in which resources load."""

from http import HTTPStatus

from fastapi import APIRouter, Response, status

from stanchion.api import revisions, ruling
from stanchion.api.contract import also
from stanchion.api.parameters import GroupNamed
from stanchion.api.revisions import IfMatch
from stanchion.api.services import By, Here
from stanchion.model.cluster import ClusterView
from stanchion.model.groups import Group
from stanchion.model.timing import TIMINGS
from stanchion.wire import replies
from stanchion.wire import ruling as wire

router = APIRouter(tags=["settings"])


@router.get("/settings", responses=also(HTTPStatus.CONFLICT))
async def show(here: Here, response: Response) -> wire.SettingsInfo:
    """Tell the settings of the cluster, and which nodes still live by the timers of another profile."""
    told = _told(here.view())
    revisions.mark(response, told.revision)
    return told


@router.patch("/settings")
async def edit(here: Here, by: By, change: wire.SettingsChange, if_match: IfMatch = None) -> wire.SettingsInfo:
    """Change the settings of the cluster; what is left out stays.

    A new profile counts for sessions that are opened from now on: a node takes it when it joins anew.
    """
    await ruling.save_settings(here, change, revisions.seen(if_match), by)
    return _told(here.view())


@router.get("/groups", responses=also(HTTPStatus.CONFLICT))
async def groups(here: Here, response: Response) -> wire.GroupList:
    """List the groups of resources that are kept together or apart."""
    told = _groups(here.view())
    revisions.mark(response, told.revision)
    return told


@router.put("/groups/{name}")
async def save_group(here: Here, by: By, name: GroupNamed, change: wire.GroupChange,
                     if_match: IfMatch = None) -> wire.GroupList:
    """Make a group, or change it."""
    warnings = await ruling.save_group(here, name, change, revisions.seen(if_match), by)
    return _groups(here.view(), warnings)


@router.delete("/groups/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_group(here: Here, by: By, name: GroupNamed, if_match: IfMatch = None) -> None:
    """Delete a group. Its members stay where they are."""
    await ruling.delete_group(here, name, revisions.seen(if_match), by)


@router.get("/priorities")
async def priorities(here: Here, response: Response) -> wire.PriorityList:
    """List all resources in the order in which they load."""
    told = _priorities(here.view())
    revisions.mark(response, told.revision)
    return told


@router.put("/priorities")
async def save_priorities(here: Here, by: By, order: wire.PriorityOrder, if_match: IfMatch = None) -> wire.PriorityList:
    """Let the named resources load first, in this order; with none named, make all equal."""
    await ruling.save_priorities(here, order.resources, revisions.seen(if_match), by)
    return _priorities(here.view())


def _told(view: ClusterView) -> wire.SettingsInfo:
    held = ruling.present(view)
    of = held.value
    other = (node for node in sorted(view.live) if node in view.sessions
             and view.sessions[node].value.timing != TIMINGS[of.profile])
    return wire.SettingsInfo(
        cluster=of.cluster, profile=of.profile, other_timers=tuple(other), quorum_nodes=of.quorum_nodes,
        quorum_timeout_s=of.quorum_timeout_s, history_kept=of.history_kept,
        shutdown=of.shutdown, survives=of.survives, admission=of.admission, balance=of.balance,
        groups=tuple(map(_group, of.groups)), revision=held.revision, saved_by=of.saved_by,
        saved_at=replies.instant(of.saved_at_s))


def _groups(view: ClusterView, warnings: tuple[str, ...] = ()) -> wire.GroupList:
    held = ruling.present(view)
    return wire.GroupList(groups=tuple(map(_group, held.value.groups)), revision=held.revision, warnings=warnings)


def _group(of: Group) -> wire.GroupInfo:
    return wire.GroupInfo(name=of.name, bond=of.bond, members=of.members)


def _priorities(view: ClusterView) -> wire.PriorityList:
    return wire.PriorityList(revision=ruling.revision_of(view), resources=tuple(
        wire.PriorityInfo(resource=name, priority=view.specs[name].value.policies.priority)
        for name in ruling.by_priority(view)))
