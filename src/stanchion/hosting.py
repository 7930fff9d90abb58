"""What a host of a cluster of hosts needs beside its settings: papers, a member of etcd, unit files, a client's file.

Shared by the three ways in which a host comes to it: it founds the cluster, joins it, or moves its store to etcd.
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from stanchion.config import AgentConfig
from stanchion.drivers.etcd_server import EtcdServer
from stanchion.drivers.units import write_units
from stanchion.model.errors import HostError, InvalidInput, StoreError
from stanchion.model.ids import NodeName
from stanchion.model.trust import Authority, Paper
from stanchion.store.etcd_members import EtcdMembers
from stanchion.store.etcd_tls import EtcdTls
from stanchion.trust import papers
from stanchion.trust.authority import Signer
from stanchion.trust.papers import Papers

MANAGED = "managed"
"""What is said instead of etcd's members, to have them made."""
READY_S = 30.0


def trusted(config: AgentConfig, directory: Path, *, managed: bool) -> AgentConfig:
    """Give the settings of a host that has papers; ``managed``: they are its papers for etcd too."""
    own = Papers(directory)
    config = replace(config, ca=own.ca, cert=own.cert, key=own.key)
    return replace(config, etcd_ca=own.ca, etcd_cert=own.cert, etcd_key=own.key) if managed else config


def found_authority(directory: Path, cluster: str, node: NodeName, address: str,
                    secret: str) -> tuple[Authority, Paper]:
    """Make the authority of a new cluster, and its first host's papers. Raises ``HostError``, ``InvalidInput``."""
    own, now_s = Papers(directory), time.time()
    signer = Signer.make(cluster, now_s)
    papers.make_key(own.key)
    certificate = signer.sign(papers.request(own.key, node), node, address, now_s)
    keep(directory, certificate, signer.certificate, signer.revocations((), now_s))
    return signer.record(secret), papers.read(certificate)


def keep(directory: Path, certificate: str, authority: str, revoked: str) -> None:
    """Write a host's papers, all but its key. Raises ``HostError``."""
    own = Papers(directory)
    papers.replace_file(own.ca, authority)
    papers.replace_file(own.revoked, revoked)
    papers.replace_file(own.cert, certificate)


def check_free(address: str, ports: Sequence[tuple[str, int]]) -> None:
    """Refuse to go on where a port is taken, or the address is not this host's. Raises ``HostError``."""
    try:
        family, kind, protocol, _, found = socket.getaddrinfo(address, 0, type=socket.SOCK_STREAM)[0]
    except OSError as problem:
        raise InvalidInput(f"--address {address} cannot be resolved ({problem.strerror}); give this host's address, "
                           "like 10.0.0.1") from None
    with ExitStack() as stack:
        for what, port in ports:
            probe = stack.enter_context(socket.socket(family, kind, protocol))
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((found[0], port, *found[2:]))
            except OSError as problem:
                raise HostError(f"{what} cannot listen on {address} port {port} ({problem.strerror}); end what uses "
                                "it, or name this host's own address and another port") from None


async def answers(server: EtcdServer) -> None:
    """Wait until the member of this host is well, as the only one. Raises ``HostError`` when it does not come."""
    own = Papers(server.directory)
    members = EtcdMembers(lambda: (server.url,), tls=EtcdTls(ca=own.ca, cert=own.cert, key=own.key))
    deadline_s, fault = time.monotonic() + READY_S, ""
    while time.monotonic() < deadline_s:
        try:
            fault = "; ".join(member.fault for member in await members.members())
        except StoreError as problem:
            fault = str(problem)
        if not fault:
            return
        await asyncio.sleep(0.1)
    raise HostError(f"etcd does not answer ({fault}); see {server.directory / 'etcd.log'}")


def make_directory(directory: Path) -> None:
    """Make the directory of a node's files. Raises ``HostError``."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise HostError(f"the directory {directory} cannot be made ({problem.strerror}); "
                        "name another with --dir") from None


def write_secret(path: Path, token: str) -> None:
    """Write the token, readable by its owner only; one that stands there stays. Raises ``HostError``."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as problem:
        raise HostError(f"the token file {path} cannot be written: {problem.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")


def write_client(directory: Path, config: AgentConfig, urls: Sequence[str]) -> None:
    """Write what the command line needs to speak to the cluster from here."""
    lines = [f"urls = {json.dumps(list(urls))}", f"token_file = {json.dumps(str(config.token_file))}"]
    if config.ca is not None:
        lines.append(f"ca = {json.dumps(str(config.ca))}")
    papers.replace_file(directory / "client.toml", "\n".join(lines) + "\n")


def told_papers(directory: Path) -> str:
    """Say what this host's certificate says. Raises ``HostError``."""
    paper = papers.read_file(Papers(directory).cert)
    until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(paper.not_after_s))
    return (f"{paper.node}: {', '.join(paper.addresses)}\nserial {paper.serial}, good until {until} "
            f"({(paper.not_after_s - time.time()) / 86_400:.0f} days)")


def services(directory: Path, node: str, *, etcd: bool) -> str:
    """Write the unit files and say how to start what they are for, in this order."""
    units = write_units(directory, node=node, etcd=etcd)
    names = " ".join(unit.name for unit in units)
    by_hand = [f"stanchion etcd run --dir {directory}"] if etcd else []
    by_hand.append(f"stanchion agent --config {directory / 'agent.toml'}")
    return (f"Start it:  systemctl link {' '.join(map(str, units))} && systemctl enable --now {names}\n"
            f"  or by hand, each in a shell of its own:  {'  and  '.join(by_hand)}\n"
            f"Then look: stanchion status --config {directory / 'client.toml'}")
