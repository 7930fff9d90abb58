"""The overview: alerts first and answered there, health in a sentence, nodes with their machines, large clusters."""

import re
from dataclasses import replace
from typing import NoReturn

import pytest

from browsing import Page, signed_in
from stanchion.model.access import Role
from stanchion.model.cluster import Kind, SelfFence
from stanchion.model.errors import StoreUnavailable
from stanchion.model.history import Entry
from stanchion.model.ids import NodeName, OperationId, ResourceName
from stanchion.model.orders import Intent, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.state import AlertKind, Move, Phase, State
from stanchion.model.stray import Sighting, Stray
from stanchion.model.transaction import Transaction
from surface import LOST, NODES, NOW_S, Watched, World

PATH = "/console/"


async def alarmed() -> World:
    """Make a cluster with a question about ``print``, which was on the lost node."""
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    name = await world.resource("print", State.ALERT, node="node2")
    await changed(world, name, alert=AlertKind.FAILOVER, reason=reason(Why.FAILOVER_MANUAL, LOST, "node2"))
    return world


async def changed(world: World, name: str, **fields: object) -> None:
    await world.put(replace(world.view().states[ResourceName(name)].value, **fields))


async def calm() -> World:
    """Make a cluster of two nodes in which all is well."""
    world = World()
    for kind in (Kind.SESSION, Kind.NODE):
        await world.drop(kind, LOST)
    await world.resource("web", State.RUNNING, node="node1")
    return world


async def overview(world: World, role: Role = Role.OPERATOR) -> Page:
    page = await (await signed_in(world, role)).get(PATH)
    assert page.status == 200
    return page


async def test_all_is_well_is_said_in_one_sentence_and_nothing_is_asked() -> None:
    page = await overview(await calm())
    assert page.id("live_health").text == "normal All is well: 1 of 1 resources run, on 2 nodes."
    assert page.id("live_needs").text == ""


async def test_whoever_may_is_led_to_make_the_first_resource() -> None:
    world = World()
    page = await (await signed_in(world)).get("/console/")
    assert page.id("live_counts").one("a", "Make the first resource")["href"] == "/console/new"
    assert not (await (await signed_in(world, Role.OPERATOR)).get("/console/")).main.all("a", "Make the first")
    await world.resource("web")
    assert not (await (await signed_in(world)).get("/console/")).main.all("a", "Make the first")


async def test_a_question_stands_first_with_what_each_answer_will_do() -> None:
    page = await overview(await alarmed())
    first = page.id("live_needs").all("li")[0]
    assert "question print asks: node node3 was lost and failover mode is MANUAL" in first.text
    assert "Yes It is loaded on node2." in first.text
    assert "No It goes Offline and stays so until somebody brings it online." in first.text
    assert page.answer.text.index("live_needs") < page.answer.text.index("live_nodes")


async def test_an_answer_is_an_order_and_leads_back_with_a_notice() -> None:
    world = await alarmed()
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PATH)
    after = await browser.send(page.form("/console/alerts/print", button="No"), "No")
    assert after.path == PATH
    assert after.notice == "The alert of print is answered: no."
    [order] = [held.value for held in world.view().intents.values()]
    assert isinstance(order, Intent)
    assert (order.verb, order.resource, order.by) == (Verb.ALERT_NO, "print", "operator")
    assert order.alert is AlertKind.FAILOVER


async def test_an_answer_that_comes_too_late_says_why() -> None:
    world = await alarmed()
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PATH)
    await changed(world, "print", alert=None, state=State.RUNNING, reason=reason(Why.LOADED))
    after = await browser.send(page.form("/console/alerts/print", button="Yes"), "Yes")
    assert after.notice.startswith("print: it asks nothing: it is Running")


