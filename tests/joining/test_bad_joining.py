"""Hosts that cannot join: one clear sentence each, the token stays good, and the cluster is as it was."""

import asyncio
import hashlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from etcd_servers import needs_etcd
from hosts_bench import ADDRESS, Host, Site, site, tampered

from realhosts import lone_node, stanchion
from stanchion.config import load
from stanchion.joining import Invitation
from stanchion.model.transaction import Put, Transaction
from stanchion.model.trust import JoinToken
from stanchion.stores import open_store
from stanchion.trust.authority import Signer, fingerprint

pytestmark = [pytest.mark.slow, needs_etcd]


@pytest.fixture(scope="module")
def prod() -> Iterator[Site]:
    """A cluster of one host that others try to join."""
    with site() as made:
        first = made.host("h1")
        assert first.init().code == 0
        first.up()
        yield made
        told = first.operator.status()
        assert [node.name for node in told.nodes] == ["h1"], "somebody came in"
        assert "Traceback" not in first.log


@pytest.fixture(scope="module")
def token(prod: Site) -> Iterator[str]:
    """A good token, which is good to the end."""
    made = prod.host("h1").token()
    yield made
    listed = prod.host("h1").operator.ask(lambda client: client.join_tokens())
    states = {each.id: each.state for each in listed.tokens}
    assert states[Invitation.read(made).id] == "open"


@pytest.fixture
def stranger(prod: Site, tmp_path: Path) -> Host:
    """A host that wants to join; a new one for every test."""
    host = prod.host(f"stranger-{tmp_path.name}"[:60])
    host.directory = tmp_path / "n"
    return host


async def put(host: Host, record: JoinToken) -> None:
    """Write a token's record as if it had been made some other time."""
    store = await open_store(load(host.directory / "agent.toml"))
    try:
        await store.commit(Transaction(puts=(Put(record),)))
    finally:
        await store.close()


@pytest.mark.parametrize(("given", "words"), [
    ("nonsense", "this is not a join token, or a part of it is missing; copy the whole line"),
    ("join-eyJjIjoicHJv", "this is not a join token, or a part of it is missing"),
    ("", "this is not a join token"),
])
def test_what_is_no_token(stranger: Host, given: str, words: str) -> None:
    stranger.asks(given).refused(2, words)
    assert not stranger.directory.exists()


def test_a_token_whose_fingerprint_is_anothers(stranger: Host, token: str) -> None:
    wrong = tampered(token, f=fingerprint(Signer.make("prod", time.time()).certificate))
    stranger.asks(wrong).refused(3, "is not the cluster prod that made the token: its authority has another",
                                 "make sure that nobody stands between")


def test_a_token_that_the_cluster_does_not_know(stranger: Host, prod: Site, token: str) -> None:
    stranger.asks(tampered(token, i="0123456789abcdef")).refused(3, "this cluster has no such join token: it was")
    stranger.asks(tampered(token, s="guessed")).refused(3, "this cluster has no such join token")
    assert "a host was not admitted" in prod.host("h1").log
    assert f"address={ADDRESS}" in prod.host("h1").log


def test_tokens_that_were_used_have_expired_or_were_revoked(stranger: Host, prod: Site, token: str) -> None:
    first = prod.host("h1")
    now, secret = time.time(), "secret"
    digest = hashlib.sha256(secret.encode()).hexdigest()
    base = JoinToken(id="base", digest=digest, made_at_s=now, expires_at_s=now + 60)
    asyncio.run(put(first, replace(base, id="used", used_by="h9")))  # type: ignore[arg-type]  # a node's name
    asyncio.run(put(first, replace(base, id="old", expires_at_s=now - 1)))
    asyncio.run(put(first, replace(base, id="gone")))
    config = ("--config", first.directory / "client.toml")
    assert stanchion("token", "revoke", "gone", *config).code == 0

    stranger.asks(tampered(token, i="used", s=secret)).refused(3, "was used already, by node h9; ask for another")
    stranger.asks(tampered(token, i="old", s=secret)).refused(3, "this join token has expired; ask for another")
    stranger.asks(tampered(token, i="gone", s=secret)).refused(3, "no such join token: it was revoked")
    stanchion("token", "revoke", "gone", *config).refused(4, "there is no join token gone")
    listed = stanchion("token", "list", *config).out
    assert "h9" in listed
    assert secret not in listed


