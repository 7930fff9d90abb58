"""Moving a store from the file of one machine to an etcd, with everything kept (``stanchion store move``).

Agents may run meanwhile, and machines do. Most of the store is copied while everybody goes on; then the file is frozen
for a moment, what is new is carried over, all of it is read back and compared, and the file is marked as left. From
then on each agent that used the file ends with the reason, its service starts it anew, it reads its settings, which
name the etcd now, and finds its session alive there: machines notice nothing.

It can break off anywhere. Before the file is marked, nothing has happened: repeat it. Afterwards only the last word is
missing in etcd, and repeating it says just that.
"""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from stanchion.config import AgentConfig, load, store_fault, url_of, write
from stanchion.drivers.etcd_server import CLIENT_PORT, NAME, PEER_PORT, EtcdServer, default_data, program
from stanchion.drivers.etcd_server import load as load_server
from stanchion.hosting import check_free, found_authority, services, trusted, write_client
from stanchion.model.cluster import Key, Kind, Node
from stanchion.model.errors import InvalidInput, NotNow, StoreError
from stanchion.model.ids import NOTHING, NodeName
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.store.etcd_arriving import Arriving
from stanchion.store.etcd_members import EtcdMembers
from stanchion.store.sqlite import SqliteStore
from stanchion.store.sqlite_leaving import Leaving
from stanchion.stores import etcd_tls, etcd_user, read_line

ROUNDS = 5
LITTLE = 64
"""So few revisions are carried over in the moment in which nobody may write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """What ``stanchion store move`` was told. ``settings`` are those of all agents that use the file."""

    settings: tuple[Path, ...]
    etcd: tuple[str, ...] = ()
    address: str | None = None
    peer_port: int | None = None
    etcd_ports: tuple[int, int] = (CLIENT_PORT, PEER_PORT)
    etcd_data: Path | None = None
    etcd_ca: Path | None = None
    etcd_cert: Path | None = None
    etcd_key: Path | None = None
    etcd_user: str | None = None
    etcd_password_file: Path | None = None


def move(wanted: Moving, say: Callable[[str], None]) -> str:
    """Move the store; give what people are told. Raises ``StanchionError``."""
    settings = [path.absolute() for path in wanted.settings]
    configs = [load(path) for path in settings]
    first = configs[0]
    if first.store is None:
        return _told(first, settings[0])
    if any((config.store, config.cluster) != (first.store, first.cluster) for config in configs):
        raise InvalidInput("the settings that were named use different stores; name those of one store")
    if wanted.address is not None and len(configs) > 1:
        raise InvalidInput("agents that share one machine cannot be hosts of their own; leave --address out and name "
                           "the members of an etcd, or remove all nodes but one first")
    fresh = [_settings(config, path.parent, wanted) for config, path in zip(configs, settings, strict=True)]
    if wanted.address is not None:
        server = _prepare(first, fresh[0], settings[0].parent, wanted)
        if server is not None and not asyncio.run(_answers(server, fresh[0])):
            return (f"etcd is set up for this host. Start it, then repeat this command:\n"
                    f"{services(settings[0].parent, fresh[0].node, etcd=True)}")
    revision = asyncio.run(_carry(first, fresh[0], say))
    for config, path in zip(fresh, settings, strict=True):
        shutil.copyfile(path, path.with_name(f"{path.name}.before-etcd"))
        write(config, path)
        write_client(path.parent, config, [url_of(config)])
    say(f"everything is in etcd, at revision {revision}")
    return _told(fresh[0], settings[0])


def _settings(config: AgentConfig, directory: Path, wanted: Moving) -> AgentConfig:
    """Give an agent's settings as they are to be. Raises ``InvalidInput``."""
    def absolute(path: Path | None) -> Path | None:
        return None if path is None else path.absolute()

    if not wanted.etcd and wanted.address is None:
        raise InvalidInput("--etcd managed needs --address, where other hosts reach this one")
    made = replace(config, store=None, etcd=wanted.etcd, etcd_ca=absolute(wanted.etcd_ca),
                   etcd_cert=absolute(wanted.etcd_cert), etcd_key=absolute(wanted.etcd_key),
                   etcd_user=wanted.etcd_user, etcd_password_file=absolute(wanted.etcd_password_file))
    if wanted.address is not None:
        server = _server(config, directory, wanted)
        made = replace(trusted(made, directory, managed=not wanted.etcd), etcd=wanted.etcd or (server.url,),
                       address=wanted.address, listen_host=wanted.address,
                       peer_port=wanted.peer_port or config.listen_port + 1)
    fault = store_fault(made)
    if fault:
        raise InvalidInput(fault)
    return made


