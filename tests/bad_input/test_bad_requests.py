"""Every bad request gets one clear sentence, what to do, and the right status; and it changes nothing."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from stanchion.api.gate import LARGEST_BODY_BYTES
from stanchion.model.state import State
from surface import World


async def _ask(world: World, method: str, path: str, body: Any = None, **more: Any) -> httpx2.Response:
    async with world.http() as http:
        return await http.request(method, f"/v1/{path}", json=body, **more)


async def _world() -> World:
    world = World()
    await world.resource("web", State.RUNNING, node="node1", preferred=("node1", "node2"))
    await world.resource("idle")
    await world.resource("only1", State.RUNNING, node="node1", preferred=("node1",))
    await world.resource("lame", State.RUNNING, node="node1")
    return world


def _new(**more: Any) -> dict[str, Any]:
    return {"name": "fresh", "template": "Qemu_Template"} | more


BAD = [
    ("an unknown template", "POST", "resources", _new(template="Qemo"), 404, "there is no template Qemo"),
    ("an invalid name", "POST", "resources", _new(name="no-dash"), 422, "the name 'no-dash' is not possible"),
    ("an empty name", "POST", "resources", _new(name=""), 422, "the name '' is not possible"),
    ("a name too long", "POST", "resources", _new(name="x" * 64), 422, "1 to 63 letters"),
    ("a taken name", "POST", "resources", _new(name="web"), 409, "there is a resource web already"),
    ("a taken name in other case", "POST", "resources", _new(name="WEB"), 409, "there is a resource web already"),
    ("an unknown parameter", "POST", "resources", _new(parameters={"COLOUR": "red"}), 422, "no parameter COLOUR"),
    ("no template", "POST", "resources", {"name": "fresh"}, 422, "the field `template` is missing"),
    ("a script that is not bash", "POST", "resources", _new(overrides={"scripts": {"load": {"text": "if true\n"}}}),
     422, "the load script is not valid, line"),
    ("an empty load script", "PATCH", "resources/idle", {"scripts": {"load": {"text": " \n"}}}, 422,
     "the load script is empty"),
    ("an empty load script at creation", "POST", "resources", _new(overrides={"scripts": {"load": {"text": ""}}}), 422,
     "the load script is empty"),
    ("a timeout of zero", "PATCH", "resources/idle", {"scripts": {"load": {"timeout_s": 0}}}, 422,
     "the timeout of the load script is 0 s"),
    ("a negative timeout", "PATCH", "resources/idle", {"scripts": {"unload": {"timeout_s": -5}}}, 422,
     "the timeout of the unload script is -5 s"),
    ("a timeout of words", "PATCH", "resources/idle", {"scripts": {"load": {"timeout_s": "long"}}}, 422,
     "`scripts.load.timeout_s` should be a valid number"),
    ("a script that there is not", "PATCH", "resources/idle", {"scripts": {"start": {"text": ":"}}}, 422,
     "scripts.start"),
    ("an unknown field", "PATCH", "resources/idle", {"monitoring": {"max_failurs": 3}}, 422,
     "there is no field `monitoring.max_failurs` here"),
    ("an unknown mode", "PATCH", "resources/idle", {"policies": {"start": "MAYBE"}}, 422,
     "`policies.start` must be 'AUTO' or 'MANUAL', not 'MAYBE'"),
    ("an unknown preferred node", "PATCH", "resources/idle", {"preferred": ["node1", "node9"]}, 422,
     "the preferred node node9 is unknown"),
    ("a doubled preferred node", "PATCH", "resources/idle", {"preferred": ["node1", "NODE1"]}, 422,
     "node node1 is listed twice"),
    ("zero failures", "PATCH", "resources/idle", {"monitoring": {"max_failures": 0}}, 422, "it must be 1 to"),
    ("an unknown resource", "POST", "resources/nothing/online", None, 404, "there is no resource nothing"),
    ("an unknown resource to look at", "GET", "resources/nothing", None, 404, "there is no resource nothing"),
    ("an unknown node", "POST", "resources/web/migrate", {"node": "node9"}, 404, "there is no node node9"),
    ("an unknown node to look at", "GET", "nodes/node9", None, 404, "there is no node node9"),
    ("a migration to its own node", "POST", "resources/web/migrate", {"node": "node1"}, 409,
     "it already runs on node1"),
    ("a migration to a dead node", "POST", "resources/lame/migrate", {"node": "node3"}, 409,
     "node3 is not a member now"),
    ("a migration to a node not listed", "POST", "resources/only1/migrate", {"node": "node2"}, 409,
     "node2 is not among its preferred nodes"),
    ("a live migration that its scripts cannot", "POST", "resources/web/migrate", {"node": "node2", "live": True}, 409,
     "its scripts cannot migrate live"),
    ("a migration to nowhere", "POST", "resources/web/migrate", {}, 422, "the field `node` is missing"),
    ("an answer that is none", "POST", "resources/web/alert", {"answer": "maybe"}, 422,
     "`answer` must be 'yes' or 'no'"),
    ("an answer to no alert", "POST", "resources/web/alert", {"answer": "yes"}, 409,
     "it asks nothing: it is Running, because"),
    ("a confirmation about a node that is up", "POST", "nodes/node2/confirm-down", None, 409, "node2"),
    ("a wait without end", "GET", "status?after=1&wait_s=1e9", None, 422,
     "`wait_s` should be less than or equal to 60"),
    ("no such path", "GET", "resource", None, 404, "there is nothing at /v1/resource"),
    ("no such method", "PUT", "resources/web", {}, 405, "PUT is not possible at /v1/resources/web"),
    ("a revision that is none", "GET", "intents/..%2F..", None, 404, "there is no"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "sentence"), [case[1:] for case in BAD],
                         ids=[case[0] for case in BAD])
async def test_a_bad_request_is_refused_in_one_sentence(method: str, path: str, body: Any, status: int,
                                                        sentence: str) -> None:
    world = await _world()
    before = world.engine.revision
    answer = await _ask(world, method, path, body)
    told = answer.json()
    assert answer.status_code == status, told
    assert answer.headers["content-type"] == "application/problem+json"
    assert sentence in f"{told['detail']}; {told['do']}"
    assert "\n" not in told["detail"]
    assert world.engine.revision == before


async def test_broken_json_is_told_as_such() -> None:
    answer = await _ask(await _world(), "PATCH", "resources/idle", content=b'{"files": [',
                        headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("the request body is not valid JSON")


async def test_a_body_that_is_no_object_is_told_as_such() -> None:
    answer = await _ask(await _world(), "PATCH", "resources/idle", [1, 2])
    assert answer.status_code == 422
    assert "object" in answer.json()["detail"] or "dictionary" in answer.json()["detail"]


@pytest.mark.parametrize("token", ["", "wrong", "t0ke", "t0kenn", "tökén"])
async def test_without_the_token_nothing_is_told_but_where_it_stands(token: str) -> None:
    world = await _world()
    header = f"Bearer {token}".encode("latin-1") if token else b""
    async with world.http(token="") as http:
        for path in ("status", "resources/web", "nonsense", "openapi.json"):
            answer = await http.get(f"/v1/{path}", headers={"Authorization": header} if header else {})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            said = answer.json()
            assert "it stands in /var/lib/stanchion/token on this host" in said["do"]
            assert "t0ken" not in json.dumps(said)


async def test_a_body_beyond_the_bound_is_not_read() -> None:
    world = await _world()
    huge = "#" * (LARGEST_BODY_BYTES + 1)
    answer = await _ask(world, "PATCH", "resources/idle", {"scripts": {"load": {"text": huge}}})
    assert answer.status_code == 413

    async def dripping() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"#" * (LARGEST_BODY_BYTES // 10)

    answer = await _ask(world, "PATCH", "resources/idle", content=dripping())
    assert answer.status_code == 413


async def test_a_bad_edit_revision_is_told() -> None:
    answer = await _ask(await _world(), "PATCH", "resources/idle", {"files": ["/a"]}, headers={"If-Match": "latest"})
    assert (answer.status_code, answer.json()["detail"]) == (
        422, "If-Match must name a revision, a number, not 'latest'")


async def test_a_store_that_does_not_answer_is_told() -> None:
    world = await _world()
    world.store.available = False
    answer = await _ask(world, "POST", "resources/idle/online")
    assert answer.status_code == 503
    assert "the store does not answer" in answer.json()["detail"]
