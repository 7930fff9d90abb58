"""Settings, templates and import in a real Chromium: what is entered stays, editors send their text, files travel."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from realhosts import Cluster, Sleeper

pytestmark = pytest.mark.slow

Shot = Callable[[Page, str], None]


def test_the_settings_draw_the_timers_of_each_profile(page: Page, shot: Shot) -> None:
    page.goto("/console/settings")
    expect(page.get_by_role("img", name="The timers of the profile default")).to_be_visible()
    expect(page.locator("#protocol")).to_contain_text("renew 1 s < halt 4 s < fence 6 s")
    shot(page, "settings")


def test_a_refused_pause_keeps_all_fields_while_the_page_follows_the_cluster(page: Page, lab: Cluster) -> None:
    page.goto("/console/settings")
    page.get_by_label("For", exact=True).fill("-5")
    page.get_by_label("unit of the time").select_option("hours")
    page.get_by_label("Why").fill("new switch")
    page.get_by_role("button", name="Pause the cluster").click()
    expect(page.get_by_role("alert").first).to_contain_text("it must be longer than 0")
    lab.make("late", Sleeper("late", lab.place).change())
    expect(page.locator("#order-late")).to_be_visible()
    expect(page.get_by_label("For", exact=True)).to_have_value("-5")
    expect(page.get_by_label("unit of the time")).to_have_value("h")
    expect(page.get_by_label("Why")).to_have_value("new switch")


def test_a_resource_is_moved_to_the_top_of_the_order_by_a_button(page: Page, lab: Cluster) -> None:
    lab.make("early", Sleeper("early", lab.place).change())
    page.goto("/console/settings")
    rows = page.locator("#order-rows tr th")
    second = rows.nth(1).inner_text()
    page.get_by_role("button", name=f"move {second} up").click()
    expect(page.locator("main .notice")).to_contain_text(f"{second} loads at place 1")
    expect(rows.first).to_have_text(second)


def test_a_template_is_cloned_edited_exported_and_imported_again(page: Page, tmp_path: Path, shot: Shot) -> None:
    page.goto("/console/templates/Generic_FS")
    page.get_by_text("Clone", exact=True).first.click()
    page.get_by_label("Name of the new template").fill("Mine")
    page.get_by_role("button", name="Clone").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mine")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.locator(".cm-content").first.click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("# by hand\n")
    page.get_by_role("button", name="Save the template").click()
    expect(page.locator("main .notice")).to_contain_text("The template Mine is saved.")
    expect(page.locator("main pre").first).to_contain_text("# by hand")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export", exact=True).click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "Mine.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("Mine", "Again"), encoding="utf-8")
    page.goto("/console/import")
    page.get_by_label("A file of export").set_input_files(file)
    page.get_by_role("button", name="See what would be made").click()
    expect(page.get_by_role("row", name="template Again")).to_contain_text("would be made")
    shot(page, "import")
    page.get_by_role("button", name="Import 1 document").click()
    expect(page.get_by_role("link", name="Again")).to_be_visible()
