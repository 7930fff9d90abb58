"""Routes and rules about the members of etcd, and what a node that is removed takes along: its vote and its papers."""

from dataclasses import replace
from http import HTTPStatus

from fastapi import APIRouter

from stanchion.api.contract import also
from stanchion.api.services import Here, Services
from stanchion.model.cluster import ClusterView, Key, Kind
from stanchion.model.errors import NotNow
from stanchion.model.ids import NodeName
from stanchion.model.transaction import Guard, Put
from stanchion.model.trust import Member
from stanchion.wire import joining

router = APIRouter(prefix="/etcd-members", tags=["cluster"])


@router.get("", responses=also(HTTPStatus.CONFLICT))
async def members(here: Here) -> joining.EtcdMemberList:
    """List the members of the etcd that holds the store, each with its health as it answers now."""
    if here.ballot is None:
        raise NotNow("the store of this cluster is a file on one machine; it has no members")
    found, homes = await here.ballot.members(), _homes(here.view())
    voters = [member for member in found if not member.learner]
    needed = len(voters) // 2 + 1
    return joining.EtcdMemberList(
        members=tuple(_told(member, homes) for member in found), needed=needed,
        spare=max(sum(1 for member in voters if not member.fault) - needed, 0))


async def expel(here: Services, name: NodeName) -> None:
    """Take the member of etcd that was made for a node out, if there is one. Raises ``NotNow``, ``StoreError``."""
    known = here.view().nodes.get(name)
    if here.ballot is None or known is None or not known.value.etcd:
        return
    for member in await here.ballot.members():
        if member.name == name:
            await here.ballot.remove(member)


def revocation(view: ClusterView, name: NodeName) -> tuple[tuple[Guard, ...], tuple[Put, ...]]:
    """Give what a transaction that removes a node needs besides, so that its certificate is accepted no more."""
    known, authority = view.nodes.get(name), view.authority
    if known is None or authority is None or not known.value.serial:
        return (), ()
    revoked = (*authority.value.revoked, known.value.serial)
    return ((Guard(Key(Kind.AUTHORITY), authority.revision),),
            (Put(replace(authority.value, revoked=tuple(dict.fromkeys(revoked)))),))


def _homes(view: ClusterView) -> dict[str, str]:
    """Give the nodes that members of etcd were made for, by the members' names."""
    return {name: name for name, held in view.nodes.items() if held.value.etcd}


def _told(of: Member, homes: dict[str, str]) -> joining.EtcdMemberInfo:
    return joining.EtcdMemberInfo(
        id=of.id, name=of.name, node=homes.get(of.name), url=of.url, peer=of.peer, fault=of.fault or None,
        role="learner" if of.learner else "leader" if of.leader else "voter", version=of.version)
