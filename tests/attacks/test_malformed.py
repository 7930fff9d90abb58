"""Requests that no client would make: each is refused in one sentence, changes nothing, and breaks nothing."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from attacks.wires import Wire, ask, served
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from surface import TOKEN, World

TURN = "\u202e"
NASTY = ["\0", "\x1b[2J", "a\r\nSet-Cookie: x=1", f"a{TURN}b", "../../etc/passwd", "a/b", ".", "..", "%2e%2e", "\u00ad",
         "-rf", "$(reboot)", "`reboot`", "a;b", "<script>alert(1)</script>", "a b", "é", "\U0001d54f",
         "a\u2028b", "x" * 254]


async def peopled() -> World:
    """Make a cluster with two resources."""
    world = World()
    await world.resource("idle")
    await world.resource("web", State.RUNNING, node="node2")
    return world


async def refused(world: World, method: str, path: str, body: Any = None, **more: Any) -> httpx2.Response:
    """Ask; the answer must be a refusal, told as a problem that anybody can print, and nothing may have changed."""
    before = world.view().specs
    async with world.http() as http:
        answer = await http.request(method, f"/v1/{path}", json=body, **more)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert all(each.isprintable() or each == "\n" for each in told["detail"] + told["do"])
    assert world.view().specs == before
    return answer


@pytest.mark.parametrize("name", NASTY, ids=ascii)
async def test_nasty_names_make_nothing(name: str) -> None:
    world = await peopled()
    await refused(world, "POST", "resources", {"name": name, "template": "Qemu_Template"})
    await refused(world, "POST", "templates", {"name": name})
    await refused(world, "POST", "templates/Qemu_Template/clone", {"name": name})
    await refused(world, "POST", "resources/idle/template", {"name": name})
    if name not in {".", "..", "-rf"}:  # groups may be called so: a group's name stands in no path
        await refused(world, "PUT", f"groups/{quote(name, safe='')}", {"bond": "apart", "members": ["idle", "web"]})


@pytest.mark.parametrize("name", [each for each in NASTY if each not in {".", ".."}], ids=ascii)
@pytest.mark.parametrize("path", ["resources/{}", "nodes/{}", "templates/{}", "intents/{}", "events/{}/why",
                                  "resources/{}/runs", "resources/{}/runs/load/{}", "resources/{}/revisions",
                                  "resources/{}/story", "templates/{}/document", "templates/{}/form"])
async def test_nasty_names_find_nothing(path: str, name: str) -> None:
    await refused(await peopled(), "GET", path.replace("{}", quote(name, safe="")))


@pytest.mark.parametrize("name", NASTY, ids=ascii)
async def test_nasty_names_in_bodies_find_nothing(name: str) -> None:
    world = await peopled()
    await refused(world, "POST", "resources/idle/online", {"node": name})
    await refused(world, "POST", "resources", {"name": "fresh", "template": name})
    await refused(world, "PATCH", "resources/idle", {"preferred": [name]})
    await refused(world, "PUT", "priorities", {"resources": [name]})


HARMLESS = {"../../etc/passwd", "a/b", ".", "..", "%2e%2e", "x" * 254}
"""Nasty as names, but of letters that no shell reads."""


@pytest.mark.parametrize("value", [each for each in NASTY if each not in HARMLESS], ids=ascii)
async def test_nasty_values_get_into_no_script(value: str) -> None:
    await refused(await peopled(), "POST", "resources", {
        "name": "fresh", "template": "Qemu_Template", "parameters": {"VM": value}})


@pytest.mark.parametrize("text", ["exit 0\0\n", "exit 0\r\n", f"# {TURN}tixe\nexit 0\n", "# \u2066x\nexit 0\n"],
                         ids=ascii)
async def test_scripts_that_are_not_what_they_look_like_are_not_saved(text: str) -> None:
    world = await peopled()
    await refused(world, "PATCH", "resources/idle", {"scripts": {"load": {"text": text}}})
    async with world.http() as http:
        told = (await http.post("/v1/lint", json={"text": text})).json()
    assert told["errors"]


@pytest.mark.parametrize("title", ["a\nb", "\x1b[31mred", f"{TURN}x"], ids=ascii)
async def test_titles_that_cannot_be_printed_are_not_saved(title: str) -> None:
    world = await peopled()
    await refused(world, "POST", "templates/Qemu_Template/clone", {"name": "fresh", "title": title})


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"scripts":{"load":'])
async def test_deeply_nested_json_is_refused(opening: bytes) -> None:
    world = await peopled()
    deep = opening * (900_000 // len(opening))
    await refused(world, "PATCH", "resources/idle", content=deep, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"why": "\xc3\x28"}', b'{"why": "\\ud800"}', b'{"\\ud800": 1}', b"",
                                  b"null", b"1" * 5000, b'{"why": 1e999}', b'{"policies": {"priority": 1e400}}',
                                  b'{"policies": {"priority": %s}}' % (b"9" * 5000), b'{"files": NaN}', b"\0" * 100,
                                  b'{"why": "a", "why": ["b"]}', b"\xef\xbb\xbf[]"], ids=lambda body: ascii(body[:24]))
async def test_bodies_that_are_no_good_are_refused(body: bytes) -> None:
    await refused(await peopled(), "PATCH", "resources/idle", content=body,
                  headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded",
                                  "multipart/form-data; boundary=x", "", "a/b/c"])
async def test_other_content_than_json_is_refused(kind: str) -> None:
    world = await peopled()
    body = json.dumps({"why": "x", "files": ["/etc/shadow"]}).encode()
    await refused(world, "PATCH", "resources/idle", content=body, headers={"Content-Type": kind})


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "OPTIONS", "PUT", "get", "G\tET", "X" * 200])
async def test_odd_methods_do_nothing(method: str) -> None:
    world = await peopled()
    before = world.engine.revision
    async with served(world.app()) as port:
        answer = await ask(port, f"{method} /v1/resources/idle HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
                                 "Content-Length: 0\r\n\r\n".encode())
    assert answer.status in {400, 405}
    assert answer.told["status"] == answer.status
    assert world.engine.revision == before


async def test_the_method_cannot_be_put_on_as_a_header() -> None:
    world = await peopled()
    async with world.http() as http:
        for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            answer = await http.get("/v1/resources/idle?_method=DELETE", headers={header: "DELETE"})
            assert answer.status_code == 200
    assert "idle" in world.view().specs


@pytest.mark.parametrize("lines", [
    ["Host: 127.0.0.1", "Host: evil.example"], ["Content-Length: 0", "Content-Length: 5"],
    ["Host : 127.0.0.1"], ["X-A\0: b"], ["X-A: b\0c"], ["X-Big: " + "x" * 600_000],
    ["X-A: b"] * 90_000], ids=lambda lines: lines[0][:20])
async def test_heads_that_can_be_read_in_two_ways_are_refused(lines: list[str]) -> None:
    async with served((await peopled()).app()) as port:
        host = [] if "Host" in lines[0] else ["Host: x"]
        head = "\r\n".join(["GET /v1/status HTTP/1.1", *lines, *host, "", ""])
        answer = await ask(port, head.encode("latin-1"))
    assert answer.status == 400
    assert answer.told["detail"].startswith("this is no HTTP request that can be read")


async def test_a_token_that_is_given_twice_lets_nobody_in() -> None:
    async with served((await peopled()).app()) as port, await Wire.to(port) as wire:
        await wire.head("GET", "/v1/status", "Authorization: Bearer wrong", token="also-wrong")
        assert (await wire.answer()).status == 401


async def test_very_many_parameters_are_refused_or_ignored() -> None:
    async with served((await peopled()).app()) as port:
        for query, statuses in (("&".join(f"p{n}=1" for n in range(6000)), {200, 422}),
                                ("resource=idle&" * 4000, {200, 422}), ("x=" + "%" * 60_000, {200, 400, 422}),
                                ("resource=idle&" * 50_000, {400})):
            async with await Wire.to(port) as wire:
                await wire.head("GET", f"/v1/export?{query}")
                assert (await wire.answer()).status in statuses


@pytest.mark.parametrize("query", ["after=%FF%FE", "text=%00", "text=%C3%28", "since=%F0%9F%92%A9",
                                   "limit=%F0%9F%92%A9",
                                   "severity=%1B[2J", "limit=1&limit=1000000", "since=0001-01-01", "since=9999-12-31",
                                   "until=-1", "since=2026-01-01T00:00:00%2B99:00", "limit=" + "9" * 5000])
async def test_queries_that_are_no_utf8_or_make_no_sense_break_nothing(query: str) -> None:
    async with served((await peopled()).app()) as port, await Wire.to(port) as wire:
        await wire.head("GET", f"/v1/events?{query}")
        answer = await wire.answer()
        assert answer.status in {200, 400, 422}
        assert answer.told


@pytest.mark.parametrize("path", ["/v1/../etc/passwd", "/v1/%2e%2e/%2e%2e/etc/passwd", "//evil.example/v1/status",
                                  "/v1//status", "/v1/status/", "/v1/status%00", "/v1/report/../../token", "/%2e",
                                  "/v1\\status", "/V1/status", "/v1/;/status", "http://evil.example/v1/status",
                                  "/v1/resources/..%2f..%2fetc%2fpasswd", "*",
                                  "/v1/resources/idle%0d%0aSet-Cookie:x=1"])
async def test_paths_lead_only_where_they_say(path: str) -> None:
    async with served((await peopled()).app()) as port, await Wire.to(port) as wire:
        await wire.head("GET", path)
        answer = await wire.answer()
        assert answer.status in {400, 401, 404, 405}
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers
        assert b"root:" not in answer.body


async def test_nothing_that_is_asked_gets_into_a_header() -> None:
    world = await peopled()
    async with world.http() as http:
        for header in ("Stanchion-Operator", "If-Match"):
            answer = await http.patch("/v1/resources/idle", json={"why": "x"}, headers={header: b'"4"\x85X-Evil: 1'})
            assert "x-evil" not in answer.headers
        made = await http.post("/v1/resources", json={"name": "fresh", "template": "Generic_FS"})
        assert made.headers.get("location", "/v1/resources/fresh") == "/v1/resources/fresh"


async def test_who_asks_is_written_down_without_tricks() -> None:
    world = await peopled()
    async with world.http() as http:
        await http.patch("/v1/resources/idle", json={"files": ["/etc/x"]}, headers={
            "Stanchion-Operator": f"ann{TURN}a\t<b>".encode()})
        told = (await http.get("/v1/resources/idle")).json()
    assert told["saved_by"].isprintable()
    assert TURN not in told["saved_by"]


async def test_output_of_scripts_is_told_as_it_was_and_as_text() -> None:
    """JSON holds anything safely; that nobody takes it for a page is what the content type says."""
    world = await peopled()
    output = "\x1b]0;owned\x07<script>alert(1)</script>\r\n\0" + TURN
    await world.ran(world.view().specs["idle"].value.name, ScriptKind.LOAD, "idle@9", output=output)
    async with world.http() as http:
        answer = await http.get("/v1/resources/idle/runs/load/idle@9")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["output"] == output


HOSTS = {
    "127.0.0.1": True, "127.0.0.1:7423": True, "[::1]:7423": True, "localhost:7423": True, "node1": True,
    "NODE2:7423": True, "10.1.2.3": True, "console.example.org": True, "evil.example": False,
    "127.0.0.1.evil.example": False, "node1.evil.example": False, "localhost.evil.example:7423": False,
    "evil.example@127.0.0.1": True, "127.0.0.1@evil.example": False, "0x7f.1": False, "[": False, "": False,
}


@pytest.mark.parametrize(("host", "known"), HOSTS.items(), ids=ascii)
async def test_a_browser_speaks_to_this_agent_only_by_its_own_name(host: str, known: object) -> None:
    """A page of somebody else that let its own name lead here (DNS rebinding) reads nothing, and signs nobody in."""
    world = await peopled()
    app = world.app()
    app.state.services = replace(app.state.services, names=("console.example.org",))
    async with served(app) as port:
        for method, path, more in (("GET", "/v1/status", ""), ("GET", "/v1/status", "Cookie: __Host-stanchion=x\r\n"),
                                   ("POST", "/console/sign-in", "Content-Length: 0\r\nAuthorization: Bearer x\r\n")):
            answer = await ask(port, f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode())
            assert (answer.status != 421) is known
            if not known:
                assert answer.told["detail"].startswith("no agent here is called")
        for path in ("/v1/health", "/v1/status"):  # who brings the token may call the agent what he likes
            answer = await ask(port, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
                               .encode())
            assert answer.status == 200
