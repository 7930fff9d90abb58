"""The fence devices of a node: masked, edited without losing anything, guarded by their revision, and tried."""

from dataclasses import replace

from browsing import Browser, signed_in
from stanchion.model.access import Role
from stanchion.model.cluster import Kind, Node
from stanchion.model.fencing import FenceDevice, Power
from stanchion.model.ids import NodeName
from surface import NODES, World, held

PATH = "/console/nodes/node2/fence"
IPMI = FenceDevice(agent="fence_ipmilan", parameters={"ip": "10.0.0.7", "username": "fence", "password": "geheim"})


async def begun(*devices: FenceDevice) -> tuple[World, Browser]:
    world = World()
    await given(world, *devices)
    return world, await signed_in(world, Role.ADMINISTRATOR)


async def given(world: World, *devices: FenceDevice) -> None:
    await world.put(replace(world.view().nodes[NODES[1]].value, fence=devices))


def saved(world: World) -> tuple[FenceDevice, ...]:
    found = held(world, Kind.NODE, "node2")
    assert found is not None
    assert isinstance(found.value, Node)
    return found.value.fence


async def test_a_viewer_sees_devices_masked_and_no_form() -> None:
    world, _ = await begun(IPMI)
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get("/console/nodes/node2")
    assert "ip=10.0.0.7 username=fence password=********" in page.id("live_fence").text
    assert "geheim" not in page.answer.text
    assert (await browser.get(PATH)).status == 403


async def test_a_device_is_added_as_lines_of_parameters() -> None:
    world, browser = await begun()
    page = await browser.get(PATH)
    assert [each["value"] for each in page.id("agents").all("option")] == ["fence_apc", "fence_ipmilan"]
    done = await browser.send(page.form(PATH), "Save", agent="fence_apc",
                              parameters="ip=10.0.0.9\r\n\r\nplug = 3", timeout="30")
    assert done.path == "/console/nodes/node2"
    assert "are saved. Try them now" in done.notice
    assert saved(world) == (FenceDevice(agent="fence_apc", parameters={"ip": "10.0.0.9", "plug": "3"}, timeout_s=30),)


async def test_a_masked_secret_that_comes_back_stays_what_it_is() -> None:
    world, browser = await begun(IPMI)
    page = await browser.get(PATH)
    form = page.form(PATH)
    assert "password=********" in form.fields[2][1]
    await browser.send(form, "Save", timeout=["25", "20"])
    assert saved(world) == (replace(IPMI, timeout_s=25.0),)


async def test_an_emptied_device_is_taken_away() -> None:
    world, browser = await begun(IPMI)
    page = await browser.get(PATH)
    await browser.send(page.form(PATH), "Save", agent=["", ""], parameters=["", ""])
    assert saved(world) == ()


async def test_what_is_refused_stays_in_the_fields() -> None:
    world, browser = await begun()
    page = await browser.get(PATH)
    for parameters, agent, told in (("ip", "fence_apc", "has no =; write name=value"),
                                    ("a=1\na=2", "fence_apc", "stands there twice"),
                                    ("ip=1", "", "no fence agent"), ("action=off", "fence_apc", "cannot be set"),
                                    ("ip=1", "apc", "is not the name of a fence agent")):
        refused = await browser.send(page.form(PATH), "Save", agent=agent, parameters=parameters, timeout="9")
        assert refused.status in {400, 422}
        assert told in refused.error
        entered = dict(refused.form(PATH).fields[1:4])
        assert (entered["agent"], entered["timeout"]) == (agent, "9")
        assert entered["parameters"].replace("\r\n", "\n").strip() == parameters
    assert saved(world) == ()
    soon = await browser.send(page.form(PATH), "Save", agent="fence_apc", parameters="ip=1", timeout="soon")
    assert "The timeout of fence_apc must be a number" in soon.error


async def test_who_comes_second_is_told_and_loses_nothing() -> None:
    world, browser = await begun()
    page = await browser.get(PATH)
    await given(world, IPMI)
    refused = await browser.send(page.form(PATH), "Save", agent="fence_apc", parameters="ip=10.0.0.9")
    assert refused.status == 412
    assert "Node node2 was changed after you had read it" in refused.error
    assert refused.form(PATH).fields[1] == ("agent", "fence_apc")
    assert saved(world) == (IPMI,)


async def test_the_devices_are_asked_for_the_power_state() -> None:
    world, browser = await begun(IPMI)
    world.devices.power["10.0.0.7"] = Power.ON
    page = await browser.get("/console/nodes/node2")
    told = await browser.send(page.form("/console/nodes/node2/fence-test", button="Ask"))
    assert "Each device answers." in told.main.text
    assert told.main.rows()[1] == ["fence_ipmilan", "well", "on", "Status: ON"]
    world.devices.power["10.0.0.7"] = Power.OFF
    wrong = await browser.send(page.form("/console/nodes/node2/fence-test", button="Ask"))
    assert "it reports off, yet node2 is a member: this is another host's device" in wrong.main.text
    assert "is not safely protected" in wrong.main.text


async def test_a_host_is_switched_off_for_a_test_only_by_typing_its_name() -> None:
    world, browser = await begun(IPMI)
    world.devices.power["10.0.0.7"] = Power.ON
    form = "/console/nodes/node2/fence-test"
    asked = await browser.send((await browser.get("/console/nodes/node2")).form(form, button="really"))
    assert "it stops as if its power failed" in asked.main.text
    again = await browser.send(asked.form(form), "Switch node2 off and on", typed="node1")
    assert again.error == "That is not node2; nothing was done."
    assert [what for what, _ in world.devices.calls] == []
    done = await browser.send(again.form(form), "Switch node2 off and on", typed="node2")
    assert "Each device switched the host off and on again." in done.main.text
    assert [what for what, _ in world.devices.calls] == ["status", "off", "on"]


async def test_a_real_test_is_refused_where_it_would_hurt() -> None:
    world, browser = await begun(IPMI)
    world.devices.power["10.0.0.7"] = Power.ON
    await world.put(replace(world.view().nodes[NodeName("node1")].value, fence=(IPMI,)))
    refused = await browser.post("/console/nodes/node1/fence-test", {"really": "yes", "confirmed": "yes",
                                                                      "typed": "node1"})
    assert refused.path == "/console/nodes/node1"
    assert "could not switch itself on again" in refused.notice
