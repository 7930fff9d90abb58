"""What is written to the store: guarded transactions, so that nobody decides on what he did not see.

Every write names the revisions that it was decided on (``Guard``) and, for agents and the master, the writer's own
session: a writer that lost its session cannot write, whatever it still believes.
"""

from dataclasses import dataclass

from stanchion.model.cluster import Key, Record
from stanchion.model.history import Entry
from stanchion.model.ids import LeaseId, Revision
from stanchion.model.naming import key_of


@dataclass(frozen=True, slots=True)
class Guard:
    """The key must still stand at this revision; revision 0: it must be absent."""

    key: Key
    revision: Revision


@dataclass(frozen=True, slots=True)
class Put:
    """Write a record under its key; with a lease, it vanishes when the lease ends."""

    record: Record
    lease: LeaseId | None = None

    @property
    def key(self) -> Key:
        """The key that the record stands under."""
        return key_of(self.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """All of it or nothing. ``history`` entries get their place from the store, in this order."""

    guards: tuple[Guard, ...] = ()
    puts: tuple[Put, ...] = ()
    deletes: tuple[Key, ...] = ()
    history: tuple[Entry, ...] = ()


def touched(transaction: Transaction) -> frozenset[Key]:
    """Give the keys that a transaction writes or deletes."""
    return frozenset((*(put.key for put in transaction.puts), *transaction.deletes))


@dataclass(frozen=True, slots=True)
class Committed:
    """The transaction took place at this revision."""

    revision: Revision


@dataclass(frozen=True, slots=True)
class Conflict:
    """A guard did not hold; nothing was written. ``key`` is the first guard that failed."""

    key: Key
    revision: Revision
