"""The store's file: how it is laid out, made, opened, and what its faults mean in plain words.

The file is marked with an application id and a schema number, so that a wrong file, and a file of a newer version, are
told apart from a damaged one. A fault never makes us touch the file: whatever is in it, a person may still want it.

Two families of faults matter to the caller. *Unavailable*: another process holds the file too long, the disk is full
or gives errors; the transaction was rolled back and trying again may help. *Unusable*: the file is missing, damaged,
not writable or not ours; only an operator can help, and the sentence says how.

A full disk must cost no machine: the journal's room is taken in advance, and the last of the disk is left to the
leases. So nodes stay members, nothing else is written, and all goes on when there is room.

Tables: ``store`` (one row: cluster, revision, and the ``floor`` up to which the change log is trimmed), ``record``,
``lease``, ``change`` (the log that watches read; one row for each visible change).
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from stanchion.model.errors import AlreadyExists, InvalidInput, StoreError, StoreUnavailable, StoreUnusable

APPLICATION = 0x5354414E
"""``STAN`` in ASCII: marks the file as ours."""
SCHEMA = 1

MOVED = 1_000_000
"""The schema number of a file that was left for an etcd: what is in it is history."""

JOURNAL_BYTES = 6 * 1024 * 1024
"""How much of the disk the journal takes in advance: more than it grows to before SQLite begins it anew (4 MB)."""
LEAST_FREE_BYTES = 1024 * 1024
"""With less than this left on the disk only leases are written, into the room that the journal has."""

_LAYOUT = """
CREATE TABLE store(
    one INTEGER PRIMARY KEY CHECK (one = 1), cluster TEXT NOT NULL, revision INTEGER NOT NULL, floor INTEGER NOT NULL);
CREATE TABLE record(
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, revision INTEGER NOT NULL,
    lease TEXT) WITHOUT ROWID;
