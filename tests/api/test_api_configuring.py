"""Saving configuration over the API: what is written, with which guards, and what refuses to be written."""

import asyncio

import pytest

from stanchion.model.cluster import Kind, Proof, ProofKind
from stanchion.model.errors import AlreadyExists, InvalidInput, NotFound, NotNow, Stale
from stanchion.model.history import Entry
from stanchion.model.reasons import Why
from stanchion.model.resource import FailbackMode, FailureAction, ResourceSpec, ScriptKind
from stanchion.model.state import ResourceState, State
from stanchion.wire.requests import (
    MonitoringChange,
    PoliciesChange,
    ResourceChange,
    ResourceCreate,
    ScriptChange,
)
from surface import NOW_S, World, held


async def test_a_resource_is_made_from_a_template_and_begins_offline() -> None:
    world = World()
    overrides = ResourceChange(policies=PoliciesChange(failback=FailbackMode.AUTO), preferred=("NODE2", "node1"))
    async with world.client() as client:
        saved = await client.create(ResourceCreate(name="web", template="qemu_template", overrides=overrides))
    made = saved.resource
    assert (made.state, made.template, made.saved_by) == (State.OFFLINE, "Qemu_Template", "anna")
    assert made.preferred == ("node2", "node1")
    assert made.policies.failback is FailbackMode.AUTO
    assert "@" not in made.machine.name
    assert made.reason.text == "created from template Qemu_Template"
    assert (await _history(world))[-1].reason.why is Why.CREATED


async def test_a_name_that_differs_only_in_case_is_taken() -> None:
    world = World()
    await world.resource("Web")
    async with world.client() as client:
        with pytest.raises(AlreadyExists, match="there is a resource Web already"):
            await client.create(ResourceCreate(name="wEB", template="Generic_FS"))


async def test_two_resources_never_name_the_same_machine() -> None:
    """Each would be right to run it, so the second one is refused, and nothing is saved."""
    world = World()
    async with world.client() as client:
        await client.create(ResourceCreate(name="web", template="Qemu_Template", parameters={"VM": "box"}))
        with pytest.raises(InvalidInput, match="the machine box belongs to the resource web already"):
            await client.create(ResourceCreate(name="mail", template="Qemu_Template", parameters={"VM": "box"}))
        assert [each.name for each in (await client.resources()).resources] == ["web"]


async def test_an_edit_changes_what_it_names_and_leaves_the_rest() -> None:
    world = World()
    await world.resource("web")
    change = ResourceChange(
        scripts={ScriptKind.LOAD: ScriptChange(timeout_s=90), ScriptKind.MONITOR: ScriptChange(text="false\n")},
        monitoring=MonitoringChange(enabled=True, action=FailureAction.MIGRATE))
    async with world.client() as client:
        saved = (await client.edit("web", change)).resource
    assert saved.scripts[ScriptKind.LOAD].text == "true\n"
    assert saved.scripts[ScriptKind.LOAD].timeout_s == 90
    assert (saved.scripts[ScriptKind.MONITOR].text, saved.scripts[ScriptKind.MONITOR].timeout_s) == ("false\n", 60)
    assert (saved.monitoring.enabled, saved.monitoring.action, saved.monitoring.max_failures) == (True, "migrate", 3)
    assert (await _history(world))[-1].reason.why is Why.SPEC_SAVED


async def test_a_stale_edit_is_refused_and_says_who_saved_when() -> None:
    world = World()
    await world.resource("web")
    async with world.client() as client:
        seen = (await client.resource("web")).spec_revision
        await client.edit("web", ResourceChange(files=("/a",)), seen=seen)
        world.clock.wall_s = NOW_S + 60
        with pytest.raises(Stale, match=r"web was saved by anna at 2026-09-21 14:13:20 UTC, after you had read it"):
            await client.edit("web", ResourceChange(files=("/b",)), seen=seen)
    async with world.http() as http:
        answer = await http.patch("/v1/resources/web", json={"files": ["/b"]}, headers={"If-Match": f'"{seen}"'})
        current = await http.get("/v1/resources/web")
    assert answer.status_code == 412
    assert current.headers["etag"] == f'"{current.json()["spec_revision"]}"'
    assert current.json()["files"] == ["/a"]


async def test_of_two_edits_at_once_one_is_told_of_the_other() -> None:
    world = World()
    await world.resource("web")
    async with world.client() as client:
        seen = (await client.resource("web")).spec_revision
        outcomes = await asyncio.gather(
            *(client.edit("web", ResourceChange(files=(file,)), seen=seen) for file in ("/a", "/b")),
            return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Saved", "Stale"]


async def test_doubts_of_the_lint_come_back_and_do_not_forbid_saving() -> None:
    world = World()
    await world.resource("web")
    change = ResourceChange(scripts={ScriptKind.LOAD: ScriptChange(text="vgchange -a y $VOLGROUP_NAME\nexit 0\n")})
    async with world.client() as client:
        saved = await client.edit("web", change)
    assert saved.warnings == ("load script, line 1: VOLGROUP_NAME is used but never assigned",)


async def test_only_a_resource_that_runs_nowhere_is_deleted() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    await world.resource("idle")
    async with world.client() as client:
        with pytest.raises(NotNow, match="web is Running, and only an offline resource can be deleted"):
            await client.delete("web")
        await client.delete("IDLE")
        with pytest.raises(NotFound):
            await client.resource("idle")
    assert held(world, Kind.SPEC, "idle") is None
    assert held(world, Kind.STATE, "idle") is None
    assert isinstance(held(world, Kind.STATE, "web").value, ResourceState)
    assert isinstance(held(world, Kind.SPEC, "web").value, ResourceSpec)
    assert (await _history(world))[-1].reason.why is Why.DELETED


async def test_a_node_is_removed_only_when_nothing_binds_it() -> None:
    world = World()
    await world.resource("web", preferred=("node3",))
    async with world.client() as client:
        with pytest.raises(NotNow, match="node2 is in the cluster"):
            await client.remove_node("node2")
        with pytest.raises(NotNow, match="nothing proves that node3 has stopped"):
            await client.remove_node("node3")
        last = held(world, Kind.SESSION, "node3").value
        await world.put(Proof(node=last.node, session=last.id, kind=ProofKind.CONFIRMED, at_s=NOW_S, by="root"))
        with pytest.raises(NotNow, match="node3 is a preferred node of web"):
            await client.remove_node("node3")
        await client.edit("web", ResourceChange(preferred=()))
        await client.remove_node("node3")
        assert [node.name for node in (await client.nodes()).nodes] == ["node1", "node2"]


async def _history(world: World) -> list[Entry]:
    return await world.happenings()
