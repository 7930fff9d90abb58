"""A resource's scripts: the editor's page, what counts, tests of a script, revisions and the way back."""

from dataclasses import replace

import pytest

from browsing import Page, signed_in
from stanchion.model.access import Role
from stanchion.model.ids import NodeName, OperationId
from stanchion.model.orders import Outcome
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.running import Running
from stanchion.model.state import State
from stanchion.web.resource.differences import lines
from stanchion.wire.requests import MonitoringChange, ResourceChange
from surface import NOW_S, World

PAGE = "/console/resources/web/scripts/load"


def load_form(page: Page, path: str = PAGE) -> dict[str, str]:
    """Read what stands in the editor's form."""
    return dict(page.form(path).fields)


async def test_the_tab_begins_with_the_load_script_and_leads_to_the_others() -> None:
    world = World()
    await world.resource("web")
    page = await (await signed_in(world)).get("/console/resources/web/scripts")
    assert page.path == PAGE
    assert [each.text for each in page.main.all("a", text="Script")][1:] == [
        "Load Script", "Unload Script", "Monitor Script", "Halt Script (none)", "Prepare Script (none)"]
    assert load_form(page)["text"] == "true\r\n"
    assert (load_form(page)["timeout"], load_form(page)["timeout:unit"]) == ("10", "min")
    missing = await (await signed_in(world)).get("/console/resources/web/scripts/dance")
    assert missing.status == 404
    assert "there is no dance script" in missing.main.text.lower()


async def test_a_script_is_saved_with_its_timeout_and_why() -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world, name="berta")
    page = await browser.get(PAGE)
    page = await browser.send(page.form(PAGE), "Save", text="#!/bin/bash\r\nexit 0\r\n", timeout="90",
                              why="ends with exit", **{"timeout:unit": "s"})
    assert page.notice == "The load script is saved. It counts from now on."
    spec = world.view().specs["web"].value
    assert (spec.scripts.load.text, spec.scripts.load.timeout_s) == ("#!/bin/bash\nexit 0\n", 90)
    assert (spec.saved_by, spec.saved_why) == ("berta", "ends with exit")
    assert "by berta: ends with exit" in page.id("live_counts").text


@pytest.mark.parametrize("at_once", [None, "yes"])
async def test_of_a_loaded_resource_the_page_says_what_counts_from_when(at_once: str | None) -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world)
    page = await browser.send((await browser.get(PAGE)).form(PAGE), "Save", text="exit 0\n", at_once=at_once)
    waits = "until then web goes by the one that it was loaded with" in page.id("live_counts").text
    assert waits is (at_once is None)
    assert ("It counts from now on." in page.notice) is (at_once == "yes")


async def test_a_script_that_bash_cannot_read_is_refused_and_nothing_entered_is_lost() -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world)
    page = await browser.send((await browser.get(PAGE)).form(PAGE), "Save", text="if true\n", why="a try", timeout="7",
                              at_once="yes")
    assert page.status == 422
    assert "load script is not valid" in page.error
    kept = load_form(page)
    assert (kept["text"], kept["why"], kept["timeout"], kept["at_once"]) == ("if true\r\n", "a try", "7", "yes")
    assert page.id("findings").all("li", text="Error")
    assert world.view().specs["web"].value.scripts.load.text == "true\n"


async def test_the_lint_is_asked_by_a_button_without_saving() -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world)
    page = await browser.send((await browser.get(PAGE)).form(PAGE), "Check", text="echo $NOBODY\nexit 0\n")
    assert [each.text for each in page.id("findings").all("li")] == [
        "Doubtful Line 1: NOBODY is used but never assigned."]
    assert load_form(page)["text"] == "echo $NOBODY\r\nexit 0\r\n"
    assert world.view().specs["web"].value.scripts.load.text == "true\n"
    page = await browser.send(page.form(PAGE), "Check", text="exit 0\n")
    assert "nothing to say against it" in page.id("findings").text


async def test_two_who_edit_do_not_overwrite_each_other_unseen() -> None:
    world = World()
    await world.resource("web")
    anna, bert = await signed_in(world, name="anna"), await signed_in(world, name="bert")
    mine, his = await anna.get(PAGE), await bert.get(PAGE)
    await bert.send(his.form(PAGE), "Save", text="exit 1\n")
    page = await anna.send(mine.form(PAGE), "Save", text="exit 2\n")
    assert page.status == 412
    assert page.error.startswith("The resource web was saved by bert")
    assert load_form(page)["text"] == "exit 2\r\n"
    compared = await anna.get(page.one("a", "See what changed")["href"])
    assert ["", "1", "+", "exit 1"] in compared.main.rows()
    page = await anna.send(page.form(PAGE), "Save")
    assert page.notice.startswith("The load script is saved.")


async def test_who_edits_is_told_when_somebody_else_saves_meanwhile() -> None:
    world = World()
    await world.resource("web")
    anna, bert = await signed_in(world, name="anna"), await signed_in(world, name="bert")
    mine = await anna.get(PAGE)
    waiting = mine.id("meanwhile")
    assert "hidden" in waiting.attributes
    assert waiting["data-revision"] == mine.id("live_title")["data-revision"] == load_form(mine)["revision"]
    async with anna.watching(PAGE, mine) as watch:
        await bert.send((await bert.get(PAGE)).form(PAGE), "Save", text="exit 1\n")
        told = await watch.change()
    now = world.view().specs["web"].revision
    assert f'data-revision="{now}"' in told["parts"]["live_title"], "the script of the page compares the two"
    assert mine.id("meanwhile").one("a", "See what changed")["href"].endswith(f"?from={waiting['data-revision']}")


