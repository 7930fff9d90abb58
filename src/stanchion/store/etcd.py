"""The cluster's store: etcd v3, one key for each record, through a client of our own.

Why our own: no published asyncio client keeps all that an agent's life depends on (docs/decisions/0004). What this one
survives, and how, is told where it happens: ``etcd_wire`` (calls end in time, members that hang are left, unknown
writes are never repeated), ``etcd_watch`` (a watch never idles while the cluster moves on), ``etcd_keys`` (keys,
revisions, the order of history), ``etcd_lease`` (leases that never end early), ``etcd_tls`` (who we are to each other).

*Unknown writes.* A transaction that was sent and not answered is looked for afterwards by its first history entry,
whose key is unique: if it stands, the transaction took place and we know its revision. If it does not, or there was no
entry, the caller is told that nobody knows, and reads again.
"""

import json
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import count, groupby

from stanchion.model.cluster import Change, Held, Kind, Record
from stanchion.model.errors import AlreadyExists, InvalidInput, StoreUnavailable, StoreUnusable
from stanchion.model.ids import NOTHING, LeaseId, Revision
from stanchion.model.transaction import Committed, Conflict, Transaction
from stanchion.ports import Batch, Resync, Snapshot
from stanchion.store._rpc import etcd_pb2 as pb
from stanchion.store.etcd_keys import MAX_OPERATIONS, Keys, beyond, conflict
from stanchion.store.etcd_lease import Leases
from stanchion.store.etcd_tls import EtcdTls
from stanchion.store.etcd_watch import Gap, responses
from stanchion.store.etcd_wire import Line, Refused, Unknown, Wire

BUDGET_S = 2.0
"""How long a call may take; within the shortest time until a halt."""
COMPACT_S = 300.0
PAGE = 500
SCHEMA = 1
"""The version of how clusters are laid out in etcd; stands in the mark."""


