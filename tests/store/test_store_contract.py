"""What every store keeps to, whoever stands behind the door."""

import asyncio

import pytest
from store_benches import Bench, Listener, node, put, story, told

from stanchion.model.cluster import ClusterView, Key, Kind, Live, Master
from stanchion.model.errors import StoreUnavailable
from stanchion.model.history import Entry, Run, RunEnd
from stanchion.model.ids import NOTHING, LeaseId, NodeName, OperationId, ResourceName, Revision, SessionId
from stanchion.model.naming import key_of
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.transaction import Committed, Conflict, Guard, Put, Transaction
from stanchion.ports import Resync, Store

A, B = Key(Kind.NODE, "a"), Key(Kind.NODE, "b")


def live(name: str) -> Live:
    return Live(node=NodeName(name), session=SessionId(f"{name}-1"))


def entry(number: float) -> Entry:
    return Entry(at_s=number, reason=reason(Why.CREATED))


def a_run(resource: str, number: int) -> Run:
    return Run(resource=ResourceName(resource), script=ScriptKind.LOAD, operation=OperationId(f"{resource}@{number}"),
               node=NodeName("a"), started_at_s=1.0, ended_at_s=2.0, end=RunEnd.EXITED, code=number)


async def revision_of(store: Store, key: Key) -> int:
    standing = {change.key: change.revision for change in (await store.snapshot()).changes}
    return standing.get(key, NOTHING)


@story
async def test_an_empty_store_stands_at_revision_nothing(bench: Bench) -> None:
    snapshot = await bench.client().snapshot()
    assert (snapshot.revision, snapshot.changes) == (bench.at(0), ())


@story
async def test_a_transaction_raises_the_revision_once_and_all_clients_see_it(bench: Bench) -> None:
    store, other = bench.client(), bench.client()
    assert await store.commit(put(node("b"), node("a"))) == Committed(bench.at(1))
    assert await other.commit(put(node("c"))) == Committed(bench.at(2))
    snapshot = await store.snapshot()
    assert snapshot.revision == bench.at(2)
    assert [(change.key.name, change.value, change.revision) for change in snapshot.changes] == [
        ("a", node("a"), bench.at(1)), ("b", node("b"), bench.at(1)), ("c", node("c"), bench.at(2))]


@story
async def test_writing_nothing_is_no_revision(bench: Bench) -> None:
    store = bench.client()
    await store.commit(put(node("a")))
    nothing = Transaction(guards=(Guard(A, bench.at(1)),), deletes=(B,))
    assert await store.commit(nothing) == Committed(bench.at(1))
    assert (await store.snapshot()).revision == bench.at(1)


@story
async def test_a_guard_on_absence_lets_only_the_first_writer_through(bench: Bench) -> None:
    store = bench.client()
    absent = (Guard(A, NOTHING),)
    assert await store.commit(put(node("a", 1), guards=absent)) == Committed(bench.at(1))
    assert await store.commit(put(node("a", 2), guards=absent)) == Conflict(A, bench.at(1))
    assert (await store.snapshot()).changes[0].value == node("a", 1)


@story
async def test_a_guard_on_a_deleted_key_fails_and_its_absence_holds_again(bench: Bench) -> None:
    store = bench.client()
    await store.commit(put(node("a")))
    assert await store.commit(Transaction(deletes=(A,))) == Committed(bench.at(2))
    assert await store.commit(put(node("a"), guards=(Guard(A, bench.at(1)),))) == Conflict(A, NOTHING)
    assert await store.commit(put(node("a"), guards=(Guard(A, NOTHING),))) == Committed(bench.at(3))


@story
async def test_a_conflict_names_the_first_guard_that_failed_and_writes_nothing_at_all(bench: Bench) -> None:
    store = bench.client()
    await store.commit(put(node("a"), node("b")))
    before = await store.snapshot()
    refused = Transaction(
        guards=(Guard(A, bench.at(1)), Guard(B, bench.at(7)), Guard(A, bench.at(9))),
        puts=(Put(node("c")), Put(node("a", 5))), deletes=(B,), history=(entry(1),))
    assert await store.commit(refused) == Conflict(B, bench.at(1))
    assert await store.snapshot() == before
    assert await store.records(Kind.HISTORY) == []


