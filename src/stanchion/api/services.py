"""What the API needs of the agent it lives in, and how it waits for the agent's view to change."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Header, Request

from stanchion.api.access import principal
from stanchion.api.access.brake import Vigil
from stanchion.between import Colleagues, Files
from stanchion.model.access import Role
from stanchion.model.cluster import ClusterView
from stanchion.model.ids import NodeName, ResourceName, Revision, SessionId
from stanchion.model.running import Running
from stanchion.model.statistics import Statistics
from stanchion.ports import (
    Ballot,
    Chance,
    Clock,
    Directory,
    Fencer,
    IdentityProvider,
    Issuer,
    Lint,
    Neighbours,
    Notifier,
    Passwords,
    Store,
)
from stanchion.wire.bounds import LONGEST_LINE
from stanchion.wire.requests import BY_HEADER

CATCH_UP_S = 3.0
"""How long a writer waits for the view to show its own write before it answers all the same."""

LONGEST_WAIT_S = 60.0
"""The longest that a request may wait for a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Who else vouches for people: PAM, an identity provider; and the groups there that have a role here."""

    directory: Directory | None = None
    provider: IdentityProvider | None = None
    groups: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The agent as the API sees it.

    ``view`` gives the agent's present view; ``changed`` returns at its next change and begins to listen as soon as it
    is awaited. ``process_of`` and ``end_process`` know only the scripts of this node. ``token_file`` is where the
    token stands on this host, for the sentence that refuses a wrong one. ``issuer`` signs certificates in a cluster of
    hosts, ``ballot`` knows the members of its etcd, and ``etcd`` are those that this agent uses. ``names`` are further
    ones by which browsers may call this host.
    ``passwords`` checks those of users, and ``vigil`` is what is remembered of who tries, ``outside`` who else
    vouches for people. ``files`` are the configuration files of this host, ``colleagues`` the agents of the others.
    """

    node: NodeName
    store: Store
    view: Callable[[], ClusterView]
    changed: Callable[[], Awaitable[None]]
    clock: Clock
    chance: Chance
    lint: Lint
    fencer: Fencer
    process_of: Callable[[ResourceName], int | None]
    end_process: Callable[[ResourceName], Awaitable[bool]]
    token: str
    version: str
    token_file: str = ""
    names: tuple[str, ...] = ()
    notifier: Notifier | None = None
    issuer: Issuer | None = None
    ballot: Ballot | None = None
    etcd: tuple[str, ...] = ()
    statistics: Callable[[], Statistics] = lambda: Statistics(since_s=0.0)
    clear_statistics: Callable[[], None] = lambda: None
    store_away: Callable[[], bool] = lambda: False
    silent: Callable[[], frozenset[SessionId]] = frozenset
    """The sessions of members that nobody hears, as this node knows it."""
    running: Callable[[ResourceName], Running | None] = lambda _: None
    """Tells the script that runs on this node, with what it has printed; it reads files, so call it in a thread."""
    passwords: Passwords | None = None
    neighbours: Neighbours | None = None
    files: Files | None = None
    colleagues: Colleagues | None = None
    vigil: Vigil = field(default_factory=Vigil)
    outside: Outside = field(default_factory=Outside)

    async def wait_until(self, seen: Callable[[ClusterView], bool], wait_s: float) -> bool:
        """Wait until the view satisfies ``seen``; False: it did not within that time."""
        try:
            # asyncio.timeout, not wait_for: no change can slip in between the look and the listening.
            async with asyncio.timeout(min(wait_s, LONGEST_WAIT_S)):
                while not seen(self.view()):
                    await self.changed()
        except TimeoutError:
            return seen(self.view())
        return True

    async def catch_up(self, revision: Revision) -> None:
        """Wait, within reason, until the view shows what was written at that revision."""
        await self.wait_until(lambda view: view.revision >= revision, CATCH_UP_S)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _operator(
    request: Request,
    by: Annotated[str, Header(
        alias=BY_HEADER, max_length=LONGEST_LINE,
        description="who asks, if it is the cluster's token; shown in the history")] = "",
) -> str:
    who = principal.of(request)
    return principal.spoken(by) if who is None else who.name


Here = Annotated[Services, Depends(_services)]
"""A route's parameter: the agent that answers."""

By = Annotated[str, Depends(_operator)]
"""A route's parameter: who asks."""
