"""Leases that never end early, whatever etcd's leader does.

An agent's life hangs on its lease: when it ends, the cluster takes the machines for stopped. So it must not end before
its time, counted from the last renewal that was answered. etcd's own leases can: the leader alone counts their time,
and a leader that was paused and resumed revokes what was renewed at its successor meanwhile (etcd issue 15247; in
3.4.23, which Debian 12 ships, we saw leases end 0.3 s after a renewal). So we count ourselves, and rest on nothing but
etcd's transactions:

- A lease has a key, its *beat*. The owner renews by writing it anew, if it stands: a majority has agreed, or it has not
  been renewed.
- Every client watches the beats. Who has seen one unchanged for the lease's whole time, on his own monotonic clock,
  deletes it, guarded by the revision that he saw. If the owner was faster, nothing happens; a client that was paused
  itself and wakes up with old news cannot do harm. With the beat gone, no renewal can succeed any more.
- An etcd lease that practically never ends keeps the records together that were put with the lease: revoking it
  deletes them all in one revision. In place of the deleted beat a *stone* is put, which tells every client that the
  revoking may be missing, should the first one die in between.

So a lease may end late (nobody watches, etcd is down), never early; and it ends within moments of its time, where
etcd's own take up to a second more.

Renewals are revisions, a million a day and more in a large cluster. So the history of revisions is compacted up to
where it stood some minutes ago, as other programs that live on etcd do; whoever watches from further back is told to
take a new snapshot.
"""

import asyncio
import json
import time
from contextlib import aclosing, suppress
from dataclasses import dataclass

from stanchion.model.errors import StoreError
from stanchion.model.ids import LeaseId
from stanchion.store._rpc import etcd_pb2 as pb
from stanchion.store.etcd_keys import Keys, lease_of, number_of
from stanchion.store.etcd_watch import Gap, responses
from stanchion.store.etcd_wire import Refused, Wire

FOREVER_S = 10 * 365 * 86_400
"""The time of the etcd leases, of which no use is made."""
TICK_S = 0.05
"""How often to look whether a lease has ended."""
STONE_S = 1.0
"""How long to leave the revoking to the client that ended the lease."""
RETRY_S = 0.3
STONE = b".ended"


@dataclass(frozen=True, slots=True)
class _Beat:
    """A beat or a stone as it was last seen: its revision, the time it has, and when we saw it first."""

    revision: int
    ttl_s: float
    seen_s: float


