"""Sections 14.2.2 in the console: scripts, modes, nodes and monitoring are changed on the resource's tabs.

Which requirement each test shows is said in ``console.py``.
"""

import asyncio

import pytest

from browsing import Browser, Page, signed_in
from spec.clicking import AT, clicked, made, prefer, saved, tab, watch_it
from spec.playing import act, fail_monitor, kinds, online, runs
from stanchion.model.orders import Verb
from stanchion.model.resource import FailbackMode, FailoverMode, FailureAction, StartMode
from stanchion.model.state import AlertKind, State
from stanchion.sim.world import World as Cluster
from surface import World

EARLY_S = 300
XEN = ("Xen_Template", "XenLive_Template")


async def _web(template: str = "XenLive_Template") -> tuple[World, Browser]:
    world = World()
    browser = await signed_in(world, name="anna")
    await made(browser, "web", template)
    return world, browser


async def _replace(browser: Browser, kind: str, old: str, new: str) -> Page:
    """Edit a line of a script in its editor."""
    text = (await browser.get(f"{AT}/scripts/{kind}")).form(f"{AT}/scripts/{kind}").value("text")
    assert old in text
    return await tab(browser, f"scripts/{kind}", text=text.replace(old, new))


def test_the_modes_are_set_on_a_page_of_their_own_and_count() -> None:
    async def clicks(browser: Browser, world: World) -> None:
        await made(browser)
        before = saved(world).scripts
        page = await tab(browser, "policies", start="MANUAL", failover="MANUAL", failback="MANUAL")
        assert page.notice.startswith("Saved.")
        assert saved(world).scripts == before

    spec = saved(clicked(clicks))
    assert (spec.policies.start, spec.policies.failover, spec.policies.failback) == (
        StartMode.MANUAL, FailoverMode.MANUAL, FailbackMode.MANUAL)

    async def story(cluster: Cluster) -> None:
        await online(cluster, spec)
        await cluster.power_off("node1")
        assert (await cluster.becomes("web", State.ALERT)).alert is AlertKind.FAILOVER
        await cluster.order(Verb.ALERT_YES, "web")
        cluster.power_on("node1")
        assert (await cluster.becomes("web", State.ALERT)).alert is AlertKind.FAILBACK

    act(story)


def test_the_preferred_nodes_are_put_in_order_and_failover_goes_by_it() -> None:
    async def clicks(browser: Browser, _: World) -> None:
        await made(browser)
        page = await prefer(browser, "node2", "node3")
        assert page.notice == "Saved: in this order: node2, node3."

    spec = saved(clicked(clicks))

    async def story(cluster: Cluster) -> None:
        await online(cluster, spec)
        assert cluster.where("web") == ("node2",)
        await asyncio.sleep(EARLY_S)
        await cluster.power_off("node2")
        await cluster.runs_on("web", "node3")

    act(story)


def test_what_is_saved_in_the_editor_is_what_runs() -> None:
    async def clicks(browser: Browser, _: World) -> None:
        await made(browser)
        for kind in ("load", "unload"):
            await _replace(browser, kind, "exit 0", "logger done\r\nexit 0")

    spec = saved(clicked(clicks))

    async def story(cluster: Cluster) -> None:
        await online(cluster, spec)
        await cluster.order(Verb.OFFLINE, "web")
        assert [(order.script, order.text) for order in runs(cluster, "node1")] == [
            ("load", spec.scripts.load.text), ("unload", spec.scripts.unload.text)]
        assert all("logger done\nexit 0" in order.text for order in runs(cluster, "node1"))

    act(story)


