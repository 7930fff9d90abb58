"""What a client asks and changes of the cluster as a whole: its settings, its groups, its priorities."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from stanchion.wire import ruling
from stanchion.wire.statistics import StatisticsInfo

if TYPE_CHECKING:
    import httpx2

Shape = TypeVar("Shape", bound=BaseModel)


class _Asking(Protocol):
    """What this part needs of the whole client."""

    async def _get(self, shape: type[Shape], path: str, params: Mapping[str, Any] | None = None, *,
                   patience_s: float = 0.0) -> Shape: ...

    async def _send(self, shape: type[Shape], method: str, path: str, asked: BaseModel | None = None,
                    headers: Mapping[str, str] | None = None) -> Shape: ...

    async def _ask(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None,
                   headers: Mapping[str, str] | None = None, patience_s: float = 0.0) -> "httpx2.Response": ...


class Ruling:
    """The part of ``Client`` about the cluster as a whole. ``seen`` is the ``revision`` that a change was made from."""

    async def settings(self: _Asking) -> ruling.SettingsInfo:
        """Look at the cluster's settings."""
        return await self._get(ruling.SettingsInfo, "settings")

    async def edit_settings(self: _Asking, change: ruling.SettingsChange, *,
                            seen: int | None = None) -> ruling.SettingsInfo:
        """Change the cluster's settings."""
        return await self._send(ruling.SettingsInfo, "PATCH", "settings", change, if_match(seen))

    async def groups(self: _Asking) -> ruling.GroupList:
        """List the groups."""
        return await self._get(ruling.GroupList, "groups")

    async def save_group(self: _Asking, name: str, change: ruling.GroupChange, *,
                         seen: int | None = None) -> ruling.GroupList:
        """Make a group, or change it."""
        return await self._send(ruling.GroupList, "PUT", f"groups/{quote(name, safe='') or '-'}", change,
                                if_match(seen))

    async def delete_group(self: _Asking, name: str, *, seen: int | None = None) -> None:
        """Delete a group."""
        await self._ask("DELETE", f"groups/{quote(name, safe='') or '-'}", headers=if_match(seen))

    async def priorities(self: _Asking) -> ruling.PriorityList:
        """List all resources in the order in which they load."""
        return await self._get(ruling.PriorityList, "priorities")

    async def save_priorities(self: _Asking, order: ruling.PriorityOrder, *,
                              seen: int | None = None) -> ruling.PriorityList:
        """Let these resources load first, in this order."""
        return await self._send(ruling.PriorityList, "PUT", "priorities", order, if_match(seen))

    async def statistics(self: _Asking) -> StatisticsInfo:
        """Ask what the answering node counted of signs of life and of calls to the store."""
        return await self._get(StatisticsInfo, "stats")

    async def clear_statistics(self: _Asking) -> None:
        """Let the answering node count anew."""
        await self._ask("DELETE", "stats")


def if_match(seen: int | None) -> dict[str, str]:
    """Say which revision a change was made from."""
    return {} if seen is None else {"If-Match": f'"{seen}"'}
