"""Coming into a cluster of hosts with a join token (``stanchion join``).

The order of steps is such that what can go wrong on this host goes wrong before the token is used up, and that nobody
is believed before he is known:

1. Everything of this host is checked: names, ports, etcd's program, whether it is a node already.
2. The cluster's authority is asked for over a connection that proves nothing yet, and compared with the fingerprint in
   the token. From here on only agents that this authority vouches for are believed.
3. A key is made, which never leaves this host; the token's secret and a request to sign it are sent.
4. The answer becomes this host's files: papers, the cluster's secret, settings, unit files.
5. The agents' door is knocked at with the new certificate, which also shows whether the clocks agree.

Nothing is started: what runs in the cluster notices nothing until this host's agent does.
"""

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stanchion.client import Client, Connection, find
from stanchion.config import DEFAULT_PORT, AgentConfig, checked_name, load, store_fault, url_of, write
from stanchion.drivers.etcd_server import CLIENT_PORT, PEER_PORT, EtcdServer, default_data, program
from stanchion.hosting import (
    check_free,
    keep,
    make_directory,
    services,
    told_papers,
    trusted,
    write_client,
    write_secret,
)
from stanchion.model.cluster import SelfFence
from stanchion.model.errors import AlreadyExists, HostError, InvalidInput, NotAllowed, NotNow, StanchionError
from stanchion.model.ids import NodeName
from stanchion.store.etcd_members import EtcdMembers
from stanchion.store.etcd_tls import EtcdTls
from stanchion.trust import papers
from stanchion.trust.authority import fingerprint
from stanchion.trust.papers import Papers
from stanchion.wire.joining import Admission, CertificateInfo, CertificateRequest, JoinOffer, JoinRequest

WAIT_S = 1.0
SKEW_S = 2.0
"""How far this host's clock may be from the others' before it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What a join token carries: the cluster, where to ask, whom to believe there, and the right to be admitted."""

    cluster: str
    urls: tuple[str, ...]
    fingerprint: str
    id: str
    secret: str

    @classmethod
    def read(cls, token: str) -> "Invitation":
        """Read a token as ``stanchion token create`` prints it. Raises ``InvalidInput``."""
        body = token.strip().removeprefix("join-")
        try:
            given = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            made = cls(cluster=str(given["c"]), urls=tuple(str(url) for url in given["u"]), id=str(given["i"]),
                       fingerprint=str(given["f"]), secret=str(given["s"]))
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise InvalidInput("this is not a join token, or a part of it is missing; copy the whole line that "
                               "`stanchion token create` printed") from None
        if not made.urls:
            raise InvalidInput("this join token names no agent that could be asked; make another")
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What ``stanchion join`` was told. What is said of an etcd counts only where the cluster did not make its own."""

    token: str
    directory: Path
    node: str
    address: str
    listen_port: int = DEFAULT_PORT
    peer_port: int = DEFAULT_PORT + 1
    witness: bool = False
    self_fence: SelfFence = SelfFence.NONE
    supervisor: Path | None = None
    etcd_ports: tuple[int, int] = (CLIENT_PORT, PEER_PORT)
    etcd_data: Path | None = None
    etcd_ca: Path | None = None
    etcd_cert: Path | None = None
    etcd_key: Path | None = None
    etcd_user: str | None = None
    etcd_password_file: Path | None = None

    def server(self, directory: Path) -> EtcdServer:
        """Give the member of etcd that this host would have."""
        return EtcdServer(name=self.node, address=self.address, directory=directory,
                          data=(self.etcd_data or default_data(directory)).absolute(),
                          client_port=self.etcd_ports[0], peer_port=self.etcd_ports[1])


def join(wanted: Joining) -> str:
    """Make this host a node of an existing cluster; give what people are told.

    Raises ``StanchionError``; as long as the cluster has not admitted this host, the token stays good.
    """
    invitation, directory = Invitation.read(wanted.token), wanted.directory.absolute()
    _check_host(wanted, directory)
    make_directory(directory)
    offer = asyncio.run(_offer(invitation))
    server = wanted.server(directory) if offer.member else None
    if server is not None:
        program()
        check_free(server.address, [("etcd", server.client_port), ("etcd, for its peers,", server.peer_port)])
    papers.replace_file(Papers(directory).ca, offer.authority)
    papers.make_key(Papers(directory).key)
    admission = asyncio.run(_admitted(wanted, directory, invitation, server))
    config = _config(wanted, directory, admission, managed=offer.etcd)
    keep(directory, admission.certificate, admission.authority, admission.revoked)
    write_secret(config.token_file, admission.secret)
    if server is not None:
        server.write()
    write_client(directory, config, [url_of(config), *admission.urls])
    write(config, directory / "agent.toml")
    doubts = asyncio.run(_doubts(directory, admission))
    return _told(wanted, config, server, doubts)


def _check_host(wanted: Joining, directory: Path) -> None:
    try:
        checked_name(wanted.node)
    except ValueError as fault:
        raise InvalidInput(f"{wanted.node!r} cannot be the node's name: {fault}") from None
    if (directory / "agent.toml").exists():
        raise AlreadyExists(f"{directory / 'agent.toml'} exists: this host is a node already; remove the directory to "
                            "begin anew, or name another with --dir")
    if wanted.self_fence is SelfFence.SUPERVISOR and wanted.supervisor is None:
        raise InvalidInput("--self-fence supervisor needs --supervisor SOCKET")
    check_free(wanted.address, [("the API", wanted.listen_port), ("the agents' door", wanted.peer_port)])


async def _offer(invitation: Invitation) -> JoinOffer:
    """Ask whom to trust, believing nobody, and compare. Raises ``NotAllowed``."""
    async with Client(Connection(urls=invitation.urls, blind=True)) as client:
        offer = await client.offer()
    if fingerprint(offer.authority) != invitation.fingerprint:
        raise NotAllowed(f"what answers at {' or '.join(invitation.urls)} is not the cluster {invitation.cluster} that "
                         "made the token: its authority has another fingerprint; make sure that nobody stands between, "
                         "then make another token")
    return offer


async def _admitted(wanted: Joining, directory: Path, invitation: Invitation, server: EtcdServer | None) -> Admission:
    own = Papers(directory)
    asked = JoinRequest(id=invitation.id, secret=invitation.secret, node=wanted.node, address=wanted.address,
                        request=papers.request(own.key, NodeName(wanted.node)), witness=wanted.witness,
                        etcd="" if server is None else server.url)
    async with Client(Connection(urls=invitation.urls, ca=own.ca)) as client:
        return await client.admit(asked)


def _config(wanted: Joining, directory: Path, admission: Admission, *, managed: bool) -> AgentConfig:
    def absolute(path: Path | None) -> Path | None:
        return None if path is None else path.absolute()

    config = trusted(AgentConfig(
        cluster=admission.cluster, node=wanted.node, etcd=admission.etcd, etcd_ca=absolute(wanted.etcd_ca),
        etcd_cert=absolute(wanted.etcd_cert), etcd_key=absolute(wanted.etcd_key), etcd_user=wanted.etcd_user,
        etcd_password_file=absolute(wanted.etcd_password_file), state_dir=directory / "state",
        token_file=directory / "token", listen_host=wanted.address, listen_port=wanted.listen_port,
        address=wanted.address, peer_port=wanted.peer_port, self_fence=wanted.self_fence,
        supervisor=absolute(wanted.supervisor)), directory, managed=managed)
    fault = store_fault(config)
    if fault:
        raise InvalidInput(fault)
    return config


async def _doubts(directory: Path, admission: Admission) -> list[str]:
    """Knock at the agents' doors; give what is wrong with them, for people. This host is a node already."""
    own, doubts = Papers(directory), []
    for peer in admission.peers:
        connection = Connection(urls=(peer,), ca=own.ca, cert=own.cert, key=own.key)
        try:
            async with Client(connection) as client:
                before_s = time.time()
                hello = await client.hello()
                skew_s = hello.at.timestamp() - (before_s + time.time()) / 2
        except StanchionError as problem:
            doubts.append(f"the door for agents at {peer} does not open to this host: {problem}")
        else:
            if abs(skew_s) > SKEW_S:
                way = "ahead" if skew_s > 0 else "behind"
                doubts.append(f"the clock of {hello.node} is {abs(skew_s):.0f} s {way}: keep the clocks of all "
                              "hosts in step (chrony, systemd-timesyncd)")
    return doubts


