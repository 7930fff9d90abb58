"""Configurations that are not the newest: what stood there before, and what a running resource still goes by.

Whoever saves a configuration keeps the one before it as a ``Past``, numbered by the store's revision at which it was
written; so the number that an edit names, the one that ``stanchion script list`` shows and the one that a resource was
loaded with are the same. Nothing is decided from them, so they are not part of the view.

A resource goes by the scripts that it was loaded with until its next load: an unload script must take down what *its*
load script put up, not what the next one will. They are kept as a ``Bound`` for as long as newer ones wait.
"""

from dataclasses import dataclass

from stanchion.model.ids import ResourceName
from stanchion.model.resource import ResourceSpec, Scripts


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A configuration as it stood at this revision of the store, before it was saved anew."""

    resource: ResourceName
    revision: int
    spec: ResourceSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a resource was loaded with at this revision of its configuration, while something newer is saved."""

    resource: ResourceName
    revision: int
    scripts: Scripts
    files: tuple[str, ...] = ()


def past_name(resource: ResourceName, revision: int) -> str:
    """Name the key of a past configuration: names sort in the order in which they were saved."""
    return f"{resource}/{revision:016d}"
