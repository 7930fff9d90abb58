"""More doors, beside ``ports``: those through which agents of one cluster see each other's hosts.

What is told is about files that resources name and about the host; what is done is the copying of such files. Nothing
behind these doors can start or stop a machine, and nothing waits for them but the move that asked.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from stanchion.model.cluster import Session
from stanchion.model.files import FileCopy, FileFact, HostFacts, Placed
from stanchion.model.ids import ResourceName
from stanchion.model.resource import MachineKind


class Files(Protocol):
    """The configuration files of this host. Who calls has made sure that a resource names these paths."""

    async def look(self, paths: Sequence[str]) -> tuple[FileFact, ...]:
        """Tell of each file what it is. Raises ``HostError`` where the file system does not answer in time."""
        ...

    async def texts(self, paths: Sequence[str]) -> Mapping[str, str]:
        """Give what those of these files say that can be read. Raises ``HostError`` like ``look``."""
        ...

    async def read(self, path: str) -> FileCopy:
        """Read a file to be copied. Raises ``HostError`` for what is no regular file, or too large."""
        ...

    async def place(self, copy: FileCopy, *, dry: bool = False) -> Placed:
        """Write a file in one step, with its owner and mode; the old version is kept. ``dry``: only tell."""
        ...

    async def facts(self, kind: MachineKind, storage: Sequence[str]) -> HostFacts:
        """Tell what this host is like for machines of that kind, and whether these paths can be reached."""
        ...


class Colleagues(Protocol):
    """The agents of other nodes, asked directly.

    All raise ``NoAnswer``, and soon, for one that does not answer as it should; ``HostError`` where this cluster has no
    way to ask that could be trusted.
    """

    async def files(self, at: Session, resource: ResourceName) -> tuple[FileFact, ...]:
        """Ask an agent for the configuration files of a resource."""
        ...

    async def content(self, at: Session, resource: ResourceName, path: str) -> FileCopy:
        """Ask an agent for one of them."""
        ...

    async def fetch(self, at: Session, resource: ResourceName, source: Session, *,
                    dry: bool = False) -> tuple[Placed, ...]:
        """Have an agent fetch all of them from the one at ``source``."""
        ...

    async def facts(self, at: Session, resource: ResourceName) -> HostFacts:
        """Ask an agent what its host is like for a resource."""
        ...
