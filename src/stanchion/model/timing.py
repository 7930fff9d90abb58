"""The timers of a cluster: one profile, and the inequality that makes a failover safe.

All instants of a session count from the moment before its last successful renewal was *sent*; the store counts the
lease from the moment it *received* it, which is later. So if the machines are gone at ``fence_s`` on the node's clock,
they are gone before the lease ends on the store's:

    renew_s < halt_s < fence_s,   fence_s + granularity_s + 1 % of lease_s < lease_s

Suspicion is a matter of speed and not of safety: a member that is not heard for ``suspect_s`` (it sends a sign of
life every ``beat_s``) has its fence device begin early.

``Timing`` refuses to exist where that does not hold, so no code has to check it again.
"""

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """The three sets of timers that we stand behind."""

    FAST = "fast"
    DEFAULT = "default"
    TOLERANT = "tolerant"


CLOCK_RATE_ERROR = 0.01
"""How far two clocks may drift apart, as a share of the time measured."""


BEATS_MISSED = 4
"""So many signs of life in a row must be missing before anybody is suspected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The timers of one cluster, in seconds. Raises ``ValueError`` where the inequality does not hold."""

    renew_s: float
    halt_s: float
    fence_s: float
    lease_s: float
    beat_s: float = 0.5
    suspect_s: float = 2.0
    granularity_s: float = 0.25

    @property
    def patience_s(self) -> float:
        """How long a renewal may take before the store counts as away: time is left to ask the others by then."""
        return (self.halt_s - self.renew_s) / 3

    @property
    def plead_s(self) -> float:
        """From when on the others are bound to start nothing while the store is away; most often it is back by then."""
        return (self.halt_s + self.renew_s) / 2

    def __post_init__(self) -> None:
        if not 0 < self.renew_s < self.halt_s < self.fence_s < self.lease_s:
            raise ValueError(f"timers must grow: renew {self.renew_s} < halt {self.halt_s} < fence "
                             f"{self.fence_s} < lease {self.lease_s}")
        if not 0 < self.beat_s * BEATS_MISSED <= self.suspect_s <= self.lease_s:
            raise ValueError(f"suspicion must wait for {BEATS_MISSED} beats and end before the lease: beat "
                             f"{self.beat_s}, suspect {self.suspect_s}, lease {self.lease_s}")
        if self.fence_s + self.granularity_s + CLOCK_RATE_ERROR * self.lease_s >= self.lease_s:
            raise ValueError(f"no margin: fence {self.fence_s} + granularity {self.granularity_s} + 1 % of "
                             f"{self.lease_s} must stay below the lease {self.lease_s}")


TIMINGS: dict[Profile, Timing] = {
    Profile.FAST: Timing(renew_s=0.5, halt_s=2.0, fence_s=3.0, lease_s=4.0, beat_s=0.1, suspect_s=0.5),
    Profile.DEFAULT: Timing(renew_s=1.0, halt_s=4.0, fence_s=6.0, lease_s=8.0),
    Profile.TOLERANT: Timing(renew_s=3.0, halt_s=20.0, fence_s=26.0, lease_s=32.0, beat_s=1.0,
                              suspect_s=5.0),
}
