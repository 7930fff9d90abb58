"""The gate: requests that another site's page made a browser send, and guessing of passwords."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from visitors import PASSWORD, browser, here, person, sign_in

from stanchion.api.access.brake import FREE, LONGEST_S, REMEMBERED, Brake, Trickle
from stanchion.api.access.identity import COOKIE
from stanchion.model.access import Role
from stanchion.model.errors import NotAllowed, NotNow, TooSoon
from stanchion.trust.passwords import AT_ONCE, WAITING, Argon
from surface import World

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(("headers", "passes"), [
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://node1"}, False),
    ({"Sec-Fetch-Site": ""}, False),
    ({"Origin": "http://node1"}, True),
    ({"Origin": "http://NODE1"}, True),
    ({"Origin": "https://node1"}, False),
    ({"Origin": "http://node1:81"}, False),
    ({"Origin": "http://node1.evil.example"}, False),
    ({"Origin": "http://evil.example/node1"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({}, False),
])
async def test_a_page_of_another_site_makes_no_browser_do_anything(headers: dict[str, str], *, passes: bool) -> None:
    world = World()
    cookie = await person(world)
    await world.resource("web")
    async with browser(world, cookie) as http:
        del http.headers["Sec-Fetch-Site"]
        answer = await http.post("/v1/resources/web/online", json={}, headers=headers)
        reading = await http.get("/v1/status", headers=headers)
    assert answer.status_code == (202 if passes else 403), answer.text
    assert reading.status_code == 200
    assert len(world.view().intents) == passes


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/first/x.y", "/console/sign-out"])
async def test_nobody_is_signed_in_or_out_by_a_page_of_another_site(path: str) -> None:
    world = World()
    cookie = await person(world)
    async with browser(world, cookie) as http:
        answer = await http.post(path, content="name=anna", headers=FORM | {"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert len(world.view().sign_ins) == 1


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                                  "text/json", ""])
async def test_a_session_sends_the_api_json_alone(kind: str) -> None:
    world = World()
    async with browser(world, await person(world)) as http:
        answer = await http.post("/v1/users", content=b'{"name": "eve"}', headers={"Content-Type": kind})
    assert answer.status_code == 403
    assert not world.view().invitations


async def test_programs_need_no_origin() -> None:
    world = World()
    async with world.http() as http:
        assert (await http.post("/v1/users", json={"name": "eve"})).status_code == 201


async def test_a_cookie_beside_a_wrong_token_opens_nothing() -> None:
    world = World()
    async with browser(world, await person(world), Authorization="Bearer nonsense") as http:
        assert (await http.get("/v1/status")).status_code == 401
    async with browser(world, "") as http:
        http.headers["Cookie"] = f"stanchion={await sign_in(world)}"
        assert (await http.get("/v1/status")).status_code == 401, f"only {COOKIE} counts"


async def test_who_is_not_signed_in_is_led_to_the_sign_in_by_the_console_and_told_by_the_api() -> None:
    world = World()
    async with browser(world, "") as http:
        order = await http.post("/console/resources/orders", content="", headers=FORM)
        api = await http.post("/v1/resources/web/online", json={})
    assert (order.status_code, order.headers["location"]) == (303, "/console/sign-in?to=/console/")
    assert (api.status_code, api.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_wrong_name_and_a_wrong_password_are_told_in_the_same_words() -> None:
    world = World()
    await person(world)
    told = []
    for name in ("anna", "nobody", "", "anna\0", "a" * 1000):
        with pytest.raises(NotAllowed) as refusal:
            await sign_in(world, name, "not the password", address="10.0.0.1")
        told.append(str(refusal.value))
    assert len(set(told)) == 1


async def test_a_wrong_name_costs_the_same_work_as_a_wrong_password() -> None:
    world = World()
    await person(world)
    worked = []

    class Counting(Argon):
        async def fits(self, password: str, digest: str) -> bool:
            worked.append(bool(digest))
            return await super().fits(password, digest)

    world.passwords = Counting(memory_kib=8, rounds=1)
    for name in ("anna", "nobody"):
        with pytest.raises(NotAllowed):
            await sign_in(world, name, "not the password")
    assert worked == [True, False]
    assert not await world.passwords.fits("nobody", ""), "the stand-in for a missing hash fits nothing"


async def test_a_password_that_was_changed_while_it_was_looked_at_opens_nothing() -> None:
    world = World()
    await person(world)

    class Slow(Argon):
        async def fits(self, password: str, digest: str) -> bool:
            held = world.view().users["anna"]
            await world.put(replace(held.value, password=await self.digest("another long password")))
            return await super().fits(password, digest)

    world.passwords = Slow(memory_kib=8, rounds=1)
    with pytest.raises(NotNow, match="changed just now"):
        await sign_in(world)


async def test_what_is_remembered_of_a_try_is_small() -> None:
    world = World()
    with pytest.raises(NotAllowed):
        await sign_in(world, "a" * 1_000_000, "not the password")
    assert max(len(name) for _, name in here(world).vigil.brake._counts) < 100


async def test_guessing_costs_pauses_that_grow() -> None:
    world = World()
    await person(world)
    pauses = []
    for _ in range(FREE["address"] + 6):
        with pytest.raises(NotAllowed) as refusal:
            await sign_in(world, password="guess" * 3)
        if isinstance(refusal.value, TooSoon):
            pauses.append(refusal.value.retry_after_s)
            world.clock.wall_s += refusal.value.retry_after_s
    assert pauses
    assert all(later > earlier for earlier, later in pairwise(pauses))
    with pytest.raises(NotAllowed):
        await sign_in(world, password="guess" * 3)
    with pytest.raises(TooSoon, match="too many wrong tries; wait"):
        await sign_in(world)


async def test_the_api_says_when_to_try_again() -> None:
    world = World()
    cookie = await person(world)
    asked = {"old": "guess" * 3, "new": PASSWORD}
    async with browser(world, cookie) as http:
        answers = [await http.put("/v1/me/password", json=asked) for _ in range(FREE["address"] + 1)]
    assert [each.status_code for each in answers] == [403] * FREE["address"] + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_a_hundred_guesses_at_once_are_not_a_hundred_guesses() -> None:
    world = World()
    await person(world)
    ends = await asyncio.gather(*(sign_in(world, password=f"guess number {each}") for each in range(100)),
                                return_exceptions=True)
    assert sum(isinstance(end, TooSoon) for end in ends) == 100 - FREE["address"]


async def test_who_is_right_is_forgiven_and_his_address_for_that_try_alone() -> None:
    brake = Brake()
    for _ in range(FREE["address"] - 1):
        brake.attempt("anna", "10.0.0.1", 0.0)
    brake.attempt("eve", "10.0.0.1", 0.0)
    brake.forgive("eve", "10.0.0.1")
    brake.attempt("anna", "10.0.0.1", 0.0)
    with pytest.raises(TooSoon):
        brake.attempt("anna", "10.0.0.1", 0.0)
    brake.attempt("anna", "10.0.0.2", 0.0)


async def test_a_user_is_braked_from_everywhere_but_not_for_long() -> None:
    brake = Brake()
    longest = 0.0
    now_s = 0.0
    for each in range(200):
        try:
            brake.attempt("anna", f"10.0.{each}.1", now_s)
        except TooSoon as refusal:
            longest = max(longest, refusal.retry_after_s)
            now_s += refusal.retry_after_s
    assert longest == pytest.approx(LONGEST_S["user"])


async def test_addresses_of_one_ipv6_network_are_one_and_memory_is_bounded() -> None:
    brake = Brake()
    for each in range(FREE["address"]):
        brake.attempt(f"user{each}", f"2001:db8::{each:x}", 0.0)
    with pytest.raises(TooSoon):
        brake.attempt("another", "2001:db8::ffff", 0.0)
    for each in range(REMEMBERED * 2):
        brake.attempt(f"user{each}", f"10.{each >> 16}.{(each >> 8) & 255}.{each & 255}", 0.0)
    assert len(brake._counts) <= REMEMBERED


async def test_so_many_hashes_are_made_at_once_and_no_more_wait() -> None:
    argon = Argon(memory_kib=8, rounds=1)
    digest = await argon.digest(PASSWORD)
    ends = await asyncio.gather(*(argon.fits(PASSWORD, digest) for _ in range(100)), return_exceptions=True)
    assert ends.count(True) == AT_ONCE + WAITING
    assert sum(isinstance(end, TooSoon) for end in ends) == 100 - AT_ONCE - WAITING
    assert not await argon.fits("another", digest)
    assert not await argon.fits("another", "not a hash")


async def test_a_locked_user_is_told_only_with_the_right_password() -> None:
    world = World()
    await person(world)
    await person(world, "bob", Role.VIEWER)
    async with world.http() as http:
        await http.patch("/v1/users/bob", json={"locked": True})
    with pytest.raises(NotAllowed, match="the name or the password is wrong"):
        await sign_in(world, "bob", "not the password")
    with pytest.raises(NotAllowed, match="this user is locked"):
        await sign_in(world, "bob")
    assert here(world).view().users["bob"].value.locked


def test_a_flood_of_refusals_is_counted_and_not_written() -> None:
    trickle = Trickle()
    passed = [trickle.passes("10.0.0.1", 0.0) for _ in range(1000)]
    assert passed == [0] * Trickle.ROOM + [None] * (1000 - Trickle.ROOM)
    assert trickle.passes("10.0.0.1", Trickle.PERIOD_S + 1) == 1000 - Trickle.ROOM
    many = [trickle.passes(f"10.0.1.{each}", Trickle.PERIOD_S + 2) for each in range(256)]
    assert many.count(None) == 256 - (Trickle.ROOM_OF_ALL - 1)
