"""Making a node: its settings, its token, and its place in the store (``stanchion init``).

The first node makes the store too, with the cluster's settings and the shipped templates. On the same machine the next
ones join by naming its file. With an ``address`` it is the first host of a cluster of hosts: it makes the cluster's
authority as well, and with ``managed`` the first member of etcd; other hosts come with a token (``joining``). The older
way stays for those who look after certificates themselves: the same etcd and a copy of the first node's token.
Nothing that exists is ever overwritten: every step either makes something new or says what stands in its way.
"""

import asyncio
import os
import secrets
import socket
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from stanchion.config import DEFAULT_PORT, AgentConfig, checked_name, store_fault, url_of, write
from stanchion.drivers.etcd_server import CLIENT_PORT, PEER_PORT, EtcdServer, default_data, program
from stanchion.drivers.etcd_server import NAME as ETCD
from stanchion.drivers.templates import shipped
from stanchion.hosting import (
    answers,
    check_free,
    found_authority,
    make_directory,
    services,
    trusted,
    write_client,
    write_secret,
)
from stanchion.model.cluster import Key, Kind, Node, SelfFence, Settings
from stanchion.model.errors import AlreadyExists, InvalidInput
from stanchion.model.ids import NOTHING, NodeName
from stanchion.model.timing import Profile
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.model.trust import Authority
from stanchion.stores import create_store, open_store, read_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What ``stanchion init`` was told. Neither ``store`` nor ``join``: this is the cluster's first node.

    ``join`` is a copy of the first node's token, for a cluster whose store is in ``etcd``. ``address`` is where other
    hosts reach this one; ``managed``: make etcd too, with its ``etcd_data``.
    """

    cluster: str
    directory: Path
    node: str
    listen_host: str
    listen_port: int
    profile: Profile = Profile.DEFAULT
    self_fence: SelfFence = SelfFence.NONE
    supervisor: Path | None = None
    store: Path | None = None
    join: Path | None = None
    etcd: tuple[str, ...] = ()
    etcd_ca: Path | None = None
    etcd_cert: Path | None = None
    etcd_key: Path | None = None
    etcd_user: str | None = None
    etcd_password_file: Path | None = None
    address: str | None = None
    peer_port: int = DEFAULT_PORT + 1
    managed: bool = False
    etcd_ports: tuple[int, int] = (CLIENT_PORT, PEER_PORT)
    etcd_data: Path | None = None

    @property
    def first(self) -> bool:
        """Whether this node founds the cluster."""
        return self.store is None and self.join is None

    def server(self, directory: Path) -> EtcdServer | None:
        """Give this host's member of etcd, if one is to be made."""
        if not self.managed or self.address is None:
            return None
        return EtcdServer(name=self.node, address=self.address, directory=directory, founds=True,
                          data=(self.etcd_data or default_data(directory)).absolute(),
                          client_port=self.etcd_ports[0], peer_port=self.etcd_ports[1])


def default_directory() -> Path:
    """Give the directory where the command line looks for its settings without being told."""
    if os.geteuid() == 0:
        return Path("/etc/stanchion")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "stanchion"


def default_node() -> str:
    """Give this host's short name."""
    return socket.gethostname().partition(".")[0]


def found(wanted: Founding) -> AgentConfig:
    """Make the node's files and its place in the store.

    Raises ``AlreadyExists`` where the directory or the node's name is taken, ``InvalidInput``, ``HostError`` or
    ``StoreError``; what an earlier step made stays and does no harm.
    """
    _check_names(wanted)
    directory = wanted.directory.absolute()
    settings = directory / "agent.toml"
    if settings.exists():
        raise AlreadyExists(f"{settings} exists: this node is initialized already; "
                            "remove the directory to begin anew, or name another with --dir")
    if wanted.self_fence is SelfFence.SUPERVISOR and wanted.supervisor is None:
        raise InvalidInput("--self-fence supervisor needs --supervisor SOCKET")
    server = wanted.server(directory)
    config = _config(wanted, directory, server)
    _check_ports(wanted, server)
    token = secrets.token_urlsafe(32) if wanted.join is None else read_line(wanted.join, "token")
    make_directory(directory)
    node = Node(name=NodeName(config.node), added_at_s=time.time())
    authority = None
    if wanted.address is not None:
        authority, paper = found_authority(directory, config.cluster, node.name, wanted.address, token)
        node = replace(node, serial=paper.serial, trusted_until_s=paper.not_after_s,
                       etcd="" if server is None else server.url)
    if server is not None:
        server.write()
    asyncio.run(_make_store(config, wanted, server, node, authority))
    if wanted.store is None:
        write_secret(config.token_file, token)
    write(config, settings)
    write_client(directory, config, [url_of(config)])
    return config


