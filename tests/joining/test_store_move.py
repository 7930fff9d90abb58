"""A store leaves its file for an etcd: every record, its revision, the history and the runs come along."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from etcd_servers import Servers, free_ports, needs_etcd

from realhosts import LoneNode, Operator, Sleeper, environment, lone_node, stanchion, until
from stanchion.config import load
from stanchion.lab.cluster import PROGRAM
from stanchion.model.cluster import Key, Kind
from stanchion.model.errors import AlreadyExists, StoreUnavailable, StoreUnusable
from stanchion.model.history import Entry
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Committed, Guard, Put, Transaction
from stanchion.model.trust import JoinToken
from stanchion.ports import Store
from stanchion.store.etcd import EtcdStore
from stanchion.store.etcd_arriving import Arriving
from stanchion.store.sqlite import SqliteStore
from stanchion.store.sqlite_leaving import Leaving
from stanchion.stores import FIRST

pytestmark = [pytest.mark.slow, needs_etcd]

LEASED = frozenset({Kind.LIVE, Kind.MASTER})


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[Servers]:
    """An etcd of one member, new."""
    servers = Servers.make(tmp_path, 1)
    try:
        yield servers.up()
    finally:
        servers.down()


async def everything(store: Store) -> dict[object, object]:
    """Read all that is in a store with its revisions; those of leased records begin anew."""
    found: dict[object, object] = {
        change.key: (change.value, None if change.key.kind in LEASED else change.revision)
        for change in (await store.snapshot()).changes}
    for kind in (Kind.HISTORY, Kind.RUN):
        found |= {(kind, name): held for name, held in await store.records(kind, limit=100_000)}
    return found


def token(name: str, value: str = "") -> JoinToken:
    """Make some record."""
    return JoinToken(id=name, digest=value, made_at_s=0.0, expires_at_s=0.0)


async def fill(store: Store) -> None:
    """Write, rewrite, delete, and leave history behind."""
    for number in range(30):
        entry = Entry(at_s=float(number), reason=reason(Why.CREATED, str(number)))
        put = Put(token(f"t{number % 7}", str(number)))
        done = await store.commit(Transaction(puts=(put,), history=(entry, entry)))
        assert isinstance(done, Committed)
    await store.commit(Transaction(deletes=(Key(Kind.TOKEN, "t3"),)))


def arriving(etcd: Servers) -> Arriving:
    """Make the other end."""
    return Arriving(etcd.urls, "lab", tls=None, user=None)


def test_everything_arrives_at_the_revision_that_it_had_and_the_file_is_left(etcd: Servers, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "store.db"
        SqliteStore.create(path, "lab", first=FIRST)
        old = SqliteStore(path)
        await fill(old)
        lease = await old.grant(30.0)
        await old.commit(Transaction(puts=(Put(token("leased"), lease),)))
        leaving, arrival = Leaving(path, "lab"), arriving(etcd)
        await arrival.begin()
        await arrival.carry(leaving.read())
        new = EtcdStore(etcd.urls, "lab")
        with pytest.raises(StoreUnavailable, match="is being moved into this etcd"):
            await new.open()
        await old.commit(Transaction(puts=(Put(token("late")),), deletes=(Key(Kind.TOKEN, "t4"),)))
        before = await everything(old)
        revision = (await old.snapshot()).revision
        with leaving.frozen() as contents:
            waiting = asyncio.create_task(old.commit(Transaction(puts=(Put(token("too late")),))))
            await arrival.carry(contents)
            await arrival.lease(contents.leases)
            await arrival.check(contents)
            await arrival.complete()
        await arrival.open()

        with pytest.raises(StoreUnusable, match="was moved to an etcd"):
            await waiting
        with pytest.raises(StoreUnusable, match="start the agent anew, with `etcd` instead of `store`"):
            SqliteStore(path)
        after = await everything(new)
        leased = Key(Kind.TOKEN, "leased")
        assert after.pop(leased)[0] == before.pop(leased)[0]  # type: ignore[index]  # pairs
        assert after == before
        assert (await new.snapshot()).revision > revision
        assert await new.renew(lease)
        late = Guard(Key(Kind.TOKEN, "late"), revision)
        assert isinstance(await new.commit(Transaction(guards=(late,), puts=(Put(token("late", "again")),))), Committed)
        await new.close()
        await old.close()
        arrival.close()
        leaving.close()

    asyncio.run(story())


def test_what_breaks_off_has_changed_nothing_and_is_begun_anew(etcd: Servers, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "store.db"
        SqliteStore.create(path, "lab", first=FIRST)
        old = SqliteStore(path)
        await fill(old)
        lease = await old.grant(60.0)
        leaving, first = Leaving(path, "lab"), arriving(etcd)
        await first.begin()
        await first.carry(leaving.read())
        with pytest.raises(RuntimeError):
            await _broken_off(leaving, first)
        await fill(old)

        second = arriving(etcd)
        await second.begin()
        contents = leaving.read()
        await second.carry(contents)
        await second.lease(contents.leases)
        await second.check(contents)
        await second.open()

        new = EtcdStore(etcd.urls, "lab")
        assert await new.renew(lease)
        names = {name for name, _ in await new.records(Kind.TOKEN)}
        assert names == {name for name, _ in await old.records(Kind.TOKEN)}
        with pytest.raises(AlreadyExists, match="holds a cluster lab already"):
            await second.begin()
        await new.close()
        await old.close()
        for each in (first, second, leaving):
            each.close()

    asyncio.run(story())


async def _broken_off(leaving: Leaving, arrival: Arriving) -> None:
    with leaving.frozen() as contents:
        await arrival.lease(contents.leases)
        raise RuntimeError


@pytest.fixture(scope="module")
def moved() -> Iterator[tuple[LoneNode, Sleeper, dict[object, object], Operator]]:
    """A node whose machine runs, moved to an etcd of its own while its agent ran, and started again by hand."""
    with lone_node("--profile", "tolerant") as node:
        node.up()
        sleeper = Sleeper("web", node.directory / "shared")
        node.operator.make("web", sleeper.change())
        ports = free_ports(3)
        words = ("store", "move", "--config", node.settings, "--etcd", "managed", "--address", "127.0.0.1",
                 "--etcd-ports", f"{ports[0]},{ports[1]}", "--peer-port", str(ports[2]))
        told = stanchion(*words)
        assert told.code == 0, told.err
        assert "etcd is set up for this host. Start it, then repeat this command" in told.out
        etcd = subprocess.Popen([*PROGRAM, "etcd", "run", "--dir", str(node.directory)], env=environment(),
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: "is in etcd" in stanchion(*words).out, "the store moves")
            assert node.agent is not None
            assert node.agent.wait(40) == 1
            assert "was moved to an etcd" in node.log.splitlines()[-1]
            left = asyncio.run(_left(node.directory / "store.db", load(node.settings).cluster))
            node.start()
            operator = Operator({"STANCHION_CONFIG": str(node.directory / "client.toml")})
            until(lambda: operator.status().cluster.master == "solo", "the agent is the master again")
            yield node, sleeper, left, operator
        finally:
            etcd.terminate()
            etcd.wait()


async def _left(path: Path, cluster: str) -> dict[object, object]:
    """Read what stands in a file that was left."""
    leaving = Leaving(path, cluster)
    contents = leaving.read()
    leaving.close()
    return {row.key: row.value for row in contents.rows}


def test_a_machine_and_its_session_live_on_through_the_move(
        moved: tuple[LoneNode, Sleeper, dict[object, object], Operator]) -> None:
    node, sleeper, left, operator = moved

    assert len(sleeper.lives()) == 1
    assert len(sleeper.processes()) == 1
    assert "resumed" in node.log, "its session was opened anew"
    assert operator.resource("web").state == "Running"
    texts = [event.reason.text for event in operator.ask(lambda client: client.events(limit=500)).events]
    assert sum("created from template" in text for text in texts) == 1
    assert operator.ask(lambda client: client.runs("web")).runs
    assert left


def test_moving_again_says_where_the_store_is_and_hosts_can_join(
        moved: tuple[LoneNode, Sleeper, dict[object, object], Operator]) -> None:
    node, _, _, operator = moved
    again = stanchion("store", "move", "--config", node.settings, "--etcd", "managed", "--address", "127.0.0.1")

    assert (again.code, "is in etcd: https://127.0.0.1:" in again.out) == (0, True)
    made = stanchion("token", "create", "--config", node.directory / "client.toml")
    assert made.out.startswith("join-")
    assert operator.ask(lambda client: client.etcd_members()).needed == 1
    assert (node.directory / "agent.toml.before-etcd").exists()
