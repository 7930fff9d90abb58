"""The audit: who did what, from where and why; what was refused; and what leaves no line."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs
from visitors import browser, here, person, sign_in, token

from stanchion.api.access.brake import Trickle
from stanchion.model.access import Role
from stanchion.model.cluster import Kind
from stanchion.model.errors import NotAllowed
from stanchion.model.state import State
from stanchion.wire.access import AuditInfo
from surface import NOW_S, World


async def audit(world: World, **wanted: object) -> list[AuditInfo]:
    """Read it, without what the tests' own preparations left there."""
    await asyncio.gather(*here(world).vigil.tasks)
    async with world.client() as client:
        return list((await client.audit(**wanted)).entries)  # type: ignore[arg-type]  # words


async def test_every_change_leaves_who_where_what_and_why() -> None:
    world = World()
    await world.resource("web")
    cookie = await person(world)
    async with browser(world, cookie) as http:
        await http.post("/v1/resources/WEB/online", json={}, headers={"X-Stanchion-Comment": "ticket\n42"})
    last = (await audit(world))[-1]
    assert (last.user, last.address, last.node) == ("anna", "127.0.0.1", "node1")
    assert (last.route, last.object, last.status, last.why) == (
        "POST /v1/resources/{name}/online", "WEB", 202, "ticket 42")
    assert last.what == "anna from 127.0.0.1 (session) asked POST /v1/resources/{name}/online: 202"


async def test_what_a_request_says_of_itself_is_its_why() -> None:
    world = World()
    async with world.client() as client:
        async with world.http() as http:
            await http.put("/v1/pause", json={"why": "we move the rack"})
        await client.resume()
    paused, resumed = (await audit(world))[-2:]
    assert (paused.route, paused.why, paused.user) == ("PUT /v1/pause", "we move the rack", "operator")
    assert (resumed.route, resumed.why, resumed.user) == ("DELETE /v1/pause", "", "anna")


async def test_a_refused_try_leaves_a_line_and_a_wrong_request_or_a_look_does_not() -> None:
    world = World()
    await world.resource("web")
    cookie = await person(world, "vera", Role.VIEWER)
    before = len(await audit(world))
    async with browser(world, cookie) as http, world.http() as cluster:
        await http.get("/v1/status")
        await http.get("/v1/users")
        await http.post("/v1/lint", json={"text": "true"})
        await cluster.post("/v1/resources/moon/online", json={})
        await cluster.patch("/v1/settings", json={"quorum_nodes": -1})
        assert len(await audit(world)) == before
        await http.post("/v1/resources/web/offline", json={})
    assert [(each.user, each.status, each.object) for each in (await audit(world))[before:]] == [("vera", 403, "web")]


async def test_what_fails_by_an_error_of_the_agent_s_own_leaves_a_line() -> None:
    world = World()
    await world.resource("web", State.LOADING, node="node1")

    async def broken(name: object) -> bool:
        raise RuntimeError(name)

    async with world.http() as http:
        world.process = 7
        world.app().state.services = replace(here(world), end_process=broken)
        with pytest.raises(RuntimeError), capture_logs():  # to print what the whole world held there takes a while
            await http.post("/v1/resources/web/end-process")
    assert (await audit(world))[-1].status == 500


async def test_people_coming_and_going_are_told_in_words() -> None:
    world = World()
    cookie = await person(world, "bob", Role.OPERATOR)
    with pytest.raises(NotAllowed):
        await sign_in(world, "bob", "not the password")
    with pytest.raises(NotAllowed):
        await sign_in(world, "stranger", "not the password")
    async with world.client() as client:
        await client.sign_user_out("bob")
        await client.delete_user("bob")
    await token(world)
    del cookie
    told = [each.what for each in await audit(world) if each.status is None]
    assert told == [
        "root, from 127.0.0.1, changed the access of bob: invited, as operator",
        "bob, from 10.0.0.9, changed the access of bob: invitation accepted, as operator",
        "bob signed in from 10.0.0.9",
        "bob was not signed in from 10.0.0.9: the password is wrong",
        "anna, from 127.0.0.1, changed the access of bob: session ended",
        "anna, from 127.0.0.1, changed the access of bob: deleted",
        "operator, from 127.0.0.1, changed the access of token:by-viewer-0: made, as viewer",
    ]


async def test_the_audit_is_filtered_and_read_page_by_page() -> None:
    world = World()
    async with world.http() as http:
        for each, name in enumerate(("Anna", "bob", "anna", "carl")):
            world.clock.wall_s = NOW_S + 100 * each
            await http.put("/v1/pause", json={}, headers={"Stanchion-Operator": name})
            await http.delete("/v1/pause", headers={"Stanchion-Operator": name})
    assert [each.user for each in await audit(world, user="anna")] == ["Anna", "Anna", "anna", "anna"]
    since, until = (datetime.fromtimestamp(NOW_S + each, UTC) for each in (100, 200))
    assert [each.user for each in await audit(world, since=since, until=until)] == ["bob", "bob", "anna", "anna"]
    async with world.client() as client:
        first = await client.audit(after="0", limit=3)
        rest = await client.audit(after=first.last)
    assert [each.user for each in (*first.entries, *rest.entries)] == [
        "Anna", "Anna", "bob", "bob", "anna", "anna", "carl", "carl"]


async def test_the_audit_is_no_event_of_the_cluster() -> None:
    world = World()
    await person(world)
    async with world.http() as http:
        await http.put("/v1/pause", json={})
        events = (await http.get("/v1/events?limit=1000")).json()["events"]
    assert [each["reason"]["code"] for each in events] == ["access_changed", "access_changed", "paused"]


async def test_a_flood_of_refused_tries_does_not_push_the_past_out_of_the_history() -> None:
    world = World()
    cookie = await person(world, "vera", Role.VIEWER)
    before = len(await audit(world))
    async with browser(world, cookie) as http:
        for _ in range(Trickle.ROOM + 30):
            assert (await http.delete("/v1/pause")).status_code == 403
        assert len(await audit(world, limit=1000)) == before + Trickle.ROOM
        world.clock.wall_s += Trickle.PERIOD_S + 1
        await http.delete("/v1/pause")
    assert (await audit(world))[-1].what.endswith(": 403, and 30 more refused from there")


async def test_nobody_waits_for_the_audit_while_the_store_is_away() -> None:
    world = World()
    cookie = await person(world, "vera", Role.VIEWER)
    kept = await world.store.records(Kind.HISTORY, limit=1000)
    world.store_away = True
    async with browser(world, cookie) as http:
        assert (await http.delete("/v1/pause")).status_code == 403
    assert await world.store.records(Kind.HISTORY, limit=1000) == kept
