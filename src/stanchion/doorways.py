"""How an agent is reached, and what it has beyond one machine: TLS, the door for other agents, etcd's members.

On one machine the API speaks plain HTTP on the loopback interface, as it stands in the settings. With papers in the
settings (``ca``, ``cert``, ``key``) it speaks TLS, a second port opens to agents of this cluster alone, and the chores
of a host (``upkeep``) are done. Heavy libraries are imported off the event loop, as in ``wiring``.
"""

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from stanchion.config import AgentConfig
from stanchion.model.access import Role
from stanchion.model.cluster import ClusterView
from stanchion.model.errors import HostError
from stanchion.ports import Clock, Directory, IdentityProvider, Store
from stanchion.trust import contexts

if TYPE_CHECKING:
    from stanchion.api.services import Outside, Services
    from stanchion.api.tls import Tls

RETRY_S = 1.0

log = structlog.get_logger(__name__)


class Doorways:
    """What stands at the edge of one agent. ``secret`` gives the cluster's secret as it stands on this host now."""

    def __init__(self, config: AgentConfig, settings: Path, store: Store, clock: Clock,
                 secret: Callable[[], str]) -> None:
        self._config = config
        self._settings = settings
        self._parts = None if config.store is not None else _EtcdParts(config, store, clock, secret)

    @property
    def services(self) -> dict[str, Any]:
        """Give what the API is offered besides what every agent has."""
        offered = {} if self._parts is None else self._parts.offered(trusted=self._config.ca is not None)
        return offered | {"outside": vouching(self._config)}

    def chores(self, view: Callable[[], ClusterView]) -> tuple[Coroutine[Any, Any, None], ...]:
        """Give what is to run for as long as the agent does."""
        if self._parts is None or self._config.ca is None:
            return ()
        return (self._parts.upkeep(self._settings, view),)

    async def serve(self, here: "Services") -> None:
        """Answer people, and over their own door other agents, until cancelled. Raises ``HostError`` for the API."""
        app = await asyncio.to_thread(importlib.import_module, "stanchion.api.app")
        server = await asyncio.to_thread(importlib.import_module, "stanchion.api.server")
        config = self._config
        made = app.create(here)
        await add_console(made)
        peers = None if config.ca is None else asyncio.create_task(self._serve_peers(here), name="agents' door")
        try:
            await server.serve(made, config.listen_host, config.listen_port, tls=await self._tls())
        finally:
            if peers is not None:
                peers.cancel()
                await asyncio.gather(peers, return_exceptions=True)

    async def _serve_peers(self, here: "Services") -> None:
        """Answer other agents, for ever; a port that is taken costs this door alone."""
        peers = await asyncio.to_thread(importlib.import_module, "stanchion.api.peers")
        server = await asyncio.to_thread(importlib.import_module, "stanchion.api.server")
        while True:
            try:
                await server.serve(peers.create(here), self._config.listen_host, self._config.peer_port,
                                   tls=await self._tls(agents=True), door="agents")
            except HostError as problem:
                log.warning("the door for agents does not open yet", problem=str(problem))
            await asyncio.sleep(RETRY_S)

    async def _tls(self, *, agents: bool = False) -> "Tls | None":
        """Say how to speak TLS; to ``agents`` only where they show a certificate that counts."""
        papers = papers_of(self._config)
        if papers is None:
            return None
        ca, cert, key = papers
        tls = await asyncio.to_thread(importlib.import_module, "stanchion.api.tls")
        revoked = self._settings.parent / "revoked.crl"

        def context() -> contexts.ServerContext:
            return contexts.server(cert, key, ca=ca if agents else None, revoked=revoked if agents else None)

        made: Tls = tls.Tls(context=context, why_refused=contexts.why_refused)
        return made


def papers_of(config: AgentConfig) -> tuple[Path, Path, Path] | None:
    """Give the certificates of the authority and of this host, and its key; None: it has none."""
    if config.ca is None or config.cert is None or config.key is None:
        return None
    return config.ca, config.cert, config.key


async def add_console(app: Any) -> None:
    """Put the console beside the API. Machines do not depend on it: without it the agent goes on."""
    try:
        web = await asyncio.to_thread(importlib.import_module, "stanchion.web.app")
        await asyncio.to_thread(web.install, app)
    except Exception as problem:
        log.exception("there is no console on this node", problem=f"{type(problem).__name__}: {problem}")


def vouching(config: AgentConfig) -> "Outside":
    """Say who vouches for people besides the cluster itself, as the settings have it."""
    directory: Directory | None = None
    provider: IdentityProvider | None = None
    if config.pam:
        from stanchion.drivers.pam import HostPam

        directory = HostPam(config.pam_service)
    if config.oidc_issuer is not None:
        from stanchion.drivers.oidc import OidcProvider

        provider = OidcProvider(
            config.oidc_issuer, config.oidc_client_id, secret_file=config.oidc_secret_file, ca=config.oidc_ca,
            name_claim=config.oidc_name_claim, groups_claim=config.oidc_groups_claim)
    from stanchion.api.services import Outside

    return Outside(directory=directory, provider=provider, groups={
        Role.ADMINISTRATOR: config.administrators, Role.OPERATOR: config.operators, Role.VIEWER: config.viewers})


class _EtcdParts:
    """What needs the client of etcd, and the library for certificates; neither is imported without need."""

    def __init__(self, config: AgentConfig, store: Store, clock: Clock, secret: Callable[[], str]) -> None:
        from stanchion.store.etcd import EtcdStore
        from stanchion.store.etcd_members import EtcdMembers
        from stanchion.stores import etcd_tls, etcd_user

        assert isinstance(store, EtcdStore)
        self._config, self._store, self._clock, self._secret = config, store, clock, secret
        self._members = EtcdMembers(lambda: store.endpoints, tls=etcd_tls(config), user=etcd_user(config))

    def offered(self, *, trusted: bool) -> dict[str, Any]:
        """Give what the API is offered; ``trusted``: certificates too."""
        given: dict[str, Any] = {"ballot": self._members, "etcd": self._config.etcd}
        if trusted:
            from stanchion.trust.issuing import ClusterIssuer

            given["issuer"] = ClusterIssuer(self._secret, self._clock)
        return given

    async def upkeep(self, settings: Path, view: Callable[[], ClusterView]) -> None:
        """Do the chores, for ever."""
        upkeep = await asyncio.to_thread(importlib.import_module, "stanchion.upkeep")
        issuing = await asyncio.to_thread(importlib.import_module, "stanchion.trust.issuing")
        await upkeep.Upkeep(settings, self._config, store=self._store, members=self._members,
                            issuer=issuing.ClusterIssuer(self._secret, self._clock), view=view).run()
