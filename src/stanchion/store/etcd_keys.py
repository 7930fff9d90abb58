"""Our records as keys of etcd, and our questions as its requests. Pure: nothing here speaks to anybody.

*Revisions* are etcd's own: a record's is the ``mod_revision`` of its key, a transaction's that of the whole etcd. They
grow by one with every transaction that writes, whoever else uses the same etcd.

*The order of history* is the order of revisions, which etcd alone gives, and only while it commits: no key can hold its
own. So the key of an entry holds only what makes it unique (``events/<revision seen>.<writer>.<serial>-<index>``), and
its *name*, which is what pages are asked for by, is made when it is read: the revision at which etcd wrote it, and the
index in its transaction. These are the same names as in the other stores; they are exact, and no entry can ever appear
before one that was read already. A counter in the transaction's guards would give names when writing, and would make
every two agents that write at once fight for it.

*The mark*, ``/stanchion/<cluster>/store``, says that the cluster is founded here, with an identity of its own. Every
transaction is guarded by it, so nobody goes on writing into a store that was deleted or replaced under him. The mark
and the keys of leases (``etcd_lease``) are *inner* keys: no record stands under them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stanchion.model.cluster import UNWATCHED, Change, Held, Key, Kind, Record
from stanchion.model.ids import NOTHING, LeaseId, Revision
from stanchion.model.naming import history_key
from stanchion.model.transaction import Conflict, Transaction
from stanchion.store import codec
from stanchion.store._rpc import etcd_pb2 as pb

MAX_OPERATIONS = 128
"""etcd's own limit for a transaction, unless its --max-txn-ops says otherwise."""

NO_LEASE = -1
"""A number that is no lease."""

Range = tuple[bytes, bytes]
"""From the first key to before the second."""


def beyond(prefix: bytes) -> bytes:
    """Give the first key after all that begin with the prefix."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def number_of(lease: LeaseId) -> int:
    """Give etcd's number of a lease; ``NO_LEASE`` for what cannot be one."""
    return int(lease, 16) if re.fullmatch("[0-9a-f]{16}", lease) and lease < "8" else NO_LEASE


