"""The console of any node is the cluster's: the same people are signed in, the same things are shown."""

from dataclasses import replace

import pytest

from browsing import signed_in
from stanchion.model.ids import NodeName
from surface import NODES, World


@pytest.mark.parametrize("node", NODES)
async def test_who_is_signed_in_goes_on_at_any_node(node: NodeName) -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world, name="anna")
    app = world.app()
    app.state.services = replace(app.state.services, node=node)
    page = await browser.get("/console/resources")
    assert f"seen from {node}" in page.id("live_head").text
    assert page.main.all("a", "web", href="/console/resources/web")
    assert page.one("a", href="/console/me").text == "anna"


async def test_a_search_that_finds_nothing_says_so_and_leads_back_to_all() -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world)
    page = await browser.get("/console/resources?q=zzz")
    assert "0 of 1 resource: none is like that." in page.id("live_count").text
    page = await browser.get(page.id("live_count").one("a", "Show all")["href"])
    assert page.id("live_count").text == "1 of 1 resource"
