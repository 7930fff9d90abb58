"""What a client orders for the whole cluster for the time being: a pause, and its stop."""

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import BaseModel

from stanchion.wire.standing import DownOrder, PauseOrder, StandingInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = TypeVar("Shape", bound=BaseModel)


class _Asking(Protocol):
    """What this part needs of the whole client."""

    async def _get(self, shape: type[Shape], path: str, params: "Mapping[str, Any] | None" = None, *,
                   patience_s: float = 0.0) -> Shape: ...

    async def _send(self, shape: type[Shape], method: str, path: str, asked: BaseModel | None = None,
                    headers: "Mapping[str, str] | None" = None) -> Shape: ...


class Standing:
    """The part of ``Client`` about what holds the whole cluster back."""

    async def standing(self: _Asking) -> StandingInfo:
        """Ask for it."""
        return await self._get(StandingInfo, "standing")

    async def pause(self: _Asking, order: PauseOrder) -> StandingInfo:
        """Let the cluster begin nothing by itself."""
        return await self._send(StandingInfo, "PUT", "pause", order)

    async def resume(self: _Asking) -> StandingInfo:
        """End the pause."""
        return await self._send(StandingInfo, "DELETE", "pause")

    async def down(self: _Asking, order: DownOrder) -> StandingInfo:
        """Stop the whole cluster."""
        return await self._send(StandingInfo, "POST", "down", order)

    async def up(self: _Asking) -> StandingInfo:
        """Start the stopped cluster."""
        return await self._send(StandingInfo, "POST", "up")
