"""What a client asks about people and programs: users, sessions, API tokens, and the audit."""

from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from stanchion.wire import access

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import httpx2

Shape = TypeVar("Shape", bound=BaseModel)


class _Asking(Protocol):
    """What this part needs of the whole client."""

    async def _get(self, shape: type[Shape], path: str, params: "Mapping[str, Any] | None" = None, *,
                   patience_s: float = 0.0) -> Shape: ...

    async def _send(self, shape: type[Shape], method: str, path: str, asked: BaseModel | None = None,
                    headers: "Mapping[str, str] | None" = None) -> Shape: ...

    async def _ask(self, method: str, path: str) -> "httpx2.Response": ...


class Access:
    """The part of ``Client`` about who may do what, and what they did."""

    async def me(self: _Asking) -> access.Me:
        """Ask who we are to the cluster."""
        return await self._get(access.Me, "me")

    async def users(self: _Asking) -> access.UserList:
        """List the users, and who is invited."""
        return await self._get(access.UserList, "users")

    async def invite(self: _Asking, order: access.InviteOrder) -> access.InvitationMade:
        """Make a one-time link with which a user sets his password."""
        return await self._send(access.InvitationMade, "POST", "users", order)

    async def change_user(self: _Asking, name: str, change: access.UserChange) -> access.UserInfo:
        """Give a user another role, lock or unlock him."""
        return await self._send(access.UserInfo, "PATCH", f"users/{_part(name)}", change)

    async def delete_user(self: _Asking, name: str) -> None:
        """Remove a user, or withdraw his invitation."""
        await self._ask("DELETE", f"users/{_part(name)}")

    async def sign_ins(self: _Asking, *, every: bool = False) -> access.SignInList:
        """List our sessions, or those of all users."""
        return await self._get(access.SignInList, "sign-ins", {"all": every})

    async def end_sign_in(self: _Asking, name: str) -> None:
        """End a session."""
        await self._ask("DELETE", f"sign-ins/{_part(name)}")

    async def sign_user_out(self: _Asking, name: str) -> None:
        """End all sessions of a user."""
        await self._ask("DELETE", f"users/{_part(name)}/sign-ins")

    async def api_tokens(self: _Asking) -> access.ApiTokenList:
        """List the API tokens."""
        return await self._get(access.ApiTokenList, "tokens")

    async def make_api_token(self: _Asking, order: access.ApiTokenOrder) -> access.ApiTokenMade:
        """Make an API token."""
        return await self._send(access.ApiTokenMade, "POST", "tokens", order)

    async def revoke_api_token(self: _Asking, name: str) -> None:
        """Revoke an API token."""
        await self._ask("DELETE", f"tokens/{_part(name)}")

    async def audit(self: _Asking, *, user: str | None = None, since: "datetime | None" = None,
                    until: "datetime | None" = None, after: str | None = None,
                    limit: int = 100) -> access.AuditPage:
        """Read what people and programs did, the oldest first; without ``after``, the newest of it."""
        wanted: dict[str, Any] = {"user": user, "since": since and since.isoformat(), "after": after,
                                  "until": until and until.isoformat(), "limit": limit}
        return await self._get(access.AuditPage, "audit", {key: value for key, value in wanted.items() if value})


def _part(name: str) -> str:
    return quote(name, safe="") or "-"
