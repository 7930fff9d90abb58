"""Fence devices over the API: what is saved, what is never told, and when a host may be switched off for a test."""

import pytest

from stanchion.model.cluster import Kind, Master, Node, SelfFence
from stanchion.model.errors import InvalidInput, NotNow, Stale
from stanchion.model.fencing import Attempt, FenceDevice, Fencing, Power, Protection
from stanchion.model.history import Entry, Severity
from stanchion.model.reasons import Why
from stanchion.model.state import State
from stanchion.wire.requests import MASK, FenceDeviceChange, NodeChange
from surface import LOST, NODES, NOW_S, World, held

IPMI = FenceDeviceChange(agent="fence_ipmilan", timeout_s=12,
                         parameters={"ip": "10.0.0.7", "username": "fence", "password": "s3cret"})


def devices(*given: FenceDeviceChange) -> NodeChange:
    return NodeChange(fence=given)


def stored(world: World, name: str) -> tuple[FenceDevice, ...]:
    node = held(world, Kind.NODE, name)
    assert node is not None
    assert isinstance(node.value, Node)
    return node.value.fence


async def history(world: World) -> list[Entry]:
    return await world.happenings()


async def test_a_saved_device_is_told_masked_and_protects_its_node() -> None:
    world = World()
    async with world.client() as client:
        assert (await client.node("node3")).unprotected is not None
        told = await client.edit_node("NODE3", devices(IPMI))
    assert told.fence[0].parameters == {"ip": "10.0.0.7", "username": "fence", "password": MASK}
    assert (told.fence[0].agent, told.fence[0].timeout_s) == ("fence_ipmilan", 12)
    assert (told.protected_by, told.unprotected) == (Protection.DEVICE, None)
    assert stored(world, "node3")[0].parameters["password"] == "s3cret"
    entry = (await history(world))[-1]
    assert (entry.reason.why, entry.reason.operands) == (Why.FENCE_SAVED, ("anna", "node3", "fence_ipmilan"))


@pytest.mark.parametrize(("name", "secret"), [
    ("passwd", True), ("password", True), ("api_key", True), ("key_id", True), ("client_secret", True),
    ("login_token", True), ("snmp_priv_passwd", True), ("community", True), ("ip", False), ("monkey", False),
    ("username", False), ("plug", False), ("bypass", False),
])
async def test_secrets_are_known_by_their_names(name: str, secret: bool) -> None:  # noqa: FBT001 - a table's cell
    world = World()
    async with world.client() as client:
        told = await client.edit_node("node3", devices(FenceDeviceChange(agent="fence_x", parameters={name: "value"})))
    assert told.fence[0].parameters[name] == (MASK if secret else "value")


async def test_a_masked_value_that_comes_back_stays_what_it_is() -> None:
    world = World()
    other = FenceDeviceChange(agent="fence_ipmilan", parameters={**IPMI.parameters, "ip": "10.0.0.8", "password": "z"})
    async with world.client() as client:
        seen = await client.edit_node("node3", devices(IPMI, other))
        back = [FenceDeviceChange(**device.model_dump()) for device in reversed(seen.fence)]
        await client.edit_node("node3", devices(*back), seen=seen.revision)
        assert [device.parameters["password"] for device in stored(world, "node3")] == ["z", "s3cret"]
        moved = FenceDeviceChange(agent="fence_ipmilan", parameters={"ip": "10.0.0.9", "password": MASK})
        with pytest.raises(InvalidInput, match=r"what \*+ stands for is not known; give the value of password itself"):
            await client.edit_node("node3", devices(moved))


async def test_a_node_without_anything_is_told_of_in_the_history() -> None:
    world = World()
    async with world.client() as client:
        await client.edit_node("node3", devices(IPMI))
        await client.edit_node("node3", devices())
        await client.edit_node("node1", devices())
    last = await history(world)
    assert [entry.reason.why for entry in last] == [Why.FENCE_SAVED, Why.FENCE_SAVED, Why.UNPROTECTED_MEANS,
                                                    Why.FENCE_SAVED]
    assert last[2].severity is Severity.WARNING


async def test_of_two_edits_the_second_is_told_of_the_first() -> None:
    world = World()
    async with world.client() as client:
        seen = (await client.node("node3")).revision
        await client.edit_node("node3", devices(IPMI), seen=seen)
        with pytest.raises(Stale, match="node node3 was changed after you had read it"):
            await client.edit_node("node3", devices(), seen=seen)
    async with world.http() as http:
        node = await http.get("/v1/nodes/node3")
    assert node.headers["etag"] == f'"{node.json()["revision"]}"'
    assert len(stored(world, "node3")) == 1


