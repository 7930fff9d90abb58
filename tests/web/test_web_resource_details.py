"""A resource's page, Details: its state and why, what runs, where it could go, and the orders for it."""

import pytest

from browsing import Browser, signed_in
from stanchion.model.access import Role
from stanchion.model.history import Severity
from stanchion.model.ids import NodeName, SessionId
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.running import Running
from stanchion.model.state import AlertKind, ResourceState, State
from stanchion.model.stray import Sighting, Stray
from surface import NOW_S, World

PAGE = "/console/resources/web"


async def test_the_page_tells_state_reason_node_and_what_led_to_it() -> None:
    world = World()
    name = await world.resource("web", State.RUNNING, node="node1")
    await world.happened(reason(Why.LOADED), name, Severity.INFO)
    page = await (await signed_in(world, Role.VIEWER)).get(PAGE)
    assert page.status == 200
    assert "web Running on node1" in page.id("live_title").text
    assert "The load script ended well." in page.id("live_state").text
    assert "Resource web: the load script ended well." in page.id("live_story").text
    assert "What happens if its node dies now?" in page.id("live_answers").text
    assert page.id("live_answers").all("li", "Its reason would then be: Failed over from node1")
    assert [each.text for each in page.main.all("a", aria_current="page")] == ["Details"]
    assert "Generic_FS" in page.id("live_configuration").text


async def test_a_resource_that_is_not_there_is_said_to_be_missing() -> None:
    page = await (await signed_in(World())).get("/console/resources/nobody")
    assert page.status == 404
    assert "nobody" in page.main.text


async def test_only_what_is_possible_now_is_enabled_and_the_rest_says_why() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    page = await (await signed_in(world, Role.OPERATOR)).get(PAGE)
    orders = page.id("live_orders")
    assert {each.text: "disabled" in each.attributes for each in orders.all("button")} == {
        "Online": True, "Offline …": False, "Migrate …": False}
    assert "Online is not possible while it is Running; possible now: offline, migrate." in orders.text
    places = page.id("live_places").rows()
    assert places[1][:3] == ["1", "node1 is there", "yes"]
    assert places[2][-1] == "Migrate to node2 …"
    assert "node3" in places[3][1]
    assert places[3][2] == "no"


async def test_a_viewer_sees_no_button_and_reads_whom_to_ask() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    page = await (await signed_in(world, Role.VIEWER)).get(PAGE)
    assert page.main.all("button") == []
    assert "Orders need an operator" in page.id("live_orders").text
    refused = await (await signed_in(world, Role.VIEWER)).post(f"{PAGE}/orders", {"verb": "offline", "confirmed": "y"})
    assert refused.status == 403


async def test_online_is_ordered_at_once_and_its_end_is_told() -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PAGE)
    page = await browser.send(page.form(button="Online on node2"), "Online on node2")
    assert page.notice.startswith("Ordered: online on node2 by operator,")
    assert "It is pending, and on its way." in page.id("live_order").text
    world.end_orders(Outcome.REFUSED, reason(Why.NO_NODE, "it rains"))
    page = await browser.send(page.form(f"{PAGE}/orders", button="Offline"), "Online")
    assert "It is refused: No node can hold it: it rains." in page.id("live_order").text


async def test_offline_asks_first_and_names_what_happens() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world, Role.OPERATOR)
    asked = await browser.send((await browser.get(PAGE)).form(button="Offline"), "Offline")
    assert "Take web offline?" in asked.main.text
    assert "shuts the machine down on node1" in asked.main.text
    assert not world.view().intents
    page = await browser.send(asked.form(button="Take offline"), "Take offline")
    assert page.notice.startswith("Ordered: offline by operator,")
    assert [(held.value.verb, held.value.by) for held in world.view().intents.values()] == [
        (Verb.OFFLINE, "operator")]


async def test_what_cannot_be_ordered_any_more_is_refused_in_a_sentence() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.post(f"{PAGE}/orders", {"verb": "online", "node": ""})
    assert page.notice.startswith("Not ordered: ")
    assert "Running" in page.notice
    page = await browser.post(f"{PAGE}/orders", {"verb": "dance"})
    assert "there is no order 'dance'" in page.notice


@pytest.mark.parametrize("way", ["live", "restart"])
async def test_a_move_shows_what_will_happen_and_is_ordered_live_or_with_a_restart(way: str) -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1", live=True)
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(f"{PAGE}/migrate?node=node2")
    assert "web moves to node2 live" in page.id("live_told").text
    form = page.form(f"{PAGE}/orders")
    assert form.value("way") == "live"
    page = await browser.send(form, "Migrate to node2", way=way)
    assert page.notice.startswith("Ordered: migrate on node2 by operator,")
    intent = next(held.value for held in world.view().intents.values())
    assert (intent.node, intent.live) == ("node2", way == "live")


async def test_a_machine_whose_scripts_cannot_is_not_offered_a_live_move() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.send((await browser.get(PAGE)).form(button="Migrate"), "Migrate")
    assert page.path.startswith(f"{PAGE}/migrate")
    assert "Live is not possible" in page.main.text
    assert page.form(f"{PAGE}/orders").value("way") == "restart"
    assert "shuts the machine down on node1" in page.main.text


