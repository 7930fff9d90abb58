"""More doors, beside ``ports``: what a host tells of itself beyond its machines.

The bell rings when a hypervisor of this host says that a machine began or ended; storage tells what is active or
mounted here. Neither does anything, and neither is the only witness: what the bell misses is found by looking.
"""

from collections.abc import Sequence
from typing import Protocol

from stanchion.model.resource import ResourceSpec
from stanchion.model.storage import InUse


class Bell(Protocol):
    """Rings when a machine began or ended on this host. It may miss any of it, and then says nothing about that."""

    def listen(self, specs: Sequence[ResourceSpec]) -> None:
        """Listen to the hypervisors of these machines from now on, and to no others. Never waits."""
        ...

    async def rung(self) -> None:
        """Wait until it rings; at once where it rang since the last time."""
        ...


class Storage(Protocol):
    """What is active or mounted on this host, as its kernel tells."""

    async def look(self) -> InUse:
        """Tell all of it. Raises ``HostError`` where that cannot be known."""
        ...
