"""What the etcd store survives: real members that are killed, that hang, that lose their leader or their past."""

import asyncio
import shutil
from pathlib import Path

import pytest
from etcd_servers import Servers, needs_etcd
from etcd_stories import Follower, cluster, heal, patiently
from store_benches import Listener, node, put

from stanchion.model.cluster import Key, Kind
from stanchion.model.errors import AlreadyExists, InvalidInput, StoreUnavailable, StoreUnusable
from stanchion.model.history import Entry
from stanchion.model.ids import Revision
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Committed, Conflict, Guard, Put, Transaction
from stanchion.ports import Resync
from stanchion.store.etcd import EtcdStore
from stanchion.store.etcd_keys import MAX_OPERATIONS, Keys

pytestmark = needs_etcd
A = Key(Kind.NODE, "a")


def entry(number: float) -> Entry:
    return Entry(at_s=number, reason=reason(Why.CREATED))


async def test_nothing_is_lost_when_the_only_member_is_killed_and_started_again(
        one_victim: Servers) -> None:
    servers = one_victim
    (member,) = servers.members
    async with cluster(servers, "killed") as client:
        store = client(budget_s=0.5)
        follower = Follower(client())
        begun = (await store.snapshot()).revision
        listener = Listener(client(), begun)
        for number in range(10):
            await store.commit(put(node(f"n{number}")))
            await listener.begun()
        member.kill()
        with pytest.raises(StoreUnavailable):
            await store.commit(put(node("lost")))
        with pytest.raises(StoreUnavailable, match=r"etcd does not answer: http://127.0.0.1:\d+: "):
            await store.commit(put(node("lost")))
        servers.start(member)
        for number in range(10, 20):
            done = await patiently(store, put(node(f"n{number}"), node("counter", number)))
        view = await follower.reaching(done.revision)
        follower.task.cancel()
        assert set(view.nodes) == {"counter", *(f"n{number}" for number in range(20))}
        await listener.task
        *batches, last = listener.heard
        assert last == Resync()
        assert [batch.revision for batch in batches] == list(range(begun + 1, begun + 1 + len(batches)))


async def test_calls_to_a_hung_member_end_and_the_watch_notices_without_any_write(
        one_victim: Servers) -> None:
    servers = one_victim
    (member,) = servers.members
    async with cluster(servers, "hung") as client:
        store = client(budget_s=1.0)
        lease = await store.grant(60.0)
        listener = Listener(client(), (await store.snapshot()).revision)
        await patiently(store, put(node("b")))
        await listener.begun()
        member.stop()
        with pytest.raises(StoreUnavailable, match="no answer within 1 s"):
            await store.renew(lease)
        with pytest.raises(StoreUnavailable, match="it may or may not have taken place"):
            await store.commit(put(node("c")))
        await listener.task
        assert listener.heard[-1] == Resync()
        member.go_on()
        assert await store.renew(lease)


async def test_a_hung_follower_costs_no_call_and_a_killed_leader_costs_calls_only_until_the_next_is_elected(
        three_victims: Servers) -> None:
    servers = three_victims
    async with cluster(servers, "rotating") as client:
        leader = await servers.leader()
        follower = next(member for member in servers.members if member is not leader)
        follower.stop()
        store = client(follower.url, *(url for url in servers.urls if url != follower.url))
        lease = await store.grant(60.0)
        for number in range(12):
            assert isinstance(await store.commit(put(node("a", number))), Committed)
            assert await store.renew(lease)
        follower.go_on()
        leader.kill()
        await patiently(store, put(node("b")))
        for number in range(12):
            assert isinstance(await store.commit(put(node("b", number))), Committed)
        assert await store.renew(lease)


