"""The jobs of the original's chapter, by clicks and keys in a real Chromium: real agents, real machines.

The tests of this module are one story and run in order: who comes later finds what who came before has made. Each
waits for what a person would see change on the page; no page is loaded anew to see it.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from realhosts import Cluster, Sleeper, until
from stanchion.lab.demo.machines import DemoMachine
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State

pytestmark = pytest.mark.slow

Shot = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def web(lab: Cluster) -> DemoMachine:
    """The files of a real machine, at the same path for all hosts."""
    made = DemoMachine("web", "QemuLive_Template", ("node1", "node2", "node3"), lab.place)
    made.write()
    return made


def go_next(page: Page, heading: str) -> None:
    """Go to the next step of the wizard, and see that it is the one expected."""
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text(heading)


def state_on(page: Page, state: str, node: str) -> None:
    """See the state of the resource at the top of its page, where it is."""
    expect(page.locator("#live_title .badge").first).to_have_text(state)
    expect(page.locator("#live_title")).to_contain_text(f"on {node}")


def test_a_resource_is_made_from_xen_template_with_additional_properties(page: Page, lab: Cluster, shot: Shot) -> None:
    """14.2.1: New, Resource, a name, Inherit From Template, Define Additional Properties, and the pages in order."""
    page.goto("/console/resources")
    page.get_by_role("link", name="New …").click()
    page.get_by_role("radio", name=re.compile("^Resource")).check()
    go_next(page, "Name")
    page.get_by_label("Name").first.fill("mail")
    page.get_by_role("radio", name=re.compile("^Xen_Template")).check()
    page.get_by_label("Define Additional Properties").check()
    shot(page, "new-resource")
    go_next(page, "Parameters")
    go_next(page, "Load Script")
    expect(page.locator("textarea").first).to_have_value(re.compile("exit_on_error"))
    shot(page, "new-load-script")
    for heading in ("Unload Script", "Monitor Script", "Policies", "Preferred Nodes"):
        go_next(page, heading)
    page.get_by_label("preferred node 1").select_option("node2")
    page.get_by_label("preferred node 2").select_option("node3")
    go_next(page, "Monitoring")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("main")).to_contain_text("Nothing is made yet")
    shot(page, "new-summary")
    page.get_by_role("button", name="Make the resource").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("mail")
    expect(page.locator("#live_title .badge").first).to_have_text("Offline")
    made = lab.resource("mail")
    assert (made.template, made.preferred, made.state) == ("Xen_Template", ("node2", "node3"), State.OFFLINE)
    assert "mail" in made.scripts[ScriptKind.LOAD].text


def test_a_machine_comes_online_before_ones_eyes(page: Page, web: DemoMachine, shot: Shot) -> None:
    page.goto("/console/new")
    go_next(page, "Name")
    page.get_by_label("Name").first.fill("web")
    page.get_by_role("radio", name=re.compile("^QemuLive_Template")).check()
    page.get_by_label("Online resource after creation").check()
    page.get_by_role("button", name="Next").click()
    page.locator("[name$=CONFIG]").fill(str(web.config))
    page.locator("[name$=SHUTDOWN_TIMEOUT]").fill("0")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Make the resource and bring it online").click()
    state_on(page, "Running", "node1")
    until(lambda: web.last() is not None, "the machine ticks")
    shot(page, "resource")


def test_monitoring_is_enabled_and_says_what_it_will_do(page: Page, lab: Cluster, shot: Shot) -> None:
    """14.2.2 Enabling: the box, the interval with its unit, the failures and their time, one of three actions."""
    page.goto("/console/resources/web")
    page.get_by_role("navigation", name="Tabs of web").get_by_role("link", name="Monitoring").click()
    page.get_by_label("Enable Resource Monitoring").check()
    page.get_by_label("Polling Interval", exact=True).fill("30")
    page.get_by_label("unit of Polling Interval").select_option("seconds")
    page.get_by_label("Maximum Local Failures").fill("3")
    page.get_by_label("Time Interval", exact=True).fill("10")
    page.get_by_label("unit of Time Interval").select_option("minutes")
    page.locator("input[name=action][value=migrate]").check()
    sentence = page.locator("#sentence")
    expect(sentence).to_contain_text("30 s")
    expect(sentence).to_contain_text("3rd failure within 10 min")
    shot(page, "monitoring")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice.good").first).to_be_visible()
    told = lab.resource("web").monitoring
    assert (told.enabled, told.interval_s, told.max_failures, told.window_s, told.action) == (
        True, 30.0, 3, 600.0, "migrate")


def test_a_mistyped_number_loses_nothing(page: Page, lab: Cluster) -> None:
    page.goto("/console/resources/web/monitoring")
    page.get_by_label("Maximum Local Failures").fill("many")
    page.get_by_label("Polling Interval", exact=True).fill("45")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice.bad").first).to_contain_text("Maximum Local Failures")
    expect(page.get_by_label("Maximum Local Failures")).to_have_value("many")
    expect(page.get_by_label("Polling Interval", exact=True)).to_have_value("45")
    assert lab.resource("web").monitoring.interval_s == 30.0


def test_who_edits_sees_that_somebody_else_saved_and_keeps_what_he_entered(page: Page) -> None:
    page.goto("/console/resources/web/monitoring")
    page.get_by_label("Maximum Local Failures").fill("9")
    expect(page.locator("#meanwhile")).to_be_hidden()
    other = page.context.new_page()
    other.goto("/console/resources/web/monitoring")
    other.get_by_label("Time Interval", exact=True).fill("12")
    other.get_by_role("button", name="Save").click()
    expect(other.locator(".notice.good").first).to_be_visible()
    expect(page.locator("#meanwhile")).to_be_visible()
    expect(page.get_by_label("Maximum Local Failures")).to_have_value("9")
    other.close()


def test_the_monitor_script_is_viewed_edited_and_kept_as_a_revision(page: Page, lab: Cluster, shot: Shot) -> None:
    """14.2.2 Viewing or Editing: the script in an editor that says what is wrong with it, its timeout, and Save."""
    page.goto("/console/resources/web")
    page.get_by_role("navigation", name="Tabs of web").get_by_role("link", name="Scripts").click()
    page.get_by_role("navigation", name="Scripts").get_by_role("link", name="Monitor Script").click()
    editor = page.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nif true; then\n")
    expect(page.locator("#findings")).to_contain_text(re.compile("line|syntax|unexpected", re.IGNORECASE))
    shot(page, "script-with-a-fault")
    editor.click()
    page.keyboard.press("Control+End")
    for _ in range(len("if true; then") + 2):
        page.keyboard.press("Backspace")
    page.keyboard.press("Control+End")
    page.keyboard.type("\n# looked at by hand\n")
    page.get_by_label("Monitor Script Timeout").fill("45")
    page.get_by_label("unit of the timeout").select_option("seconds")
    page.get_by_label("What you changed, and why").fill("a word to the next reader")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice.good").first).to_be_visible()
    expect(page.locator("#live_revisions")).to_contain_text("a word to the next reader")
    script = lab.resource("web").scripts[ScriptKind.MONITOR]
    assert "# looked at by hand" in script.text
    assert script.timeout_s == 45.0
    page.get_by_role("link", name="compare and restore").first.click()
    expect(page.locator("main")).to_contain_text("looked at by hand")
    shot(page, "revisions")


def test_a_machine_migrates_live_by_a_few_clicks(page: Page, lab: Cluster, web: DemoMachine, shot: Shot) -> None:
    """14.2.3: what will happen is told first; then the machine moves, and its counter goes on."""
    lab.wait_state("web", State.RUNNING, node="node1")
    before = web.last()
    page.goto("/console/resources/web")
    page.get_by_role("button", name="Migrate …").click()
    page.locator("main form.bar select[name=node]").select_option("node2")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.locator("#live_told")).to_contain_text("node2")
    shot(page, "migrate")
    page.get_by_role("button", name="Migrate to node2").click()
    state_on(page, "Running", "node2")
    after = web.last()
    assert before is not None
    assert after is not None
    assert (after.nonce, web.fault()) == (before.nonce, "")


def test_many_are_chosen_and_taken_offline_after_a_question(page: Page, lab: Cluster) -> None:
    names = ("side1", "side2")
    for name in names:
        lab.make(name, Sleeper(name, lab.place).change())
    page.goto("/console/resources?q=side")
    badges = page.locator("#resource-rows .badge")
    expect(badges).to_have_text(["Running", "Running"])
    for name in names:
        page.get_by_label(f"choose {name}").check()
    page.get_by_role("button", name="Offline …").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Take 2 resources offline?")
    for name in names:
        expect(page.locator("main")).to_contain_text(name)
    assert [lab.resource(name).state for name in names] == [State.RUNNING, State.RUNNING]
    page.get_by_role("button", name="Take offline").click()
    expect(badges).to_have_text(["Offline", "Offline"])
    assert [lab.resource(name).state for name in names] == [State.OFFLINE, State.OFFLINE]


def test_what_would_happen_is_asked_before_it_does(page: Page, shot: Shot) -> None:
    page.goto("/console/what-if?node-dies=node2")
    expect(page.locator("main")).to_contain_text("web")
    expect(page.locator("main")).to_contain_text(re.compile("node[13]"))
    shot(page, "what-if")


def test_a_dead_hosts_machine_asks_and_starts_elsewhere_when_told_to(page: Page, lab: Cluster, web: DemoMachine,
                                                                     shot: Shot) -> None:
    """Failover mode MANUAL, the power of its host is cut, the page says so by itself, and the answer is Yes."""
    page.goto("/console/resources/web/policies")
    page.locator("input[name=failover][value=MANUAL]").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice.good").first).to_be_visible()
    page.goto("/console/alerts")
    lives = len(web.boots())
    lab.host("node2").command("power off")
    question = page.get_by_role("button", name=re.compile("Yes")).first
    question.wait_for(timeout=40_000)
    expect(page.locator("#live_alerts")).to_contain_text("web")
    shot(page, "alerts")
    question.click()
    if page.get_by_role("button", name=re.compile("Yes|Start")).count() and "sure" in page.locator("h1").inner_text():
        page.get_by_role("button", name=re.compile("Yes|Start")).first.click()
    now = lab.wait_state("web", State.RUNNING)
    assert now.node != "node2"
    until(lambda: len(web.boots()) == lives + 1, "it booted once more")
    page.goto("/console/")
    expect(page.locator("main")).to_contain_text("node2")
    shot(page, "overview")
    lab.host("node2").command("power on")
    lab.all_up()
    assert web.fault() == ""
