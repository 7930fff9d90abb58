"""Many orders in one request: each judged by itself, written together, told one by one."""

from typing import Any

from stanchion.model.cluster import Kind
from stanchion.model.errors import StoreUnavailable
from stanchion.model.state import State
from stanchion.model.transaction import Committed, Conflict, Transaction
from stanchion.wire.orders import ManyOrders, OneOrder
from surface import World


def intents(world: World) -> list[Any]:
    """The orders that stand in the store, the first one first."""
    return [held.value for held in sorted(world.view().intents.values(), key=lambda held: held.value.id)]


async def test_a_bad_item_does_not_spoil_the_others() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    await world.resource("db")
    await world.resource("mail")
    async with world.client() as client:
        told = await client.order_many(ManyOrders(orders=(
            OneOrder(verb="offline", resource="WEB"), OneOrder(verb="online", resource="db", node="node2"),
            OneOrder(verb="migrate", resource="mail"), OneOrder(verb="online", resource="nope"),
            OneOrder(verb="online", resource="mail", node="node3"), OneOrder(verb="offline", resource="web"))))

    assert (told.taken, told.refused) == (2, 4)
    assert [(one.resource, one.intent is not None) for one in told.results] == [
        ("web", True), ("db", True), ("mail", False), ("nope", False), ("mail", False), ("web", False)]
    problems = [one.problem for one in told.results[2:] if one.problem is not None]
    assert [problem.status for problem in problems] == [409, 404, 422, 422]
    assert problems[0].detail.startswith("migrate is not possible while it is Offline")
    assert problems[3].detail == "web stands in this list twice"
    assert [(one.verb, one.resource, one.node, one.by) for one in intents(world)] == [
        ("offline", "web", None, "anna"), ("online", "db", "node2", "anna")]


async def test_five_hundred_orders_are_a_few_writes_and_more_are_refused() -> None:
    world = World()
    for number in range(500):
        await world.resource(f"r{number}")
    before = world.engine.revision
    orders = [{"verb": "online", "resource": f"r{number}"} for number in range(500)]
    async with world.http() as http:
        answer = await http.post("/v1/orders", json={"orders": orders})
        more = await http.post("/v1/orders", json={"orders": [*orders, orders[0]]})
        none = await http.post("/v1/orders", json={"orders": []})

    assert (answer.status_code, answer.json()["taken"]) == (202, 500)
    assert len(intents(world)) == 500
    assert world.engine.revision - before < 50
    assert (more.status_code, none.status_code) == (422, 422)


async def test_orders_that_the_store_did_not_take_are_told_one_by_one() -> None:
    world = World()
    for number in range(60):
        await world.resource(f"r{number}")
    commit, calls = world.store.commit, []

    async def failing(transaction: Transaction) -> Committed | Conflict:
        if any(put.key.kind is Kind.INTENT for put in transaction.puts):
            calls.append(transaction)
            if len(calls) == 2:
                raise StoreUnavailable("the store is away")
        return await commit(transaction)

    world.store.commit = failing  # type: ignore[method-assign]  # the store that is away for a moment
    async with world.client() as client:
        told = await client.order_many(ManyOrders(orders=tuple(
            OneOrder(verb="online", resource=f"r{number}") for number in range(60))))

    assert (told.taken, told.refused) == (50, 10)
    assert {one.problem.status for one in told.results if one.problem} == {503}
