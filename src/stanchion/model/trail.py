"""Which keys changed lately: what lets a decision look at what is new instead of at everything."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from stanchion.model.ids import Revision

K = TypeVar("K", bound=Hashable)

KEPT = 256
"""So many changes back a trail reaches."""

KEYS_MAX = 4096
"""A change of more keys than this is remembered as a change of everything."""


@dataclass(frozen=True, slots=True)
class Trail(Generic[K]):
    """The last changes, oldest first, each with its revision.

    ``begin`` is the revision from which on it is complete, if it begins at all.
    """

    begin: Revision | None = None
    steps: tuple[tuple[Revision, tuple[K, ...]], ...] = ()

    def after(self, before: Revision, revision: Revision, keys: Sequence[K]) -> "Trail[K]":
        """Give the trail after one more change, which follows on that revision."""
        if len(keys) > KEYS_MAX:
            return Trail(revision)
        steps = (*self.steps, (revision, tuple(keys)))
        if len(steps) > KEPT:
            return Trail(steps[-KEPT - 1][0], steps[-KEPT:])
        return Trail(before if self.begin is None else self.begin, steps)

    def since(self, revision: Revision) -> frozenset[K] | None:
        """Name the keys that changed after that revision; None: the trail does not reach back so far."""
        if self.begin is None or revision < self.begin:
            return None
        return frozenset(key for at, keys in self.steps if at > revision for key in keys)
