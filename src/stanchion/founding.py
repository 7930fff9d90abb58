"""Making a node: its settings, its token, and its place in the store (``stanchion init``).

The first node makes the store too, with the cluster's settings and the shipped templates; the next ones name its file.
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

from stanchion.config import AgentConfig, write
from stanchion.drivers.templates import shipped
from stanchion.model.cluster import Key, Kind, Node, SelfFence, Settings
from stanchion.model.errors import AlreadyExists, HostError, InvalidInput
from stanchion.model.ids import NOTHING, NodeName
from stanchion.model.timing import Profile
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.store.sqlite import SqliteStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What ``stanchion init`` was told. ``store`` None: this is the cluster's first node."""

    cluster: str
    directory: Path
    node: str
    listen_host: str
    listen_port: int
    profile: Profile = Profile.DEFAULT
    self_fence: SelfFence = SelfFence.NONE
    supervisor: Path | None = None
    store: Path | None = None


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
    directory = wanted.directory.absolute()
    settings = directory / "agent.toml"
    if settings.exists():
        raise AlreadyExists(f"{settings} exists: this node is initialized already; "
                            "remove the directory to begin anew, or name another with --dir")
    if wanted.self_fence is SelfFence.SUPERVISOR and wanted.supervisor is None:
        raise InvalidInput("--self-fence supervisor needs --supervisor SOCKET")
    _make(directory)
    store = (wanted.store or directory / "store.db").absolute()
    token_file = store.parent / "token"
    config = AgentConfig(cluster=wanted.cluster, node=wanted.node, store=store, state_dir=directory / "state",
                         token_file=token_file, listen_host=wanted.listen_host, listen_port=wanted.listen_port,
                         address=wanted.listen_host, self_fence=wanted.self_fence,
                         supervisor=None if wanted.supervisor is None else wanted.supervisor.absolute())
    if wanted.store is None:
        SqliteStore.create(store, wanted.cluster)
        _secret(token_file)
    asyncio.run(_enter(config, wanted))
    write(config, settings)
    url = f"http://{wanted.listen_host}:{wanted.listen_port}"
    client = f"urls = [{json.dumps(url)}]\ntoken_file = {json.dumps(str(token_file))}\n"
    (directory / "client.toml").write_text(client, encoding="utf-8")
    return config


async def _enter(config: AgentConfig, wanted: Founding) -> None:
    """Write the node, and for the first one the cluster's settings and templates, in one transaction."""
    store = SqliteStore(config.store)
    try:
        if store.cluster != wanted.cluster:
            raise InvalidInput(f"the store {config.store} belongs to the cluster {store.cluster}, not to "
                               f"{wanted.cluster}; give that name, or another --store")
        node = Node(name=NodeName(config.node), added_at_s=time.time())
        puts = [Put(node)]
        guards = [Guard(Key(Kind.NODE, config.node), NOTHING)]
        if wanted.store is None:
            puts += [Put(Settings(cluster=wanted.cluster, profile=wanted.profile)), *map(Put, shipped())]
        done = await store.commit(Transaction(guards=tuple(guards), puts=tuple(puts)))
        if not isinstance(done, Committed):
            raise AlreadyExists(f"the cluster has a node {config.node} already; give another name with --node")
    finally:
        await store.close()


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise HostError(f"the directory {directory} cannot be made ({problem.strerror}); "
                        "name another with --dir") from None


def _secret(path: Path) -> None:
    """Write a fresh token of 256 random bits, readable by its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as problem:
        raise HostError(f"the token file {path} cannot be written: {problem.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")


def told(config: AgentConfig) -> str:
    """Say what was made and what comes next."""
    where = config.token_file.parent
    return (f"Node {config.node} of cluster {config.cluster} is ready; its files are in {where}.\n"
            f"Start its agent:  stanchion agent --config {config.state_dir.parent / 'agent.toml'}\n"
            f"Then look:        stanchion status --config {config.state_dir.parent / 'client.toml'}")