def lease_of(number: int) -> LeaseId:
    """Give our name of a lease: hexadecimal, as etcd's own tools show it."""
    return LeaseId(f"{number:016x}")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one cluster."""

    cluster: str

    @property
    def mark(self) -> bytes:
        """The key that says that the cluster is founded here."""
        return f"{codec.root(self.cluster)}store".encode()

    @property
    def leases(self) -> Range:
        """The keys of all leases."""
        head = f"{codec.root(self.cluster)}leases/".encode()
        return head, beyond(head)

    def beat(self, lease: int) -> bytes:
        """The key that a lease's owner writes anew to renew it."""
        return self.leases[0] + lease_of(lease).encode()

    def inner(self, path: bytes) -> bool:
        """Whether no record stands under that key."""
        return path == self.mark or path.startswith(self.leases[0])

    @property
    def everything(self) -> Range:
        """All keys of the cluster."""
        root = codec.root(self.cluster).encode()
        return root, beyond(root)

    @property
    def watched(self) -> tuple[Range, ...]:
        """All keys of the cluster but history and runs."""
        start, end = self.everything
        ranges = []
        for head, _ in sorted(self.frame(kind) for kind in UNWATCHED):
            ranges.append((start, head))
            start = beyond(head)
        return (*ranges, (start, end))

    def frame(self, kind: Kind) -> tuple[bytes, bytes]:
        """Give what stands before and after the name in a key of that kind."""
        head, _, tail = codec.path_of(self.cluster, Key(kind, "\0")).encode().partition(b"\0")
        return head, tail

    def path(self, key: Key) -> bytes:
        """Write a key."""
        return codec.path_of(self.cluster, key).encode()

    def key(self, path: bytes) -> Key:
        """Read a key back. Raises ``StoreUnusable``."""
        return codec.key_at(self.cluster, path.decode(errors="replace"))

    def changes(self, pairs: Iterable[pb.KeyValue]) -> list[Change]:
        """Read what stands under watched keys."""
        read = []
        for pair in pairs:
            if not self.inner(pair.key):
                key = self.key(pair.key)
                read.append(Change(key, codec.decode(key, pair.value.decode()), Revision(pair.mod_revision)))
        return read

    def happened(self, events: Iterable[pb.Event]) -> tuple[Change, ...]:
        """Read what a watch says of one revision, without history and runs."""
        changes = []
        for event in events:
            if self.inner(event.kv.key) or (key := self.key(event.kv.key)).kind in UNWATCHED:
                continue
            gone = event.type == pb.Event.DELETE
            value = None if gone else codec.decode(key, event.kv.value.decode())
            changes.append(Change(key, value, Revision(event.kv.mod_revision)))
        return tuple(changes)

    def named(self, kind: Kind, pairs: Iterable[pb.KeyValue]) -> list[tuple[str, Held[Record]]]:
        """Read records of one kind with their names, in the order given."""
        read = []
        for pair in pairs:
            if not self.inner(pair.key) and (key := self.key(pair.key)).kind is kind:
                name = entry_name(pair) if kind is Kind.HISTORY else key.name
                value = codec.decode(Key(kind, name), pair.value.decode())
                read.append((name, Held(value, Revision(pair.mod_revision))))
        return read

    def request(self, transaction: Transaction, *, mark: bytes, unique: str) -> pb.TxnRequest:
        """Ask for a transaction whose guards hold and whose leases live; if not, ``conflict`` reads the answer."""
        beats = [self.beat(lease) for lease in _leases(transaction)]
        compare = [pb.Compare(key=self.path(guard.key), target=pb.Compare.MOD, mod_revision=guard.revision)
                   for guard in transaction.guards]
        compare += [self.living(beat) for beat in beats]
        compare += [pb.Compare(key=self.mark, target=pb.Compare.VALUE, value=mark)]
        puts = {self.path(put.key): put for put in transaction.puts}
        success = [pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=path))
                   for path in dict.fromkeys(map(self.path, transaction.deletes)) if path not in puts]
        success += [_write(path, put.record, 0 if put.lease is None else number_of(put.lease))
                    for path, put in puts.items()]
        success += [_write(self.entry(unique, index), entry, 0) for index, entry in enumerate(transaction.history)]
        asked = [*(self.path(guard.key) for guard in transaction.guards), *beats]
        failure = [pb.RequestOp(request_range=pb.RangeRequest(key=path)) for path in asked]
        return pb.TxnRequest(compare=compare, success=success, failure=failure)

    def entry(self, unique: str, index: int) -> bytes:
        """Give the key of a transaction's history entry."""
        return self.path(Key(Kind.HISTORY, f"{unique}-{index:04d}"))

    @staticmethod
    def living(beat: bytes) -> pb.Compare:
        """Compare: the lease lives."""
        return pb.Compare(key=beat, target=pb.Compare.VERSION, result=pb.Compare.GREATER, version=0)

    def trimming(self, pairs: Sequence[pb.KeyValue]) -> pb.TxnRequest:
        """Ask to delete those keys, if none of them was written meanwhile."""
        return pb.TxnRequest(
            compare=[pb.Compare(key=pair.key, target=pb.Compare.MOD, mod_revision=pair.mod_revision)
                     for pair in pairs],
            success=[pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=pair.key)) for pair in pairs])

    def founding(self, mark: bytes) -> pb.TxnRequest:
        """Ask to put the mark, if the cluster has no key at all."""
        start, end = self.everything
        return pb.TxnRequest(
            compare=[pb.Compare(key=start, range_end=end, target=pb.Compare.CREATE, create_revision=0)],
            success=[pb.RequestOp(request_put=pb.PutRequest(key=self.mark, value=mark))])


def conflict(transaction: Transaction, answer: pb.TxnResponse) -> Conflict | Key | None:
    """Read why a transaction was refused: the first guard that failed; else the first key whose lease has ended.

    None: neither, so it was the mark.
    """
    found = [_revision(response.response_range) for response in answer.responses]
    for guard, revision in zip(transaction.guards, found, strict=False):
        if revision != guard.revision:
            return Conflict(guard.key, revision)
    ended = {lease for lease, revision in zip(_leases(transaction), found[len(transaction.guards):], strict=True)
             if revision == NOTHING}
    return next((put.key for put in transaction.puts if put.lease is not None and number_of(put.lease) in ended), None)


def entry_name(pair: pb.KeyValue) -> str:
    """Make the name of a history entry from the revision that etcd gave it."""
    return history_key(pair.mod_revision, int(pair.key.rpartition(b"-")[2])).name


def _leases(transaction: Transaction) -> list[int]:
    """Give the leases that a transaction puts with, each once."""
    return list(dict.fromkeys(number_of(put.lease) for put in transaction.puts if put.lease is not None))


def _revision(answer: pb.RangeResponse) -> Revision:
    return Revision(answer.kvs[0].mod_revision) if answer.kvs else NOTHING


def _write(path: bytes, record: Record, lease: int) -> pb.RequestOp:
    return pb.RequestOp(request_put=pb.PutRequest(key=path, value=codec.encode(record).encode(), lease=lease))
