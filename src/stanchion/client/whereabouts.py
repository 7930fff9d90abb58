"""What can be asked of an agent about a resource at this moment: what runs, and which nodes can have it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from stanchion.wire.whereabouts import Activity, PlaceList

Shape = TypeVar("Shape", bound=BaseModel)


class Whereabouts(ABC):
    """What goes on with a resource, and where it could be."""

    @abstractmethod
    async def _get(self, shape: type[Shape], path: str, params: Mapping[str, Any] | None = None, *,
                   patience_s: float = 0.0) -> Shape: ...

    async def places(self, name: str) -> PlaceList:
        """Ask of every node whether it can take a resource now, and why not."""
        return await self._get(PlaceList, f"resources/{quote(name, safe='')}/places")

    async def process(self, name: str) -> Activity:
        """Ask which script of a resource runs now and, of the node that answers, what it has printed."""
        return await self._get(Activity, f"resources/{quote(name, safe='')}/process")