@pytest.mark.parametrize(("kind", "old", "new"), [
    ("load", "OCF_RESKEY_directory=/mnt/web", "OCF_RESKEY_directory=/srv/web"),
    ("load", "MOUNT_DEV=/dev/", "MOUNT_DEV=/dev/mapper/"), ("load", "fstype=ext4", "fstype=ocfs2"),
    ("load", "$OCF_RESKEY_directory/web", "$OCF_RESKEY_directory/web.cfg"),
])
async def test_lines_of_the_load_script_are_edited_in_the_browser(kind: str, old: str, new: str) -> None:
    world, browser = await _web("Xen_Template")
    page = await _replace(browser, kind, old, new)
    assert page.notice == "The load script is saved. It counts from now on."
    assert page.form(page.path).value("text").replace("\r\n", "\n") == saved(world).scripts.load.text
    assert new in saved(world).scripts.load.text


async def test_a_line_of_the_unload_script_is_edited_in_the_browser() -> None:
    world, browser = await _web("Xen_Template")
    page = await browser.get(f"{AT}/scripts/load")
    page = await browser.get(page.main.one("a", "Unload Script")["href"])
    assert page.form(page.path).value("text").replace("\r\n", "\n") == saved(world).scripts.unload.text
    await _replace(browser, "unload", "fstype=ext4", "fstype=xfs")
    assert "fstype=xfs" in saved(world).scripts.unload.text
    assert "fstype=ext4" in saved(world).scripts.load.text


@pytest.mark.parametrize("template", XEN)
async def test_the_monitor_script_of_the_template_is_there_and_can_be_changed(template: str) -> None:
    world, browser = await _web(template)
    path = f"{AT}/scripts/monitor"
    form = (await browser.get(path)).form(path)
    assert "exit_on_error ocf_status Xen" in form.value("text")
    page = await browser.send(form, "Check")
    assert "nothing to say against it" in page.id("findings").text
    await browser.send(form, "Save", text="ping -c 1 192.0.2.7\r\n")
    assert saved(world).scripts.monitor.text == "ping -c 1 192.0.2.7\n"


@pytest.mark.parametrize("template", XEN)
def test_the_monitor_does_not_run_before_it_is_enabled(template: str) -> None:
    async def clicks(browser: Browser, _: World) -> None:
        await made(browser, "web", template)
        page = await browser.get(f"{AT}/monitoring")
        assert "Monitoring is off" in page.id("sentence").text
        assert "enabled" not in dict(page.form(f"{AT}/monitoring").fields)

    spec = saved(clicked(clicks))

    async def story(cluster: Cluster) -> None:
        await online(cluster, spec)
        fail_monitor(cluster)
        await asyncio.sleep(600)
        assert kinds(cluster, "node1") == ["load"]

    act(story)


async def test_a_resource_is_found_from_the_overview_with_its_details() -> None:
    _, browser = await _web()
    await watch_it(browser, action="migrate")
    page = await browser.get("/console/")
    page = await browser.get(page.all("a", "Resources", href="/console/resources")[0]["href"])
    page = await browser.get(page.id("resource-rows").all("a", "web")[0]["href"])
    assert page.one("h1").text == "web"
    assert "XenLive_Template" in page.id("live_configuration").text
    page = await browser.get(page.main.all("a", "Monitoring")[0]["href"])
    assert "Every 10 s" in page.id("sentence").text


def test_monitoring_is_enabled_for_one_resource_and_disabled_again() -> None:
    async def clicks(browser: Browser, world: World) -> None:
        await made(browser)
        await made(browser, "other")
        await watch_it(browser)
        await tab(browser, "monitoring", enabled=None)
        assert not saved(world).monitoring.enabled
        await watch_it(browser)

    world = clicked(clicks)

    async def story(cluster: Cluster) -> None:
        await online(cluster, saved(world), saved(world, "other"))
        await asyncio.sleep(60)
        assert "monitor" in kinds(cluster, "node1")
        assert kinds(cluster, "node1", "other") == ["load"]

    act(story)