async def test_a_failback_question_says_that_the_answer_interrupts() -> None:
    world = await calm()
    await changed(world, "web", state=State.ALERT, alert=AlertKind.FAILBACK,
                  reason=reason(Why.FAILBACK_MANUAL, "node2"))
    text = (await overview(world)).id("live_needs").text
    assert "Yes It is unloaded on node1 and loaded on node2: that interrupts it." in text
    assert "No It runs on, on node1; it asks again when node2 joins anew." in text


async def test_a_viewer_sees_the_question_but_no_button() -> None:
    page = await overview(await alarmed(), Role.VIEWER)
    assert "An operator can answer this: yes or no." in page.id("live_needs").text
    assert not page.main.all("button")
    browser = await signed_in(await alarmed(), Role.VIEWER)
    refused = await browser.post("/console/alerts/print", {"answer": "yes"})
    assert refused.status == 403


async def test_what_is_wrong_stands_there_with_what_can_be_done() -> None:
    world = World()
    await world.resource("db", State.COMATOSE, node="node2")
    session = world.view().session_of(NODES[0])
    assert session
    await world.resource("wiki")
    await world.put(Stray(resource=ResourceName("wiki"),
                          sightings=(Sighting(node=NODES[0], session=session, since_s=NOW_S),)))
    page = await overview(world, Role.ADMINISTRATOR)
    assert re.fullmatch(r"critical Not .*: 0 of 1 resources.*, on 2 nodes\.", page.id("live_health").text)
    told = page.id("live_needs").text
    for each in ("db is comatose", "node3 is lost, and nothing proves yet that it has stopped",
                 "wiki: it runs on node1, where nobody sent it"):
        assert each in told
    assert page.form("/console/nodes/node3/confirm-down").buttons == ["Confirm that it is down …"]
    asked = await (await signed_in(world, Role.OPERATOR)).send(page.form("/console/resources/orders"))
    assert "Take 1 resource offline?" in asked.main.text


async def test_of_very_many_that_need_somebody_a_few_stand_here_and_the_reasons_sum_them_up() -> None:
    world = await calm()
    for number in range(20):
        await world.resource(f"vm{number:02d}", State.COMATOSE, node="node2")
    page = await overview(world)
    assert len(page.id("live_needs").all("li")) == 8
    assert page.id("live_needs").one("a", "12 more")["href"] == "/console/alerts"
    assert "20 resources are comatose: vm00, vm01" in page.id("live_health").text


async def test_every_state_is_counted_and_leads_to_its_list() -> None:
    world = await calm()
    await world.resource("off")
    counts = (await overview(world)).id("live_counts")
    assert [each["href"] for each in counts.all("a")] == [
        "/console/resources", "/console/resources?state=Offline", "/console/resources?state=Running"]
    assert counts.text.startswith("2 resources")


async def test_a_node_stands_with_its_machines_its_marks_and_what_protects_it() -> None:
    world = await alarmed()
    await changed(world, "web", state=State.MIGRATING, move=Move(target=NodeName("node2"), live=True, phase=Phase.OUT,
                                                                   why=reason(Why.MIGRATE_ASKED, "anna", "node2")))
    page = await overview(world)
    node1 = page.id("node-node1").text
    assert "node1 up master protected by its self-fence (watchdog)" in node1
    assert "web Migrating to node2, live 1 life" in node1
    assert "web Migrating from node1, live" in page.id("node-node2").text
    lost = page.id("node-node3")
    assert "down unproven" in lost.text
    assert lost.one("b", class_="bad").text == "Nothing proves that it has stopped: what it held waits."
    assert "web: from node1 to node2" in page.id("live_map").text


async def test_a_member_that_nothing_protects_says_so_in_red() -> None:
    world = await calm()
    session = world.view().sessions[NODES[1]].value
    await world.put(replace(session, self_fence=SelfFence.NONE))
    page = await overview(world)
    assert page.id("node-node2").one("b", class_="bad").text.startswith("Nothing protects it: if it is lost")
    assert "nothing protects node2" in page.id("live_needs").text.lower()


