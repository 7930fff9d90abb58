"""Memory and processors in the console: shown where they matter, set in two forms, refused in a sentence."""

from dataclasses import replace

from browsing import Browser, signed_in
from stanchion.model.access import Role
from stanchion.model.capacity import Admission, Size
from stanchion.model.state import State
from stanchion.web.overview import memory_bars
from stanchion.wire.capacity import SizeInfo
from stanchion.wire.replies import NodeInfo
from surface import NODES, World

NODE = "/console/nodes/node1"


async def measured() -> World:
    """node1 has 16 GiB, and holds a machine of 2 GiB."""
    world = World()
    await world.put(replace(world.view().sessions[NODES[0]].value, capacity=Size(memory_mib=16_384, cpus=8)))
    name = await world.resource("web", State.RUNNING, node="node1")
    await world.put(replace(world.view().states[name].value, size=Size(memory_mib=2048, cpus=2)))
    return world


async def admin(world: World) -> Browser:
    return await signed_in(world, Role.ADMINISTRATOR)


async def test_memory_stands_on_the_overview_in_the_list_and_on_the_node() -> None:
    browser = await admin(await measured())
    overview = await browser.get("/console/")
    assert "node1: 2 GiB promised, 13 GiB free" in overview.id("live_rooms").text
    assert "Memory promised: 2 GiB of 15 GiB" in overview.id("node-node1").text
    assert "Memory" not in overview.id("node-node2").text
    row = (await browser.get("/console/nodes")).id("node-node1").text
    assert "2 GiB of 15 GiB" in row
    room = (await browser.get(NODE)).id("live_room").text
    for told in ("16 GiB, 8 processors (measured)", "15 GiB, 8 processors", "2 GiB, 2 processors, 13 GiB free"):
        assert told in room
    assert "not known" in (await browser.get("/console/nodes/node2")).id("live_room").text


async def test_a_host_s_memory_is_set_and_given_back_to_measuring() -> None:
    world = await measured()
    browser = await admin(world)
    page = await browser.get(f"{NODE}/capacity")
    form = page.form(f"{NODE}/capacity")
    assert (form.value("memory_mib"), form.value("reserve_mib")) == ("", "")
    assert "Measured: 16 GiB." in page.text
    page = await browser.send(form, "Save", memory_mib="8192", reserve_mib="1024")
    assert "8 GiB, 8 processors (set by an operator; measured: 16 GiB, 8 processors)" in page.id("live_room").text
    form = (await browser.get(f"{NODE}/capacity")).form(f"{NODE}/capacity")
    assert (form.value("memory_mib"), form.value("cpus")) == ("8192", "")
    await browser.send(form, "Save", memory_mib="")
    assert world.view().nodes[NODES[0]].value.capacity == Size()


async def test_what_makes_no_sense_stays_in_the_form_with_the_reason() -> None:
    world = await measured()
    browser = await admin(world)
    for entered, told in (({"memory_mib": "-1"}, "he memory of node1 is -1 MiB; it must be 0 (as measured)"),
                          ({"memory_mib": "lots"}, "he memory must be a number, not 'lots'"),
                          ({"memory_mib": "1.5"}, "he memory must be a whole number of MiB"),
                          ({"reserve_mib": "16384"}, "nothing would be left for machines")):
        form = (await browser.get(f"{NODE}/capacity")).form(f"{NODE}/capacity")
        page = await browser.send(form, "Save", **entered)
        assert page.status == 422
        assert told in page.error
        assert page.form(f"{NODE}/capacity").value(next(iter(entered))) == next(iter(entered.values()))
    assert world.view().nodes[NODES[0]].value.capacity == Size()


async def test_a_resource_s_memory_is_set_beside_what_was_measured() -> None:
    world = await measured()
    browser = await admin(world)
    assert "2 GiB, 2 processors (as its configuration said" in (await browser.get("/console/resources/web")).text
    path = "/console/resources/web/policies"
    page = await browser.get(path)
    assert "as its configuration says where it is loaded (2 GiB)" in page.text
    await browser.send(page.form(path), "Save", memory_mib="4096", cpus="1.5")
    assert world.view().specs["web"].value.size == Size(memory_mib=4096, cpus=1.5)  # type: ignore[index]
    form = (await browser.get(path)).form(path)
    assert (form.value("memory_mib"), form.value("cpus")) == ("4096", "1.5")
    page = await browser.send(form, "Save", memory_mib="-7")
    assert "he memory of the machine is -7 MiB" in page.error
    await browser.send((await browser.get(path)).form(path), "Save", memory_mib="", cpus="")
    assert world.view().specs["web"].value.size == Size()  # type: ignore[index]


async def test_the_guarantee_is_set_among_the_policies() -> None:
    world = await measured()
    browser = await admin(world)
    form = (await browser.get("/console/settings")).form("/console/settings/policies")
    assert (form.value("survives"), form.value("admission")) == ("0", "warn")
    page = await browser.send(form, "Save", survives="1", admission="refuse")
    assert page.notice == "The policies are saved."
    now = world.view().settings
    assert now is not None
    assert (now.value.survives, now.value.admission) == (1, Admission.REFUSE)
    page = await browser.send(page.form("/console/settings/policies"), "Save", survives="5")
    assert "Nodes that may be lost at once is 5; it must be 0 to 2" in page.error


async def test_a_viewer_sees_memory_and_no_form() -> None:
    browser = await signed_in(await measured(), Role.VIEWER)
    page = await browser.get(NODE)
    assert "An administrator can set them." in page.id("live_room").text
    assert (await browser.get(f"{NODE}/capacity")).status == 403


def test_bars_of_memory_leave_out_what_nobody_knows_and_show_what_is_too_much() -> None:
    def node(name: str, usable: int, promised: int) -> NodeInfo:
        free = SizeInfo(memory_mib=usable - promised) if usable else None
        return NodeInfo.model_validate({"name": name, "state": "up", "master": False, "self_fence": "watchdog",
                                        "usable": SizeInfo(memory_mib=usable), "free": free,
                                        "promised": SizeInfo(memory_mib=promised)})

    drawn = memory_bars((node("a", 4096, 1024), node("b", 0, 512), node("c", 2048, 3072)))
    assert [(row.label, row.said) for row in drawn.rows] == [
        ("a", "1 GiB promised, 3 GiB free"), ("c", "2 GiB promised, 1 GiB more than there is")]