@pytest.mark.parametrize(("interval", "unit", "times"), [("10", "s", 60), ("1", "min", 10), ("5", "min", 2)])
def test_the_monitor_runs_as_often_as_was_entered(interval: str, unit: str, times: int) -> None:
    async def clicks(browser: Browser, _: World) -> None:
        await made(browser)
        await watch_it(browser, interval=interval, **{"interval:unit": unit})

    spec = saved(clicked(clicks))

    async def story(cluster: Cluster) -> None:
        await online(cluster, spec)
        await asyncio.sleep(605)
        assert abs(kinds(cluster, "node1").count("monitor") - times) <= max(1, times // 50)

    act(story)


@pytest.mark.parametrize(("entered", "unit", "seconds", "shown"), [
    ("30", "s", 30, "30 s"), ("90", "s", 90, "90 s"), ("2", "min", 120, "2 minutes")])
async def test_the_interval_is_entered_in_minutes_or_in_seconds(entered: str, unit: str, seconds: float,
                                                                shown: str) -> None:
    world, browser = await _web()
    page = await watch_it(browser, interval=entered, **{"interval:unit": unit})
    assert saved(world).monitoring.interval_s == seconds
    assert f"Every {shown} the monitor script runs" in page.id("sentence").text
    form = page.form(f"{AT}/monitoring")
    assert (form.value("interval"), form.value("interval:unit")) == (entered, unit)


async def test_maximum_and_time_interval_are_entered_and_nonsense_is_refused() -> None:
    world, browser = await _web()
    await watch_it(browser, max_failures="2", window="20", **{"window:unit": "min"})
    kept = saved(world)
    assert (kept.monitoring.max_failures, kept.monitoring.window_s) == (2, 1200)
    for field, wrong in (("max_failures", "0"), ("window", "0"), ("interval", "-5"), ("window", "soon")):
        page = await watch_it(browser, **{field: wrong})
        assert page.error, field
        assert page.form(f"{AT}/monitoring").value(field) == wrong
    assert saved(world) == kept


async def test_three_actions_are_offered_and_one_is_chosen() -> None:
    world, browser = await _web()
    form = (await browser.get(f"{AT}/monitoring")).form(f"{AT}/monitoring")
    offered = [each["value"] for each in form.element.all("input", type="radio", name="action")]
    assert sorted(offered) == ["comatose", "migrate", "reboot"]
    for action in offered:
        await watch_it(browser, action=action)
        assert saved(world).monitoring.action is FailureAction(action)
    assert (await watch_it(browser, action="pray")).error


async def test_the_monitor_script_is_found_by_links_from_the_overview() -> None:
    world, browser = await _web()
    page = await browser.get("/console/")
    page = await browser.get(page.all("a", "Resources", href="/console/resources")[0]["href"])
    page = await browser.get(page.id("resource-rows").all("a", "web")[0]["href"])
    page = await browser.get(page.main.all("a", "Scripts")[0]["href"])
    page = await browser.get(page.main.one("a", "Monitor Script")["href"])
    form = page.form(f"{AT}/scripts/monitor")
    assert form.value("text").replace("\r\n", "\n") == saved(world).scripts.monitor.text
    assert (form.value("timeout"), form.value("timeout:unit")) == ("1", "min")


def test_the_edited_monitor_script_watches_the_machine() -> None:
    async def clicks(browser: Browser, _: World) -> None:
        await made(browser)
        await watch_it(browser)
        await tab(browser, "scripts/monitor", text="ping -c 1 192.0.2.7\r\n")

    spec = saved(clicked(clicks))

    async def story(cluster: Cluster) -> None:
        await online(cluster, spec)
        await asyncio.sleep(15)
        assert {run.text for run in runs(cluster, "node1") if run.script == "monitor"} == {"ping -c 1 192.0.2.7\n"}

    act(story)


@pytest.mark.parametrize(("entered", "unit", "seconds"), [("45", "s", 45), ("30", "s", 30), ("2", "min", 120)])
async def test_the_monitor_script_s_timeout_is_entered_beside_it(entered: str, unit: str, seconds: float) -> None:
    world, browser = await _web()
    assert saved(world).scripts.monitor.timeout_s == 60
    page = await tab(browser, "scripts/monitor", timeout=entered, **{"timeout:unit": unit})
    assert saved(world).scripts.monitor.timeout_s == seconds
    assert page.form(f"{AT}/scripts/monitor").value("timeout") == entered
