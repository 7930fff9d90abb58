"""Arriving in etcd with all that was in another store, so that nothing refers to what is not there any more.

Revisions are more than numbers: operations are named after them, edits are made from them, the history is ordered by
them. So everything is written in the order of its revisions, and before each write etcd's own revision is brought up to
it (by writing the cluster's mark anew). In an etcd of our own every record stands at exactly the revision that it
had; in one that others write into as well, the order is kept, and no revision is ever given twice.

The mark says that the cluster is *arriving* until all is there. Nobody can use it before; a move that broke off is
begun anew. Leases come last, under the names that they had, and begin their whole time then: late, never early.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby

from stanchion.model.cluster import Kind
from stanchion.model.errors import AlreadyExists, StoreUnusable
from stanchion.model.ids import LeaseId
from stanchion.store import codec
from stanchion.store._rpc import etcd_pb2 as pb
from stanchion.store.etcd import SCHEMA
from stanchion.store.etcd_keys import MAX_OPERATIONS, Keys, number_of
from stanchion.store.etcd_lease import FOREVER_S
from stanchion.store.etcd_tls import EtcdTls
from stanchion.store.etcd_wire import Refused, Wire
from stanchion.store.sqlite_leaving import Contents, Leased, Row

BUDGET_S = 5.0
AT_ONCE = 64
PAGE = 500
TELL = 5000
"""After how many revisions to say how far it has come."""
_NAMES_REVISION = {Kind.STATE: "spec_revision", Kind.BOUND: "revision"}
"""The fields that name the revision of a resource's configuration: it is the same one that is meant afterwards."""