async def test_an_order_under_way_is_told() -> None:
    world = await calm()
    browser = await signed_in(world, Role.OPERATOR)
    await browser.post("/console/resources/orders", {"verb": "migrate", "chosen": "web", "node": "node2"})
    told = (await browser.get(PATH)).id("live_orders").text
    assert "operator ordered: migrate web to node2" in told


async def test_a_node_with_many_machines_counts_them_and_names_what_does_not_just_run() -> None:
    world = await calm()
    for number in range(30):
        await world.resource(f"vm{number:02d}", State.RUNNING, node="node2")
    await changed(world, "vm07", state=State.COMATOSE, reason=reason(Why.LOAD_FAILED, "1", "virsh start vm07"))
    column = (await overview(world)).id("node-node2")
    assert "Running 29" in column.text
    assert [each.text for each in column.all("li")] == ["vm07 Comatose 1 life"]
    assert "/console/resources?node=node2&state=Running" in [each["href"] for each in column.all("a")]


async def test_the_loss_of_each_node_is_foreseen() -> None:
    page = await overview(await alarmed())
    told = page.id("live_losses")
    assert "The one on node1, web, would start elsewhere." in told.text
    assert "/console/what-if?node-dies=node1" in [each["href"] for each in told.all("a")]


async def test_the_last_failover_is_drawn_and_told() -> None:
    world = await calm()
    assert "No node has been lost" in (await overview(world)).id("live_incident").text
    cause, went = "old-session", OperationId("web@7")
    web, node2 = ResourceName("web"), NodeName("node2")
    for entry in (
        Entry(at_s=NOW_S, reason=reason(Why.NODE_LOST, node2, "3.0"), node=node2, cause=cause),
        Entry(at_s=NOW_S + 6, reason=reason(Why.PROOF_FENCED, node2), node=node2, cause=cause),
        Entry(at_s=NOW_S + 7, reason=reason(Why.FAILOVER, node2, "it is off"), resource=web, before=State.RUNNING,
              after=State.LOADING, node=NODES[0], operation=went, cause=cause),
        Entry(at_s=NOW_S + 9, reason=reason(Why.LOADED), resource=web, before=State.LOADING, after=State.RUNNING,
              node=NODES[0], operation=went),
    ):
        await world.store.commit(Transaction(history=(entry,)))
    told = (await overview(world)).id("live_incident")
    assert "node2 was lost at" in told.text
    assert "the fence device reports node2 off." in told.text
    assert [each.text for each in told.one("svg", class_="picture").all("title")][1:] == [
        "web: detect 3.0 s", "web: prove 6.0 s", "web: decide 1.0 s", "web: load 2.0 s"]
    assert told.rows()[1] == ["web", "node1", "Running", "1.0 s", "2.0 s", "12.0 s"]


async def test_the_page_lives() -> None:
    world = await calm()
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(PATH)
    async with browser.watching(PATH, page) as watch:
        await changed(world, "web", state=State.COMATOSE)
        parts = (await watch.change())["parts"]
    assert {"live_health", "live_needs", "live_counts", "live_nodes", "live_map", "live_bars"} <= parts.keys()
    assert "live_incident" not in parts
    assert "Comatose" in parts["live_nodes"]


class Away(Watched):
    """A line to a store that reads nothing."""

    async def records(self, *_: object, **__: object) -> NoReturn:
        """Fail."""
        raise StoreUnavailable("no member of etcd answers")


@pytest.mark.parametrize("path", [PATH, "/console/alerts", "/console/nodes", "/console/nodes/node1",
                                  "/console/clusters", "/console/what-if?node-dies=node1"])
async def test_without_the_store_the_page_shows_what_was_seen_last(path: str) -> None:
    world = await alarmed()
    await world.resource("db", State.COMATOSE, node="node2")
    browser = await signed_in(world, Role.OPERATOR)
    world.store, world.store_away = Away(world.engine), True
    page = await browser.get(path)
    assert page.status == 200
    assert "does not reach the cluster's store" in page.id("live_brakes").text
