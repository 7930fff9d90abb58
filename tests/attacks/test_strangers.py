"""Who is not known, not known any more, or known as somebody else than he would like to be, comes no further.

How people are known is tested with ``access``; here it is attacked from outside, over HTTP, as an attacker would.
"""

import asyncio
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from access.visitors import PASSWORD, browser, here, person, token
from attacks.wires import Wire, served
from stanchion.api.access import sessions
from stanchion.api.access.identity import COOKIE, IDLE_S
from stanchion.model.access import Role
from stanchion.model.reasons import Why, reason
from surface import TOKEN, World

PROBES = [("GET", "/v1/status"), ("PATCH", "/v1/resources/idle"), ("POST", "/v1/resources/idle/online"),
          ("DELETE", "/v1/resources/idle"), ("GET", "/v1/events/stream"), ("GET", "/v1/openapi.json")]
SIGN_IN = "/console/sign-in"


def stranger(world: World, **headers: str) -> httpx2.AsyncClient:
    """Speak HTTP as somebody who has nothing."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(world.app()), base_url="http://node1", headers={
        name.replace("_", "-"): value for name, value in headers.items()})


async def world_with_idle() -> World:
    world = World()
    await world.resource("idle")
    return world


async def stays_out(world: World, **headers: str) -> None:
    """Knock at several doors with these headers; none may open."""
    before = world.view().specs
    async with stranger(world, **headers) as http:
        for method, path in PROBES:
            answer = await http.request(method, path, json={} if method == "PATCH" else None)
            assert answer.status_code in {401, 403}, (method, path)
        page = await http.get("/console/")
        assert page.status_code == 303
        assert page.headers["location"].startswith(SIGN_IN)
    assert world.view().specs == before
    assert not world.view().intents


async def tried(http: httpx2.AsyncClient, **fields: str) -> httpx2.Response:
    """Send the form of the sign-in page."""
    return await http.post(SIGN_IN, data={"to": ""} | fields)


@pytest.mark.parametrize("cookie", ["", "x", "a" * 5000, "../../x", "'; drop table", "0" * 64], ids=ascii)
async def test_a_made_up_cookie_opens_nothing(cookie: str) -> None:
    await stays_out(await world_with_idle(), Cookie=f"{COOKIE}={cookie}", Sec_Fetch_Site="same-origin")


@pytest.mark.parametrize("header", ["Basic cm9vdDpyb290", "Bearer", "Bearer ", "bearer stanchion_",
                                    "Bearer stanchion__", f"Token {TOKEN}", f"Bearer {TOKEN[:-1]}",
                                    f"Bearer {TOKEN} x", "Bearer " + "a" * 9000])
async def test_a_made_up_token_opens_nothing(header: str) -> None:
    world = await world_with_idle()
    async with stranger(world, Authorization=header) as http:
        for method, path in PROBES:
            assert (await http.request(method, path, json={})).status_code == 401


async def test_what_the_store_and_the_lists_tell_of_a_session_is_not_its_cookie() -> None:
    world = await world_with_idle()
    await person(world)
    for name in world.view().sign_ins:
        await stays_out(world, Cookie=f"{COOKIE}={name}", Sec_Fetch_Site="same-origin")


async def test_a_session_that_was_ended_by_its_owner_or_an_administrator_is_over() -> None:
    world = await world_with_idle()
    cookie = await person(world)
    async with browser(world, cookie) as http:
        assert (await http.get("/v1/status")).status_code == 200
        assert (await http.post("/console/sign-out")).status_code == 303
    await stays_out(world, Cookie=f"{COOKIE}={cookie}", Sec_Fetch_Site="same-origin")


async def test_a_session_that_is_too_old_is_over() -> None:
    world = await world_with_idle()
    cookie = await person(world)
    world.clock.wall_s += IDLE_S
    await stays_out(world, Cookie=f"{COOKIE}={cookie}", Sec_Fetch_Site="same-origin")


async def test_a_stream_ends_with_the_session_that_asked_for_it() -> None:
    world = World()
    cookie = await person(world)
    async with served(world.app()) as port, await Wire.to(port) as wire:
        await wire.head("GET", "/v1/events/stream?after=", f"Cookie: {COOKIE}={cookie}", "Sec-Fetch-Site: same-origin",
                        token="")
        assert b"200 OK" in await wire.reader.readuntil(b"\r\n\r\n")
        await sessions.sign_out(here(world), cookie)
        await world.happened(reason(Why.CREATED, "secret"), "web")
        assert b'"secret"' not in await wire.reader.readuntil(b"\r\n0\r\n\r\n")


async def test_a_token_that_was_revoked_or_has_expired_is_over() -> None:
    world = await world_with_idle()
    brief, revoked = await token(world, Role.OPERATOR, valid_s=60), await token(world, Role.ADMINISTRATOR)
    async with world.http() as http:
        listed = (await http.get("/v1/tokens")).json()["tokens"]
        (made,) = [each["id"] for each in listed if each["role"] == "administrator"]
        assert (await http.delete(f"/v1/tokens/{made}")).status_code == 204
    world.clock.wall_s += 61
    for text in (brief, revoked):
        async with stranger(world, Authorization=f"Bearer {text}") as http:
            for method, path in PROBES:
                assert (await http.request(method, path, json={})).status_code == 401


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_a_token_of_a_lesser_role_does_not_become_more(role: Role) -> None:
    world = await world_with_idle()
    await person(world, "eve", role)
    async with stranger(world, Authorization=f"Bearer {await token(world, role)}") as http:
        for method, path, body in (
                ("PATCH", "/v1/users/eve", {"role": "administrator"}), ("POST", "/v1/users", {"name": "mallory"}),
                ("POST", "/v1/tokens", {"name": "more", "role": "administrator"}), ("GET", "/v1/join-tokens", None),
                ("POST", "/v1/join-tokens", {}), ("DELETE", "/v1/resources/idle", None), ("POST", "/v1/down", {}),
                ("PATCH", "/v1/resources/idle", {"scripts": {"load": {"text": "reboot\n"}}})):
            answer = await http.request(method, path, json=body)
            assert answer.status_code == 403, (method, path, answer.text)
            assert answer.json()["type"] == "urn:stanchion:error:NotPermitted"
    assert world.view().users["eve"].value.role is role


FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {},
    {"Origin": "http://node1.evil.example"}, {"Origin": "http://node1:9999"}, {"Origin": "https://node1"},
    {"Referer": "http://node1/console/"}, {"Origin": "http://node1@evil.example"},
    {"Origin": "http://node1", "Sec-Fetch-Site": "cross-site"}]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded",
                                  "multipart/form-data; boundary=x"])
async def test_a_page_of_another_site_orders_nothing_with_a_good_cookie(headers: dict[str, str], kind: str) -> None:
    """A form posted from elsewhere, with or without what browsers say of it; JSON dressed as text is the old trick."""
    world = await world_with_idle()
    cookie = await person(world)
    before = world.engine.revision
    async with stranger(world, Cookie=f"{COOKIE}={cookie}", Content_Type=kind, **headers) as http:
        for path, body in (("/v1/resources/idle/online", b'{"node": "node1"}'), ("/v1/down", b'{"why": "="}'),
                           ("/console/sign-out", b"x="), ("/console/users", b"name=mallory&role=administrator")):
            answer = await http.post(path, content=body)
            assert answer.status_code in {403, 404, 405}, path
            assert not answer.headers.get("set-cookie")
    assert world.engine.revision - before <= 8  # only the audit's own lines
    assert not world.view().intents
    assert len(world.view().sign_ins) == 1


async def test_json_dressed_as_text_is_refused_from_our_own_pages_too() -> None:
    world = await world_with_idle()
    async with browser(world, await person(world), Content_Type="text/plain") as http:
        answer = await http.post("/v1/resources/idle/online", content=b'{"node": "node1"}')
    assert answer.status_code == 403


async def test_signing_in_makes_a_new_session_whatever_cookie_was_there() -> None:
    """A session that an attacker put into a browser beforehand must not become somebody's."""
    world = World()
    await person(world)
    planted = "planted" * 8
    async with stranger(world, Cookie=f"{COOKIE}={planted}", Sec_Fetch_Site="same-origin") as http:
        answer = await tried(http, name="anna", password=PASSWORD)
    assert answer.status_code == 303
    given = answer.headers["set-cookie"]
    assert planted not in given
    await stays_out(await _more(world), Cookie=f"{COOKIE}={planted}", Sec_Fetch_Site="same-origin")


