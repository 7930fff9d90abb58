"""Strays: machines of known resources that run where nobody sent them, and their storage in use where it should not be.

Somebody started one by hand, or a script left in the background did; a volume group was activated at the start of the
host, or a file system was left mounted. Each agent writes down what it finds on its own host, in one record for each
resource, so that whoever is about to start the resource can rest the decision on it.
"""

from dataclasses import dataclass

from stanchion.model.ids import NodeName, ResourceName, SessionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The machine was found running on this node, in this life of it; ``text`` is what its hypervisor said.

    ``machine`` False: only its storage is in use there, and ``text`` says what of it. ``beside``: another node held the
    resource meanwhile, so what this node knows of that storage may be out of date.
    """

    node: NodeName
    session: SessionId
    since_s: float
    text: str = ""
    machine: bool = True
    beside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """Where a resource was found running although nobody sent it there, by the names of the nodes."""

    resource: ResourceName
    sightings: tuple[Sighting, ...]