def test_a_name_that_is_taken(stranger: Host, token: str) -> None:
    stranger.name = "H1"
    stranger.asks(token).refused(5, "the cluster has a node h1 already; give this one another name with --node")
    stranger.name = "no/name"
    stranger.asks(token).refused(2, "cannot be the node's name")


def test_a_host_that_is_a_node_already(prod: Site, token: str) -> None:
    prod.host("h1").asks(token).refused(5, "exists: this host is a node already")
    prod.host("h1").init().refused(5, "this node is initialized already")


def test_a_port_that_is_taken_and_an_address_that_is_another_hosts(stranger: Host, token: str) -> None:
    with socket.socket() as taken:
        taken.bind((ADDRESS, stranger.etcd_ports[1]))
        taken.listen()
        stranger.asks(token).refused(1, f"etcd, for its peers, cannot listen on {ADDRESS} port", "already in use")
    stranger.asks(token, address="192.0.2.7").refused(1, "cannot listen on 192.0.2.7", "name this host's own address")
    stranger.asks(token, address="no.such.host.invalid").refused(2, "--address no.such.host.invalid cannot be resolved")


def test_a_host_without_etcd_says_which_package_is_missing(stranger: Host, token: str, tmp_path: Path) -> None:
    stranger.env["PATH"] = str(tmp_path)
    stranger.join(token).refused(1, "there is no etcd on this host: install it", "etcd-server")
    stranger.init().refused(1, "there is no etcd on this host: install it")


def test_a_cluster_that_cannot_be_reached(stranger: Host, token: str) -> None:
    with socket.socket() as nobody:
        nobody.bind((ADDRESS, 0))
        url = f"https://{ADDRESS}:{nobody.getsockname()[1]}"
        stranger.asks(tampered(token, u=[url])).refused(6, f"no agent answers at {url}")


def test_a_cluster_on_one_machine_admits_nobody() -> None:
    with lone_node() as node:
        node.up()
        stanchion("token", "create", env=node.operator.said).refused(
            5, "this cluster lives on one machine and admits no other hosts", "stanchion store move")
        stanchion("etcd", "members", env=node.operator.said).refused(5, "is a file on one machine; it has no members")
        stanchion("cert", "renew", "--dir", node.directory).refused(5, "this node has no certificate")
        stanchion("etcd", "run", "--dir", node.directory).refused(2, "this node has no member of etcd")
        move = ("store", "move", "--config", node.settings, "--etcd")
        stanchion(*move, "managed").refused(2, "--etcd managed needs --address")
        stanchion(*move, "ftp://x").refused(2, "'ftp://x' is no etcd endpoint")
        before = (node.directory / "store.db").stat().st_ino
        done = stanchion(*move, "http://127.0.0.1:1")
        assert done.code == 6
        assert "etcd does not answer" in done.err
        assert (node.directory / "store.db").stat().st_ino == before
        assert node.operator.status().cluster.master == "solo"


def test_options_that_contradict_each_other(stranger: Host) -> None:
    words = ("init", "prod", "--dir", stranger.directory, "--node", "x")
    stanchion(*words, "--etcd", "managed").refused(2, "--address and --etcd go together")
    stanchion(*words, "--address", ADDRESS).refused(2, "--address and --etcd go together")
    stanchion(*words, "--address", ADDRESS, "--etcd", "managed", "--etcd-ports", "1").refused(2, "--etcd-ports 1 is")
    assert not stranger.directory.exists()