async def _more(world: World) -> World:
    await world.resource("idle")
    return world


async def test_the_cookie_is_kept_from_scripts_from_other_hosts_and_from_the_open_wire() -> None:
    world = World()
    await person(world)
    async with stranger(world, Sec_Fetch_Site="same-origin") as http:
        answer = await tried(http, name="anna", password=PASSWORD)
    parts = [part.strip().lower() for part in answer.headers["set-cookie"].split(";")]
    assert parts[0].startswith("__host-stanchion=")
    assert {"secure", "httponly", "path=/", "samesite=strict"} <= set(parts)
    assert not any(part.startswith("domain") for part in parts)


async def test_guessing_is_braked_and_keeps_nobody_else_out() -> None:
    world = World()
    await person(world)
    await person(world, "berta", Role.VIEWER)
    async with stranger(world, Sec_Fetch_Site="same-origin") as http:
        answers = [await tried(http, name="anna", password=f"guess number {n}") for n in range(12)]
        assert [each.status_code for each in answers][:3] == [401, 401, 401]
        braked = answers[-1]
        assert braked.status_code == 429
        assert 1 <= int(braked.headers["retry-after"]) <= 900
    # From her own desk berta comes in at once, and anna too as soon as her short pause is over.
    assert await sessions.sign_in(here(world), "berta", PASSWORD, "10.0.0.20", "Firefox")
    world.clock.wall_s += 61
    assert await sessions.sign_in(here(world), "anna", PASSWORD, "10.0.0.21", "Firefox")


