"""The store's transactions on one SQLite file, as plain blocking calls of one thread.

Several agents, each a process, share the file. SQLite gives them what the port promises if it is used in one way
only: every write is ``BEGIN IMMEDIATE`` (one writer at a time, and what it reads is the latest), in WAL mode with
``synchronous=FULL`` (a committed transaction survives SIGKILL and power loss, half of one never shows).

*Revisions*: one counter in the file. Whatever writes records raises it by one; leases begin and are renewed without.

*Leases* are rows with a deadline on CLOCK_MONOTONIC, which all processes of a host share, and the host's boot id. So
the wall clock may jump, time asleep does not count, and a reboot ends every lease. There is nobody whose job it is to
end leases: every operation first sweeps those that ran out, in its own transaction. Therefore an ended lease can
neither be renewed nor put with, whoever noticed its end first.

*Watches* read the log of changes. It is bounded; who asks for what is trimmed away is told so, never given a gap.

A process that is stopped (SIGSTOP) in the middle of a transaction, a matter of milliseconds, holds the others off the
file until it goes on or dies; they see ``StoreUnavailable``.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from stanchion.model.cluster import UNWATCHED, Change, Held, Key, Kind, Record
from stanchion.model.errors import StoreUnavailable, StoreUnusable
from stanchion.model.ids import NOTHING, LeaseId, Revision
from stanchion.model.naming import history_key
from stanchion.model.transaction import Committed, Conflict, Transaction
from stanchion.ports import Batch, Snapshot
from stanchion.store import codec
from stanchion.store.sqlite_schema import check_room, connect, grow, is_moved, moved, translated

_WATCHED = f"FROM record WHERE kind NOT IN ({', '.join('?' * len(UNWATCHED))})"
_NAMED = "FROM record WHERE kind = :kind AND name >= :prefix AND substr(name, 1, length(:prefix)) = :prefix"


@dataclass(frozen=True, slots=True)
class _Value:
    """What is to stand under a key."""

    text: str
    lease: LeaseId | None = None


class Ledger:
    """One connection to the file. All methods block; all of them belong to the thread that made it.

    ``clock`` gives CLOCK_MONOTONIC in seconds, ``boot`` the boot id. A transaction waits ``busy_s`` for another
    process's. ``log_kept`` is how many revisions a watch may be behind. ``max_pages`` bounds the file: beyond, writes
    fail just as on a full disk.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float], boot: str, busy_s: float, log_kept: int,
                 max_pages: int | None) -> None:
        self._path = path
        self._clock = clock
        self._boot = boot
        self._log_kept = log_kept
        self._connection = connect(path, busy_s=busy_s, max_pages=max_pages)
        self._identity = self._file()
        with translated(path):
            self.cluster = str(self._connection.execute("SELECT cluster FROM store").fetchone()[0])

    def snapshot(self) -> Snapshot:
        """Read everything but history and runs, at one revision."""
        with self._reading():
            revision = self._revision()
            rows = self._connection.execute(
                f"SELECT key, value, revision {_WATCHED} ORDER BY kind, name",
                tuple(UNWATCHED)).fetchall()
        return Snapshot(revision=revision, changes=tuple(self._change(*row) for row in rows))

    def commit(self, transaction: Transaction) -> Committed | Conflict:
        """Write all of it if every guard holds and every lease lives, else nothing."""
        with self._writing():
            if transaction.puts or transaction.history:
                check_room(self._path)
            for guard in transaction.guards:
                revision = self._revision_of(guard.key)
                if revision != guard.revision:
                    return Conflict(guard.key, revision)
            for put in transaction.puts:
                if put.lease is not None and not self._lives(put.lease):
                    return Conflict(put.key, self._revision_of(put.key))
            written: dict[Key, _Value | None] = {
                key: None for key in transaction.deletes if self._revision_of(key) != NOTHING}
            for put in transaction.puts:
                written[put.key] = _Value(codec.encode(put.record), put.lease)
            after = self._revision() + 1
            for index, entry in enumerate(transaction.history):
                written[history_key(after, index)] = _Value(codec.encode(entry))
            return Committed(self._write(written))

    def records(self, kind: Kind, *, after: str, prefix: str, limit: int,
                newest_first: bool) -> list[tuple[str, Held[Record]]]:
        """List records of a kind by name."""
        beyond, order = ("<", "DESC") if newest_first else (">", "ASC")
        condition = f"AND name {beyond} :after" if after else ""
        with self._reading():
            rows = self._connection.execute(
                f"SELECT name, value, revision {_NAMED} {condition} ORDER BY name {order} LIMIT :limit",
                {"kind": kind, "prefix": prefix, "after": after, "limit": limit}).fetchall()
        return [(name, Held(codec.decode(Key(kind, name), text), Revision(revision))) for name, text, revision in rows]

    def trim(self, kind: Kind, *, prefix: str, keep: int) -> int:
        """Delete the oldest records of a kind but ``keep``."""
        with self._writing():
            rows = self._connection.execute(
                f"SELECT name {_NAMED} ORDER BY revision DESC, name DESC LIMIT -1 OFFSET :keep",
                {"kind": kind, "prefix": prefix, "keep": keep}).fetchall()
            self._write({Key(kind, name): None for (name,) in rows})
        return len(rows)

    def grant(self, ttl_s: float) -> LeaseId:
        """Begin a lease."""
        lease = LeaseId(f"{secrets.randbits(63):016x}")  # etcd's leases have 63 bits: so it can keep its name there
        with self._writing() as now_s:
            self._connection.execute("INSERT INTO lease VALUES (?, ?, ?, ?)", (lease, ttl_s, self._boot, now_s + ttl_s))
        return lease

    def renew(self, lease: LeaseId) -> bool:
        """Begin a living lease's time anew."""
        with self._writing() as now_s:
            renewed = self._connection.execute("UPDATE lease SET deadline_s = ttl_s + ? WHERE id = ?", (now_s, lease))
            return renewed.rowcount == 1

    def revoke(self, lease: LeaseId) -> None:
        """End a lease; its records go in one revision."""
        with self._writing():
            self._end([lease])

    def since(self, after: Revision) -> list[Batch] | None:
        """Give the batches beyond that revision, None when some are trimmed away.

        Revisions without a visible change are told by one empty batch, so that a watch knows how far it has come.
        """
        with self._reading():
            revision, floor = self._connection.execute("SELECT revision, floor FROM store").fetchone()
            if not floor <= after <= revision:
                return None
            rows = self._connection.execute(
                "SELECT key, value, revision FROM change WHERE revision > ? ORDER BY revision, position",
                (after,)).fetchall() if after < revision else []
        batches = [Batch(Revision(at), tuple(self._change(*row) for row in group))
                   for at, group in groupby(rows, key=lambda row: row[2])]
        reached = batches[-1].revision if batches else after
        if reached < revision:
            batches.append(Batch(Revision(revision), ()))
        return batches

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Read at one revision, at which no lease that ran out is left."""
        self._check_file()
        with translated(self._path):
            if self._ended_leases(self._clock()):
                with self._writing():
                    pass
            self._connection.execute("BEGIN")
            try:
                self._check_place()
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _writing(self) -> Iterator[float]:
        """Write alone, on the latest revision, all or nothing; lends the monotonic time. Sweeps leases first."""
        self._check_file()
        with translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._check_place()
                now_s = self._clock()
                self._end(self._ended_leases(now_s))
                yield now_s
                self._connection.execute("COMMIT")
                grow(self._connection, self._path)
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _write(self, written: Mapping[Key, _Value | None]) -> Revision:
        """Write at the next revision; writing nothing is no revision."""
        if not written:
            return self._revision()
        self._connection.execute(
            "UPDATE store SET revision = revision + 1, floor = max(floor, revision + 1 - ?)", (self._log_kept,))
        revision = self._revision()
        for position, (key, value) in enumerate(written.items()):
            path = codec.path_of(self.cluster, key)
            if value is None:
                self._connection.execute("DELETE FROM record WHERE key = ?", (path,))
            else:
                self._connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?)",
                                         (path, key.kind, key.name, value.text, revision, value.lease))
            if key.kind not in UNWATCHED:
                self._connection.execute("INSERT INTO change VALUES (?, ?, ?, ?)",
                                         (revision, position, path, None if value is None else value.text))
        self._connection.execute("DELETE FROM change WHERE revision <= (SELECT floor FROM store)")
        return revision

    def _ended_leases(self, now_s: float) -> list[LeaseId]:
        rows = self._connection.execute("SELECT id FROM lease WHERE boot <> ? OR deadline_s <= ? ORDER BY deadline_s",
                                        (self._boot, now_s)).fetchall()
        return [LeaseId(lease) for (lease,) in rows]

    def _end(self, leases: list[LeaseId]) -> None:
        """End leases and delete what was put with them, in one revision."""
        keys: dict[Key, None] = {}
        for lease in leases:
            rows = self._connection.execute("SELECT key FROM record WHERE lease = ? ORDER BY revision, key", (lease,))
            keys.update((codec.key_at(self.cluster, path), None) for (path,) in rows)
            self._connection.execute("DELETE FROM lease WHERE id = ?", (lease,))
        self._write(keys)

    def _lives(self, lease: LeaseId) -> bool:
        return self._connection.execute("SELECT 1 FROM lease WHERE id = ?", (lease,)).fetchone() is not None

    def _revision(self) -> Revision:
        (revision,) = self._connection.execute("SELECT revision FROM store").fetchone()
        return Revision(revision)

    def _revision_of(self, key: Key) -> Revision:
        row = self._connection.execute("SELECT revision FROM record WHERE key = ?",
                                       (codec.path_of(self.cluster, key),)).fetchone()
        return NOTHING if row is None else Revision(row[0])

    def _change(self, path: str, text: str | None, revision: int) -> Change:
        key = codec.key_at(self.cluster, path)
        return Change(key, None if text is None else codec.decode(key, text), Revision(revision))

    def _check_place(self) -> None:
        """Refuse to go on with a store that was moved to another place meanwhile."""
        if is_moved(self._connection):
            raise moved(self._path)

    def _file(self) -> tuple[int, int]:
        status = self._path.stat()
        return status.st_dev, status.st_ino

    def _check_file(self) -> None:
        """Refuse to go on with a file that is no longer the one at its path: others would use another one.

        One that is merely gone may be put back. Meanwhile this node lives on as if its store were away.
        """
        try:
            same = self._file() == self._identity
        except OSError as gone:
            raise StoreUnavailable(f"the store {self._path} was moved or deleted while in use: put it back") from gone
        if not same:
            raise StoreUnusable(f"the store {self._path} was replaced while in use: put the one before back, or "
                                "restart the agent to use what is there now")