def _server(config: AgentConfig, directory: Path, wanted: Moving) -> EtcdServer:
    assert wanted.address is not None
    return EtcdServer(name=config.node, address=wanted.address, directory=directory, founds=True,
                      data=(wanted.etcd_data or default_data(directory)).absolute(),
                      client_port=wanted.etcd_ports[0], peer_port=wanted.etcd_ports[1])


def _prepare(config: AgentConfig, fresh: AgentConfig, directory: Path, wanted: Moving) -> EtcdServer | None:
    """Make the authority, this host's papers and its member of etcd, unless an earlier try has; give the member."""
    server = None if wanted.etcd else _server(config, directory, wanted)
    assert wanted.address is not None
    check_free(wanted.address, [("the agents' door", fresh.peer_port)])
    if server is not None:
        program()
        if (directory / NAME).exists():
            server = load_server(directory)
        else:
            check_free(wanted.address, [("etcd", server.client_port), ("etcd, for its peers,", server.peer_port)])
    if not _left(config):
        asyncio.run(_found_authority(config, directory, wanted.address, "" if server is None else server.url))
    if server is not None:
        server.write()
    return server


def _left(config: AgentConfig) -> bool:
    assert config.store is not None
    leaving = Leaving(config.store, config.cluster)
    try:
        return leaving.left
    finally:
        leaving.close()


async def _found_authority(config: AgentConfig, directory: Path, address: str, etcd: str) -> None:
    """Put the authority into the store that is to be moved, so that it moves along."""
    assert config.store is not None
    store = SqliteStore(config.store)
    try:
        found = await store.snapshot()
        held = {change.key: change for change in found.changes}
        me = held.get(Key(Kind.NODE, config.node))
        if Key(Kind.AUTHORITY) in held or me is None or not isinstance(me.value, Node):
            return
        authority, paper = found_authority(directory, config.cluster, NodeName(config.node), address,
                                           read_line(config.token_file, "token"))
        node = replace(me.value, etcd=etcd, serial=paper.serial, trusted_until_s=paper.not_after_s)
        done = await store.commit(Transaction(
            guards=(Guard(Key(Kind.AUTHORITY), NOTHING), Guard(me.key, me.revision)),
            puts=(Put(authority), Put(node))))
        if not isinstance(done, Committed):
            raise NotNow("the cluster changed just now; repeat it")
    finally:
        await store.close()


async def _answers(server: EtcdServer, config: AgentConfig) -> bool:
    try:
        members = await EtcdMembers(lambda: (server.url,), tls=etcd_tls(config)).members()
    except StoreError:
        return False
    return not any(member.fault for member in members)


async def _carry(config: AgentConfig, fresh: AgentConfig, say: Callable[[str], None]) -> int:
    """Carry everything over and leave the file; give the revision. See the module for what may break off."""
    assert config.store is not None
    leaving = Leaving(config.store, config.cluster)
    arriving = Arriving(fresh.etcd, config.cluster, tls=etcd_tls(fresh), user=etcd_user(fresh), say=say)
    try:
        if leaving.left:
            return await _last_word(leaving, arriving)
        await arriving.begin()
        contents = leaving.read()
        for _ in range(ROUNDS):
            await arriving.carry(contents)
            before, contents = contents, leaving.read()
            if contents.revision - before.revision < LITTLE:
                break
        with leaving.frozen() as contents:
            await arriving.carry(contents)
            await arriving.lease(contents.leases)
            await arriving.check(contents)
            await arriving.complete()
        await arriving.open()
        return contents.revision
    finally:
        arriving.close()
        leaving.close()


async def _last_word(leaving: Leaving, arriving: Arriving) -> int:
    """Go on where an earlier move broke off after the file was left. Raises ``NotNow``: it went elsewhere."""
    state = await arriving.state()
    if state == "complete":
        await arriving.open()
    elif state != "cluster":
        raise NotNow("this store was moved already, to another etcd than this one; name that")
    return leaving.read().revision


def _told(config: AgentConfig, settings: Path) -> str:
    again = f"stanchion status --config {settings.parent / 'client.toml'}"
    more = (f"\nNext host: stanchion token create --config {settings.parent / 'client.toml'}"
            if config.ca is not None else "")
    return (f"The store of cluster {config.cluster} is in etcd: {', '.join(config.etcd)}. An agent that runs ends now "
            "and is started anew by its service; one without a service is to be started by hand, at once: "
            f"stanchion agent --config {settings}\nThen look: {again}{more}")
