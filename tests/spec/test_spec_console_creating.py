"""Section 14.2.1 in the console: a machine becomes a cluster resource by filling in the wizard's pages.

Which requirement each test shows is said in ``console.py``.
"""

import pytest

from browsing import Browser, signed_in
from spec.clicking import AT, NEW, clicked, go_next, made, named, saved, step
from spec.playing import act, online
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.sim.world import World as Cluster
from surface import NODES, World

XEN = ("Xen_Template", "XenLive_Template")


def test_machines_on_every_node_are_made_resources_in_the_wizard() -> None:
    async def clicks(browser: Browser, _: World) -> None:
        for node in NODES:
            page = await named(browser, f"vm_{node}", additional="yes")
            while step(page) != "Preferred Nodes":
                page = await go_next(browser, page)
            page = await go_next(browser, page, **{"overrides.preferred": [node, "", ""]})
            page = await go_next(browser, await go_next(browser, page), "Make the resource")
            assert page.one("h1").text == f"vm_{node}"
        page = await browser.get("/console/resources")
        assert all(page.main.all("a", f"vm_{node}") for node in NODES)

    world = clicked(clicks)

    async def story(cluster: Cluster) -> None:
        await online(cluster, *(saved(world, f"vm_{node}") for node in NODES))
        assert [cluster.where(f"vm_{node}") for node in NODES] == [(node,) for node in NODES]

    act(story)


async def test_each_machine_has_a_page_with_scripts_of_its_own() -> None:
    world = World()
    browser = await signed_in(world)
    for name in ("web", "mail"):
        await made(browser, name)
    before = saved(world, "mail")
    for kind in ("load", "unload", "monitor"):
        mine, other = [(await browser.get(f"/console/resources/{name}/scripts/{kind}")).form(
            f"/console/resources/{name}/scripts/{kind}") for name in ("web", "mail")]
        assert mine.value("text") != other.value("text")
        assert mine.value("text").replace("web", "mail") == other.value("text")
        await browser.send(mine, "Save", timeout="90", **{"timeout:unit": "s"})
    assert saved(world).scripts.load.timeout_s == 90
    assert saved(world, "mail") == before


@pytest.mark.parametrize("template", XEN)
def test_a_name_is_all_that_is_entered(template: str) -> None:
    async def clicks(browser: Browser, _: World) -> None:
        await made(browser, "web", template)

    world = clicked(clicks)

    async def story(cluster: Cluster) -> None:
        await online(cluster, saved(world))
        assert cluster.where("web") == ("node1",)

    act(story)


async def test_the_cluster_is_named_on_every_page_and_its_options_are_set() -> None:
    world = World()
    browser = await signed_in(world)
    for path in ("", "resources", "settings"):
        assert "lab" in (await browser.get(f"/console/{path}")).id("live_head").text
    page = await browser.get("/console/settings")
    page = await browser.send(page.form("/console/settings/quorum"), "Save", quorum_nodes="2")
    assert page.notice
    assert page.form("/console/settings/quorum").value("quorum_nodes") == "2"
    settings = world.view().settings
    assert settings is not None
    assert settings.value.quorum_nodes == 2


async def test_new_asks_for_the_kind_and_a_resource_is_one() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(NEW)
    offered = [each["value"] for each in page.form(NEW).element.all("input", type="radio", name="kind")]
    assert {"resource", "template"} <= set(offered)
    await made(browser, "web", "Xen_Template")
    page = await go_next(browser, page, kind="template")
    page = await go_next(browser, page, name="Mine_Template", template="Xen_Template")
    while step(page) != "Summary":
        page = await go_next(browser, page)
    await go_next(browser, page, "Make the template")
    assert list(world.view().specs) == ["web"]
    assert "Mine_Template" in world.view().templates
    assert "Mine_Template" in (await browser.get("/console/templates")).main.text