@pytest.mark.parametrize(("device", "sentence"), [
    (FenceDeviceChange(agent="../bin/sh"), r"'\.\./bin/sh' is not the name of a fence agent"),
    (FenceDeviceChange(agent="fence_IPMI"), "'fence_IPMI' is not the name of a fence agent"),
    (FenceDeviceChange(agent="fence_x", timeout_s=0), "must be more than 0 and at most 600 seconds"),
    (FenceDeviceChange(agent="fence_x", timeout_s=601), "must be more than 0 and at most 600 seconds"),
    (FenceDeviceChange(agent="fence_x", parameters={"action": "on"}), "`action` cannot be set"),
    (FenceDeviceChange(agent="fence_x", parameters={"option": "on"}), "`option` cannot be set"),
    (FenceDeviceChange(agent="fence_x", parameters={"a=b": "c"}), "'a=b' is not the name of a parameter"),
    (FenceDeviceChange(agent="fence_x", parameters={"ip": "1\naction=on"}), "the value of `ip` has a line break"),
])
async def test_a_device_that_makes_no_sense_is_refused(device: FenceDeviceChange, sentence: str) -> None:
    world = World()
    async with world.client() as client:
        with pytest.raises(InvalidInput, match=sentence):
            await client.edit_node("node3", devices(device))
        with pytest.raises(InvalidInput, match="can have 8 fence devices, not 9"):
            await client.edit_node("node3", devices(*[IPMI] * 9))
    assert stored(world, "node3") == ()


async def test_a_fencing_is_told_while_it_lasts_and_when_it_failed() -> None:
    world = World()
    session = world.view().sessions[LOST].value.id
    async with world.client() as client:
        await world.put(Fencing(node=LOST, session=session, at_s=NOW_S))
        asked = (await client.node("node3")).fencing
        await world.put(Fencing(node=LOST, session=session, attempt=Attempt.FAILED, tries=2, at_s=NOW_S,
                                text="fence_ipmilan: no route to host"))
        failed = (await client.node("node3")).fencing
    assert asked is not None
    assert failed is not None
    assert asked.text == "node3 is being switched off by its fence device"
    assert (failed.tries, failed.text) == (2, "node node3 could not be switched off: fence_ipmilan: no route to host")


async def test_a_test_asks_each_device_and_says_which_does_not_answer() -> None:
    world = World()
    world.devices.power = {"10.0.0.7": Power.ON}
    second = FenceDeviceChange(agent="fence_apc", parameters={"ip": "10.0.0.8"})
    async with world.client() as client:
        with pytest.raises(NotNow, match="node2 has no fence device; give it one"):
            await client.fence_test("node2")
        await client.edit_node("node2", devices(IPMI, second))
        told = await client.fence_test("node2")
    assert [(each.agent, each.well, each.steps) for each in told.devices] == [
        ("fence_ipmilan", True, (Power.ON,)), ("fence_apc", False, (Power.UNKNOWN,))]
    assert (told.well, told.by, told.devices[1].text) == (False, "node1", "no route to host")


async def test_a_device_that_says_off_of_a_living_member_is_another_hosts() -> None:
    """It would prove at any time that the node is off, and its machines would run twice."""
    world = World()
    world.devices.power = {"10.0.0.7": Power.OFF}
    async with world.client() as client:
        await client.edit_node("node2", devices(IPMI))
        told = await client.fence_test("node2", really=True)
    assert not told.well
    assert told.devices[0].text == "it reports off, yet node2 is a member: this is another host's device"
    assert {call for call, _ in world.devices.calls} == {"status"}


async def test_a_real_test_switches_off_and_on_again_and_is_in_the_history() -> None:
    world = World()
    world.devices.power = {"10.0.0.7": Power.ON}
    async with world.client() as client:
        await client.edit_node("node2", devices(IPMI))
        told = await client.fence_test("node2", really=True)
        assert (told.well, told.devices[0].steps) == (True, (Power.OFF, Power.ON))
        world.devices.stuck.add("10.0.0.7")
        stuck = await client.fence_test("node2", really=True)
    assert (stuck.well, stuck.devices[0].steps) == (False, (Power.ON, Power.ON))
    assert [call for call, _ in world.devices.calls] == ["status", "off", "on"] * 2
    assert (await history(world))[-1].reason.why is Why.FENCE_TESTED


async def test_a_host_that_is_needed_is_not_switched_off_for_a_test() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node2")
    async with world.client() as client:
        for name in NODES:
            await client.edit_node(name, devices(IPMI))
        with pytest.raises(NotNow, match="node2 holds web, and a real test switches the host off; empty it first"):
            await client.fence_test("node2", really=True)
        with pytest.raises(NotNow, match="node1 answers this itself and could not switch itself on again"):
            await client.fence_test("node1", really=True)
        second = world.view().sessions[NODES[1]].value.id
        await world.drop(Kind.STATE, "web")
        await world.put(Master(node=NODES[1], session=second))
        with pytest.raises(NotNow, match="node2 is the master, whom the others switch off when it is silent"):
            await client.fence_test("node2", really=True)
    assert world.devices.calls == []


async def test_the_fence_agents_of_the_answering_node_are_listed() -> None:
    async with World().client() as client:
        told = await client.fence_agents()
    assert told.node == "node1"
    assert [(each.name, each.description) for each in told.agents] == [
        ("fence_apc", ""), ("fence_ipmilan", "Fence agent for IPMI")]


async def test_protection_is_by_self_fence_by_device_or_by_both() -> None:
    world = World()
    async with world.client() as client:
        assert [node.protected_by for node in (await client.nodes()).nodes] == ["self-fence", "self-fence", "nothing"]
        both = await client.edit_node("node1", devices(IPMI))
    assert (both.protected_by, both.self_fence) == (Protection.BOTH, SelfFence.WATCHDOG)
