"""Opens the store that a node's settings name: the file of one machine, or the etcd of a cluster of hosts.

The client of etcd is imported only where it is used: an agent on a file starts without it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from stanchion.config import AgentConfig
from stanchion.model.errors import HostError, InvalidInput, plainly
from stanchion.ports import Store
from stanchion.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from stanchion.store.etcd_tls import EtcdTls

FIRST = 16
"""The revision of an empty file. Not 0: a new etcd has some already, and what moves there keeps its revisions."""


async def open_store(config: AgentConfig, *, busy_s: float = 2.0) -> Store:
    """Open the store; an etcd is connected to when it is first used. ``busy_s`` is the file's, see ``SqliteStore``.

    Raises ``StoreError``, ``HostError`` for a password that cannot be read, and ``InvalidInput`` where the store is
    another cluster's.
    """
    if config.store is None:
        from stanchion.store.etcd import EtcdStore

        return EtcdStore(config.etcd, config.cluster, tls=etcd_tls(config), user=etcd_user(config))
    store = SqliteStore(config.store, busy_s=busy_s)
    if store.cluster != config.cluster:
        await store.close()
        raise InvalidInput(f"the store {config.store} belongs to the cluster {store.cluster}, not to {config.cluster}; "
                           "correct the cluster's name, or name another store")
    return store


async def create_store(config: AgentConfig) -> None:
    """Make the store for a new cluster. Raises ``AlreadyExists``, ``InvalidInput``, ``HostError``, ``StoreError``."""
    if config.store is None:
        from stanchion.store.etcd import EtcdStore

        await EtcdStore.create(config.etcd, config.cluster, tls=etcd_tls(config), user=etcd_user(config))
    else:
        SqliteStore.create(config.store, config.cluster, first=FIRST)


def etcd_tls(config: AgentConfig) -> "EtcdTls | None":
    """Give the files for TLS to etcd; None: the settings name none."""
    from stanchion.store.etcd_tls import EtcdTls

    if config.etcd_ca is None and config.etcd_cert is None:
        return None
    return EtcdTls(ca=config.etcd_ca, cert=config.etcd_cert, key=config.etcd_key)


def etcd_user(config: AgentConfig) -> tuple[str, str] | None:
    """Give our user in etcd and its password; None: the settings name none. Raises ``HostError``."""
    if config.etcd_user is None or config.etcd_password_file is None:
        return None
    return config.etcd_user, read_line(config.etcd_password_file, "password")


def read_line(path: Path, what: str) -> str:
    """Read a secret that stands alone in a file. Raises ``HostError``."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise HostError(f"the {what} file {path} cannot be read: {plainly(problem)}") from None