@story
async def test_a_key_deleted_and_put_in_one_transaction_stands_as_put(bench: Bench) -> None:
    store = bench.client()
    await store.commit(put(node("a", 1)))
    await store.commit(Transaction(deletes=(A,), puts=(Put(node("a", 2)),)))
    assert [change.value for change in (await store.snapshot()).changes] == [node("a", 2)]


@story
async def test_writers_that_race_on_one_record_lose_no_update(bench: Bench) -> None:
    writers, rounds = 4, 8
    await bench.client().commit(put(node("a", 0)))

    async def count_up(store: Store) -> None:
        for _ in range(rounds):
            while True:
                (held,) = (await store.snapshot()).changes
                raised = node("a", held.value.added_at_s + 1)
                if isinstance(await store.commit(put(raised, guards=(Guard(A, held.revision),))), Committed):
                    break

    await asyncio.gather(*(count_up(bench.client()) for _ in range(writers)))
    snapshot = await bench.client().snapshot()
    assert snapshot.changes[0].value == node("a", writers * rounds)
    assert snapshot.revision == bench.at(writers * rounds + 1)


@story
async def test_a_lease_that_is_renewed_keeps_its_records_and_one_that_is_not_takes_them_along(bench: Bench) -> None:
    store, other = bench.client(), bench.client()
    lease = await store.grant(bench.lease_s)
    await store.commit(put(live("a"), lease=lease))
    for _ in range(3):
        await bench.pass_time(0.5 * bench.lease_s)
        assert await store.renew(lease)
    assert len((await other.snapshot()).changes) == 1
    await bench.outlast(bench.lease_s)
    snapshot = await other.snapshot()
    assert snapshot.changes == ()
    assert snapshot.revision == bench.at(2) or bench.leases_write
    assert not await store.renew(lease)


@story
async def test_the_end_of_a_lease_is_told_in_one_revision_to_whoever_watches(bench: Bench) -> None:
    store, watcher = bench.client(), bench.client()
    lease = await store.grant(bench.lease_s)
    master = Master(node=NodeName("a"), session=SessionId("a-1"))
    done = await store.commit(Transaction(puts=(Put(live("a"), lease), Put(master, lease), Put(node("a")))))
    listener = Listener(watcher, done.revision)
    await bench.outlast(1.1 * bench.lease_s)
    (batch,) = await listener.until(bool)
    assert {(change.key, change.value) for change in batch.changes} == {
        (Key(Kind.LIVE, "a"), None), (Key(Kind.MASTER), None)}


@story
async def test_nothing_is_put_with_a_lease_that_ended(bench: Bench) -> None:
    store = bench.client()
    lease = await store.grant(bench.lease_s)
    await store.commit(put(live("a"), node("b"), lease=lease))
    await bench.outlast(bench.lease_s)
    both = Transaction(puts=(Put(node("c")), Put(live("a"), lease)))
    assert await store.commit(both) == Conflict(Key(Kind.LIVE, "a"), NOTHING)
    assert (await store.snapshot()).changes == ()
    assert isinstance(await store.commit(put(live("a"), lease=LeaseId("never granted"))), Conflict)


@story
async def test_a_guard_on_a_leased_key_fails_from_the_instant_that_the_lease_ends(bench: Bench) -> None:
    store = bench.client()
    lease = await store.grant(bench.lease_s)
    done = await store.commit(put(live("a"), lease=lease))
    mine = (Guard(Key(Kind.LIVE, "a"), done.revision),)
    await bench.pass_time(0.5 * bench.lease_s)
    assert await store.commit(put(node("b"), guards=mine)) == Committed(Revision(done.revision + 1))
    await bench.outlast(0.5 * bench.lease_s)
    assert await store.commit(put(node("c"), guards=mine)) == Conflict(Key(Kind.LIVE, "a"), NOTHING)


