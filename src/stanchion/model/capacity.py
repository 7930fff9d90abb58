"""How much room machines take and hosts have: memory, which is never promised twice, and processors, which are shared.

A size of 0 is one that nobody knows. What is not known bars nothing: a machine without a known size goes wherever its
resource may go, and a host without a known size takes whatever may go there. So a cluster whose administrators never
think of capacity behaves as if there were none, and whatever becomes known counts from then on.
"""

from dataclasses import dataclass
from enum import StrEnum

LARGEST_MIB = 2**31
"""More memory than any host has: what is said to have more is mistaken."""

LARGEST_CPUS = 2**20
"""More processors than any host has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Memory in MiB and processors (a machine's virtual ones, a host's threads); 0: not known."""

    memory_mib: int = 0
    cpus: float = 0.0

    def plus(self, other: "Size") -> "Size":
        """Give both together."""
        return Size(memory_mib=self.memory_mib + other.memory_mib, cpus=self.cpus + other.cpus)

    def minus(self, other: "Size") -> "Size":
        """Give what is left without the other; it may be less than nothing, where too much was promised."""
        return Size(memory_mib=self.memory_mib - other.memory_mib, cpus=self.cpus - other.cpus)

    def over(self, other: "Size") -> "Size":
        """Give this size, and the other's where this one is not known."""
        return Size(memory_mib=self.memory_mib or other.memory_mib, cpus=self.cpus or other.cpus)


NOTHING_KNOWN = Size()
"""The size of which nothing is known."""


class Admission(StrEnum):
    """What becomes of an order that would break the guarantee: it is carried out and told, or refused."""

    WARN = "warn"
    REFUSE = "refuse"
