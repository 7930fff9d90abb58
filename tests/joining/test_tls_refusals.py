"""Who is not believed is refused, told why in plain words, and written down with his address."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from etcd_servers import needs_etcd
from hosts_bench import ADDRESS, Host, site

from realhosts import stanchion, until
from stanchion.api.server import serve
from stanchion.api.tls import Tls
from stanchion.client import Client, Connection
from stanchion.config import load
from stanchion.hosting import keep
from stanchion.model.cluster import Key, Kind
from stanchion.model.errors import NoAnswer, StoreUnusable
from stanchion.model.ids import NodeName
from stanchion.model.trust import Authority
from stanchion.store.etcd import EtcdStore
from stanchion.store.etcd_tls import EtcdTls
from stanchion.stores import open_store
from stanchion.trust import contexts, papers
from stanchion.trust.authority import Signer
from stanchion.trust.papers import Papers

pytestmark = [pytest.mark.slow, needs_etcd]


@dataclass(frozen=True)
class Lone:
    """A cluster of one host, and its authority opened, so that it can be made to sign anything."""

    host: Host
    signer: Signer


async def authority(host: Host) -> Authority:
    """Read the authority's record."""
    store = await open_store(load(host.directory / "agent.toml"))
    try:
        held = {change.key: change.value for change in (await store.snapshot()).changes}
    finally:
        await store.close()
    found = held[Key(Kind.AUTHORITY)]
    assert isinstance(found, Authority)
    return found


@pytest.fixture(scope="module")
def lone() -> Iterator[Lone]:
    """A cluster of one host."""
    with site() as made:
        host = made.host("h1")
        assert host.init().code == 0
        host.up()
        secret = (host.directory / "token").read_text().strip()
        yield Lone(host, Signer.open(asyncio.run(authority(host)), secret))
        assert "Traceback" not in host.log, host.log


def identity(place: Path, lone: Lone, kind: str) -> Papers | None:
    """Make papers of some kind; None: no papers."""
    own, signer, now_s, days = Papers(place), lone.signer, time.time(), 1.0
    if kind == "none":
        return None
    if kind == "foreign":
        signer = Signer.make("prod", now_s)
    if kind == "expired":
        now_s -= 10 * 86_400
    if kind == "early":
        now_s += 86_400
    papers.make_key(own.key)
    certificate = signer.sign(papers.request(own.key, NodeName("x")), NodeName("x"), ADDRESS, now_s, days=days)
    keep(place, certificate, lone.signer.certificate, lone.signer.revocations((), now_s))
    return own


REFUSALS = {
    "none": ("it asks for a certificate, and we showed none", "it showed no certificate"),
    "foreign": ("which is another authority's: this node is of another cluster",
                "its certificate is not signed by this cluster's authority"),
    "expired": ("it does not accept our certificate, which has expired: renew it", "its certificate has expired"),
    "early": ("it may be not valid yet (compare the clocks)", "its certificate is not valid yet: compare the clocks"),
}


@pytest.mark.parametrize("kind", REFUSALS)
def test_the_door_for_agents_opens_to_nobody_else(lone: Lone, tmp_path: Path, kind: str) -> None:
    own, host = identity(tmp_path, lone, kind), lone.host
    before = len(host.log)
    connection = Connection(urls=(f"https://{ADDRESS}:{host.peer_port}",), ca=host.directory / "ca.crt",
                            cert=own and own.cert, key=own and own.key)
    ours, theirs = REFUSALS[kind]

    async def knock() -> str:
        async with Client(connection) as client:
            with pytest.raises(NoAnswer) as refused:
                await client.hello()
        return str(refused.value)

    assert ours in asyncio.run(knock())
    until(lambda: theirs in host.log[before:], "the refusal is written down")
    line = next(line for line in host.log[before:].splitlines() if theirs in line)
    assert f"caller={ADDRESS}" in line
    assert "door=agents" in line


def test_the_door_for_agents_opens_to_an_agent(lone: Lone) -> None:
    own = Papers(lone.host.directory)

    async def knock() -> str:
        connection = Connection(urls=(f"https://{ADDRESS}:{lone.host.peer_port}",), ca=own.ca, cert=own.cert,
                                key=own.key)
        async with Client(connection) as client:
            return (await client.hello()).node

    assert asyncio.run(knock()) == "h1"


