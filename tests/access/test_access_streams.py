"""What goes on long after its request was let in ends with who asked for it."""

import asyncio

from fastapi import Request
from visitors import here, person, token

from stanchion.api import access, events
from stanchion.api.access import identity, sessions
from stanchion.api.access.principal import Principal
from stanchion.api.history import Wanted
from stanchion.model.access import Role
from surface import TOKEN, World


def request_of(who: Principal | None) -> Request:
    """Make a request that the gate let in."""
    return Request({"type": "http", "method": "GET", "path": "/", "headers": [], "state": {"who": who}})


async def test_a_stream_of_events_ends_with_its_session() -> None:
    world = World()
    cookie = await person(world)
    services = here(world)
    request = request_of(identity.cookie(services, cookie, "10.0.0.9"))
    stream = events.stream(services, Wanted(), request, f"{0:016d}-0000")
    first = await anext(stream)
    await sessions.sign_out(services, cookie)
    async with asyncio.timeout(5):
        rest = [event.event async for event in stream]
    assert [first.event, *rest].count("event") <= 2, "that somebody was invited, and accepted it, and nothing later"
    async with asyncio.timeout(5):
        assert [event async for event in events.stream(services, Wanted(), request, None)] == []


async def test_who_was_known_is_known_until_what_he_showed_is_good_no_more() -> None:
    world = World()
    services = here(world)
    cookie, key = await person(world), await token(world, Role.VIEWER, valid_s=3600)
    session = request_of(identity.cookie(services, cookie, ""))
    program = request_of(identity.bearer(services, {"authorization": f"Bearer {key}"}, ""))
    cluster = request_of(identity.bearer(services, {"authorization": f"bearer {TOKEN}"}, ""))
    assert [access.still(services, each) for each in (session, program, cluster, request_of(None))] == [
        True, True, True, False]
    world.clock.wall_s += identity.IDLE_S
    assert [access.still(services, each) for each in (session, program, cluster)] == [False, False, True]
