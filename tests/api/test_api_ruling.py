"""Settings, groups and priorities over the API: what is saved, what it rests on, and who is told he came second."""

from dataclasses import replace

import pytest

from stanchion.model.cluster import Settings
from stanchion.model.errors import InvalidInput, NotFound, NotNow, Stale
from stanchion.model.groups import Bond, Group
from stanchion.model.orders import Intent
from stanchion.model.state import AlertKind, State
from stanchion.model.timing import Profile
from stanchion.wire.requests import PoliciesChange, ResourceChange
from stanchion.wire.ruling import GroupChange, PriorityOrder, SettingsChange
from surface import World

TOGETHER, APART = Bond.TOGETHER, Bond.APART


def group(bond: Bond, *members: str) -> GroupChange:
    """A group as it is asked for."""
    return GroupChange(bond=bond, members=members)


def settings(world: World) -> Settings:
    """The settings as they stand in the store."""
    held = world.view().settings
    assert held is not None
    return held.value


async def _with(*names: str) -> World:
    world = World()
    for name in names:
        await world.resource(name)
    return world


async def test_settings_are_shown_and_changed_one_by_one() -> None:
    world = World()
    async with world.client() as client:
        before = await client.settings()
        assert (before.profile, before.quorum_nodes, before.quorum_timeout_s) == (Profile.DEFAULT, 1, 60.0)
        after = await client.edit_settings(SettingsChange(quorum_nodes=2, quorum_timeout_s=0, history_kept=500),
                                           seen=before.revision)
        told = (await client.events()).events[-1]
    assert told.reason.text == ("anna saved the cluster's settings: quorum_nodes 2, quorum_timeout_s 0.0, "
                                "history_kept 500")
    assert (after.quorum_nodes, after.quorum_timeout_s, after.history_kept, after.saved_by) == (2, 0, 500, "anna")
    assert settings(world).profile is Profile.DEFAULT


async def test_a_new_profile_names_the_nodes_that_live_by_the_old_one() -> None:
    world = World()
    async with world.client() as client:
        assert (await client.settings()).other_timers == ()
        after = await client.edit_settings(SettingsChange(profile=Profile.TOLERANT))
    assert after.other_timers == ("node1", "node2")


async def test_the_second_of_two_operators_is_told_who_was_first() -> None:
    world = await _with("web", "db")
    async with world.client() as client:
        seen = (await client.settings()).revision
        await client.edit_settings(SettingsChange(quorum_nodes=2), seen=seen)
        with pytest.raises(Stale, match="the cluster's settings were saved by anna"):
            await client.edit_settings(SettingsChange(quorum_nodes=3), seen=seen)
        with pytest.raises(Stale, match="read them again"):
            await client.save_group("pair", group(TOGETHER, "web", "db"), seen=seen)
        order = await client.priorities()
        await client.save_priorities(PriorityOrder(resources=("web",)), seen=order.revision)
        with pytest.raises(Stale, match="web was saved by anna after you had read the order"):
            await client.save_priorities(PriorityOrder(resources=("db",)), seen=order.revision)
    assert settings(world).quorum_nodes == 2
    assert settings(world).groups == ()


async def test_a_change_that_changes_nothing_writes_nothing() -> None:
    world = await _with("web")
    async with world.client() as client:
        before = world.engine.snapshot().changes
        await client.edit_settings(SettingsChange())
        await client.save_priorities(PriorityOrder())
    assert world.engine.snapshot().changes == before


async def test_a_group_is_made_changed_and_deleted() -> None:
    world = await _with("web", "db", "mail")
    async with world.client() as client:
        made = await client.save_group("pair", group(TOGETHER, "WEB", "db"))
        assert [(each.name, each.members) for each in made.groups] == [("pair", ("web", "db"))]
        await client.save_group("PAIR", group(TOGETHER, "db", "web", "mail"))
        assert settings(world).groups == (Group(name="pair", bond=TOGETHER, members=("db", "web", "mail")),)
        await client.delete_group("Pair")
        assert (await client.groups()).groups == ()
        with pytest.raises(NotFound, match="there is no group pair"):
            await client.delete_group("pair")


