"""What hosts have and machines take, over the API: told with whose word it is, set, kept, and refused in a sentence."""

from dataclasses import replace
from typing import Any

import pytest

from stanchion.model.capacity import Admission, Size
from stanchion.model.cluster import Kind
from stanchion.model.errors import InvalidInput, Stale
from stanchion.model.ids import NodeName
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import ResourceState, State
from stanchion.wire.capacity import SizeChange, SizeInfo
from stanchion.wire.documents import Bundle, ResourceDocument
from stanchion.wire.requests import NodeChange, ResourceChange
from stanchion.wire.ruling import SettingsChange
from surface import NODES, World, held

NODE1 = NODES[0]
NOTHING = SizeInfo()


async def _measured(world: World, node: NodeName = NODE1, *, memory_mib: int = 16_384, cpus: float = 8.0) -> None:
    session = world.view().sessions[node].value
    await world.put(replace(session, capacity=Size(memory_mib=memory_mib, cpus=cpus)))


async def _found(world: World, name: str, size: Size) -> None:
    state = world.view().states[name].value  # type: ignore[index]
    await world.put(replace(state, size=size))


async def test_a_node_tells_what_it_has_what_is_promised_and_what_is_free() -> None:
    world = World()
    await _measured(world)
    await world.resource("web", State.RUNNING, node="node1")
    await _found(world, "web", Size(memory_mib=2048, cpus=2))
    async with world.client() as client:
        told, dark = await client.node("node1"), await client.node("node2")
    assert told.measured == SizeInfo(memory_mib=16_384, cpus=8)
    assert (told.capacity, told.reserve) == (NOTHING, NOTHING)
    assert told.usable == SizeInfo(memory_mib=15_360, cpus=8), "a sixteenth is kept for the host"
    assert told.promised == SizeInfo(memory_mib=2048, cpus=2)
    assert told.free == SizeInfo(memory_mib=13_312, cpus=6)
    assert (dark.measured, dark.usable, dark.free) == (NOTHING, NOTHING, None)


async def test_what_an_operator_says_of_a_node_counts_before_what_was_measured() -> None:
    world = World()
    await _measured(world)
    async with world.client() as client:
        seen = (await client.node("node1")).revision
        change = NodeChange(capacity=SizeChange(memory_mib=8192), reserve=SizeChange(memory_mib=1024, cpus=1))
        told = await client.edit_node("node1", change, seen=seen)
        assert (told.capacity.memory_mib, told.measured.memory_mib) == (8192, 16_384)
        assert told.usable == SizeInfo(memory_mib=7168, cpus=7)
        line = (await client.events()).events[-1]
        assert line.reason.text == ("anna saved what node node1 has: memory 8192 MiB, memory kept for the host 1024 "
                                    "MiB, processors kept for the host 1")
        with pytest.raises(Stale, match="node node1 was changed"):
            await client.edit_node("node1", change, seen=seen)
        back = await client.edit_node("node1", NodeChange(capacity=SizeChange(memory_mib=0)))
        assert (back.usable.memory_mib, back.reserve.memory_mib) == (15_360, 1024)
        again = (await client.events()).events[-1].id
        await client.edit_node("node1", NodeChange(capacity=SizeChange(memory_mib=0)))
        assert (await client.events()).events[-1].id == again, "what changes nothing is not told"


async def test_devices_and_memory_are_saved_together_or_not_at_all() -> None:
    world = World()
    asked = {"fence": [{"agent": "fence_ipmilan", "parameters": {"ip": "10.0.0.7"}}],
             "capacity": {"memory_mib": 4096}}
    async with world.client() as client:
        told = await client.edit_node("node1", NodeChange.model_validate(asked))
        assert ([each.agent for each in told.fence], told.capacity.memory_mib) == (["fence_ipmilan"], 4096)
        with pytest.raises(InvalidInput, match="the memory of node1 is -1 MiB"):
            await client.edit_node("node1", NodeChange.model_validate(
                {"fence": [], "capacity": {"memory_mib": -1}}))
        assert len((await client.node("node1")).fence) == 1


async def test_a_resource_tells_how_much_it_needs_and_who_says_so() -> None:
    world = World()
    await world.resource("web")
    async with world.client() as client:
        told = await client.resource("web")
        assert (told.needs, told.needs_from) == (NOTHING, "unknown")
        await _found(world, "web", Size(memory_mib=512, cpus=1))
        told = await client.resource("web")
        assert (told.needs, told.measured, told.needs_from) == (
            SizeInfo(memory_mib=512, cpus=1), SizeInfo(memory_mib=512, cpus=1), "configuration")
        saved = (await client.edit("web", ResourceChange(size=SizeChange(memory_mib=1024)))).resource
        assert (saved.size, saved.needs, saved.needs_from) == (
            SizeInfo(memory_mib=1024), SizeInfo(memory_mib=1024, cpus=1), "operator")
        assert [each.needs for each in (await client.resources()).resources] == [SizeInfo(memory_mib=1024, cpus=1)]
        past = await client.revisions("web")
        assert past.revisions[0].changed == ("size",)
        assert (await client.revision("web", past.revisions[0].revision)).size.memory_mib == 1024
        assert (await client.edit("web", ResourceChange(size=SizeChange(memory_mib=0)))).resource.needs_from == (
            "configuration")