def _told(wanted: Joining, config: AgentConfig, server: EtcdServer | None, doubts: list[str]) -> str:
    directory = config.state_dir.parent
    kind = "a witness, which votes and never holds a machine" if wanted.witness else "a node"
    vote = ("Its member of etcd gets its vote as soon as it runs and is in step." if server is not None else
            "It has no member of etcd: the cluster has enough, or its etcd is looked after elsewhere.")
    return "\n".join([f"{config.node} is {kind} of cluster {config.cluster} now; its files are in {directory}. {vote}",
                      *(f"Look at this: {doubt}" for doubt in doubts),
                      services(directory, config.node, etcd=server is not None)])


def renew(directory: Path) -> str:
    """Have this host given a new certificate; say what became of it. Works also when the old one has expired.

    Raises ``StanchionError``.
    """
    config, own = load(directory / "agent.toml"), Papers(directory)
    if config.ca is None:
        raise NotNow("this node has no certificate: its cluster lives on one machine, or was set up without --address")
    asked = CertificateRequest(node=config.node, address=config.address,
                               request=papers.request(own.key, NodeName(config.node)))

    async def certified() -> CertificateInfo:
        async with Client(find(file=directory / "client.toml", env={})) as client:
            return await client.certify(asked)

    given = asyncio.run(certified())
    keep(directory, given.certificate, given.authority, given.revoked)
    return told_papers(directory)


def first_start(server: EtcdServer, config: AgentConfig, say: Callable[[str], None], *, replace: bool) -> str:
    """Have a member of etcd that starts for the first time added; give what it is told of all members.

    Waits, for ever, as long as that would endanger the store, and says why. ``replace``: it lost its data, and the one
    that it was is removed. Raises ``StanchionError``.
    """
    return asyncio.run(_first_start(server, config, say, replace=replace))


async def _first_start(server: EtcdServer, config: AgentConfig, say: Callable[[str], None], *, replace: bool) -> str:
    own, told = Papers(server.directory), ""
    known = EtcdMembers(lambda: config.etcd, tls=EtcdTls(ca=own.ca, cert=own.cert, key=own.key))
    for member in await known.members():
        if member.peer == server.peer and member.name:
            if not replace:
                raise HostError(f"etcd knows the member {member.name} at {server.peer}, but its data is not in "
                                f"{server.data}; bring the data back, or begin anew: stanchion etcd run --replace")
            await known.remove(member)
    while True:
        try:
            await known.add(server.peer, server.url)
            return await known.initial(server.name, server.peer)
        except NotNow as reason:
            if str(reason) != told:
                say(f"waiting: {reason}")
            told = str(reason)
            await asyncio.sleep(WAIT_S)