async def test_increments_under_kills_of_the_leader_are_neither_lost_nor_doubled(
        three_victims: Servers) -> None:
    """Every increment is of known outcome or not; the counter lies between the known and all, and no value is twice."""
    servers = three_victims
    writers, rounds = 4, 25
    values: list[float] = []
    unknown = 0

    async def count_up(store: EtcdStore) -> None:
        nonlocal unknown
        for _ in range(rounds):
            while True:
                try:
                    ((_, held),) = await store.records(Kind.NODE)
                    raised = held.value.added_at_s + 1  # type: ignore[union-attr]  # it is a node
                    done = await store.commit(Transaction(
                        guards=(Guard(A, held.revision),), puts=(Put(node("a", raised)),), history=(entry(raised),)))
                except StoreUnavailable as problem:
                    unknown += "may or may not" in str(problem)
                    continue
                if isinstance(done, Committed):
                    values.append(raised)
                    break

    async with cluster(servers, "counting") as client:
        await patiently(client(), put(node("a", 0)))
        counting = asyncio.gather(*(count_up(client()) for _ in range(writers)))
        for share in (0.2, 0.6):
            while len(values) < share * writers * rounds:
                await asyncio.sleep(0.01)
            leader = await servers.leader()
            leader.kill()
            servers.start(leader)
            await servers.ready()
        await counting
        store = client(budget_s=10.0)
        ((_, held),) = await store.records(Kind.NODE)
        final = held.value.added_at_s  # type: ignore[union-attr]  # it is a node
        assert len(set(values)) == len(values) == writers * rounds
        assert len(values) <= final <= len(values) + unknown
        told = [each.value.at_s for _, each in await store.records(Kind.HISTORY, limit=1000)]
        assert told == [number + 1 for number in range(int(final))], "history is in the order of commits"


async def test_without_a_majority_the_store_is_unavailable_and_the_watch_is_told(
        three_victims: Servers) -> None:
    servers = three_victims
    survivor, *others = servers.members
    async with cluster(servers, "minority") as client:
        store = client(survivor.url, budget_s=1.0)
        await patiently(store, put(node("a")))
        listener = Listener(store, (await store.snapshot()).revision - 1)
        await listener.begun()
        for member in others:
            member.kill()
        with pytest.raises(StoreUnavailable):
            await store.snapshot()
        with pytest.raises(StoreUnavailable):
            await store.commit(put(node("b")))
        await listener.task
        assert listener.heard[-1] == Resync()
        await heal(servers)
        await patiently(store, put(node("c")))


async def test_a_deletion_at_the_very_revision_of_a_compaction_is_never_missed(one_member: Servers) -> None:
    async with cluster(one_member, "compacted") as client:
        store = client()
        await store.commit(put(node("a")))
        seen = (await store.snapshot()).revision
        await store.commit(Transaction(deletes=(A,)))
        await store.commit(put(node("b")))
        await one_member.compact(seen + 1)
        listener = Listener(store, seen)
        await listener.task
        assert listener.heard == [Resync()]


async def test_a_snapshot_of_many_pages_is_of_one_revision(one_member: Servers) -> None:
    async with cluster(one_member, "pages") as client:
        store, writer = client(budget_s=10.0), client(budget_s=10.0)
        for hundred in range(11):
            await store.commit(put(*(node(f"n{hundred:02d}{number:02d}") for number in range(100))))
        ends = ("n0000", "n1099")

        async def write() -> None:
            for number in range(60):
                await writer.commit(put(*(node(name, number) for name in ends)))

        writing = asyncio.create_task(write())
        while not writing.done():
            nodes = {change.key.name: change.value for change in (await store.snapshot()).changes}
            assert len(nodes) == 1100
            assert len({nodes[name].added_at_s for name in ends}) == 1  # type: ignore[union-attr]  # nodes
        await writing


async def test_history_is_in_the_order_of_commits_whoever_wrote_it_and_pages_fit_together(one_member: Servers) -> None:
    async with cluster(one_member, "history") as client:
        clients = [client(budget_s=10.0) for _ in range(3)]
        number = 0
        for turn in range(40):
            size = 1 + turn * 7 % 12
            entries = tuple(entry(number + index) for index in range(size))
            await clients[turn % 3].commit(Transaction(history=entries))
            number += size
        await clients[0].commit(Transaction(history=tuple(entry(number + index) for index in range(MAX_OPERATIONS))))
        number += MAX_OPERATIONS
        for newest_first in (False, True):
            told, after = [], ""
            while page := await clients[1].records(Kind.HISTORY, after=after, limit=37, newest_first=newest_first):
                told += [held.value.at_s for _, held in page]  # type: ignore[union-attr]  # entries
                after = page[-1][0]
            assert told == (list(range(number))[::-1] if newest_first else list(range(number)))
        assert await clients[2].trim(Kind.HISTORY, keep=100) == number - 100
        kept = await clients[2].records(Kind.HISTORY, limit=1000)
        assert [held.value.at_s for _, held in kept] == list(range(number))[-100:]  # type: ignore[union-attr]