class EtcdStore:
    """The store of one cluster in an etcd. Connects when it is first used; nothing is read or checked before that.

    ``endpoints`` are URLs of members; ``user`` is a name and a password, where etcd asks for them. Of
    etcd's history of revisions ``compact_s`` to twice that stays. Raises ``InvalidInput`` for endpoints that are none;
    the methods raise as the port says.
    """

    def __init__(self, endpoints: Sequence[str], cluster: str, *, tls: EtcdTls | None = None,
                 user: tuple[str, str] | None = None, budget_s: float = BUDGET_S, compact_s: float = COMPACT_S) -> None:
        self.cluster = cluster
        self._keys = Keys(cluster)
        self._wire = Wire(endpoints, tls=tls, user=user, budget_s=budget_s)
        self._leases = Leases(self._wire, self._keys, compact_s=compact_s)
        self._mark: bytes | None = None
        self._writer = secrets.token_hex(4)
        self._serial = count(1)
        self._closed = False
        self._watching: set[Line] = set()

    @classmethod
    async def create(cls, endpoints: Sequence[str], cluster: str, *, tls: EtcdTls | None = None,
                     user: tuple[str, str] | None = None, budget_s: float = BUDGET_S) -> None:
        """Found a cluster in an etcd. Raises ``AlreadyExists``, ``InvalidInput`` or ``StoreError``."""
        if not cluster or "/" in cluster:
            raise InvalidInput(f"{cluster!r} cannot be a cluster's name: it must not be empty or hold a slash")
        mark = json.dumps({"v": SCHEMA, "d": {"id": secrets.token_hex(8)}}).encode()
        store = cls(endpoints, cluster, tls=tls, user=user, budget_s=budget_s)
        try:
            answer = await store._wire.call(lambda line: line.kv.Txn, store._keys.founding(mark), repeatable=False)
            founded = answer.succeeded
        except Unknown:
            founded = await store._marked() == mark
        finally:
            await store.close()
        if not founded:
            raise AlreadyExists(f"this etcd holds a cluster {cluster} already: join it, or choose another name; one "
                                f"that nobody uses is removed by `etcdctl del --prefix /stanchion/{cluster}/`")

    async def open(self) -> None:
        """Connect and check that the cluster is here; the other methods do it as well. Raises ``StoreError``."""
        await self._ready()

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The members that this client uses."""
        return tuple(endpoint.url for endpoint in self._wire.endpoints)

    def use(self, endpoints: Sequence[str]) -> None:
        """Use these members from now on, without a break. Raises ``InvalidInput`` for endpoints that are none."""
        self._wire.use(endpoints)

    async def snapshot(self) -> Snapshot:
        """Read everything but history and runs, at one revision."""
        await self._ready()
        for _ in range(3):
            try:
                return await self._read_all()
            except Refused:  # compacted while we were reading
                continue
        raise StoreUnavailable("etcd is compacted faster than it can be read")

    async def commit(self, transaction: Transaction) -> Committed | Conflict:
        """Write all of it if every guard holds, else nothing."""
        mark = await self._ready()
        unique = f"{self._wire.same.revision:016d}.{self._writer}.{next(self._serial)}"
        request = self._keys.request(transaction, mark=mark, unique=unique)
        try:
            answer = await self._wire.call(lambda line: line.kv.Txn, request, repeatable=not request.success)
        except Refused as refusal:
            raise StoreUnusable(f"etcd refuses a transaction: {refusal}") from None
        except Unknown:
            entry = self._keys.entry(unique, 0)
            found = (await self._range(pb.RangeRequest(key=entry))).kvs if transaction.history else ()
            if not found:
                raise
            return Committed(Revision(found[0].mod_revision))
        if answer.succeeded:
            return Committed(Revision(answer.header.revision))
        failed = conflict(transaction, answer)
        if failed is None:
            raise self._replaced()
        if isinstance(failed, Conflict):
            return failed
        found = (await self._range(pb.RangeRequest(key=self._keys.path(failed)))).kvs
        return Conflict(failed, Revision(found[0].mod_revision) if found else NOTHING)

    async def records(self, kind: Kind, *, after: str = "", prefix: str = "", limit: int = 500,
                      newest_first: bool = False) -> list[tuple[str, Held[Record]]]:
        """List records of a kind by name; with ``newest_first`` from the last name down."""
        await self._ready()
        head, tail = self._keys.frame(kind)
        if kind is Kind.HISTORY:
            named = await self._entries(head, after, limit, newest_first=newest_first)
        elif tail or not head.endswith(b"/"):
            named = self._keys.named(kind, (await self._range(_under(head))).kvs)
        else:
            request = _under(head + prefix.encode())
            if after and newest_first:
                request.range_end = min(request.range_end, head + after.encode())
            elif after:
                request.key = max(request.key, head + after.encode() + b"\0")
            request.limit = limit
            request.sort_order = pb.RangeRequest.DESCEND if newest_first else pb.RangeRequest.ASCEND
            return self._keys.named(kind, (await self._range(request)).kvs)
        wanted = [(name, held) for name, held in named if name.startswith(prefix)
                  and (not after or (name < after if newest_first else name > after))]
        return sorted(wanted, key=lambda each: each[0], reverse=newest_first)[:limit]

    async def trim(self, kind: Kind, *, prefix: str = "", keep: int) -> int:
        """Delete the oldest records of a kind but ``keep``; give how many went.

        Many go in several transactions; where somebody else trims at the same time, the rest is left to him.
        """
        await self._ready()
        request = _under(self._keys.frame(kind)[0] + prefix.encode())
        request.keys_only = True
        pairs = [pair for pair in (await self._range(request)).kvs
                 if not self._keys.inner(pair.key) and self._keys.key(pair.key).kind is kind]
        pairs.sort(key=lambda pair: (pair.mod_revision, pair.key), reverse=True)
        old, gone = pairs[keep:], 0
        while gone < len(old):
            some = old[gone:gone + MAX_OPERATIONS]
            answer = await self._wire.call(lambda line: line.kv.Txn, self._keys.trimming(some), repeatable=False)
            if not answer.succeeded:
                break
            gone += len(some)
        return gone

    async def grant(self, ttl_s: float) -> LeaseId:
        """Begin a lease of that many seconds."""
        await self._ready()
        return await self._leases.grant(ttl_s)

    async def renew(self, lease: LeaseId) -> bool:
        """Begin the lease's time anew; False: it has ended."""
        await self._ready()
        return await self._leases.renew(lease)

    async def revoke(self, lease: LeaseId) -> None:
        """End a lease and delete every record put with it."""
        await self._ready()
        await self._leases.revoke(lease)

    async def watch(self, after: Revision) -> AsyncGenerator[Batch | Resync, None]:
        """Deliver every batch beyond that revision; ends after ``Resync``, and when the store is closed.

        Revisions that wrote only history or runs are empty batches; renewals, and what others write into the same
        etcd, are left out.
        """
        if self._closed:
            return
        line = self._wire.stream_line()
        self._watching.add(line)
        try:
            await self._ready()
            self._leases.sweep()
            await self._wire.connect(line)
            async with aclosing(self._batches(line, after)) as batches:
                async for batch in batches:
                    yield batch
        except StoreUnavailable:
            if not self._closed:
                raise
        except Gap:
            if not self._closed:
                self._wire.leave_member(line.endpoint)
                yield Resync()
        finally:
            self._watching.discard(line)
            line.close()

    async def close(self) -> None:
        """Hang up; watches end, leases live on. Closing again does nothing."""
        self._closed = True
        await self._leases.close()
        self._wire.close()
        for line in self._watching:
            line.close()

    async def _ready(self) -> bytes:
        """Give the cluster's mark; read it the first time."""
        if self._mark is None:
            self._mark = _usable(await self._marked(), self.cluster)
        return self._mark

    async def _marked(self) -> bytes | None:
        found = (await self._range(pb.RangeRequest(key=self._keys.mark))).kvs
        return found[0].value if found else None

    async def _range(self, request: pb.RangeRequest) -> pb.RangeResponse:
        return await self._wire.call(lambda line: line.kv.Range, request)

    async def _read_all(self) -> Snapshot:
        """Read page by page at the revision of the first page. Raises ``Refused`` when that was compacted.

        Each page is decoded before the next one is asked for: an agent that reads a large cluster must come round
        meanwhile, to renew its lease.
        """
        revision, mark = 0, b""
        changes: list[Change] = []
        for start, end in self._keys.watched:
            key, more = start, True
            while more:
                page = await self._range(pb.RangeRequest(key=key, range_end=end, limit=PAGE, revision=revision))
                revision, more = revision or page.header.revision, page.more
                changes += self._keys.changes(page.kvs)
                mark = next((pair.value for pair in page.kvs if pair.key == self._keys.mark), mark)
                key = page.kvs[-1].key + b"\0" if page.kvs else end
        if mark != self._mark:
            raise self._replaced()
        changes.sort(key=lambda change: change.key)
        return Snapshot(revision=Revision(revision), changes=tuple(changes))

    async def _entries(self, head: bytes, after: str, limit: int, *,
                       newest_first: bool) -> list[tuple[str, Held[Record]]]:
        """Read history in the order of revisions, from the revision of ``after`` on.

        etcd orders by revision, but in any order within one. So we ask for more: what one transaction may hold for
        the revision at the page's begin, of which some was read already, and as much for the one at its end, of
        which we drop all, because some of it may be missing.
        """
        request = _under(head)
        request.limit = limit + 2 * MAX_OPERATIONS
        request.sort_target = pb.RangeRequest.MOD
        request.sort_order = pb.RangeRequest.DESCEND if newest_first else pb.RangeRequest.ASCEND
        begin = int(after[:16]) if after[:16].isdecimal() else 0
        if newest_first:
            request.max_mod_revision = begin
        else:
            request.min_mod_revision = begin
        pairs = list((await self._range(request)).kvs)
        if len(pairs) == request.limit:
            pairs = [pair for pair in pairs if pair.mod_revision != pairs[-1].mod_revision]
        return self._keys.named(Kind.HISTORY, pairs)

    async def _batches(self, line: Line, after: int) -> AsyncGenerator[Batch, None]:
        """Follow one stream. Raises ``Gap``."""
        heard = responses(line, self._wire.words(), *self._keys.everything, after)
        async with aclosing(heard):
            async for response in heard:
                if foreign := self._wire.same.foreign(response):
                    raise Gap(foreign)
                if response.canceled:
                    raise Gap(response.cancel_reason or f"compacted up to {response.compact_revision}")
                if response.created and response.header.revision < after and not await self._reached(after):
                    raise Gap("this etcd never had that revision: it was restored from a backup, or is another one")
                for revision, group in groupby(response.events, key=lambda event: event.kv.mod_revision):
                    events = [event for event in group if not self._keys.inner(event.kv.key)]
                    if revision > after and events:
                        yield Batch(Revision(revision), self._keys.happened(events))
                    after = max(after, revision)

    async def _reached(self, revision: int) -> bool:
        """Whether etcd has come to that revision; a member may just be behind, so it is asked as a whole."""
        return (await self._range(pb.RangeRequest(key=self._keys.mark, count_only=True))).header.revision >= revision

    def _replaced(self) -> StoreUnusable:
        return StoreUnusable(f"the cluster {self.cluster} was deleted from etcd or founded anew while in use: restore "
                             "etcd from a backup, or restart the agent to use what is there now")


def _under(prefix: bytes) -> pb.RangeRequest:
    """Ask for all keys that begin with the prefix."""
    return pb.RangeRequest(key=prefix, range_end=beyond(prefix))


def _usable(mark: bytes | None, cluster: str) -> bytes:
    """Give a cluster's mark. Raises ``StoreError`` where there is none, or nobody may use what is there."""
    if mark is None:
        raise StoreUnusable(f"this etcd holds no cluster {cluster}: correct the name, or run `stanchion init` to found "
                            "it")
    told = json.loads(mark)
    if told["d"].get("moving"):
        raise StoreUnavailable(f"the cluster {cluster} is being moved into this etcd; wait until that has ended, or "
                               "repeat `stanchion store move` if it broke off")
    if told["v"] > SCHEMA:
        raise StoreUnusable(f"the cluster {cluster} was founded by a newer version of Stanchion: upgrade this node; "
                            "nothing was changed")
    return mark
