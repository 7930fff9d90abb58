"""Who may use an etcd: certificates on both sides, users and rights. Every refusal says in one sentence what to do.

Certificates are made with the command ``openssl``, as an administrator would.
"""

import base64
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from etcd_servers import Servers, needs_etcd
from store_benches import Listener, node, put

from stanchion.model.cluster import Kind
from stanchion.model.errors import InvalidInput, StoreError, StoreUnavailable, StoreUnusable
from stanchion.model.transaction import Committed
from stanchion.store.etcd import EtcdStore
from stanchion.store.etcd_tls import EtcdTls

pytestmark = [needs_etcd, pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")]
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.cert, self._key = directory / f"{name}.crt", directory / f"{name}.key"
        openssl("req", "-x509", *CURVE, "-keyout", self._key, "-out", self.cert, "-subj", f"/CN={name}", "-days", 2,
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name: str, *, days: int = 2, address: str = "127.0.0.1", usage: str = "clientAuth") -> EtcdTls:
        """Issue a certificate with its key; -1 days: it has expired."""
        cert, key, request, extras = (self.directory / f"{name}.{kind}" for kind in ("crt", "key", "csr", "ext"))
        extras.write_text(f"subjectAltName=IP:{address}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n"
                          "authorityKeyIdentifier=keyid\n")
        openssl("req", *CURVE, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self._key, "-CAcreateserial",
                "-days", days, "-extfile", extras, "-out", cert)
        return EtcdTls(ca=self.cert, cert=cert, key=key)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the servers trust."""
    return Authority(tmp_path_factory.mktemp("ca"), "ours")


@pytest.fixture(scope="module")
def foreigner(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that they do not know."""
    return Authority(tmp_path_factory.mktemp("foreign"), "theirs")


def secured(directory: Path, authority: Authority, server: EtcdTls) -> Iterator[Servers]:
    """Lend an etcd that shows that certificate and asks for one."""
    options = ("--cert-file", str(server.cert), "--key-file", str(server.key), "--client-cert-auth",
               "--trusted-ca-file", str(authority.cert))
    servers = Servers.make(directory, 1, options=options, tls=authority.issue("probe"))
    try:
        yield servers
    finally:
        servers.down()


@pytest.fixture(scope="module")
def guarded(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """An etcd behind TLS."""
    server = authority.issue("server", usage="serverAuth,clientAuth")
    for servers in secured(tmp_path_factory.mktemp("tls"), authority, server):
        yield servers.up()


async def use(servers: Servers, tls: EtcdTls | None, *, user: tuple[str, str] | None = None) -> None:
    """Found a cluster."""
    await EtcdStore.create(servers.urls, "lab", tls=tls, user=user, budget_s=5.0)


async def until_it_listens(servers: Servers, tls: EtcdTls) -> None:
    """Found a cluster in an etcd that is starting."""
    while True:
        try:
            return await use(servers, tls)
        except StoreUnavailable:
            continue


async def test_the_right_certificate_opens_the_store(authority: Authority, guarded: Servers) -> None:
    mine = authority.issue("node1")
    await use(guarded, mine)
    store = EtcdStore(guarded.urls, "lab", tls=mine)
    listener = Listener(store, (await store.snapshot()).revision)
    assert isinstance(await store.commit(put(node("a"))), Committed)
    assert await store.renew(await store.grant(10.0))
    await listener.until(bool)
    await store.close()


async def test_every_wrong_certificate_is_refused_with_its_reason(
        authority: Authority, foreigner: Authority, guarded: Servers, tmp_path: Path) -> None:
    ours, theirs = authority.cert, foreigner.issue("stranger")
    good = authority.issue("good")
    (tmp_path / "text").write_text("no certificate")
    cases = {
        "asks for a client's certificate: set etcd_cert and etcd_key": EtcdTls(ca=ours),
        "is not signed by the authority in etcd_ca": theirs,
        "stranger.crt: have it signed by the authority that etcd trusts": EtcdTls(
            ca=ours, cert=theirs.cert, key=theirs.key),
        "late.crt, which has expired: renew it": authority.issue("late", days=-1),
        "belong together": EtcdTls(ca=ours, cert=good.cert, key=theirs.key),
        "cannot be read: .*absent.pem: No such file": EtcdTls(ca=tmp_path / "absent.pem"),
        r"not certificates and a key": EtcdTls(ca=tmp_path / "text"),
    }
    for sentence, tls in cases.items():
        with pytest.raises(StoreUnusable, match=sentence) as told:
            await use(guarded, tls)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(("name", "days", "address", "sentence"), [
    ("old", -1, "127.0.0.1", "its certificate has expired: renew it"),
    ("elsewhere", 2, "10.9.9.9", "its certificate is for another address"),
])
async def test_a_member_with_a_wrong_certificate_is_not_believed(
        authority: Authority, tmp_path: Path, *, name: str, days: int, address: str, sentence: str) -> None:
    server = authority.issue(name, days=days, address=address, usage="serverAuth,clientAuth")
    for servers in secured(tmp_path, authority, server):
        (member,) = servers.members
        servers.start(member)
        with pytest.raises(StoreUnusable, match=sentence):
            await until_it_listens(servers, authority.issue("node2"))


async def test_certificates_for_plain_http_are_a_contradiction(authority: Authority) -> None:
    with pytest.raises(InvalidInput, match="write https://"):
        EtcdStore(["http://127.0.0.1:2379"], "lab", tls=authority.issue("node3"))


async def test_a_fault_that_comes_later_is_no_reason_to_end(authority: Authority, guarded: Servers) -> None:
    """An agent whose certificate expires must halt its machines in good order, so it is told that it is cut off."""
    mine = authority.issue("node4")
    await EtcdStore.create(guarded.urls, "later", tls=mine)
    store = EtcdStore(guarded.urls, "later", tls=mine, budget_s=1.0)
    await store.commit(put(node("a")))
    authority.issue("node4", days=-1)
    (member,) = guarded.members
    member.kill()
    guarded.start(member)
    await guarded.ready()
    with pytest.raises(StoreUnavailable):
        await store.snapshot()
    with pytest.raises(StoreUnavailable, match=r"node4.crt, which has expired: renew it"):
        await store.snapshot()
    authority.issue("node4")
    assert (await store.snapshot()).changes
    await store.close()


def gateway(servers: Servers, place: str, **words: object) -> None:
    """Administer etcd through its JSON gateway."""
    request = urllib.request.Request(f"{servers.urls[0]}/v3/auth/{place}", json.dumps(words).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


@pytest.fixture
def with_users(tmp_path: Path) -> Iterator[Servers]:
    """An etcd whose user ``agent`` may only use the keys of the cluster ``lab``."""
    servers = Servers.make(tmp_path, 1).up()
    start, end = (base64.b64encode(key).decode() for key in (b"/stanchion/lab/", b"/stanchion/lab0"))
    try:
        for name in ("root", "agent"):
            gateway(servers, "user/add", name=name, password=f"{name}'s secret")
            gateway(servers, "role/add", name=name)
            gateway(servers, "user/grant", user=name, role=name)
        gateway(servers, "role/grant", name="agent", perm={"permType": "READWRITE", "key": start, "range_end": end})
        gateway(servers, "enable")
        yield servers
    finally:
        servers.down()


async def test_a_user_with_the_rights_of_one_cluster_can_use_that_and_nothing_else(with_users: Servers) -> None:
    user = ("agent", "agent's secret")
    await use(with_users, None, user=user)
    store = EtcdStore(with_users.urls, "lab", user=user, budget_s=5.0)
    listener = Listener(store, (await store.snapshot()).revision)
    lease = await store.grant(30.0)
    assert isinstance(await store.commit(put(node("a"), lease=lease)), Committed)
    assert await store.renew(lease)
    await listener.until(bool)
    assert await store.trim(Kind.NODE, keep=1) == 0
    (member,) = with_users.members
    member.kill()
    with_users.start(member)
    while True:  # the member has forgotten our token
        try:
            await store.revoke(lease)
            break
        except StoreUnavailable:
            continue
    assert (await store.snapshot()).changes == ()
    await store.close()
    for sentence, cluster, who in (
            ("denies our user the right", "prod", user),
            ("refuses our user or password", "lab", ("agent", "wrong")),
            ("asks for a user: set etcd_user", "lab", None)):
        stranger = EtcdStore(with_users.urls, cluster, user=who, budget_s=5.0)
        with pytest.raises(StoreUnusable, match=sentence):
            await stranger.open()
        await stranger.close()


async def test_a_user_for_an_etcd_without_users_is_a_mistake_that_is_told(one_member: Servers) -> None:
    with pytest.raises(StoreError, match="knows no users: remove etcd_user"):
        await use(one_member, None, user=("agent", "secret"))
