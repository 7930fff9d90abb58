"""Moves that even out how full the nodes are: a move, a list of them that is carried out, and the daily window.

Nothing here decides (``plan.balance`` does). A ``Balancing`` is an operator's word: these moves, one after the other.
"""

import re
from dataclasses import dataclass

from stanchion.model.ids import NodeName, ResourceName

OFF = "off"
"""The setting that lets the cluster move nothing by itself only to even the nodes out."""

DAY_MIN = 24 * 60
MINUTE_S = 60

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One resource that goes from one node to another; ``live``: while it runs on."""

    resource: ResourceName
    source: NodeName
    target: NodeName
    live: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Balancing:
    """Moves that an operator asked for, and that are not begun yet; the first one is next. ``asked``: how many."""

    by: str
    since_s: float
    asked: int
    moves: tuple[Migration, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of each day, in minutes since midnight; one that ends before it begins lasts through midnight."""

    begins_min: int
    ends_min: int

    def holds(self, local_s: float) -> bool:
        """Tell whether an instant lies in it: seconds since 1970, as clocks show them where the host is."""
        minute = int(local_s // MINUTE_S) % DAY_MIN
        if self.begins_min < self.ends_min:
            return self.begins_min <= minute < self.ends_min
        return minute >= self.begins_min or minute < self.ends_min


def window(text: str) -> Window | None:
    """Read ``HH:MM-HH:MM``; None: it says nothing of the kind, or begins when it ends."""
    found = _WINDOW.fullmatch(text)
    if found is None:
        return None
    hour, minute, end_hour, end_minute = map(int, found.groups())
    made = Window(hour * MINUTE_S + minute, end_hour * MINUTE_S + end_minute)
    return None if made.begins_min == made.ends_min else made
