"""Scripts as things of their own: revisions, what is pending, restore, lint, and orders to try one."""

import asyncio

import pytest

from stanchion.api.saving import REVISIONS_KEPT
from stanchion.model.cluster import Kind
from stanchion.model.errors import InvalidInput, NotFound, NotNow, Stale
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import Verb
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from stanchion.plan import binding
from stanchion.wire.requests import PoliciesChange, ResourceChange, ScriptChange
from stanchion.wire.scripts import Restore
from surface import World, held

LOAD, UNLOAD, MONITOR = ScriptKind.LOAD, ScriptKind.UNLOAD, ScriptKind.MONITOR
WEB = ResourceName("web")


def text(kind: ScriptKind, of: str, why: str = "", *, at_once: bool = False) -> ResourceChange:
    """Change one script."""
    return ResourceChange(scripts={kind: ScriptChange(text=of)}, why=why, at_once=at_once)


def goes_by(world: World, kind: ScriptKind) -> str:
    """Give the script that the resource would be run with now."""
    spec = binding.effective(world.view(), WEB)
    assert spec is not None
    return spec.value.scripts.of(kind).text


async def test_every_save_keeps_who_when_and_why() -> None:
    world = World()
    await world.resource("web")
    async with world.client() as client:
        await client.edit("web", text(LOAD, "exit 1\n", "a  longer\nwait"))
        await client.edit("web", ResourceChange(policies=PoliciesChange(priority=3)))
        listed = (await client.revisions("WEB")).revisions
        event = (await client.events(limit=2)).events[0]
    assert [(each.why, each.saved_by, each.current) for each in listed] == [
        ("", "anna", True), ("a longer wait", "anna", False), ("", "anna", False)]
    assert [each.changed for each in listed] == [("policies",), ("load script",), ()]
    assert event.reason.text == "anna saved its configuration: a longer wait"


async def test_a_past_revision_is_shown_and_restored_whole_or_one_script_of_it() -> None:
    world = World()
    await world.resource("web")
    async with world.client() as client:
        first = (await client.resource("web")).spec_revision
        await client.edit("web", text(LOAD, "exit 1\n"))
        await client.edit("web", ResourceChange(scripts={UNLOAD: ScriptChange(text="exit 2\n")},
                                                policies=PoliciesChange(priority=3)))
        old = await client.revision("web", first)
        assert (old.scripts[LOAD].text, old.policies.priority) == ("true\n", 0)
        one = (await client.restore("web", Restore(revision=first, script=LOAD))).resource
        assert (one.scripts[LOAD].text, one.scripts[UNLOAD].text, one.policies.priority) == ("true\n", "exit 2\n", 3)
        whole = (await client.restore("web", Restore(revision=first, why="it was better"))).resource
        assert (whole.scripts[UNLOAD].text, whole.policies.priority, whole.saved_why) == ("true\n", 0, "it was better")
        assert [each.why for each in (await client.revisions("web")).revisions][:2] == [
            "it was better", f"as in revision {first}"]
        with pytest.raises(NotFound, match="web has no revision 999"):
            await client.restore("web", Restore(revision=999))


async def test_a_restore_is_refused_when_somebody_saved_meanwhile() -> None:
    world = World()
    await world.resource("web")
    async with world.client() as client:
        first = (await client.resource("web")).spec_revision
        await client.edit("web", text(LOAD, "exit 1\n"))
        with pytest.raises(Stale, match="web was saved by anna"):
            await client.restore("web", Restore(revision=first), seen=first)


async def test_saving_what_stands_there_already_saves_nothing() -> None:
    world = World()
    await world.resource("web")
    before = world.engine.snapshot().changes
    async with world.client() as client:
        await client.edit("web", text(LOAD, "true\n", "why not"))
    assert world.engine.snapshot().changes == before
    assert await world.happenings() == []


async def test_the_revisions_are_bounded_and_go_with_the_resource() -> None:
    world = World()
    await world.resource("web")
    await world.resource("web2")
    async with world.client() as client:
        for number in range(REVISIONS_KEPT + 5):
            await client.edit("web", text(LOAD, f"exit {number}\n"))
        await client.edit("web2", text(LOAD, "exit 1\n"))
        assert len((await client.revisions("web")).revisions) == REVISIONS_KEPT + 1
        await client.delete("web")
    kept = await world.store.records(Kind.PAST)
    assert [name.partition("/")[0] for name, _ in kept] == ["web2"]


