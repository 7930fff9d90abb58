"""Leaving the store's file for good: all that is in it, read while agents go on, and the end that nobody can miss.

``read`` gives everything at one revision. ``frozen`` keeps every agent from writing, for the moment in which what is
new is carried over; ``leave`` then marks the file as left. Whoever holds the file or opens it from then on is told so
and writes nothing: a transaction that waited while we were at it meets the mark and changes nothing either.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stanchion.model.errors import InvalidInput
from stanchion.store.sqlite import BOOT_ID
from stanchion.store.sqlite_schema import MOVED, connect, is_moved, translated

BUSY_S = 5.0


@dataclass(frozen=True, slots=True)
class Row:
    """What stands under a key, as text, with the revision at which it was written."""

    key: str
    value: str
    revision: int


@dataclass(frozen=True, slots=True)
class Leased:
    """A living lease, its time, and what hangs on it."""

    id: str
    ttl_s: float
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """All that is in a store at one revision; ``rows`` in the order in which they were written, leased ones apart."""

    revision: int
    rows: tuple[Row, ...]
    leases: tuple[Leased, ...]


class Leaving:
    """A store's file that is to be left. Blocks; belongs to one thread. Raises ``StoreError``."""

    def __init__(self, path: Path, cluster: str) -> None:
        self._path = path
        self._connection = connect(path, busy_s=BUSY_S, max_pages=None, moved_too=True)
        self._boot = BOOT_ID.read_text(encoding="utf-8").strip()
        (owner,) = self._connection.execute("SELECT cluster FROM store").fetchone()
        if owner != cluster:
            self._connection.close()
            raise InvalidInput(f"the store {path} belongs to the cluster {owner}, not to {cluster}")

    @property
    def left(self) -> bool:
        """Whether it was left already."""
        return is_moved(self._connection)

    def read(self) -> Contents:
        """Read everything at one revision."""
        with translated(self._path):
            self._connection.execute("BEGIN")
            try:
                return self._contents()
            finally:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def frozen(self) -> Iterator[Contents]:
        """Keep everybody from writing, lend what stands then, and leave the file at the end unless something fails."""
        with translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._contents()
                self._connection.execute(f"PRAGMA user_version={MOVED:d}")
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _contents(self) -> Contents:
        (revision,) = self._connection.execute("SELECT revision FROM store").fetchone()
        rows = [(Row(key, value, at), lease) for key, value, at, lease in self._connection.execute(
            "SELECT key, value, revision, lease FROM record ORDER BY revision, key")]
        living = self._connection.execute("SELECT id, ttl_s FROM lease WHERE boot = ? AND deadline_s > ?",
                                          (self._boot, time.monotonic())).fetchall()
        leases = tuple(Leased(name, ttl_s, tuple(row for row, lease in rows if lease == name))
                       for name, ttl_s in living)
        return Contents(revision, tuple(row for row, lease in rows if lease is None), leases)
