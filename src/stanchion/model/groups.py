"""Groups: which resources must be together on one node, and which must never share one.

``APART`` is the original's Resource Mutual Exclusion group: whatever happens, two of its members are never on the same
node. ``TOGETHER`` is ours: its members are on one node, all of them. Members of a ``TOGETHER`` group have an order: the
first of them that is somewhere *leads*, and the others go where it is. Both hold without exception; a resource that
they leave no node waits, and says why.
"""

from dataclasses import dataclass
from enum import StrEnum

from stanchion.model.ids import ResourceName


class Bond(StrEnum):
    """What a group demands of its members."""

    APART = "apart"
    TOGETHER = "together"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One rule about where resources may be in relation to each other. A resource may be in several groups."""

    name: str
    bond: Bond
    members: tuple[ResourceName, ...]