async def test_a_size_travels_with_the_document_and_what_was_measured_does_not() -> None:
    world = World()
    await world.resource("web", size=Size(memory_mib=1024, cpus=2))
    await _found(world, "web", Size(memory_mib=512, cpus=1))
    async with world.client() as client:
        bundle = await client.export()
        document = next(each for each in bundle.resources if each.name == "web")
        assert (document.size.memory_mib, document.size.cpus) == (1024, 2)
        copy = document.model_copy(update={"name": "copy"})
        await client.take(Bundle(resources=(copy,)))
        plain = {name: value for name, value in document.model_dump(mode="json").items() if name != "size"}
        await client.take(Bundle(resources=(ResourceDocument.model_validate({**plain, "name": "bare"}),)))
    spec, bare = held(world, Kind.SPEC, "copy"), held(world, Kind.SPEC, "bare")
    assert spec is not None
    assert bare is not None
    assert isinstance(spec.value, ResourceSpec)
    assert isinstance(bare.value, ResourceSpec)
    assert (spec.value.size, bare.value.size) == (Size(memory_mib=1024, cpus=2), Size())
    state = held(world, Kind.STATE, "copy")
    assert state is not None
    assert isinstance(state.value, ResourceState)
    assert state.value.size == Size()


async def test_the_guarantee_is_a_setting() -> None:
    world = World()
    async with world.client() as client:
        before = await client.settings()
        assert (before.survives, before.admission) == (0, Admission.WARN)
        after = await client.edit_settings(SettingsChange(survives=1, admission=Admission.REFUSE))
        assert (after.survives, after.admission) == (1, Admission.REFUSE)
        with pytest.raises(InvalidInput, match="survives is 3; it must be 0 to 2, fewer than the nodes"):
            await client.edit_settings(SettingsChange(survives=3))
        await world.drop(Kind.NODE, "node3")
        await world.drop(Kind.NODE, "node2")
        assert (await client.edit_settings(SettingsChange(history_kept=500))).survives == 1, (
            "a node that is gone must not keep anybody from changing something else")


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("resources/web", {"size": {"memory_mib": -1}}, "the memory of the machine is -1 MiB; it must be 0 (as measured)"),
    ("resources/web", {"size": {"memory_mib": 2**31 + 1}}, "it must be 0 (as measured) to 2147483648 MiB"),
    ("resources/web", {"size": {"memory_mib": 2**70}}, "size.memory_mib"),
    ("resources/web", {"size": {"memory_mib": "much"}}, "`size.memory_mib` should be a valid integer"),
    ("resources/web", {"size": {"memory_mib": "512"}}, "`size.memory_mib` should be a valid integer"),
    ("resources/web", {"size": {"memory_mib": 1.5}}, "`size.memory_mib` should be a valid integer"),
    ("resources/web", {"size": {"memory_mib": True}}, "`size.memory_mib` should be a valid integer"),
    ("resources/web", {"size": {"cpus": -2}}, "the processors of the machine are -2; they must be 0 (as measured)"),
    ("resources/web", {"size": {"cpus": "two"}}, "`size.cpus` should be a valid number"),
    ("resources/web", {"size": {"cpu": 2}}, "there is no field `size.cpu` here"),
    ("nodes/node1", {"capacity": {"memory_mib": -5}}, "the memory of node1 is -5 MiB"),
    ("nodes/node1", {"capacity": {"cpus": 2e6}}, "the processors of node1 are 2e+06; they must be 0 (as measured)"),
    ("nodes/node1", {"reserve": {"memory_mib": -5}}, "the memory of what is kept on node1 for the host is -5 MiB"),
    ("nodes/node1", {"reserve": {"memory_mib": 16_384}}, "because it has 16384 MiB and nothing would be left"),
    ("nodes/node1", {"reserve": {"cpus": 9}}, "9 processors cannot be kept on node1 for the host, because it has 8"),
    ("nodes/node1", {"measured": {"memory_mib": 5}}, "there is no field `measured` here"),
    ("settings", {"survives": -1}, "survives is -1; it must be 0 to 2"),
    ("settings", {"survives": "all"}, "`survives` should be a valid integer"),
    ("settings", {"admission": "maybe"}, "`admission` must be 'warn' or 'refuse', not 'maybe'"),
]


@pytest.mark.parametrize(("path", "body", "sentence"), BAD)
async def test_what_makes_no_sense_is_refused_in_one_sentence(path: str, body: dict[str, Any], sentence: str) -> None:
    world = World()
    await _measured(world)
    await world.resource("web")
    before = world.engine.revision
    async with world.http() as http:
        answer = await http.patch(f"/v1/{path}", json=body)
    told = f"{answer.json()['detail']}; {answer.json()['do']}"
    assert (answer.status_code, sentence in told) == (422, True), told
    kinds = (Kind.SPEC, Kind.NODE, Kind.SETTINGS)
    assert all(each.revision <= before for key, each in world.engine.records.items() if key.kind in kinds)