class Leases:
    """One client's part in keeping a cluster's leases. ``compact_s`` is how much history of revisions stays."""

    def __init__(self, wire: Wire, keys: Keys, *, compact_s: float) -> None:
        self._wire = wire
        self._keys = keys
        self._compact_s = compact_s
        self._compacted_s = time.monotonic()
        self._old_revision = 0
        self._beats: dict[bytes, _Beat] = {}
        self._sweeping: asyncio.Task[None] | None = None

    async def grant(self, ttl_s: float) -> LeaseId:
        """Begin a lease. One whose answer is lost ends by itself."""
        self.sweep()
        granted = await self._wire.call(lambda line: line.lease.LeaseGrant, pb.LeaseGrantRequest(TTL=FOREVER_S))
        value = json.dumps({"v": 1, "d": {"ttl_s": ttl_s}}).encode()
        put = pb.PutRequest(key=self._keys.beat(granted.ID), value=value, lease=granted.ID)
        await self._wire.call(lambda line: line.kv.Txn, pb.TxnRequest(success=[pb.RequestOp(request_put=put)]))
        return lease_of(granted.ID)

    async def renew(self, lease: LeaseId) -> bool:
        """Begin the lease's time anew; False: it has ended. Renewing twice is as good as once."""
        self.sweep()
        beat = self._keys.beat(number_of(lease))
        again = pb.PutRequest(key=beat, ignore_value=True, ignore_lease=True)
        answer = await self._wire.call(lambda line: line.kv.Txn, pb.TxnRequest(
            compare=[self._keys.living(beat)], success=[pb.RequestOp(request_put=again)]))
        return answer.succeeded

    async def revoke(self, lease: LeaseId) -> None:
        """End a lease at once, with all that was put with it."""
        with suppress(Refused):  # it has ended
            await self._wire.call(lambda line: line.lease.LeaseRevoke, pb.LeaseRevokeRequest(ID=number_of(lease)))

    def sweep(self) -> None:
        """Begin to end leases whose time is over, until closed."""
        if self._sweeping is None:
            self._sweeping = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Stop sweeping."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)

    async def _sweep(self) -> None:
        """Sweep for ever; while etcd does not answer, nothing ends."""
        while True:
            with suppress(StoreError, Gap):
                await self._follow()
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        """Watch the beats on one stream, and end leases, until the stream breaks. Raises ``StoreError``, ``Gap``."""
        line = self._wire.stream_line()
        ending = None
        try:
            await self._wire.connect(line)
            start, end = self._keys.leases
            standing = await self._wire.call(
                lambda each: each.kv.Range, pb.RangeRequest(key=start, range_end=end))
            self._beats = {pair.key: self._seen(pair) for pair in standing.kvs}
            ending = asyncio.create_task(self._end_in_time())
            async with aclosing(responses(line, self._wire.words(), start, end, standing.header.revision)) as heard:
                async for response in heard:
                    self._note(response)
        except Gap:
            self._wire.leave_member(line.endpoint)
            raise
        finally:
            line.close()
            if ending is not None:
                ending.cancel()

    def _note(self, response: pb.WatchResponse) -> None:
        if foreign := self._wire.same.foreign(response):
            raise Gap(foreign)
        if response.canceled:
            raise Gap(response.cancel_reason)
        for event in response.events:
            if event.type == pb.Event.DELETE:
                self._beats.pop(event.kv.key, None)
            else:
                self._beats[event.kv.key] = self._seen(event.kv)

    def _seen(self, pair: pb.KeyValue) -> _Beat:
        """Take note of a beat; one that we know already keeps the time at which we saw it."""
        known = self._beats.get(pair.key)
        if known is not None and known.revision == pair.mod_revision:
            return known
        ttl_s = STONE_S if pair.key.endswith(STONE) else float(json.loads(pair.value)["d"]["ttl_s"])
        return _Beat(pair.mod_revision, ttl_s, time.monotonic())

    async def _end_in_time(self) -> None:
        """End every lease whose time is over. What fails is tried again."""
        while True:
            await asyncio.sleep(TICK_S)
            now_s = time.monotonic()
            for key, beat in list(self._beats.items()):
                if now_s - beat.seen_s >= beat.ttl_s:
                    with suppress(StoreError):
                        await self._end(key, beat)
            if now_s - self._compacted_s >= self._compact_s:
                self._compacted_s = now_s
                with suppress(StoreError, Refused):  # refused: somebody else has done it
                    await self._compact()

    async def _end(self, key: bytes, beat: _Beat) -> None:
        """Put a stone in place of a beat that is still as we saw it; then have all go that hangs on the lease."""
        lease = LeaseId(key.removeprefix(self._keys.leases[0]).removesuffix(STONE).decode())
        if not key.endswith(STONE):
            stone = pb.PutRequest(key=key + STONE, value=b"{}", lease=number_of(lease))
            ending = pb.TxnRequest(
                compare=[pb.Compare(key=key, target=pb.Compare.MOD, mod_revision=beat.revision)],
                success=[pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=key)),
                         pb.RequestOp(request_put=stone)])
            if not await self._took_place(ending):
                if self._beats.get(key) is beat:  # renewed, or ended by somebody else: the stream tells what stands now
                    del self._beats[key]
                return
        await self.revoke(lease)

    async def _took_place(self, ending: pb.TxnRequest) -> bool:
        """Whether a lease is ended for certain. Raises ``Unknown``: then it is looked at again."""
        try:
            return (await self._wire.call(lambda line: line.kv.Txn, ending, repeatable=False)).succeeded
        except Refused:  # the etcd lease is revoked already
            return False

    async def _compact(self) -> None:
        """Let etcd forget revisions from before the last time that we were here."""
        old, self._old_revision = self._old_revision, self._wire.same.revision
        if old:
            await self._wire.call(lambda line: line.kv.Compact, pb.CompactionRequest(revision=old))
