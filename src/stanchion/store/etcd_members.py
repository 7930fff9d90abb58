"""The members of the etcd that holds the store: who they are, how they are, and how one comes or goes.

A member comes as a *learner*: it follows the log and has no vote, so adding it endangers nothing. Once it is in step it
is promoted. A change is refused while any other member is not well: with three members of which one is dead, a fourth
vote would make the next failure the end of the store. etcd keeps a similar check of its own; ours names the member.

Each member is asked for its health on a connection of its own, all at once, so a hung one costs ``HEALTH_S`` in all.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from stanchion.model.errors import InvalidInput, NotFound, NotNow, StoreError, StoreUnusable
from stanchion.model.trust import Member
from stanchion.store._rpc import etcd_pb2 as pb
from stanchion.store.etcd_tls import EtcdTls
from stanchion.store.etcd_wire import Endpoint, Fault, Line, Refused, Wire

BUDGET_S = 6.0
HEALTH_S = 2.0
_BEHIND = "can only promote a learner member which is in sync with leader"
_QUORUM = ("unhealthy cluster", "re-configuration failed", "not enough started members")


class EtcdMembers:
    """The members, asked through what ``endpoints`` gives. The methods raise ``StoreError``, and what they say."""

    def __init__(self, endpoints: Callable[[], Sequence[str]], *, tls: EtcdTls | None = None,
                 user: tuple[str, str] | None = None) -> None:
        self._endpoints = endpoints
        self._tls = tls
        self._user = user

    async def members(self) -> tuple[Member, ...]:
        """List the members by name, each with its health as it answers now."""
        answer: pb.MemberListResponse = await self._call(lambda line: line.cluster.MemberList, pb.MemberListRequest())
        found = await asyncio.gather(*map(self._seen, answer.members))
        return tuple(sorted(found, key=lambda member: (member.name or "~", member.peer)))

    async def add(self, peer: str, url: str) -> str:
        """Add a learner that answers its peers at ``peer`` and will answer clients at ``url``; give its number.

        One that was added already is taken up again. Raises ``NotNow`` while another member is not well.
        """
        members = await self.members()
        mine = next((member for member in members if member.peer == peer), None)
        if mine is not None:
            return mine.id
        self._all_well(members, f"a member at {url} cannot be added")
        try:
            answer: pb.MemberAddResponse = await self._call(
                lambda line: line.cluster.MemberAdd, pb.MemberAddRequest(peerURLs=[peer], isLearner=True),
                repeatable=False)
        except (StoreError, Refused) as fault:
            raise _sense(fault, f"a member at {url} cannot be added") from None
        return _number(answer.member.ID)

    async def promote(self, member: Member) -> bool:
        """Give a learner its vote; False: it is not in step yet. Raises ``NotNow`` while another is not well."""
        self._all_well([each for each in await self.members() if each.id != member.id],
                       f"the member {member.name} cannot be given its vote")
        try:
            await self._call(lambda line: line.cluster.MemberPromote, pb.MemberPromoteRequest(ID=int(member.id, 16)),
                             repeatable=False)
        except (StoreError, Refused) as fault:
            if _BEHIND in str(fault):
                return False
            if "not a learner" in str(fault):
                return True
            raise _sense(fault, f"the member {member.name} cannot be given its vote") from None
        return True

    async def remove(self, member: Member) -> None:
        """Take a member out for good. Raises ``NotNow`` where those that stay would be no majority of well ones."""
        others = [each for each in await self.members() if each.id != member.id and not each.learner]
        well = [each for each in others if not each.fault]
        if not others:
            raise NotNow(f"{member.name} is the only member of etcd: without it there is no store")
        if len(well) <= len(others) // 2:
            raise NotNow(f"the member {member.name} cannot be removed: {_ill(others)}; bring that back first")
        try:
            await self._call(lambda line: line.cluster.MemberRemove, pb.MemberRemoveRequest(ID=int(member.id, 16)),
                             repeatable=False)
        except (StoreError, Refused) as fault:
            if "member not found" in str(fault):
                raise NotFound(f"etcd has no member {member.name} any more") from None
            raise _sense(fault, f"the member {member.name} cannot be removed") from None

    async def initial(self, name: str, peer: str) -> str:
        """Give what a member that starts for the first time must be told of all members (``--initial-cluster``)."""
        return ",".join(f"{name if member.peer == peer else member.name}={member.peer}"
                        for member in await self.members())

    async def _call(self, method: Callable[[Line], Any], request: Any, *, repeatable: bool = True) -> Any:
        wire = Wire(self._endpoints(), tls=self._tls, user=self._user, budget_s=BUDGET_S)
        try:
            return await wire.call(method, request, repeatable=repeatable)
        finally:
            wire.close()

    async def _seen(self, member: pb.Member) -> Member:
        """Ask one member how it is."""
        url = member.clientURLs[0] if member.clientURLs else ""
        seen = Member(id=_number(member.ID), name=member.name, url=url, peer=member.peerURLs[0],
                      learner=member.isLearner, fault="it has not started yet")
        if not url:
            return seen
        try:
            line = Line(Endpoint.parse(url), self._tls or EtcdTls())
        except (InvalidInput, StoreError) as fault:
            return _with(seen, fault=str(fault))
        try:
            async with asyncio.timeout(HEALTH_S):
                await line.connect(HEALTH_S)
                answer = await line.maintenance.Status(pb.StatusRequest())
        except TimeoutError:
            return _with(seen, fault=f"no answer within {HEALTH_S:g} s")
        except Fault as fault:
            return _with(seen, fault=fault.words)
        except (GRPCError, StreamTerminatedError, ProtocolError, OSError, AttributeError) as fault:
            return _with(seen, fault=getattr(fault, "message", None) or "the connection broke")
        finally:
            line.close()
        alarm = "; ".join(answer.errors) or ("" if answer.leader else "it knows no leader")
        return _with(seen, fault=alarm, version=answer.version, leader=answer.leader == answer.header.member_id)

    @staticmethod
    def _all_well(members: Sequence[Member], otherwise: str) -> None:
        if any(member.fault for member in members):
            raise NotNow(f"{otherwise}: {_ill(members)}; bring that back first, or remove its node")


def _ill(members: Sequence[Member]) -> str:
    return ", ".join(f"the member {member.name or member.peer} is not well ({member.fault})"
                     for member in members if member.fault)


def _with(member: Member, *, fault: str, version: str = "", leader: bool = False) -> Member:
    return Member(id=member.id, name=member.name, url=member.url, peer=member.peer, learner=member.learner,
                  fault=fault, version=version, leader=leader)


def _sense(fault: StoreError | Refused, otherwise: str) -> NotNow | StoreError:
    """Say what etcd's refusal of a change means. What it refuses for its majority's sake, it has not begun."""
    words = str(fault)
    if "too many learner" in words:
        return NotNow(f"{otherwise}: another one was added and has no vote yet; start its host's etcd and agent first")
    if any(each in words for each in _QUORUM):
        return NotNow(f"{otherwise}: etcd is not sure of its majority yet; look at `stanchion etcd members`")
    return StoreUnusable(f"etcd refuses: {fault}") if isinstance(fault, Refused) else fault


def _number(member: int) -> str:
    return f"{member:016x}"