@pytest.mark.parametrize(("name", "possible"), [
    ("web", True), ("Web_01", True), ("x" * 63, True), ("x" * 64, False), ("", False), ("we b", False),
    ("web;", False)])
async def test_the_name_is_kept_as_entered_or_refused(name: str, possible: bool) -> None:  # noqa: FBT001 - a cell
    world = World()
    browser = await signed_in(world)
    page = await named(browser, name)
    if possible:
        page = await go_next(browser, await go_next(browser, page), "Make the resource")
        assert page.one("h1").text == name
        assert [each.value.name for each in world.view().specs.values()] == [name]
    else:
        assert step(page) == "Name and template"
        assert page.error
        assert page.form(NEW).value("name") == name
        assert not world.view().specs


async def test_the_template_is_chosen_from_the_list_that_the_wizard_shows() -> None:
    world = World()
    browser = await signed_in(world)
    page = await go_next(browser, await browser.get(NEW), kind="resource")
    offered = [each["value"] for each in page.form(NEW).element.all("input", type="radio", name="template")]
    assert set(XEN) <= set(offered)
    assert set(offered) == set(world.view().templates)
    for number, template in enumerate(offered):
        needed = {"ADDRESS": "192.0.2.7"} if template == "Generic_IP_Service" else {}
        await made(browser, f"r{number}", template, **needed)
        assert saved(world, f"r{number}").template == template
    page = await named(browser, "web", "No_Template")
    assert "choose the one to inherit from" in page.error


async def test_a_new_resource_is_there_at_once_and_does_not_run() -> None:
    browser = await signed_in(World())
    page = await made(browser, "web", "Xen_Template")
    assert "Offline" in page.id("live_title").text
    row, = (each for each in (await browser.get("/console/resources")).id("resource-rows").rows() if "web" in each)
    assert "Offline" in " ".join(row)


async def test_after_the_scripts_come_modes_and_nodes_and_monitoring_only_if_it_is_wanted() -> None:
    world = World()
    browser = await signed_in(world)
    page = await named(browser, "web", additional="yes")
    seen = []
    while step(page) != "Summary":
        seen.append(step(page))
        wanted = {"overrides.scripts.load.text": "echo load\r\nexit 0\r\n"} if step(page) == "Load Script" else (
            {"overrides.scripts.unload.text": "echo unload\r\nexit 0\r\n"} if step(page) == "Unload Script" else {})
        page = await go_next(browser, page, **wanted)
    assert seen == ["Parameters", "Load Script", "Unload Script", "Monitor Script", "Policies", "Preferred Nodes",
                    "Monitoring"]
    await go_next(browser, page, "Make the resource")
    made_ = saved(world)
    assert (made_.scripts.load.text, made_.scripts.unload.text) == ("echo load\nexit 0\n", "echo unload\nexit 0\n")
    assert not made_.monitoring.enabled


def test_the_configuration_file_is_named_in_the_form_and_asked_for_on_the_target() -> None:
    async def clicks(browser: Browser, _: World) -> None:
        page = await made(browser, "web", CONFIG="/etc/xen/web.cfg")
        assert "/etc/xen/web.cfg" in page.id("live_configuration").text
        form = (await browser.get(f"{AT}/policies")).form(f"{AT}/policies")
        assert form.value("files").split() == ["/etc/xen/web.cfg"]

    spec = saved(clicked(clicks))

    async def story(cluster: Cluster) -> None:
        await online(cluster, spec)
        cluster.hosts[NODES[2]].missing_files.add("/etc/xen/web.cfg")
        refused = await cluster.order(Verb.MIGRATE, "web", "node3")
        assert refused.reason is not None
        assert (refused.outcome, refused.reason.why) == (Outcome.FAILED, Why.PREFLIGHT_FAILED)
        assert cluster.where("web") == ("node1",)
        assert (await cluster.order(Verb.MIGRATE, "web", "node2")).outcome is Outcome.DONE

    act(story)