@story
async def test_revoking_ends_a_lease_at_once_and_revoking_again_is_no_error(bench: Bench) -> None:
    store = bench.client()
    lease, kept = await store.grant(bench.lease_s), await store.grant(bench.lease_s)
    await store.commit(put(live("a"), lease=lease))
    await store.commit(put(live("b"), lease=kept))
    await store.revoke(lease)
    await store.revoke(lease)
    snapshot = await store.snapshot()
    assert [change.key.name for change in snapshot.changes] == ["b"]
    assert snapshot.revision == bench.at(3) or bench.leases_write
    assert not await store.renew(lease)
    assert await store.renew(kept)


@story
async def test_a_record_put_again_belongs_to_the_lease_of_its_last_put_only(bench: Bench) -> None:
    store = bench.client()
    first, second = await store.grant(bench.lease_s), await store.grant(25 * bench.lease_s)
    await store.commit(put(node("a"), node("b"), node("c"), lease=first))
    await store.commit(put(node("a"), lease=second))
    await store.commit(put(node("b")))
    await store.revoke(first)
    assert [change.key.name for change in (await store.snapshot()).changes] == ["a", "b"]
    await store.revoke(second)
    assert [change.key.name for change in (await store.snapshot()).changes] == ["b"]


@story
async def test_leases_live_on_when_the_client_that_began_them_hangs_up(bench: Bench) -> None:
    first, second = bench.client(), bench.client()
    lease = await first.grant(bench.lease_s)
    await first.commit(put(live("a"), lease=lease))
    await first.close()
    assert await second.renew(lease)
    with pytest.raises(StoreUnavailable, match="closed"):
        await first.renew(lease)


@story
async def test_a_watch_tells_every_change_of_every_client_in_order(bench: Bench) -> None:
    stores = [bench.client() for _ in range(3)]
    listener = Listener(bench.client(), bench.at(0))
    for number in range(12):
        await stores[number % 3].commit(put(node(f"n{number}")))
    await stores[0].commit(Transaction(deletes=(Key(Kind.NODE, "n3"),)))
    batches = await listener.reaching(bench.at(13))
    assert told(batches) == [*((f"n{number}", True) for number in range(12)), ("n3", False)]
    assert [batch.revision for batch in batches] == [bench.at(number) for number in range(1, 14)]
    assert all(change.revision == batch.revision for batch in batches for change in batch.changes)


@story
async def test_a_watch_begins_beyond_the_revision_asked_for(bench: Bench) -> None:
    store = bench.client()
    for name in ("a", "b", "c", "d"):
        await store.commit(put(node(name)))
    assert told(await Listener(store, bench.at(2)).reaching(bench.at(4))) == [("c", True), ("d", True)]


@story
async def test_history_and_runs_are_left_out_of_snapshots_and_watches_but_move_their_revision(bench: Bench) -> None:
    store = bench.client()
    await store.commit(Transaction(puts=(Put(node("a")), Put(a_run("web", 1))), history=(entry(1),)))
    await store.commit(Transaction(history=(entry(2),)))
    batches = await Listener(store, bench.at(0)).reaching(bench.at(2))
    assert told(batches) == [("a", True)]
    assert [change.key for change in (await store.snapshot()).changes] == [A]


@story
async def test_a_snapshot_and_the_watch_from_there_miss_and_double_nothing(bench: Bench) -> None:
    writer, watcher = bench.client(), bench.client()

    async def write() -> None:
        for number in range(40):
            await writer.commit(put(node(f"n{number % 7}", number)))
            if number % 5 == 0:
                await writer.commit(Transaction(deletes=(Key(Kind.NODE, f"n{number % 7}"),)))

    async def follow() -> ClusterView:
        snapshot = await watcher.snapshot()
        view = ClusterView().apply(snapshot.changes, snapshot.revision)
        batches = await Listener(watcher, snapshot.revision).reaching(bench.at(48))
        for batch in batches:
            assert batch.revision == view.revision + 1
            view = view.apply(batch.changes, batch.revision)
        return view

    _, *views = await asyncio.gather(write(), *(follow() for _ in range(3)))
    final = await watcher.snapshot()
    assert all(view == ClusterView().apply(final.changes, final.revision) for view in views)


