"""Alerts: everything that needs a person, with its reason, its answers, and what a failed script said."""

from dataclasses import replace

from browsing import Page, signed_in
from stanchion.model.access import Role
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import Intent, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.standing import Pause, Standing
from stanchion.model.state import AlertKind, State
from stanchion.model.stray import Sighting, Stray
from surface import NODES, NOW_S, World

PATH = "/console/alerts"


async def troubled() -> World:
    """Make a cluster in which all kinds of things need somebody."""
    world = World()
    asking = await world.resource("print", State.ALERT, node="node2")
    await changed(world, asking, alert=AlertKind.START, reason=reason(Why.START_MANUAL, "node2"))
    await world.resource("db", State.COMATOSE, node="node2")
    await world.ran(ResourceName("db"), ScriptKind.LOAD, "db@7", code=1, at_s=NOW_S - 9,
                    output="\n".join(f"line {number}" for number in range(1, 31)))
    await world.ran(ResourceName("db"), ScriptKind.UNLOAD, "db@8", code=0, output="fine")
    homeless = await world.resource("old", State.UNASSIGNED)
    await changed(world, homeless, reason=reason(Why.NO_NODE, "node1 is being emptied"))
    await world.resource("wiki")
    session = world.view().session_of(NODES[0])
    assert session
    await world.put(Stray(resource=ResourceName("wiki"),
                          sightings=(Sighting(node=NODES[0], session=session, since_s=NOW_S),)))
    node = world.view().nodes[NODES[1]].value
    await world.put(replace(node, quarantined_at_s=NOW_S - 60))
    return world


async def changed(world: World, name: str, **fields: object) -> None:
    await world.put(replace(world.view().states[ResourceName(name)].value, **fields))


async def alerts(world: World, role: Role = Role.ADMINISTRATOR) -> Page:
    page = await (await signed_in(world, role)).get(PATH)
    assert page.status == 200
    return page


def orders(world: World) -> list[tuple[Verb, str | None]]:
    given = sorted(world.view().intents.values(), key=lambda held: held.revision)
    return [(of.value.verb, of.value.resource or of.value.node) for of in given if isinstance(of.value, Intent)]


async def test_nothing_is_said_in_three_words() -> None:
    world = World()
    for name in ("node2", "node3"):
        await world.put(replace(world.view().nodes[NodeName(name)].value, wanted=False))
    assert (await alerts(world)).id("live_alerts").text == "Nothing needs you."


async def test_everything_that_needs_somebody_stands_under_its_heading() -> None:
    page = await alerts(await troubled())
    assert [each.text for each in page.main.all("h2")] == [
        "Questions", "What does not run, or runs where it should not", "What needs a look"]
    told = page.id("live_alerts").text
    for each in ("print asks: start mode is MANUAL: answer the alert to start it on node2",
                 "db is comatose", "old is not running: no node can hold it: node1 is being emptied",
                 "It starts by itself as soon as a node can hold it.",
                 "wiki: it runs on node1, where nobody sent it", "node2 is in quarantine",
                 "node3 is lost, and nothing proves yet that it has stopped"):
        assert each in told


async def test_a_comatose_resource_stands_with_the_failed_command_and_the_end_of_its_output() -> None:
    page = await alerts(await troubled())
    failed = page.one("li", class_="failure")
    assert failed.one("summary").text.startswith("Its load script ended with code 1 on node1 at")
    assert failed.one("code").text == "virsh start x"
    assert failed.one("pre").text == "line 23 line 24 line 25 line 26 line 27 line 28 line 29 line 30"
    assert failed.one("a")["href"] == "/console/resources/db/runs"


async def test_each_answer_is_an_order_and_leads_back_here() -> None:
    world = await troubled()
    browser = await signed_in(world, Role.ADMINISTRATOR)
    for action, button, notice in (
            ("/console/alerts/print", "Yes", "The alert of print is answered: yes."),
            ("/console/nodes/node1/adopt", "Adopt", "Ordered: wiki is adopted where it runs, on node1.")):
        done = await browser.send((await browser.get(PATH)).form(action, button=button), button)
        assert (done.path, done.notice) == (PATH, notice)
    await browser.send((await browser.get(PATH)).form("/console/nodes/node2/release"), "Release")
    assert orders(world) == [(Verb.ALERT_YES, "print"), (Verb.ADOPT, "wiki"), (Verb.RELEASE, "node2")]


async def test_taking_the_comatose_offline_is_asked_about() -> None:
    world = await troubled()
    browser = await signed_in(world, Role.OPERATOR)
    asked = await browser.send((await browser.get(PATH)).form("/console/resources/orders"), "Take offline")
    assert "db" in asked.main.text
    assert orders(world) == []
    done = await browser.send(asked.form("/console/resources/orders"))
    assert done.path == PATH
    assert orders(world) == [(Verb.OFFLINE, "db")]


async def test_a_pause_can_be_ended_from_here() -> None:
    world = World()
    await world.put(Standing(pause=Pause(by="anna", since_s=NOW_S)))
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PATH)
    assert "The cluster is paused, by anna" in page.id("live_alerts").text
    await browser.send(page.form("/console/settings/resume"), "Resume")
    standing = world.view().standing
    assert standing is not None
    assert standing.value.pause is not None
    assert standing.value.pause.ended_at_s == NOW_S


async def test_who_may_not_answer_is_told_who_may() -> None:
    page = await alerts(await troubled(), Role.VIEWER)
    assert not page.main.all("button")
    assert "An operator can answer this: yes or no." in page.main.text
    assert "An administrator can do this: Release." in page.main.text


async def test_an_answer_with_neither_yes_nor_no_is_refused_in_a_sentence() -> None:
    world = await troubled()
    refused = await (await signed_in(world, Role.OPERATOR)).post("/console/alerts/print", {"answer": "perhaps"})
    assert refused.path == PATH
    assert refused.notice.startswith("print: ")
    assert orders(world) == []


async def test_a_question_that_is_answered_elsewhere_goes_away_by_itself() -> None:
    world = await troubled()
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PATH)
    async with browser.watching(PATH, page) as watch:
        await changed(world, "print", state=State.RUNNING, alert=None)
        parts = (await watch.change())["parts"]
    assert "Questions" not in parts["live_alerts"]