class Arriving:
    """A cluster that is on its way into an etcd. ``say`` is told how far it has come."""

    def __init__(self, endpoints: Sequence[str], cluster: str, *, tls: EtcdTls | None, user: tuple[str, str] | None,
                 say: Callable[[str], None] = lambda _: None) -> None:
        self._wire = Wire(endpoints, tls=tls, user=user, budget_s=BUDGET_S)
        self._keys = Keys(cluster)
        self._cluster = cluster
        self._say = say
        self._id = secrets.token_hex(8)
        self._there: dict[bytes, Row] = {}
        self._became: dict[int, int] = {}

    async def state(self) -> str:
        """Say what is in etcd: ``nothing``, ``arriving``, ``complete`` (only the last word is missing), ``cluster``."""
        start, end = self._keys.everything
        found = (await self._wire.call(lambda line: line.kv.Range, pb.RangeRequest(key=self._keys.mark))).kvs
        if not found:
            any_ = await self._wire.call(lambda line: line.kv.Range, pb.RangeRequest(
                key=start, range_end=end, count_only=True))
            return "cluster" if any_.count else "nothing"
        told = json.loads(found[0].value)["d"]
        self._id = str(told["id"])
        return str(told.get("moving") or "cluster")

    async def begin(self) -> None:
        """Claim the cluster's place; what broke off before is swept away. Raises ``AlreadyExists``: it is taken."""
        state = await self.state()
        if state == "cluster":
            raise AlreadyExists(f"this etcd holds a cluster {self._cluster} already; one that nobody uses is removed "
                                f"by `etcdctl del --prefix /stanchion/{self._cluster}/`")
        start, end = self._keys.everything
        sweep = pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=start, range_end=end))
        if state != "nothing":
            await self._commit([sweep])
        await self._commit([self._mark("arriving")])

    async def carry(self, contents: Contents) -> None:
        """Bring what is new or gone since the last time; leases are left to ``lease``."""
        fresh = [(self._path(row), row) for row in contents.rows]
        todo = [(path, row) for path, row in fresh if self._there.get(path) != row]
        for revision, group in groupby(todo, key=lambda each: each[1].revision):
            await self._advance(revision - 1)
            writes = [_put(path, self._value(row)) for path, row in group]
            for index in range(0, len(writes), MAX_OPERATIONS):
                await self._commit(writes[index:index + MAX_OPERATIONS])
            self._became[revision] = self._wire.same.revision
        await self._advance(contents.revision)
        gone = sorted(self._there.keys() - {path for path, _ in fresh})
        for index in range(0, len(gone), MAX_OPERATIONS):
            await self._commit([pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=path))
                                for path in gone[index:index + MAX_OPERATIONS]])
        self._there = dict(fresh)

    async def lease(self, leases: Sequence[Leased]) -> None:
        """Begin the living leases under the names that they have, with what hangs on them."""
        for lease in leases:
            number = number_of(LeaseId(lease.id))
            with suppress(Refused):  # what an earlier try began, and broke off after
                await self._wire.call(lambda line: line.lease.LeaseRevoke, pb.LeaseRevokeRequest(ID=number))
            await self._wire.call(lambda line: line.lease.LeaseGrant,
                                  pb.LeaseGrantRequest(TTL=FOREVER_S, ID=number), repeatable=False)
            beat = _put(self._keys.beat(number), json.dumps({"v": 1, "d": {"ttl_s": lease.ttl_s}}).encode(), number)
            await self._commit([beat, *(_put(row.key.encode(), row.value.encode(), number) for row in lease.rows)])

    async def check(self, contents: Contents) -> None:
        """Read everything back and compare. Raises ``StoreUnusable``: then nothing may be left behind."""
        wanted = {self._path(row): self._value(row) for row in contents.rows}
        wanted |= {row.key.encode(): row.value.encode() for lease in contents.leases for row in lease.rows}
        found: dict[bytes, bytes] = {}
        start, end = self._keys.everything
        more = True
        while more:
            page = await self._wire.call(lambda line: line.kv.Range, pb.RangeRequest(
                key=start, range_end=end, limit=PAGE))
            found |= {pair.key: pair.value for pair in page.kvs if not self._keys.inner(pair.key)}
            more, start = page.more, (page.kvs[-1].key + b"\0" if page.kvs else end)
        if found != wanted:
            raise StoreUnusable("what arrived in etcd is not what left: does anybody else write below "
                                f"/stanchion/{self._cluster}/ there? Nothing was changed on this side")

    async def complete(self) -> None:
        """Write down that all is there."""
        await self._commit([self._mark("complete")])

    async def open(self) -> None:
        """Let the cluster be used from now on."""
        await self._commit([self._mark("")])

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    async def _advance(self, revision: int) -> None:
        """Bring etcd's revision up to that one."""
        while (now := self._wire.same.revision) < revision:
            count = min(AT_ONCE, revision - now)
            await asyncio.gather(*(self._commit([self._mark("arriving")]) for _ in range(count)))
            if now // TELL != self._wire.same.revision // TELL:
                self._say(f"at revision {self._wire.same.revision}")

    async def _commit(self, writes: Sequence[pb.RequestOp]) -> None:
        await self._wire.call(lambda line: line.kv.Txn, pb.TxnRequest(success=writes), repeatable=False)

    def _mark(self, moving: str) -> pb.RequestOp:
        told = {"id": self._id} | ({"moving": moving} if moving else {})
        return _put(self._keys.mark, json.dumps({"v": SCHEMA, "d": told}).encode())

    def _path(self, row: Row) -> bytes:
        """Give the key in etcd; those of history are made by the store that they stand in."""
        key = codec.key_at(self._cluster, row.key)
        if key.kind is not Kind.HISTORY:
            return row.key.encode()
        return self._keys.entry(f"{row.revision:016d}.moved.0", int(key.name.rpartition("-")[2]))


    def _value(self, row: Row) -> bytes:
        """Give what is to stand there: as it was, but for a revision that it names and that became another one."""
        field = _NAMES_REVISION.get(codec.key_at(self._cluster, row.key).kind)
        if field is None:
            return row.value.encode()
        told = json.loads(row.value)
        now = self._became.get(told["d"].get(field), told["d"].get(field))
        if now == told["d"].get(field):
            return row.value.encode()
        told["d"][field] = now
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _put(path: bytes, value: bytes, lease: int = 0) -> pb.RequestOp:
    return pb.RequestOp(request_put=pb.PutRequest(key=path, value=value, lease=lease))