@pytest.mark.parametrize(("kind", "words"), [
    ("none", "it asks for a client's certificate: set etcd_cert and etcd_key"),
    ("foreign", "have it signed by the authority that etcd trusts"),
    ("expired", "which has expired: renew it"),
    ("early", "which is not valid yet: compare the clocks"),
])
def test_etcd_is_closed_to_everybody_else(lone: Lone, tmp_path: Path, kind: str, words: str) -> None:
    own = identity(tmp_path, lone, kind)
    config = load(lone.host.directory / "agent.toml")
    tls = EtcdTls(ca=config.etcd_ca, cert=own and own.cert, key=own and own.key)

    async def read() -> str:
        store = EtcdStore(config.etcd, "prod", tls=tls)
        try:
            with pytest.raises(StoreUnusable) as refused:
                await store.snapshot()
        finally:
            await store.close()
        return str(refused.value)

    assert words in asyncio.run(read())


def test_the_command_line_says_what_is_wrong_with_an_agent_that_it_does_not_believe(
        lone: Lone, tmp_path: Path) -> None:
    host = lone.host
    url, token = f"https://{ADDRESS}:{host.port}", ("--token-file", host.directory / "token")
    (tmp_path / "other.crt").write_text(Signer.make("prod", time.time()).certificate)
    before = len(host.log)

    for ca, code, words in (("", 6, "not signed by the authority that we know: name the cluster's ca.crt"),
                            (str(tmp_path / "other.crt"), 6, "or this is another cluster"),
                            (str(tmp_path / "none.crt"), 1, "none.crt cannot be read: No such file")):
        stanchion("status", "--url", url, *token, env={"STANCHION_CA": ca}).refused(code, words)
    stanchion("status", "--url", url.replace("https", "http"), *token).refused(6, "speak TLS: https://")
    until(lambda: "it speaks plain HTTP: its address must begin with https://" in host.log[before:], "it is told there")


@pytest.mark.parametrize(("kind", "address", "words"), [
    ("expired", ADDRESS, "its certificate has expired: renew it there (`stanchion cert renew`)"),
    ("early", ADDRESS, "its certificate is not valid yet: compare the clocks"),
    ("good", "127.0.0.2", "its certificate is for another address"),
    ("foreign", ADDRESS, "is not signed by the authority that we know"),
])
def test_an_agent_is_not_believed(lone: Lone, tmp_path: Path, kind: str, address: str, words: str) -> None:
    own = identity(tmp_path, lone, kind)
    assert own is not None

    async def nothing(_scope: object, _receive: object, _send: object) -> None:
        raise AssertionError("a request came through")

    async def asked() -> str:
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        tls = Tls(context=lambda: contexts.server(own.cert, own.key), why_refused=contexts.why_refused)
        serving = asyncio.create_task(serve(nothing, "0.0.0.0", 0, ready=ready.set_result, tls=tls))
        url = f"https://{address}:{await ready}"
        async with Client(Connection(urls=(url,), ca=lone.host.directory / "ca.crt")) as client:
            with pytest.raises(NoAnswer) as refused:
                await client.health()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        return str(refused.value)

    assert words in asyncio.run(asked())


def test_an_agent_renews_its_certificate_in_time_and_an_operator_may_at_any_time(lone: Lone) -> None:
    host, own = lone.host, Papers(lone.host.directory)
    client = ("--config", host.directory / "client.toml")
    soon = time.time() - 345 * 86_400
    own.cert.write_text(lone.signer.sign(papers.request(own.key, NodeName("h1")), NodeName("h1"), ADDRESS, soon))
    until(lambda: "this host's certificate was renewed" in host.log, "the agent renews it by itself")
    until(lambda: "(365 days)" in stanchion("cert", "show", "--dir", host.directory).out, "it stands in its file")
    before = papers.read_file(own.cert).serial

    told = stanchion("cert", "renew", "--dir", host.directory)

    assert told.code == 0, told.err
    assert "(365 days)" in told.out
    assert papers.read_file(own.cert).serial not in {before, ""}
    assert "Certificate" in stanchion("node", "show", "h1", *client).out