@story
async def test_a_watch_that_is_behind_the_log_asks_for_a_resync_and_ends(bench: Bench) -> None:
    store = bench.client()
    for number in range(60):
        await store.commit(put(node("a", number)))
    await bench.forget(bench.at(10))
    listener = Listener(store, bench.at(9))
    await listener.task
    assert listener.heard == [Resync()]
    assert len(await Listener(store, bench.at(10)).reaching(bench.at(60))) == 50


@story
async def test_a_watch_from_a_revision_that_the_store_never_had_asks_for_a_resync(bench: Bench) -> None:
    listener = Listener(bench.client(), bench.at(5))
    await listener.task
    assert listener.heard == [Resync()]


@story
async def test_closing_a_client_ends_its_watches(bench: Bench) -> None:
    store = bench.client()
    listener = Listener(store, bench.at(0))
    await store.commit(put(node("a")))
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    await listener.task
    assert Resync() not in listener.heard


@story
async def test_history_keeps_the_order_of_transactions_and_the_order_within_them(bench: Bench) -> None:
    store = bench.client()
    await store.commit(Transaction(history=tuple(entry(number) for number in range(12))))
    await store.commit(Transaction(history=(entry(12), entry(13))))
    records = await store.records(Kind.HISTORY)
    assert [held.value for _, held in records] == [entry(number) for number in range(14)]
    assert [held.revision for _, held in records] == [bench.at(1)] * 12 + [bench.at(2)] * 2
    assert records[13][0] == f"{bench.at(2):016d}-{1:04d}"


@story
async def test_records_are_paged_in_both_directions(bench: Bench) -> None:
    store = bench.client()
    await store.commit(put(*(node(name) for name in ("a", "a-b", "a.c", "b", "c"))))
    pages, after = [], ""
    while page := await store.records(Kind.NODE, after=after, limit=2):
        pages.append([name for name, _ in page])
        after = page[-1][0]
    assert pages == [["a", "a-b"], ["a.c", "b"], ["c"]]
    newest = await store.records(Kind.NODE, after="b", limit=2, newest_first=True)
    assert [name for name, _ in newest] == ["a.c", "a-b"]
    assert await store.records(Kind.TEMPLATE) == []


@story
async def test_records_of_one_prefix_are_listed_alone(bench: Bench) -> None:
    store = bench.client()
    await store.commit(put(*(a_run(resource, number) for resource in ("web", "web%", "we_") for number in (1, 2))))
    listed = await store.records(Kind.RUN, prefix="web/")
    assert [name for name, _ in listed] == ["web/load/web@1", "web/load/web@2"]
    assert [name for name, _ in await store.records(Kind.RUN, prefix="we_/", newest_first=True, limit=1)] == [
        "we_/load/we_@2"]


@story
async def test_trimming_deletes_the_oldest_by_revision_not_by_name(bench: Bench) -> None:
    store = bench.client()
    for number in (8, 9, 10, 11):
        await store.commit(put(a_run("web", number), a_run("db", number)))
    assert await store.trim(Kind.RUN, prefix="web/", keep=2) == 2
    assert await store.trim(Kind.RUN, prefix="web/", keep=2) == 0
    assert [name for name, _ in await store.records(Kind.RUN, prefix="web/")] == ["web/load/web@10", "web/load/web@11"]
    assert len(await store.records(Kind.RUN, prefix="db/")) == 4


@story
async def test_trimming_what_is_watched_is_told(bench: Bench) -> None:
    store = bench.client()
    for name in ("a", "b", "c"):
        await store.commit(put(node(name)))
    assert await store.trim(Kind.NODE, keep=1) == 2
    (batch,) = await Listener(store, bench.at(3)).reaching(bench.at(4))
    assert {change.key for change in batch.changes if change.value is None} == {A, B}


@story
async def test_a_caller_that_is_cancelled_leaves_whole_transactions_and_a_working_store(bench: Bench) -> None:
    store = bench.client()
    for number in range(20):
        task = asyncio.create_task(store.commit(put(node("a", number), node("b", number))))
        for _ in range(number % 4):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    values = {change.value.added_at_s for change in (await store.snapshot()).changes}
    assert len(values) <= 1
    assert isinstance(await store.commit(put(node("a", 99))), Committed)
    assert await revision_of(store, key_of(node("a"))) == (await store.snapshot()).revision