async def alerting(world: World, kind: AlertKind) -> Browser:
    """Let a resource ask, and sign an operator in."""
    name = await world.resource("web", State.RUNNING, node="node2", preferred=(NodeName("node1"), NodeName("node2")))
    await world.put(ResourceState(
        name=name, state=State.ALERT, alert=kind, node=NodeName("node2"), since_s=NOW_S,
        session=world.view().session_of(NodeName("node2")), reason=reason(Why.FAILBACK_MANUAL, "node1")))
    return await signed_in(world, Role.OPERATOR)


async def test_an_alert_is_answered_and_one_that_stops_the_machine_asks_first() -> None:
    world = World()
    browser = await alerting(world, AlertKind.FAILBACK)
    page = await browser.get(PAGE)
    form = page.form(button="Yes")
    assert "It asks:" in form.element.text
    assert "It is unloaded on node2 and loaded on node1" in form.element.text
    assert "It runs on, on node2" in form.element.text
    asked = await browser.send(form, "Yes")
    assert "shuts the machine down on node2" in asked.main.text
    page = await browser.send(asked.form(button="Answer yes"), "Answer yes")
    assert page.notice.startswith("Ordered: alert yes by operator,")
    page = await browser.send(page.form(button="No"), "No")
    assert page.notice.startswith("Ordered: alert no by operator,")


async def test_what_runs_is_shown_with_its_time_and_ended_only_after_a_question() -> None:
    world = World(process=4711)
    await world.resource("web", State.LOADING, node="node1")
    world.clock.wall_s = NOW_S + 12
    world.running = Running(script=ScriptKind.LOAD, pid=4711, started_at_s=NOW_S, timeout_s=600, output="+ start <b>\n")
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PAGE)
    shown = page.id("live_process")
    assert "load on node1, process 4711" in shown.text
    assert "12 s of 10 min" in shown.text
    assert shown.one("pre").text == "+ start <b>"
    asked = await browser.send(page.form(button="End this script"), "End this script")
    assert "KILL" in asked.main.text
    assert world.ended_processes == []
    page = await browser.send(asked.form(button="End this script"), "End this script")
    assert world.ended_processes == ["web"]
    assert page.notice.startswith("Ordered: end process")


async def test_of_a_script_elsewhere_the_page_leads_to_the_node_that_knows() -> None:
    world = World()
    await world.resource("web", State.LOADING, node="node2")
    shown = (await (await signed_in(world)).get(PAGE)).id("live_process")
    assert "load on node2" in shown.text
    assert shown.one("a", "look at this page there")["href"] == f"http://node2:7423{PAGE}"


async def test_a_resource_is_deleted_when_its_name_is_typed() -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world)
    page = await browser.send((await browser.get(PAGE)).form(f"{PAGE}/delete"), "Delete", typed="wbe")
    assert page.status == 422
    assert "its name must be typed" in page.error
    assert page.form(f"{PAGE}/delete").value("typed") == "wbe"
    page = await browser.send(page.form(f"{PAGE}/delete"), "Delete", typed="web")
    assert page.path == "/console/resources"
    assert page.notice.startswith("web is deleted.")
    assert not world.view().specs


async def test_a_running_resource_is_not_deleted_and_says_what_to_do() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world)
    page = await browser.send((await browser.get(PAGE)).form(f"{PAGE}/delete"), "Delete", typed="web")
    assert page.status == 409
    assert "only an offline resource can be deleted" in page.error
    assert page.error.startswith("web is Running"), "a name stays as it is spelled"


async def test_a_resource_is_saved_as_a_template() -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world)
    page = await browser.get(PAGE)
    page = await browser.send(page.form(f"{PAGE}/template"), "Save", template="not good", title="T")
    assert page.status == 422
    assert page.form(f"{PAGE}/template").value("template") == "not good"
    page = await browser.send(page.form(f"{PAGE}/template"), "Save", template="Web_Template", title="Like web")
    assert page.notice.startswith("The template Web_Template is saved")
    assert "Web_Template" in world.view().templates


async def test_the_page_follows_the_resource() -> None:
    world = World()
    name = await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world)
    page = await browser.get(PAGE)
    async with browser.watching(PAGE, page) as watch:
        await world.put(ResourceState(name=name, state=State.COMATOSE, node=NodeName("node1"), since_s=NOW_S,
                                      reason=reason(Why.LOAD_FAILED, 7, "virsh start")))
        told = await watch.change()
    assert "Comatose" in told["parts"]["live_title"]
    assert {"live_state", "live_orders"} <= set(told["parts"])


async def test_a_stray_is_shown_and_adopted_where_it_runs() -> None:
    world = World()
    name = await world.resource("web")
    await world.put(Stray(resource=name, sightings=(
        Sighting(node=NodeName("node2"), session=SessionId("node2-session"), since_s=NOW_S),)))
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PAGE)
    assert "node2" in page.id("live_state").one("p", class_="notice").text
    page = await browser.send(page.form(button="Adopt it on node2"), "Adopt it on node2")
    assert page.notice.startswith("Ordered: adopt on node2 by operator,")


async def test_a_move_that_would_be_refused_says_why_and_cannot_be_ordered() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    page = await (await signed_in(world, Role.OPERATOR)).get(f"{PAGE}/migrate?node=node3")
    assert "node3" in page.id("live_told").one("p", "It would be refused").text
    assert "disabled" in page.id("live_go").one("button").attributes
    assert (await (await signed_in(world)).get(f"{PAGE}/migrate?node=nowhere")).status == 404
