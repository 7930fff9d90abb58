"""Nothing that anybody wrote becomes part of a page: every page of the console is read as a browser reads it.

The cluster is one in which every name, script, output, reason, comment and address was written to attack. Each page,
each of its streams of changes, and each answer to each of its forms is parsed; no element and no attribute may have
come from what was written. And should one slip through one day, the headers forbid it to do anything; they are checked
too.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import pytest

from access.routes import routes_of
from access.visitors import browser
from attacks.hostile import ADDRESS, EVIL, Reader, hostile_world, read
from attacks.wires import Wire, served
from stanchion import web
from stanchion.model.cluster import Kind
from stanchion.web.forms import NOTICE
from surface import World

CONSOLE = "/console"
STATIC = Path(web.__file__).parent / "static"
STRICT = {
    "x-content-type-options": "nosniff", "referrer-policy": "same-origin", "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin"}
ASKED = dict.fromkeys((
    "text", "resource", "node", "state", "name", "q", "filter", "sort", "order", "to", "before", "after", "since",
    "until", "template", "by", "tab", "what", "from", "revision", "severity", "error", "notice", "drain", "dies",
    "move", "kind",
), EVIL)
UNREAD = {"/console/static/*"}
"""What is no page."""


def addresses(app: Any, event: str) -> Iterator[str]:
    """Give the address of every page, its blanks filled in with what there is."""
    for method, path in sorted(set(routes_of(app))):
        if method == "GET" and path.startswith(CONSOLE) and path not in UNREAD:
            part = path.split("/")[2]
            name = {"nodes": "node2", "templates": "Evil", "events": event}.get(part, "web")
            filled = path.replace("{name}", name).replace("{script}", "load").replace("{token}", quote(EVIL, safe=""))
            yield filled.replace("{operation:path}", "web@42")
            if "{name}" in path:
                yield path.replace("{name}", quote(EVIL, safe="")).replace("{script}", "load").replace(
                    "{operation:path}", quote(f"{EVIL[:3]}@42", safe=""))


async def event_of(world: World) -> str:
    """Name an event."""
    return (await world.store.records(Kind.HISTORY, limit=3))[2][0]


def judge(answer: httpx2.Response, at: str) -> Reader | None:
    """Check an answer's headers, and read it if it is a page."""
    for name, value in STRICT.items():
        assert answer.headers.get(name) == value, (at, name)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy, at
    saved = answer.headers.get("content-disposition", "").startswith("attachment; ")
    assert "unsafe" not in policy or (saved and "script" not in policy), at
    assert answer.status_code < 500, at
    for value in answer.headers.values():
        assert "\n" not in value, at
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return None
    assert answer.headers["content-type"] == "text/html; charset=utf-8", at
    # What is saved as a file has its style with it, and no other place to have it from.
    reader = read(re.sub(r"<style>.*?</style>", "", answer.text, count=1, flags=re.DOTALL) if saved else answer.text)
    assert not reader.faults, (at, reader.faults[:5])
    return reader


@pytest.mark.parametrize("asked", [{}, ASKED], ids=["plain", "asked for evil"])
async def test_no_page_holds_anything_but_what_it_was_written_with(asked: dict[str, str]) -> None:
    world, cookie = await hostile_world()
    read_pages, evil = 0, set()
    async with browser(world, cookie) as http:
        for at in addresses(world.app(), await event_of(world)):
            reader = judge(await http.get(f"{at}?{urlencode(asked)}"), at)
            read_pages += reader is not None
            evil |= {at} if reader is not None and reader.shows_evil else set()
    assert read_pages > 40
    assert len(evil) > 30, sorted(evil)


async def test_no_change_that_is_streamed_into_a_page_holds_anything_else() -> None:
    world, cookie = await hostile_world()
    streamed = evil = 0
    async with served(world.app()) as port:
        for at in addresses(world.app(), await event_of(world)):
            async with await Wire.to(port) as wire:
                await wire.head("GET", at, "Accept: text/event-stream", f"Cookie: __Host-stanchion={cookie}", token="")
                head = (await wire.reader.readuntil(b"\r\n\r\n")).decode().lower()
                if "text/event-stream" not in head:
                    continue
                assert "default-src 'none'" in head
                assert "x-content-type-options: nosniff" in head
                said = ""
                while "\ndata: " not in said:
                    said += (await wire.reader.readuntil(b"\n")).decode()
                told = said.rpartition("\ndata: ")[2]
                if told.startswith("{"):  # otherwise it says that the page is to be asked for anew
                    parts = json.loads(told)["parts"]
                    for name, fragment in parts.items():
                        reader = read(fragment)
                        assert not reader.faults, (at, name, reader.faults[:5])
                        evil += reader.shows_evil
                streamed += 1
    assert streamed > 20
    assert evil > 20