async def test_a_rule_that_is_broken_now_is_saved_with_a_warning() -> None:
    world = World()
    for name, node in (("web", "node1"), ("db", "node1")):
        await world.resource(name, State.RUNNING, node=node)
    async with world.client() as client:
        told = await client.save_group("ha", group(APART, "web", "db"))
    assert "web and db are on node1 now and stay there" in told.warnings[0]


async def test_a_contradiction_is_refused_from_either_side() -> None:
    """Groups are judged with the lists of their members, and the lists with the groups."""
    world = await _with("web", "db")
    async with world.client() as client:
        await client.save_group("pair", group(TOGETHER, "web", "db"))
        with pytest.raises(InvalidInput, match=r"cannot be kept apart \(group ha\) and together \(group pair\)"):
            await client.save_group("ha", group(APART, "web", "db"))
        await client.edit("web", ResourceChange(preferred=("node1",)))
        with pytest.raises(InvalidInput, match="no node is among the preferred nodes of all of them"):
            await client.edit("db", ResourceChange(preferred=("node2",)))
        with pytest.raises(InvalidInput, match="db follows the master and is kept together with web"):
            await client.edit("db", ResourceChange(policies=PoliciesChange(follows_master=True)))
        await client.edit("db", ResourceChange(preferred=("node2", "node1")))
    assert world.view().specs["db"].value.preferred == ("node2", "node1")


async def test_a_member_of_a_group_cannot_be_deleted() -> None:
    world = await _with("web", "db")
    async with world.client() as client:
        await client.save_group("pair", group(TOGETHER, "web", "db"))
        with pytest.raises(NotNow, match="web is a member of the group pair; take it out of there first"):
            await client.delete("web")
        await client.delete_group("pair")
        await client.delete("web")


async def test_a_group_rests_on_what_its_members_looked_like() -> None:
    """A member's list that changes while the group is judged: the group is not saved on what was."""
    world = await _with("web", "db")
    plain = world.store.commit

    async def late(transaction: object) -> object:
        world.store.commit = plain  # type: ignore[method-assign]  # the store behind the test's own world
        await world.put(replace(world.view().specs["db"].value, preferred=("node2",)))
        return await plain(transaction)  # type: ignore[arg-type]

    world.store.commit = late  # type: ignore[method-assign,assignment]
    async with world.client() as client:
        with pytest.raises(Stale):
            await client.save_group("pair", group(TOGETHER, "web", "db"))
    assert settings(world).groups == ()


async def test_priorities_are_an_order() -> None:
    world = await _with("web", "db", "mail", "dns")
    async with world.client() as client:
        assert [each.resource for each in (await client.priorities()).resources] == ["db", "dns", "mail", "web"]
        told = await client.save_priorities(PriorityOrder(resources=("WEB", "mail")))
        assert [(each.resource, each.priority) for each in told.resources] == [
            ("web", 2), ("mail", 1), ("db", 0), ("dns", 0)]
        told = await client.save_priorities(PriorityOrder(resources=("dns",)))
        assert [each.resource for each in told.resources] == ["dns", "web", "mail", "db"]
        told = await client.save_priorities(PriorityOrder())
        assert {each.priority for each in told.resources} == {0}


async def test_priorities_make_room_at_the_top() -> None:
    world = await _with("web", "db", "mail")
    async with world.client() as client:
        await client.edit("web", ResourceChange(policies=PoliciesChange(priority=65_535)))
        told = await client.save_priorities(PriorityOrder(resources=("db", "mail")))
    assert [(each.resource, each.priority) for each in told.resources] == [("db", 2), ("mail", 1), ("web", 0)]


async def test_an_answer_names_the_question_that_was_asked() -> None:
    """So that the answer to one alert is never taken for the answer to the next."""
    world = World()
    web = await world.resource("web", State.RUNNING, node="node1")
    state = world.view().states[web].value
    await world.put(replace(state, state=State.ALERT, alert=AlertKind.FAILBACK))
    async with world.client() as client:
        told = await client.alert("web", "yes")
        intent = world.view().intents[told.id].value
        assert isinstance(intent, Intent)
        assert intent.alert is AlertKind.FAILBACK
        await world.put(replace(state, state=State.RUNNING))
        with pytest.raises(NotNow, match="it asks nothing: it is Running, because the load script ended well"):
            await client.alert("web", "no")
