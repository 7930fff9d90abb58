"""Asking the agents of other nodes about their hosts: over the agents' door, by certificates on both sides.

In a cluster of hosts both sides show a certificate of the cluster's authority. Agents that share one machine have no
such door: there the ordinary API is asked, with the cluster's token, and only on the loopback interface, since it goes
unencrypted. Agents of different machines without certificates have no way at all (``HostError``). Whoever answers must
say that he is the node that was asked. Nothing waits longer than a few seconds.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlsplit

from stanchion.model.cluster import Session
from stanchion.model.errors import HostError, NoAnswer, StanchionError
from stanchion.model.files import ASKED_WITHIN_S, FileCopy, FileFact, HostFacts, Placed
from stanchion.model.ids import ResourceName

if TYPE_CHECKING:
    from stanchion.client import Client, Connection

COPIED_WITHIN_S = 30.0
"""How long another agent may take to fetch all files of a resource from a third one."""


class _Named(Protocol):
    """An answer that says who gave it."""

    @property
    def node(self) -> str: ...


Reply = TypeVar("Reply", bound=_Named)


class ClusterColleagues:
    """Port ``Colleagues``. ``papers`` are this host's certificate of the authority, its own, and its key, if any.

    ``secret`` gives the cluster's token as it stands on this host now.
    """

    def __init__(self, secret: Callable[[], str], papers: tuple[Path, Path, Path] | None = None,
                 within_s: float = ASKED_WITHIN_S) -> None:
        self._secret = secret
        self._papers = papers
        self._within_s = within_s

    async def files(self, at: Session, resource: ResourceName) -> tuple[FileFact, ...]:
        """Ask an agent for the configuration files of a resource."""
        told = await self._asked(at, lambda client: client.files_there(resource))
        return tuple(each.fact() for each in told.files)

    async def content(self, at: Session, resource: ResourceName, path: str) -> FileCopy:
        """Ask an agent for one of them."""
        return (await self._asked(at, lambda client: client.file_there(resource, path))).copied()

    async def fetch(self, at: Session, resource: ResourceName, source: Session, *,
                    dry: bool = False) -> tuple[Placed, ...]:
        """Have an agent fetch all of them from the one at ``source``."""
        from stanchion.wire.files import FetchOrder

        order = FetchOrder(source=source.node, dry=dry)
        told = await self._asked(at, lambda client: client.fetch_there(resource, order), COPIED_WITHIN_S)
        return tuple(each.placed() for each in told.files)

    async def facts(self, at: Session, resource: ResourceName) -> HostFacts:
        """Ask an agent what its host is like for a resource."""
        return (await self._asked(at, lambda client: client.host_there(resource))).facts()

    async def _asked(self, at: Session, ask: "Callable[[Client], Awaitable[Reply]]",
                     within_s: float | None = None) -> Reply:
        # Imported where it is used: the libraries are large, and an agent that starts has to renew its lease.
        made: type[Client] = (await asyncio.to_thread(importlib.import_module, "stanchion.client")).Client
        within_s, way = within_s or self._within_s, self._way(at)
        try:
            async with asyncio.timeout(within_s), made(way) as client:
                told = await ask(client)
        except TimeoutError:
            raise NoAnswer(f"its agent does not answer within {within_s:g} s") from None
        except NoAnswer as problem:
            raise NoAnswer(str(problem).partition(";")[0]) from None
        except StanchionError as problem:
            raise NoAnswer(str(problem)) from None
        if told.node != at.node:
            # Without certificates an address on the loopback interface may be another machine's.
            wrong = HostError if self._papers is None else NoAnswer
            raise wrong(f"what answers at {at.door or at.url} is {told.node}")
        return told

    def _way(self, at: Session) -> "Connection":
        """Say how the agent is reached. Raises ``HostError`` where there is no way that could be trusted."""
        from stanchion.client import Connection

        if self._papers is not None and at.door:
            ca, cert, key = self._papers
            return Connection(urls=(at.door,), ca=ca, cert=cert, key=key)
        if self._papers is None and _is_loopback(at.url):
            return Connection(urls=(at.url,), token=self._secret())
        if self._papers is not None:
            raise NoAnswer("its agent has no door for other agents")
        raise HostError("agents of different machines ask each other by certificates only, and this cluster has none "
                        "(`stanchion init --address`)")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