async def test_a_hostile_script_is_shown_as_text() -> None:
    world = World()
    await world.resource("web")
    name = world.view().specs["web"].value
    hostile = "</textarea><script>alert(1)</script>\n"
    await world.put(replace(name, scripts=replace(name.scripts, load=replace(name.scripts.load, text=hostile))))
    page = await (await signed_in(world)).get(PAGE)
    assert load_form(page)["text"] == hostile.replace("\n", "\r\n")
    assert all(each["src"] for each in page.all("script"))


async def test_whoever_may_not_edit_reads_the_script_and_whom_to_ask() -> None:
    world = World()
    await world.resource("web")
    operator = await signed_in(world, Role.OPERATOR)
    page = await operator.get(PAGE)
    assert page.main.one("pre", aria_label="load script").text == "true"
    assert "needs an administrator" in page.main.text
    assert page.main.all("textarea") == []
    assert (await operator.post(PAGE, {"do": "save", "text": "exit 1"})).status == 403
    viewer = await (await signed_in(world, Role.VIEWER)).get(PAGE)
    assert viewer.main.all("button") == []


async def test_a_script_is_tried_dry_and_its_output_comes_to_the_page() -> None:
    world = World()
    name = await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PAGE)
    buttons = {each.text: "disabled" in each.attributes for each in page.id("live_try").all("button")}
    assert buttons == {"Try it dry": False, "Run it for real": True}
    page = await browser.post(f"{PAGE}/test", {"node": "node2", "dry": "yes"})
    assert "It runs, or is about to" in page.id("live_test").text
    held = next(iter(world.view().intents.values()))
    assert (held.value.node, held.value.dry, held.value.script) == ("node2", True, ScriptKind.LOAD)
    async with browser.watching(page.path.partition("#")[0], page) as watch:
        await world.ran(name, ScriptKind.LOAD, "try@1", code=3, output="would run: virsh start <x>\n")
        await world.put(replace(held.value, outcome=Outcome.FAILED, operation=OperationId("try@1"),
                                reason=reason(Why.LOADED), ended_at_s=NOW_S))
        parts = {}
        while "failed with code 3" not in parts.get("live_test", ""):
            parts |= (await watch.change())["parts"]
    assert "not implemented" in parts["live_test"]
    assert "virsh start &lt;x&gt;" in parts["live_test"]


async def test_what_a_real_test_prints_is_shown_while_it_runs() -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world, Role.OPERATOR)
    path = "/console/resources/web/scripts/monitor"
    page = await browser.post(f"{path}/test", {"node": "node1", "dry": "no"})
    held = next(iter(world.view().intents.values()))
    assert not held.value.dry
    world.running = Running(script=ScriptKind.MONITOR, pid=9, started_at_s=NOW_S, timeout_s=60, output="half way\n")
    page = await browser.get(f"{path}?test={held.value.id}")
    assert page.id("live_test").one("pre").text == "half way"
    refused = await browser.post(f"{PAGE}/test", {"node": "node1", "dry": "no"})
    assert refused.notice.startswith("Not tried: ")


async def test_revisions_are_compared_and_a_script_is_restored() -> None:
    world = World()
    await world.resource("web", preferred=(NodeName("node1"),))
    browser = await signed_in(world, name="anna")
    first = world.view().specs["web"].revision
    page = await browser.send((await browser.get(PAGE)).form(PAGE), "Save", text="true\nexit 0\n", why="exit")
    page = await browser.get(page.id("live_revisions").one("a", "compare and restore")["href"])
    diff = [row for table in page.main.all("table", class_="diff") for row in table.rows()]
    assert diff == [["Old line", "New line", "Change", "Text"], ["1", "1", "", "true"], ["", "2", "+", "exit 0"]]
    assert "load script" in page.id("live_list").text
    page = await browser.send(page.form("/console/resources/web/restore"), "Restore", script="load", why="back")
    assert page.notice == f"The load script is as it was in revision {first}."
    assert world.view().specs["web"].value.scripts.load.text == "true\n"
    stale = await browser.post("/console/resources/web/restore", {
        "revision": str(first), "past": str(first), "script": "load", "why": ""})
    assert stale.status == 412
    for odd in ("7x", "-1", "9" * 5000, "12345"):
        assert (await browser.get(f"/console/resources/web/revisions?from={odd}")).status == 404, odd


async def test_settings_that_differ_are_named_as_in_their_forms() -> None:
    world = World()
    await world.resource("web")
    spec = world.view().specs["web"]
    async with world.client() as client:
        await client.edit("web", ResourceChange(monitoring=MonitoringChange(enabled=True, interval_s=30)))
    page = await (await signed_in(world)).get(f"/console/resources/web/revisions?from={spec.revision}")
    rows = page.main.rows()
    assert ["Enable Resource Monitoring", "no", "yes"] in rows
    assert ["Polling Interval", "1 min", "30 s"] in rows


def test_a_difference_leaves_out_what_is_far_from_it() -> None:
    before = [f"line {number}" for number in range(1, 21)]
    after = [*before[:9], "changed", *before[10:]]
    found = lines("\n".join(before), "\n".join(after))
    assert [each.sign for each in found] == ["…", " ", " ", " ", "-", "+", " ", " ", " ", "…"]
    assert [(each.old, each.new, each.text) for each in found if each.kind in {"in", "out"}] == [
        (10, None, "line 10"), (None, 10, "changed")]
    assert lines("a\n", "a\n") == ()
