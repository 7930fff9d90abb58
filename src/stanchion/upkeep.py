"""What an agent keeps up to date on its own host while everything changes around it.

- The members of etcd: as they come and go, this agent uses those that vote, and writes them into its settings, so that
  it finds the store again after its own restart whoever has left meanwhile. A member of this host that is in step with
  the others is given its vote.
- This host's certificate: renewed by itself a month before it expires. Until that succeeds the journal warns.
- The list of certificates that are accepted no more.

Nothing here is urgent and nothing may hurt: a chore that fails is told once and tried again. No chore is ever in the
way of a lease.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import structlog

from stanchion.config import AgentConfig, load, write
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Node
from stanchion.model.errors import StanchionError
from stanchion.model.history import Entry
from stanchion.model.ids import NodeName
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.model.trust import Member
from stanchion.ports import Issuer
from stanchion.store.etcd import EtcdStore
from stanchion.store.etcd_members import EtcdMembers
from stanchion.trust import papers
from stanchion.trust.papers import Papers

RENEW_BEFORE_S = 30 * 86_400.0
"""How long before its end a certificate is renewed."""
LOOK_S = 5.0
"""How often to look whether anything is to be done."""
SOON_S = 0.5
"""How often while a member of etcd is about to come, and before the cluster is seen at all."""

log = structlog.get_logger(__name__)


class Upkeep:
    """The chores of one agent in a cluster of hosts. ``settings`` is the file that ``config`` was read from."""

    def __init__(self, settings: Path, config: AgentConfig, *, store: EtcdStore, members: EtcdMembers, issuer: Issuer,
                 view: Callable[[], ClusterView]) -> None:
        self._settings = settings
        self._config = config
        self._store = store
        self._members = members
        self._issuer = issuer
        self._view = view
        self._papers = Papers(settings.parent)
        self._told: dict[str, str] = {}
        self._coming = False

    async def run(self) -> None:
        """Do the chores, for ever."""
        while True:
            view = self._view()
            if view.authority is not None:
                await self._chore("the members of etcd", self._follow_members, view)
                await self._chore("the list of revoked certificates", self._note_revocations, view)
                await self._chore("the certificate", self._renew, view)
            await asyncio.sleep(SOON_S if view.authority is None or self._coming else LOOK_S)

    async def _chore(self, what: str, work: Callable[[ClusterView], Awaitable[None]], view: ClusterView) -> None:
        try:
            await work(view)
        except StanchionError as problem:
            if self._told.get(what) != str(problem):
                log.warning("something cannot be kept up to date now", what=what, problem=str(problem))
            self._told[what] = str(problem)
        else:
            self._told.pop(what, None)

    async def _follow_members(self, view: ClusterView) -> None:
        """Use the members that vote; only where the cluster makes them itself, others are the operator's affair."""
        if not any(held.value.etcd for held in view.nodes.values()):
            return
        members = await self._members.members()
        self._coming = any(member.learner for member in members)
        await self._promote(view, members)
        voters = tuple(member.url for member in members if member.url and not member.learner)
        if voters and set(voters) != set(self._config.etcd):
            # What stands in the file now, not what was read at the start: somebody may have edited it meanwhile.
            fresh = replace(await asyncio.to_thread(load, self._settings), etcd=voters)
            await asyncio.to_thread(write, fresh, self._settings)
            self._config = replace(self._config, etcd=voters)
            self._store.use(voters)
            log.info("etcd's members changed", members=list(voters))

    async def _promote(self, view: ClusterView, members: tuple[Member, ...]) -> None:
        """Give the member of this host its vote once it is in step."""
        me = view.nodes.get(NodeName(self._config.node))
        mine = next((each for each in members if each.learner and not each.fault and me is not None
                     and each.url == me.value.etcd), None)
        if mine is not None and await self._members.promote(mine):
            log.info("this host's member of etcd has its vote now", member=mine.name)

    async def _note_revocations(self, view: ClusterView) -> None:
        assert view.authority is not None
        known = await asyncio.to_thread(papers.revoked, self._papers.revoked)
        if known != frozenset(view.authority.value.revoked):
            text = await asyncio.to_thread(self._issuer.revocations, view.authority.value)
            await asyncio.to_thread(papers.replace_file, self._papers.revoked, text)
            log.info("certificates are accepted no more", serials=sorted(view.authority.value.revoked))

    async def _renew(self, view: ClusterView) -> None:
        """Renew this host's certificate when it is time, and see to it that the cluster knows until when it is good."""
        assert view.authority is not None
        held = view.nodes.get(NodeName(self._config.node))
        if held is None:
            return
        paper = await asyncio.to_thread(papers.read_file, self._papers.cert)
        if paper.not_after_s - time.time() < RENEW_BEFORE_S:
            asked = await asyncio.to_thread(papers.request, self._papers.key, held.value.name)
            text, paper = await asyncio.to_thread(self._issuer.issue, view.authority.value, asked, held.value.name,
                                                  self._config.address)
            await asyncio.to_thread(papers.replace_file, self._papers.cert, text)
            log.info("this host's certificate was renewed", serial=paper.serial)
        if (paper.serial, paper.not_after_s) != (held.value.serial, held.value.trusted_until_s):
            await self._record(held, paper.serial, paper.not_after_s)

    async def _record(self, held: Held[Node], serial: str, until_s: float) -> None:
        node = held.value
        until = time.strftime("%Y-%m-%d", time.gmtime(until_s))
        entry = Entry(at_s=time.time(), reason=reason(Why.NODE_CERTIFIED, node.name, until), by=node.name,
                      node=node.name)
        await self._store.commit(Transaction(
            guards=(Guard(Key(Kind.NODE, node.name), held.revision),),
            puts=(Put(replace(node, serial=serial, trusted_until_s=until_s)),), history=(entry,)))