async def _make_store(config: AgentConfig, wanted: Founding, server: EtcdServer | None, node: Node,
                      authority: Authority | None) -> None:
    """Make the store if this is the first node, and enter the node; its own etcd runs meanwhile."""
    with nullcontext() if server is None else server.running():
        if server is not None:
            await answers(server)
        if wanted.first:
            await create_store(config)
        await _enter(config, wanted, node, authority)


def _config(wanted: Founding, directory: Path, server: EtcdServer | None) -> AgentConfig:
    """Make the node's settings. Raises ``InvalidInput`` for contradictions about the store."""
    def absolute(path: Path | None) -> Path | None:
        return None if path is None else path.absolute()

    if wanted.join is not None and not wanted.etcd:
        raise InvalidInput("--join is for a cluster in etcd: name it with --etcd; a store's file is joined by --store")
    if (wanted.address is not None and not (wanted.etcd or server)) or (wanted.managed and wanted.address is None):
        raise InvalidInput("--address and --etcd go together, for a cluster of hosts: --etcd managed makes etcd, or "
                           "name the members of one; a store in a file is for one machine")
    etcd = wanted.etcd if server is None else (server.url,)
    file = None if etcd else directory / "store.db"
    store = absolute(wanted.store or file)
    config = AgentConfig(
        cluster=wanted.cluster, node=wanted.node, store=store, etcd=etcd, etcd_ca=absolute(wanted.etcd_ca),
        etcd_cert=absolute(wanted.etcd_cert), etcd_key=absolute(wanted.etcd_key), etcd_user=wanted.etcd_user,
        etcd_password_file=absolute(wanted.etcd_password_file), state_dir=directory / "state",
        token_file=(directory if store is None else store.parent) / "token", listen_host=wanted.listen_host,
        listen_port=wanted.listen_port, address=wanted.address or wanted.listen_host, self_fence=wanted.self_fence,
        peer_port=wanted.peer_port, supervisor=absolute(wanted.supervisor))
    if wanted.address is not None:
        config = trusted(config, directory, managed=server is not None)
    fault = store_fault(config)
    if fault:
        raise InvalidInput(fault)
    return config


async def _enter(config: AgentConfig, wanted: Founding, node: Node, authority: Authority | None) -> None:
    """Write the node, and for the first one the cluster's settings and templates, in one transaction."""
    store = await open_store(config)
    try:
        puts = [Put(node)] if authority is None else [Put(node), Put(authority)]
        guards = [Guard(Key(Kind.NODE, config.node), NOTHING)]
        if wanted.first:
            puts += [Put(Settings(cluster=wanted.cluster, profile=wanted.profile)), *map(Put, shipped())]
        done = await store.commit(Transaction(guards=tuple(guards), puts=tuple(puts)))
        if not isinstance(done, Committed):
            raise AlreadyExists(f"the cluster has a node {config.node} already; give another name with --node")
    finally:
        await store.close()


def _check_ports(wanted: Founding, server: EtcdServer | None) -> None:
    """Refuse to begin where a port is taken, or the address is not this host's, before anything is made."""
    if wanted.address is None:
        return
    check_free(wanted.listen_host, [("the API", wanted.listen_port), ("the agents' door", wanted.peer_port)])
    if server is not None:
        program()
        check_free(server.address, [("etcd", server.client_port), ("etcd, for its peers,", server.peer_port)])


def _check_names(wanted: Founding) -> None:
    for what, name in (("cluster", wanted.cluster), ("node", wanted.node)):
        try:
            checked_name(name)
        except ValueError as fault:
            raise InvalidInput(f"{name!r} cannot be the {what}'s name: {fault}") from None


def told(config: AgentConfig) -> str:
    """Say what was made and what comes next."""
    where, directory = config.token_file.parent, config.state_dir.parent
    if config.ca is not None:
        return (f"Node {config.node} of cluster {config.cluster} is ready; its files are in {directory}.\n"
                f"{services(directory, config.node, etcd=(directory / ETCD).exists())}\n"
                f"Next host: stanchion token create --config {directory / 'client.toml'}")
    return (f"Node {config.node} of cluster {config.cluster} is ready; its files are in {where}.\n"
            f"Start its agent:  stanchion agent --config {config.state_dir.parent / 'agent.toml'}\n"
            f"Then look:        stanchion status --config {config.state_dir.parent / 'client.toml'}")