async def test_names_that_there_are_cannot_be_told_from_names_that_there_are_not() -> None:
    world = World()
    await person(world)
    async with stranger(world, Sec_Fetch_Site="same-origin") as http:
        known, unknown = [await tried(http, name=name, password="x" * 20) for name in ("anna", "nobody")]
    assert known.status_code == unknown.status_code == 401
    assert known.text.replace("anna", "") == unknown.text.replace("nobody", "")
    assert known.headers.keys() == unknown.headers.keys()


AWAY = ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "/console/../../evil", "/console/\r\nSet-Cookie: a=b", "/consolex", "http:evil.example", "/console/sign-in",
        " //evil.example", "/%2f/evil.example", "data:text/html,x", "/console\\@evil.example"]


@pytest.mark.parametrize("to", AWAY, ids=ascii)
async def test_the_sign_in_leads_nobody_away(to: str) -> None:
    world = World()
    await person(world)
    async with stranger(world, Sec_Fetch_Site="same-origin") as http:
        page = await http.get(f"{SIGN_IN}?{urlencode({'to': to})}")
        assert page.status_code == 200
        answer = await tried(http, name="anna", password=PASSWORD, to=to)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/")
    assert "evil.example" not in answer.headers["location"] or answer.headers["location"].startswith("/console/")
    assert len(answer.headers.get_list("set-cookie")) == 1


async def test_many_who_sign_in_at_once_do_not_hold_up_the_agent() -> None:
    """Hashes are made for some at a time; the others are told to come again, and looks are answered meanwhile."""
    world = World()
    await person(world)

    async def guess(number: int) -> int:
        async with stranger(world, Sec_Fetch_Site="same-origin") as http:
            return (await tried(http, name=f"user{number}", password="x" * 20)).status_code

    async def look() -> int:
        async with world.http() as http:
            return (await http.get("/v1/status")).status_code

    told: list[Any] = await asyncio.gather(*(guess(n) for n in range(30)), look())
    assert told[-1] == 200
    assert set(told[:-1]) <= {401, 429}


async def test_nobody_says_where_he_calls_from_but_the_connection() -> None:
    """On one machine everybody calls from it; whoever could say otherwise would begin anew with each guess."""
    world = World()
    await person(world)
    form = urlencode({"name": "anna", "password": "x" * 20, "to": ""}).encode()
    statuses = []
    async with served(world.app()) as port:
        for number in range(12):
            async with await Wire.to(port) as wire:
                await wire.head("POST", SIGN_IN, "Content-Type: application/x-www-form-urlencoded",
                                f"Content-Length: {len(form)}", "Sec-Fetch-Site: same-origin",
                                f"X-Forwarded-For: 10.9.8.{number}", f"Forwarded: for=10.9.8.{number};proto=https",
                                f"X-Real-IP: 10.9.8.{number}", "X-Forwarded-Proto: https", token="")
                await wire.send(form)
                statuses.append((await wire.answer()).status)
        async with world.http() as http:
            audit = (await http.get("/v1/audit")).text
    assert statuses[-1] == 429
    assert "10.9.8." not in audit
