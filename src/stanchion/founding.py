"""Making a node: its settings, its token, and its place in the store (``stanchion init``).

The first node makes the store too, with the cluster's settings and the shipped templates. The next ones join: they
name its file, or the same etcd and a copy of the first node's token.
Nothing that exists is ever overwritten: every step either makes something new or says what stands in its way.
"""

import asyncio
import json
import os
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from stanchion.config import AgentConfig, checked_name, store_fault, write
from stanchion.drivers.templates import shipped
from stanchion.model.cluster import Key, Kind, Node, SelfFence, Settings
from stanchion.model.errors import AlreadyExists, HostError, InvalidInput
from stanchion.model.ids import NOTHING, NodeName
from stanchion.model.timing import Profile
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.stores import create_store, open_store, read_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What ``stanchion init`` was told. Neither ``store`` nor ``join``: this is the cluster's first node.

    ``join`` is a copy of the first node's token, for a cluster whose store is in ``etcd``.
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

    @property
    def first(self) -> bool:
        """Whether this node founds the cluster."""
        return self.store is None and self.join is None


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
    config = _config(wanted, directory)
    token = secrets.token_urlsafe(32) if wanted.join is None else read_line(wanted.join, "token")
    _make(directory)
    if wanted.first:
        asyncio.run(create_store(config))
    if wanted.store is None:
        _secret(config.token_file, token)
    asyncio.run(_enter(config, wanted))
    write(config, settings)
    url = f"http://{wanted.listen_host}:{wanted.listen_port}"
    client = f"urls = [{json.dumps(url)}]\ntoken_file = {json.dumps(str(config.token_file))}\n"
    (directory / "client.toml").write_text(client, encoding="utf-8")
    return config


def _config(wanted: Founding, directory: Path) -> AgentConfig:
    """Make the node's settings. Raises ``InvalidInput`` for contradictions about the store."""
    def absolute(path: Path | None) -> Path | None:
        return None if path is None else path.absolute()

    if wanted.join is not None and not wanted.etcd:
        raise InvalidInput("--join is for a cluster in etcd: name it with --etcd; a store's file is joined by --store")
    file = None if wanted.etcd else directory / "store.db"
    store = absolute(wanted.store or file)
    config = AgentConfig(
        cluster=wanted.cluster, node=wanted.node, store=store, etcd=wanted.etcd, etcd_ca=absolute(wanted.etcd_ca),
        etcd_cert=absolute(wanted.etcd_cert), etcd_key=absolute(wanted.etcd_key), etcd_user=wanted.etcd_user,
        etcd_password_file=absolute(wanted.etcd_password_file), state_dir=directory / "state",
        token_file=(directory if store is None else store.parent) / "token", listen_host=wanted.listen_host,
        listen_port=wanted.listen_port, address=wanted.listen_host, self_fence=wanted.self_fence,
        supervisor=absolute(wanted.supervisor))
    fault = store_fault(config)
    if fault:
        raise InvalidInput(fault)
    return config


async def _enter(config: AgentConfig, wanted: Founding) -> None:
    """Write the node, and for the first one the cluster's settings and templates, in one transaction."""
    store = await open_store(config)
    try:
        node = Node(name=NodeName(config.node), added_at_s=time.time())
        puts = [Put(node)]
        guards = [Guard(Key(Kind.NODE, config.node), NOTHING)]
        if wanted.first:
            puts += [Put(Settings(cluster=wanted.cluster, profile=wanted.profile)), *map(Put, shipped())]
        done = await store.commit(Transaction(guards=tuple(guards), puts=tuple(puts)))
        if not isinstance(done, Committed):
            raise AlreadyExists(f"the cluster has a node {config.node} already; give another name with --node")
    finally:
        await store.close()


def _check_names(wanted: Founding) -> None:
    for what, name in (("cluster", wanted.cluster), ("node", wanted.node)):
        try:
            checked_name(name)
        except ValueError as fault:
            raise InvalidInput(f"{name!r} cannot be the {what}'s name: {fault}") from None


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise HostError(f"the directory {directory} cannot be made ({problem.strerror}); "
                        "name another with --dir") from None


def _secret(path: Path, token: str) -> None:
    """Write the token, readable by its owner only; one that stands there stays."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as problem:
        raise HostError(f"the token file {path} cannot be written: {problem.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")


def told(config: AgentConfig) -> str:
    """Say what was made and what comes next."""
    where = config.token_file.parent
    return (f"Node {config.node} of cluster {config.cluster} is ready; its files are in {where}.\n"
            f"Start its agent:  stanchion agent --config {config.state_dir.parent / 'agent.toml'}\n"
            f"Then look:        stanchion status --config {config.state_dir.parent / 'client.toml'}")


