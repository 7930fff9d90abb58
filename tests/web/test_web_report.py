"""The report inside the console: the same as everywhere, to look at, to print and to save."""

import json

import pytest

from browsing import Browser, read, signed_in
from stanchion.model.access import Role
from stanchion.model.state import State
from surface import World

REPORT = "/console/report"


async def test_the_report_shows_what_the_saved_page_shows() -> None:
    world = World()
    await world.resource("mail", State.RUNNING, node="node1")
    await world.resource("<b>web", parameters={"ADMIN_PASSWORD": "hunter2"})
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(REPORT)
    assert page.main.one("h1").text == "Report of lab"
    for text in ("mail Running node1 1", "Protected by", "<b>web", "No node was lost"):
        assert text in page.main.text, text
    assert "hunter2" not in page.answer.text
    saved = await browser.http.get(page.main.one("a", text="Save as a page")["href"])
    assert saved.headers["content-disposition"] == 'attachment; filename="lab-report.html"'
    assert "hunter2" not in saved.text
    assert [each.text for each in read(saved.text).all("h2")] == [each.text for each in page.main.all("h2")]


async def test_the_report_is_saved_as_data() -> None:
    world = World()
    await world.resource("mail", State.RUNNING, node="node1")
    browser = await signed_in(world, Role.VIEWER)
    saved = await browser.http.get((await browser.get(REPORT)).main.one("a", text="JSON")["href"])
    assert saved.headers["content-disposition"] == 'attachment; filename="lab-report.json"'
    told = json.loads(saved.text)
    assert [each["name"] for each in told["resources"]] == ["mail"]


async def test_a_report_is_of_one_moment_but_what_stands_around_it_goes_on() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(REPORT)
    async with browser.watching(REPORT, page) as watch:
        world.store_away = True
        await world.resource("mail")
        told = await watch.change()
    assert set(told["parts"]) == {"live_brakes"}


@pytest.mark.parametrize("path", [REPORT, f"{REPORT}/save"])
async def test_nobody_sees_it_who_is_not_signed_in(path: str) -> None:
    assert (await Browser(World()).get(path)).path.startswith("/console/sign-in")


async def test_another_form_is_refused_in_one_sentence() -> None:
    page = await (await signed_in(World())).get(f"{REPORT}/save?form=exe")
    assert page.status == 422
    assert "form" in page.main.one("h1").text