async def test_a_cluster_is_founded_once_and_one_that_is_not_here_is_named(one_member: Servers) -> None:
    async with cluster(one_member, "founded"):
        with pytest.raises(AlreadyExists, match="holds a cluster founded already"):
            await EtcdStore.create(one_member.urls, "founded")
        stranger = EtcdStore(one_member.urls, "fuonded")
        with pytest.raises(StoreUnusable, match="holds no cluster fuonded"):
            await stranger.open()
        await stranger.close()
        await EtcdStore.create(one_member.urls, "founded2")


async def test_a_cluster_that_was_replaced_under_a_client_is_not_written_into(one_member: Servers) -> None:
    async with cluster(one_member, "replaced") as client:
        store = client()
        await store.commit(put(node("a")))
        mark = Keys("replaced").mark
        await one_member.delete(mark)
        with pytest.raises(StoreUnusable, match="was deleted from etcd or founded anew"):
            await store.commit(put(node("b")))
        with pytest.raises(StoreUnusable, match="was deleted from etcd or founded anew"):
            await store.snapshot()


async def test_a_conflict_beside_a_lease_that_ended_is_told_as_the_conflict(one_member: Servers) -> None:
    async with cluster(one_member, "both") as client:
        store = client()
        lease = await store.grant(30.0)
        await store.revoke(lease)
        assert not await store.renew(lease)
        refused = put(node("a"), guards=(Guard(A, Revision(1)),), lease=lease)
        assert isinstance(await store.commit(refused), Conflict)
        assert await store.records(Kind.NODE) == []


@pytest.mark.parametrize(("urls", "sentence"), [
    ([], "no etcd endpoint is given"),
    (["10.0.0.1:2379"], "'10.0.0.1:2379' is no etcd endpoint: write it as https://HOST:2379"),
    (["ftp://10.0.0.1:2379"], "is no etcd endpoint"),
    (["http://10.0.0.1:port"], "is no etcd endpoint"),
    (["http://10.0.0.1"], "is no etcd endpoint"),
])
def test_a_wrong_endpoint_is_told_at_once(urls: list[str], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        EtcdStore(urls, "lab")


async def test_an_address_that_comes_to_answer_for_another_etcd_counts_as_silent(tmp_path: Path) -> None:
    """Renewals above all: the other etcd does not know the lease, and must not end it by saying so."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    ours, theirs = (Servers.make(tmp_path / name, 1) for name in ("ours", "theirs"))
    try:
        for servers in (ours, theirs):
            servers.start(servers.members[0])
            await servers.ready()
        await EtcdStore.create(ours.urls, "swapped")
        await EtcdStore.create(theirs.urls, "swapped")
        store = EtcdStore(ours.urls, "swapped", budget_s=2.0)
        lease = await store.grant(60.0)
        store.use(theirs.urls)
        for call in (store.renew(lease), store.snapshot(), store.commit(put(node("a")))):
            with pytest.raises(StoreUnavailable, match="another etcd"):
                await call
        store.use([*theirs.urls, *ours.urls])
        assert await store.renew(lease)
        assert isinstance(await patiently(store, put(node("a"))), Committed)
        await store.close()
    finally:
        ours.down()
        theirs.down()


async def test_a_member_that_lost_all_and_began_anew_counts_as_silent(tmp_path: Path) -> None:
    """It has the same settings, so etcd gives it the same cluster's number; but its past is short."""
    servers = Servers.make(tmp_path, 1)
    (member,) = servers.members
    try:
        servers.start(member)
        await servers.ready()
        await EtcdStore.create(servers.urls, "emptied")
        store = EtcdStore(servers.urls, "emptied", budget_s=2.0)
        lease = await store.grant(60.0)
        await store.commit(put(node("a")))
        member.kill()
        shutil.rmtree(tmp_path / member.name)
        servers.start(member)
        await servers.ready()
        for call in (store.renew(lease), store.snapshot(), store.commit(put(node("b")))):
            with pytest.raises(StoreUnavailable, match="lost what was written"):
                await call
        await store.close()
    finally:
        servers.down()
