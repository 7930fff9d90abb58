"""What if: a node dies, is drained, a resource is moved; told by the cluster's judgement before anything happens."""

from browsing import Page, signed_in
from stanchion.model.access import Role
from stanchion.model.state import State
from surface import World

PATH = "/console/what-if"


async def asked(query: str = "", role: Role = Role.OPERATOR, world: World | None = None) -> Page:
    world = world or await running()
    page = await (await signed_in(world, role)).get(f"{PATH}{query}")
    assert page.status == 200
    return page


async def running() -> World:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    await world.resource("mail", State.RUNNING, node="node2")
    return world


async def test_four_things_can_be_asked_and_nothing_is_answered_unasked() -> None:
    page = await asked()
    assert [form.one("button").text for form in page.main.all("form")] == ["Ask"] * 4
    assert not page.all(id="answer")


async def test_a_node_that_dies_is_played_to_its_end() -> None:
    page = await asked("?node-dies=node1")
    answer = page.id("answer")
    assert answer.text.startswith("If node1 died now")
    assert "First it must be proven that node1 has stopped: its lease runs out" in answer.text
    assert "node1 is the master: another member takes over." in answer.text
    row = answer.rows()[1]
    assert row[:5] == ["1", "web", "is started there Running", "node1", "node2"]
    assert row[5].startswith("Failed over from node1")
    titles = [each.text for each in answer.one("svg").all("title")]
    assert "web: from node1 to node2" in titles
    assert page.one("option", "node1", selected="")["selected"] == ""


async def test_a_question_is_a_link_and_a_form() -> None:
    world = await running()
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(PATH)
    form, _ = [each for each in page.main.all("form") if each.all("input")]
    assert form["action"] == PATH
    moved = await browser.get(f"{PATH}?migrate=web&to=")
    assert "If web were moved to the best node now" in moved.main.text
    assert "web is unloaded, then loaded on node2: that interrupts it." in moved.main.text
    assert not moved.main.all("a", "Move web"), "a viewer cannot move anything"


async def test_a_drain_that_was_asked_about_can_be_ordered_from_there() -> None:
    world = await running()
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(f"{PATH}?drain=node1")
    assert "web is unloaded, then loaded on node2" in page.id("answer").text
    confirm = await browser.send(page.form("/console/nodes/node1/drain"), "Drain")
    assert "Drain node1?" in confirm.main.text
    assert not world.view().intents


async def test_a_move_that_would_be_refused_says_so() -> None:
    answer = (await asked("?migrate=web&to=node1")).id("answer")
    assert "That is not possible now: it already runs on node1" in answer.text
    assert not answer.all("svg")
    assert not answer.all("table")


async def test_a_name_that_is_not_there_is_told_and_kept() -> None:
    page = await asked("?migrate=wep")
    assert page.error.startswith("There is no resource wep")
    assert page.one("input", name="migrate")["value"] == "wep"


async def test_asking_changes_nothing() -> None:
    world = await running()
    browser = await signed_in(world, Role.OPERATOR)
    before = world.engine.revision
    for query in ("?node-dies=node1", "?drain=node1", "?migrate=web"):
        assert (await browser.get(f"{PATH}{query}")).status == 200
    assert world.engine.revision == before


async def test_several_nodes_that_come_and_go_are_played_together() -> None:
    page = await asked("?drained=node1&lost=node2&added=node9:4096:2&added=")
    answer = page.id("answer")
    assert answer.text.startswith("If node2 died, node1 were drained, node9 joined now")
    assert [row[4] for row in answer.rows()[1:]] == ["node9", "node9"]
    assert page.one("input", name="added")["value"].startswith("node9:4096:2")
    wrong = await asked("?added=node9:lots")
    assert "describes no node; write a name, or name:MiB:processors" in wrong.text
    twice = await asked("?lost=node1&drained=node1")
    assert "is named twice" in twice.text


async def test_how_many_nodes_may_be_lost_is_told_and_drawn() -> None:
    page = await asked()
    told = page.id("guarantee")
    assert "Everything finds a place if any one node is lost." in told.text
    assert "Without node1 and node2 there would be no place" in told.text
    titles = [each.text for each in told.one("svg").all("title")]
    assert titles[0] == "How full each node is now, and after the loss of node1 and node2"
    assert "node1: 0 % now, lost" in told.text
