"""The balance page: bars with the same facts as text, proposals with their gain, a question before anything begins."""

from dataclasses import replace

from browsing import Page, signed_in
from stanchion.model.access import Role
from stanchion.model.balance import Balancing, Migration
from stanchion.model.capacity import Size
from stanchion.model.cluster import ClusterView
from stanchion.model.standing import Pause, Standing
from stanchion.model.state import State
from stanchion.web.balance import chosen
from stanchion.web.pictures.levels import levels
from stanchion.wire.balance import LevelInfo
from surface import NODES, NOW_S, World

PATH = "/console/balance"


async def uneven(*, live: bool = True) -> World:
    """Make a world in which node1 is 90 % full and node2 empty."""
    world = World()
    for node in NODES:
        known = world.view().nodes[node].value
        await world.put(replace(known, capacity=Size(memory_mib=1600), reserve=Size(memory_mib=100)))
    for name in ("db", "mail", "web"):
        await world.resource(name, State.RUNNING, node="node1", live=live, size=Size(memory_mib=450))
    return world


async def seen(world: World, role: Role = Role.OPERATOR, query: str = "") -> Page:
    """Look at the page."""
    page = await (await signed_in(world, role)).get(f"{PATH}{query}")
    assert page.status == 200
    return page


def asked_for(view: ClusterView) -> Balancing | None:
    """What stands to be done."""
    return view.standing.value.balancing if view.standing else None


async def test_levels_are_bars_and_the_same_as_a_table() -> None:
    page = await seen(await uneven())

    section = page.id("live_balance")
    assert "The fullest node is 90 % full and the emptiest 0 %; after 1 move 60 % and 30 %." in section.text
    titles = [each.text for each in section.one("svg").all("title")][1:]
    assert titles == ["node1 now: 90 %", "node1 after the proposals: 60 %", "node2 now: 0 %",
                      "node2 after the proposals: 30 %"]
    rows = section.rows()
    assert rows[1:3] == [["node1", "90 %", "60 %"], ["node2", "0 %", "30 %"]]
    assert rows[4][:6] == ["1", "db", "node1", "node2", "live", "+60"]
    assert rows[4][6].startswith("Evening the nodes out: node1 was 90 % full")
    assert "The cluster moves nothing by itself" in section.text


async def test_machines_that_cannot_move_live_are_looked_at_on_demand() -> None:
    world = await uneven(live=False)
    held = await seen(world)
    assert "No move is proposed." in held.main.text
    assert "3 of the machines on node1 cannot move live" in held.main.text

    cold = await seen(world, query="?cold=yes")
    assert cold.id("live_balance").one("span", class_="badge warning").text == "interrupted"


async def test_moves_are_asked_for_after_a_question_that_names_them() -> None:
    world = await uneven()
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PATH)
    question = await browser.send(page.form(PATH), "Let them be made")
    assert "db goes from node1 to node2, live." in question.main.text
    assert "The fullest node is 90 % full now, and 60 % after it" in question.main.text
    assert asked_for(world.view()) is None

    done = await browser.send(question.form(PATH), "Let these moves be made")
    assert "Asked for: 1 move, one after the other." in done.text
    found = asked_for(world.view())
    assert found is not None
    assert found.moves == (Migration(resource="db", source="node1", target="node2", live=True),)
    assert "asked for 1 move; 1 not begun yet: db to node2." in done.id("live_balance").text

    stopped = await browser.send(done.form(f"{PATH}/stop"), "Stop")
    assert "Stopped: 1 of 1 moves will not begin." in stopped.text
    assert asked_for(world.view()) is None


async def test_cold_moves_say_that_they_interrupt() -> None:
    world = await uneven(live=False)
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(f"{PATH}?cold=yes")
    question = await browser.send(page.form(PATH), "Let them be made")
    assert "db goes from node1 to node2, unloaded there, then loaded here: that interrupts it." in question.main.text
    await browser.send(question.form(PATH), "Let these moves be made")
    found = asked_for(world.view())
    assert found is not None
    assert not found.moves[0].live


async def test_what_is_refused_says_why() -> None:
    world = await uneven()
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PATH)
    wrong = await browser.send(page.form(PATH), "Let them be made", first="many")
    assert "Many is no number of proposals; leave it empty for all." in wrong.text
    none = await browser.send(page.form(PATH), "Let them be made", first="0")
    assert "must be at least 1" in none.text
    await world.put(Standing(pause=Pause(by="root", since_s=NOW_S)))
    question = await browser.send(page.form(PATH), "Let them be made")
    refused = await browser.send(question.form(PATH), "Let these moves be made")
    assert "The cluster is paused and begins nothing" in refused.text
    assert (await browser.send(page.form(PATH), "Let them be made", first="1")).status == 200


async def test_a_viewer_sees_it_all_and_no_button() -> None:
    world = await uneven()
    page = await seen(world, Role.VIEWER)
    assert "An operator can let these moves be made." in page.main.text
    assert not page.main.all("form")


async def test_the_daily_window_is_set_among_the_policies() -> None:
    world = await uneven()
    browser = await signed_in(world, Role.ADMINISTRATOR)
    page = await browser.get("/console/settings")
    form = page.form("/console/settings/policies")
    wrong = await browser.send(form, "Save", balance="at night")
    assert "Evening out the nodes is at night; it must be off, or a time of each day, like 22:00-06:00" in wrong.text
    await browser.send(form, "Save", balance="22:00-06:00")
    assert "By itself the cluster makes live moves at 22:00-06:00" in (await browser.get(PATH)).main.text


def test_of_many_nodes_the_fullest_and_the_emptiest_are_drawn() -> None:
    nodes = [LevelInfo(node=f"n{number:02}", before=number / 100, after=0.5) for number in range(60)]

    drawn = chosen(nodes)

    assert [each.node for each in drawn[:2]] == ["n59", "n58"]
    assert [each.node for each in drawn[-2:]] == ["n01", "n00"]
    assert len(drawn) == 30
    assert chosen(nodes[:3]) == tuple(reversed(nodes[:3]))


def test_bars_are_as_long_as_levels_and_hot_ones_have_another_colour() -> None:
    drawn = levels([("a", 1.2, 0.9), ("b", 0.3, 0.6)])

    assert [bar.tone for row in drawn.rows for bar in row.bars] == ["bad", "warning", "good", "good"]
    (full, _), (low, after) = (row.bars for row in drawn.rows)
    assert full.width == drawn.width - drawn.left - 50
    assert round(low.width * 4, 0) == round(full.width, 0)
    assert after.faint
    assert drawn.left < drawn.hot_x < drawn.left + full.width
