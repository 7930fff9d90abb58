"""Who may do what: every route of the API and of the console is walked, so that none is forgotten."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from routes import routes_of
from visitors import browser, here, person, sign_in, token

from stanchion.api.access import permits, sessions
from stanchion.model.access import Role
from stanchion.model.state import State
from surface import World

OWN = {"/v1/me/password", "/v1/sign-ins/{name}", "/console/sign-out", "/console/me/password",
       "/console/sign-ins/{name}/end"}
"""What everybody may change: that he is signed in, and his own password."""


def sample(route: str, *, name: str = "web") -> str:
    """Give a path that the route answers."""
    return re.sub(r"\{[^}]*\}", "x", route.replace("{name}", name)).replace("/*", "/x")


async def changing(world: World) -> list[tuple[str, str]]:
    """Give all routes that may change anything for others."""
    return [(method, route) for method, route in routes_of(world.app())
            if method not in permits.SAFE and (method, route) not in permits.READS
            and not permits.open_to_all(sample(route)) and route not in OWN]


async def ask(http: httpx2.AsyncClient, method: str, route: str) -> httpx2.Response:
    """Ask for a change, in the form in which it would be taken."""
    kind = "application/x-www-form-urlencoded" if route.startswith("/console") else "application/json"
    body = "" if route.startswith("/console") else "{}"
    return await http.request(method, sample(route), content=body, headers={"Content-Type": kind})


async def test_every_route_stands_in_the_table_and_falls_under_its_own_row() -> None:
    routes = [(method, route) for method, route in routes_of(World().app())
              if not permits.open_to_all(sample(route))]
    assert len(routes) > 80
    assert any(route.startswith("/console") for _, route in routes)
    for method, route in routes:
        found = permits.row(method, sample(route))
        assert found is not None, f"{method} {route} stands in no table of permits"
        exact = (method, route) in permits.PERMITS
        assert found.route == route if exact else found.route.endswith("/*"), (method, route, found.route)
        assert exact or method == "GET", f"{method} {route} changes something and needs a row of its own"


def test_no_route_stands_in_the_table_twice() -> None:
    texts = (permits.VIEWER, permits.OPERATOR, permits.ADMINISTRATOR, permits.CONSOLE_VIEWER,
             permits.CONSOLE_OPERATOR, permits.CONSOLE_ADMINISTRATOR)
    assert sum(len(text.split()) for text in texts) == 2 * len(permits.PERMITS)


@pytest.mark.parametrize(("method", "path", "role"), [
    ("GET", "/v1/status", Role.VIEWER),
    ("HEAD", "/v1/status", Role.VIEWER),
    ("GET", "/v1/users", Role.ADMINISTRATOR),
    ("POST", "/v1/resources/a b/online", Role.OPERATOR),
    ("POST", "/v1/resources/x/y/online", None),
    ("POST", "/v1/resources//online", None),
    ("POST", "/v1/status", None),
    ("TRACE", "/v1/status", None),
    ("GET", "/v1/status/", None),
    ("GET", "/V1/status", None),
    ("GET", "/console/users/sessions", Role.ADMINISTRATOR),
    ("GET", "/console/whatever/comes", Role.VIEWER),
])
def test_a_request_falls_under_one_row(method: str, path: str, role: Role | None) -> None:
    found = permits.row(method, path)
    assert (None if found is None else found.role) is role


async def test_what_stands_in_no_table_is_refused_also_to_administrators() -> None:
    world = World()
    app = world.app()

    @app.post("/v1/forgotten")
    async def forgotten() -> dict[str, str]:
        return {"secret": "told"}

    try:
        async with world.http() as http:
            answer = await http.post("/v1/forgotten")
            nothing = await http.post("/v1/never-was")
    finally:
        app.router.routes.pop()
    assert (answer.status_code, nothing.status_code) == (403, 404)
    assert "stands in no table of permits" in answer.json()["detail"]


@asynccontextmanager
async def those_who_may_not(world: World) -> AsyncIterator[dict[str, httpx2.AsyncClient]]:
    """Give clients of everybody who may change nothing."""
    await person(world, "root")
    viewer = await person(world, "vera", Role.VIEWER)
    revoked, locked = await person(world, "rick"), await person(world, "lou")
    await sessions.sign_out(here(world), revoked)
    async with world.http() as http:
        assert (await http.patch("/v1/users/lou", json={"locked": True})).is_success
    made = await token(world, Role.ADMINISTRATOR, valid_s=60)
    gone = await token(world, Role.ADMINISTRATOR)
    async with world.http() as http:
        assert (await http.delete("/v1/tokens/by-administrator-0")).is_success
    expired = await sign_in(world, "root")
    world.clock.wall_s += sessions.SESSION_S
    viewer = await sign_in(world, "vera")
    yield {
        "a viewer": browser(world, viewer),
        "a viewer's token": world.http(await token(world)),
        "an expired session": browser(world, expired),
        "a revoked session": browser(world, revoked),
        "a locked user": browser(world, locked),
        "an expired token": world.http(made),
        "a revoked token": world.http(gone),
        "another cluster's token": world.http("t0kenn"),
        "a made up token": world.http("stanchion_order00000000001_x"),
        "a cookie that is a session's id": browser(world, next(iter(world.view().sign_ins))),
        "nobody": world.http(""),
    }


async def test_a_viewer_can_change_nothing() -> None:
    """Nor can who is known no more: whatever route, the answer is a refusal and the cluster is as it was."""
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    async with those_who_may_not(world) as clients:
        before = world.engine.snapshot().changes
        for who, http in clients.items():
            for method, route in await changing(world):
                answer = await ask(http, method, route)
                known = who in {"a viewer", "a viewer's token"}
                expected = 403 if known else 303 if route.startswith("/console") else 401
                assert answer.status_code == expected, f"{who}: {method} {route} gave {answer.status_code}"
            await http.aclose()
        assert world.engine.snapshot().changes == before


async def test_an_operator_changes_nothing_that_is_configured() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    cookie, key = await person(world, "otto", Role.OPERATOR), await token(world, Role.OPERATOR)
    before = world.engine.snapshot().changes
    asked = [(method, route) for method, route in await changing(world)
             if permits.PERMITS[method, route] is Role.ADMINISTRATOR]
    assert len(asked) > 30
    for http in (browser(world, cookie), world.http(key)):
        for method, route in asked:
            answer = await ask(http, method, route)
            assert answer.status_code == 403, f"{method} {route} gave {answer.status_code}"
        await http.aclose()
    assert world.engine.snapshot().changes == before


async def test_a_refusal_says_which_role_is_needed_and_who_can_give_it() -> None:
    world = World()
    async with browser(world, await person(world, "vera", Role.VIEWER)) as http:
        answer = await http.post("/v1/resources/web/online", json={})
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["detail"] == "this needs an operator, and vera is a viewer"
    assert told["do"] == "an administrator can give another role"


async def test_an_operator_gives_orders_and_a_viewer_reads_everything_but_secrets() -> None:
    world = World()
    await world.resource("web")
    vera, otto = await person(world, "vera", Role.VIEWER), await person(world, "otto", Role.OPERATOR)
    async with browser(world, otto) as http:
        given = await http.post("/v1/resources/web/online", json={})
        assert given.status_code == 202, given.text
        assert given.json()["by"] == "otto"
    refused = []
    async with browser(world, vera) as http:
        for method, route in routes_of(world.app()):
            if method == "GET" and route.startswith("/v1") and "stream" not in route:
                answer = await http.get(sample(route))
                if answer.status_code == 403:
                    refused.append(route)
                else:
                    text = answer.text
                    assert "argon2" not in text
                    assert not any(held.value.digest in text for held in world.view().api_tokens.values())
    assert {"/v1/audit", "/v1/join-tokens", "/v1/tokens", "/v1/users"} <= set(refused)
    assert all(permits.PERMITS["GET", route] is Role.ADMINISTRATOR for route in refused)


async def test_a_token_for_some_resources_gives_orders_to_them_alone() -> None:
    world = World()
    for name in ("web", "db"):
        await world.resource(name)
    key = await token(world, Role.OPERATOR, resources=["WEB"])
    async with world.http(key) as http:
        assert (await http.get("/v1/resources/db")).status_code == 200
        assert (await http.post("/v1/resources/Web/online", json={})).status_code == 202
        for path in ("/v1/resources/db/online", "/v1/nodes/node1/drain", "/v1/nodes/web/drain"):
            answer = await http.post(path, json={})
            assert answer.status_code == 403, path
            assert answer.json()["detail"] == "token:by-operator-1 may give orders to web alone"
        assert (await http.put("/v1/pause", json={})).status_code == 403


@pytest.mark.parametrize(("order", "says"), [
    ({"name": "x", "role": "viewer", "resources": ["web"]}, "it is an operator"),
    ({"name": "x", "role": "administrator", "resources": ["web"]}, "it is an operator"),
    ({"name": "x", "role": "operator", "resources": ["moon"]}, "moon"),
    ({"name": "a b"}, "name"),
    ({"name": "token:x"}, "name"),
    ({"name": "x", "role": "king"}, "role"),
    ({"name": "x", "valid_s": 1}, "valid_s"),
])
async def test_a_token_that_makes_no_sense_is_not_made(order: dict[str, object], says: str) -> None:
    world = World()
    await world.resource("web")
    async with world.http() as http:
        answer = await http.post("/v1/tokens", json=order)
    assert answer.status_code in {404, 422}
    assert says in answer.text
    assert not world.view().api_tokens


async def test_tokens_are_listed_without_secrets_and_the_name_is_taken_once() -> None:
    world = World()
    key = await token(world, Role.OPERATOR, valid_s=3600)
    async with world.http() as http:
        again = await http.post("/v1/tokens", json={"name": "BY-operator-1"})
        listed = (await http.get("/v1/tokens")).text
    assert again.status_code == 409
    assert key.rpartition("_")[2] not in listed
    async with world.http(key) as http:
        me = (await http.get("/v1/me")).json()
        assert (me["name"], me["how"], me["role"]) == ("token:by-operator-1", "token", "operator")
        world.clock.wall_s += 3600
        late = await http.get("/v1/me")
    assert (late.status_code, late.json()["detail"]) == (401, "the API token by-operator-1 has expired")
