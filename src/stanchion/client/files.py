"""What can be asked about configuration files and before a live migration; the last four are asked by agents."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from stanchion.wire import files as wire

Shape = TypeVar("Shape", bound=BaseModel)

COPYING_S = 60.0
"""How long the copying of files may take, beyond an ordinary answer."""


class _Asking(Protocol):
    """What this part needs of the whole client."""

    async def _get(self, shape: type[Shape], path: str, params: Mapping[str, Any] | None = None, *,
                   patience_s: float = 0.0) -> Shape: ...

    async def _send(self, shape: type[Shape], method: str, path: str, asked: BaseModel | None = None,
                    headers: Mapping[str, str] | None = None, *, patience_s: float = 0.0) -> Shape: ...


class ConfigurationFiles:
    """The part of ``Client`` about files that must be the same on every host."""

    async def files(self: _Asking, name: str) -> wire.FileReport:
        """Ask whether a resource's configuration files are the same on every node that is to hold it."""
        return await self._get(wire.FileReport, _of(name, "files"))

    async def distribute(self: _Asking, name: str, order: wire.DistributeOrder) -> wire.DistributeReport:
        """Copy them from one node to others."""
        return await self._send(wire.DistributeReport, "POST", _of(name, "distribute"), order, patience_s=COPYING_S)

    async def preflight(self: _Asking, name: str, node: str) -> wire.Preflight:
        """Ask whether a live migration to a node would do well."""
        return await self._get(wire.Preflight, _of(name, "preflight"), {"node": node})

    async def files_there(self: _Asking, name: str) -> wire.FilesHere:
        """Ask for the files as they are on the host that answers."""
        return await self._get(wire.FilesHere, _of(name, "files/here"))

    async def file_there(self: _Asking, name: str, path: str) -> wire.FileContent:
        """Ask for one of them with its content."""
        return await self._get(wire.FileContent, _of(name, "files/content"), {"path": path})

    async def fetch_there(self: _Asking, name: str, order: wire.FetchOrder) -> wire.Fetched:
        """Have the host that answers fetch them from another one."""
        return await self._send(wire.Fetched, "POST", _of(name, "files/fetch"), order, patience_s=COPYING_S)

    async def host_there(self: _Asking, name: str) -> wire.HostInfo:
        """Ask what the host that answers is like for a resource."""
        return await self._get(wire.HostInfo, _of(name, "host"))


def _of(name: str, what: str) -> str:
    return f"resources/{quote(name, safe='') or '-'}/{what}"