async def test_no_form_gives_back_what_was_entered_as_anything_but_text() -> None:
    """Every form of every page is sent with evil in every field, and the answer is read like any other page."""
    world, cookie = await hostile_world()
    pages = list(addresses(world.app(), await event_of(world)))
    sent: set[tuple[str, tuple[str, ...]]] = set()
    for at in pages:
        async with browser(world, cookie, Origin="http://node1") as http:
            page = await http.get(at)
            if not page.headers.get("content-type", "").startswith("text/html"):
                continue
            for form in read(page.text).forms:
                action = form.action or at
                kind = (re.sub(r"(web|idle|ask|sick|node\d|Evil|%22[^/]*)", "*", action), tuple(sorted(form.fields)))
                if form.method != "post" or kind in sent or "sign-out" in action:
                    continue
                sent.add(kind)
                answer = await http.post(action, data=form.fields)
                judge(answer, f"{at} -> {action}")
                if answer.status_code == 303:
                    onward = answer.headers["location"]
                    assert onward.startswith(CONSOLE), onward
                    judge(await http.get(onward), onward)
        if not (await _is_signed_in(world, cookie)):
            world, cookie = await hostile_world()
    assert len(sent) > 40


async def _is_signed_in(world: World, cookie: str) -> bool:
    async with browser(world, cookie) as http:
        return (await http.get("/console/me")).status_code == 200


async def test_a_planted_notice_is_text() -> None:
    world, cookie = await hostile_world()
    async with browser(world, f"{cookie}; {NOTICE}=+{quote(EVIL)}") as http:
        reader = judge(await http.get("/console/me"), "notice")
    assert reader is not None
    assert reader.shows_evil


SINK = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function|srcdoc|setAttribute)\b\s*[(=]")


def test_the_scripts_turn_text_into_html_in_one_place() -> None:
    """There it comes from the server's own templates, over the stream that was read above."""
    found = {(path.name, line.strip()) for path in STATIC.rglob("*.js") if "vendor" not in path.parts
             for line in path.read_text(encoding="utf-8").splitlines() if SINK.search(line)}
    assert {line for _, line in found if "setAttribute" not in line} == {"template.innerHTML = html;"}
    for _, line in found:
        assert not re.search(r"setAttribute\(\s*[\"'](on|href|src|style|action|formaction|srcdoc)", line), line


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/console/nothing"), ("GET", f"/console/{quote(EVIL, safe='')}"), ("DELETE", "/console/"),
    ("GET", "/console/resources/nothing"), ("GET", "/console/events/nothing"), ("POST", "/console/users"),
    ("GET", "/console/static/nothing"), ("GET", "/console/static/..%2f..%2fapp.py"), ("POST", "/console/sign-in"),
    ("GET", "/console/static/%2e%2e/%2e%2e/__init__.py"), ("GET", "/console/static//etc/passwd"),
    ("GET", "/console/static/..\\..\\app.py"), ("GET", "/console/static/console.css%00.html"), ("PUT", "/console/me")])
async def test_errors_are_pages_as_strict_as_all_others(method: str, path: str) -> None:
    world, cookie = await hostile_world()
    async with browser(world, cookie) as http:
        answer = await http.request(method, path)
    assert 400 <= answer.status_code < 500
    assert "import" not in answer.text
    for name, value in (STRICT | ({"cache-control": "no-cache"} if "/static/" in path else {})).items():
        assert answer.headers.get(name) == value, name
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not read(answer.text).faults


async def test_who_is_not_signed_in_is_answered_as_strictly() -> None:
    world, _ = await hostile_world()
    async with world.http(token="") as http:
        for path in ("/console/", "/console/sign-in", f"/console/sign-in?to={quote(EVIL)}", "/console/resources/web"):
            judge(await http.get(path), path)


async def test_the_report_as_a_page_and_what_the_api_answers_cannot_be_taken_for_more() -> None:
    world, _ = await hostile_world()
    async with world.http() as http:
        page = await http.get("/v1/report?format=html")
        reader = Reader()
        reader.feed(re.sub(r"<style>.*?</style>", "", page.text, flags=re.DOTALL))
        assert not reader.faults
        assert reader.shows_evil
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for path in ("/v1/status", "/v1/resources/web", "/v1/events", f"/v1/resources/{quote(EVIL, safe='')}", "/v1/x",
                     "/v1/export", f"/v1/nodes/{quote(ADDRESS, safe='')}"):
            answer = await http.get(path)
            assert answer.headers["content-type"] in {"application/json", "application/problem+json"}
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
