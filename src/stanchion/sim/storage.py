"""The storage of a pretend host: what load scripts activate and mount there, and what is left of it."""

from stanchion.model.errors import HostError
from stanchion.model.storage import Claim, InUse, Mount
from stanchion.plan.storage import Thing, read


class PretendStorage:
    """Port ``Storage``. ``unreadable``: nobody can tell what is in use."""

    def __init__(self) -> None:
        self.unreadable = False
        self._things: set[Thing] = set()

    def take(self, load: str) -> None:
        """Activate and mount what a load script takes; a volume group has one volume here."""
        self._things |= _things(read(load))

    def release(self, load: str) -> None:
        """Unmount and deactivate it."""
        self._things -= _things(read(load))

    def clear(self) -> None:
        """Forget all of it: the host lost its power."""
        self._things.clear()

    async def look(self) -> InUse:
        """Tell what is in use."""
        if self.unreadable:
            raise HostError("what is active and mounted on this host cannot be read")
        return InUse(volumes=tuple(sorted(thing for thing in self._things if isinstance(thing, str))),
                     mounts=tuple(thing for thing in self._things if isinstance(thing, Mount)))


def _things(claim: Claim) -> set[Thing]:
    return {*(f"{group}/data" for group in claim.groups), *claim.volumes, *claim.mounts}