async def test_a_running_resource_goes_by_the_scripts_that_it_was_loaded_with() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    async with world.client() as client:
        told = (await client.edit("web", text(UNLOAD, "exit 1\n"))).resource
        assert (told.pending, told.pending_scripts) == (True, (UNLOAD,))
        assert (told.scripts[UNLOAD].text, goes_by(world, UNLOAD)) == ("exit 1\n", "true\n")
        again = (await client.edit("web", text(MONITOR, "exit 2\n"))).resource
        assert again.pending_scripts == (UNLOAD, MONITOR)
        assert goes_by(world, UNLOAD) == "true\n"
        back = (await client.edit("web", ResourceChange(scripts={
            UNLOAD: ScriptChange(text="true\n"), MONITOR: ScriptChange(text="exit 0\n")}))).resource
    assert (back.pending, back.pending_scripts) == (False, ())
    assert held(world, Kind.BOUND, "web") is None


async def test_modes_and_monitoring_count_at_once() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    async with world.client() as client:
        told = (await client.edit("web", ResourceChange(policies=PoliciesChange(priority=3)))).resource
    assert not told.pending


async def test_an_operator_can_have_what_he_saved_count_at_once() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    async with world.client() as client:
        await client.edit("web", text(MONITOR, "exit 1\n"))
        assert goes_by(world, MONITOR) == "exit 0\n"
        told = (await client.edit("web", ResourceChange(at_once=True))).resource
        assert (told.pending, goes_by(world, MONITOR)) == (False, "exit 1\n")
        assert (await client.events(limit=1)).events[0].reason.text == "anna made its newest scripts count at once"
        await client.edit("web", text(MONITOR, "exit 2\n", at_once=True))
    assert goes_by(world, MONITOR) == "exit 2\n"


async def test_what_is_mended_while_it_is_comatose_counts_at_once() -> None:
    world = World()
    await world.resource("web", State.COMATOSE, node="node1")
    async with world.client() as client:
        told = (await client.edit("web", text(UNLOAD, "exit 1\n"))).resource
    assert (told.pending, goes_by(world, UNLOAD)) == (False, "exit 1\n")


async def test_many_resources_are_changed_at_once_and_none_is_lost() -> None:
    world = World()
    names = [f"r{number}" for number in range(500)]
    for name in names:
        await world.resource(name)
    async with world.client() as client:
        await asyncio.gather(*(client.edit(name, ResourceChange(policies=PoliciesChange(priority=7)))
                               for name in names))
        assert {each.value.policies.priority for each in world.view().specs.values()} == {7}
        assert len((await client.revisions("r499")).revisions) == 2


async def test_the_lint_reads_without_saving() -> None:
    world = World()
    before = world.engine.revision
    async with world.client() as client:
        bad, doubtful = await client.lint("if true\n"), await client.lint("echo $FOO\nexit 0\n")
    assert "syntax error" in bad.errors[0]
    assert doubtful.errors == ()
    assert doubtful.warnings == ("Line 1: FOO is used but never assigned.",)
    assert world.engine.revision == before


async def test_a_reason_that_is_a_novel_is_refused() -> None:
    world = World()
    await world.resource("web")
    async with world.client() as client:
        with pytest.raises(InvalidInput, match="the reason has 201 letters; say it in at most 200"):
            await client.edit("web", text(LOAD, "exit 1\n", "x" * 201))


async def test_a_script_is_tried_by_order_of_the_node_where_it_is() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node2")
    async with world.client() as client:
        told = await client.test_script("web", LOAD)
    intent = world.view().intents[told.id].value
    assert (intent.verb, intent.node, intent.script, intent.dry) == (Verb.TEST, NodeName("node2"), LOAD, True)


@pytest.mark.parametrize(("script", "node", "says"), [
    (UNLOAD, None, "a real test is not possible while it is Running; possible now: a dry one"),
    (LOAD, None, "its load script starts things, so it is never tried for real"),
    (ScriptKind.HALT, None, "it has no halt script"),
    (UNLOAD, "node3", "node3 is not a member now"),
])
async def test_what_cannot_be_tried_is_told(script: ScriptKind, node: str | None, says: str) -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    async with world.client() as client:
        with pytest.raises(NotNow, match=says):
            await client.test_script("web", script, node=node, dry=False)


async def test_nothing_is_brought_online_while_its_script_is_tried_for_real() -> None:
    world = World()
    await world.resource("web")
    async with world.client() as client:
        await client.test_script("web", UNLOAD, node="node2", dry=False)
        with pytest.raises(NotNow, match="its unload script is being tried on node2; wait until that has ended"):
            await client.online("web")