CREATE UNIQUE INDEX record_by_name ON record(kind, name);
CREATE INDEX record_by_lease ON record(lease) WHERE lease IS NOT NULL;
CREATE TABLE lease(
    id TEXT PRIMARY KEY, ttl_s REAL NOT NULL, boot TEXT NOT NULL, deadline_s REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE change(
    revision INTEGER NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, value TEXT,
    PRIMARY KEY (revision, position)) WITHOUT ROWID;
"""

_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT,
                      sqlite3.SQLITE_NOMEM})
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_NOT_WRITABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})
_NO_ROOM_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})


def create_file(path: Path, cluster: str, *, first: int = 0) -> None:
    """Make a new store for a cluster, readable by its owner alone. It appears whole or not at all.

    ``first`` is its revision while it is empty. Raises ``AlreadyExists`` (the file, or the journal of an earlier one),
    ``InvalidInput``, ``StoreError``.
    """
    if not cluster or "/" in cluster:
        raise InvalidInput(f"{cluster!r} cannot be a cluster's name: it must not be empty or hold a slash")
    for taken in (path, *_journals(path)):
        if taken.exists():
            raise AlreadyExists(f"{taken} exists already: move it away, or use the store that it belongs to")
    draft = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with translated(draft):
            _lay_out(draft, cluster, first)
        os.link(draft, path)
        _sync_directory(path.parent)
    except FileExistsError as fault:
        raise AlreadyExists(f"{fault.filename2 or draft} exists already") from fault
    except OSError as fault:
        if fault.errno in _NO_ROOM_ERRNOS:
            raise StoreUnavailable(f"the store {path} cannot be made now: {fault.strerror}") from fault
        raise StoreUnusable(f"the store {path} cannot be made: {fault.strerror}; check its directory") from fault
    finally:
        for left in (draft, *_journals(draft)):
            with suppress(OSError):
                left.unlink()


def connect(path: Path, *, busy_s: float, max_pages: int | None, moved_too: bool = False) -> sqlite3.Connection:
    """Open a store and check it: that it is ours, of our schema, undamaged and writable. Raises ``StoreError``.

    Transactions wait ``busy_s`` for those of other processes. ``moved_too``: one that was moved away is opened as well.
    """
    if not path.exists():
        raise StoreUnusable(f"there is no store at {path}: run `stanchion init` to make one, or correct the path")
    with translated(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=busy_s,
                                     isolation_level=None)
        try:
            _check(connection, path, moved_too=moved_too)
            connection.execute("PRAGMA synchronous=FULL")
            if max_pages is not None:
                connection.execute(f"PRAGMA max_page_count={max_pages:d}")
        except BaseException:
            connection.close()
            raise
    return connection


def check_room(path: Path) -> None:
    """Raise ``StoreUnavailable`` where the disk is nearly full: what is left belongs to the leases."""
    disk = os.statvfs(path)
    free = disk.f_bavail * disk.f_frsize
    if free < LEAST_FREE_BYTES:
        raise StoreUnavailable(f"the store {path} cannot be written now: its disk is full ({free // 1024} KiB are "
                               "left). Nothing was changed; make room there")


def grow(connection: sqlite3.Connection, path: Path) -> None:
    """Let the file grow at once when it has to: on a disk that is full by then, the journal could never be emptied."""
    with suppress(OSError, sqlite3.Error):  # the transaction is committed, whatever comes of this
        (size,) = connection.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
        if size > path.stat().st_size:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours. Errors of our own making (a wrong statement) travel as they are."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except sqlite3.Error as fault:
        raise _told(fault, path) from fault


def _told(fault: sqlite3.Error, path: Path) -> StoreError:
    code = getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    primary = code & 0xFF
    if primary in _PASSING:
        return StoreUnavailable(f"the store {path} is held by another process ({fault})")
    if primary in _NO_ROOM and code != sqlite3.SQLITE_IOERR_SHORT_READ:
        return StoreUnavailable(f"the store {path} cannot be written now: {fault}. Nothing was changed; make room on "
                                "its disk, or look for disk errors in the kernel's log")
    if primary in _NOT_WRITABLE:
        return StoreUnusable(f"the store {path} cannot be opened for writing: {fault}. Give the agent's user the right "
                             "to write the file and its directory, and check that the disk is not mounted read-only")
    if primary == sqlite3.SQLITE_NOTADB:
        return _foreign(path)
    return _damaged(path, str(fault))


def is_moved(connection: sqlite3.Connection) -> bool:
    """Whether the store was moved away; asked within a transaction, the answer holds for all of it."""
    return bool(connection.execute("PRAGMA user_version").fetchone()[0] == MOVED)


def moved(path: Path) -> StoreUnusable:
    """Make the error that says so."""
    return StoreUnusable(f"the store {path} was moved to an etcd (`stanchion store move`): start the agent anew, with "
                         "`etcd` instead of `store` in its settings; nothing was changed here")


def _check(connection: sqlite3.Connection, path: Path, *, moved_too: bool) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION:
        raise _foreign(path)
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if schema == MOVED and not moved_too:
        raise moved(path)
    if schema > SCHEMA and schema != MOVED:
        raise StoreUnusable(f"the store {path} was written by a newer version of Stanchion (schema {schema}, this one "
                            f"knows {SCHEMA}): upgrade this node; nothing was changed")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _damaged(path, verdict.replace("\n", ": "))
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("UPDATE store SET revision = revision")  # BEGIN alone succeeds on a read-only file
        _reserve(_journals(path)[0])
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _reserve(journal: Path) -> None:
    """Take the journal's room on the disk, so that leases can be renewed when it is full. Nobody else writes now.

    SQLite keeps no lock on this file, so closing it here lets go of none; where there is no room there is no reserve.
    """
    with suppress(OSError):
        handle = os.open(journal, os.O_WRONLY)
        try:
            if os.fstat(handle).st_blocks * 512 < JOURNAL_BYTES:
                os.posix_fallocate(handle, 0, JOURNAL_BYTES)
        finally:
            os.close(handle)


def _lay_out(path: Path, cluster: str, first: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(f"BEGIN;{_LAYOUT}COMMIT;")
        connection.execute("INSERT INTO store VALUES (1, ?, ?, ?)", (cluster, first, first))
        connection.execute(f"PRAGMA user_version={SCHEMA:d}")
        connection.execute(f"PRAGMA application_id={APPLICATION:d}")


def _journals(path: Path) -> tuple[Path, Path]:
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _foreign(path: Path) -> StoreUnusable:
    return StoreUnusable(f"{path} is not a Stanchion store: correct the path, or move the file away and run "
                         "`stanchion init`; nothing was changed")


def _damaged(path: Path, fault: str) -> StoreUnusable:
    return StoreUnusable(f"the store {path} is damaged: {fault}. Nothing was changed; stop the agents, keep a copy of "
                         "the file and of its -wal, and restore it from a backup, or make a new one: `stanchion init`")
