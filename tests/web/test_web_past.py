"""Events and the audit: the newest first, growing while one looks, filtered, explained and saved."""

import csv
import io
import json
from dataclasses import replace

import pytest

from browsing import invite, read, signed_in
from stanchion.model.access import Role
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NodeName, OperationId, ResourceName
from stanchion.model.reasons import Why, reason
from stanchion.model.state import State
from stanchion.model.transaction import Transaction
from stanchion.web import past
from stanchion.wire.requests import BY_HEADER
from surface import NODES, NOW_S, World

EVENTS, AUDIT, NEW = "/console/events", "/console/audit", "/console/new"


async def happened(world: World, text: str, at_s: float = NOW_S, *, severity: Severity = Severity.INFO,
                   resource: str = "mail", node: NodeName = NODES[0]) -> None:
    """Write one line of history."""
    entry = Entry(at_s=at_s, reason=reason(Why.LOAD_FAILED, text), severity=severity, resource=ResourceName(resource),
                  node=node, after=State.COMATOSE)
    await world.store.commit(Transaction(history=(entry,)))


async def test_events_stand_the_newest_first_and_grow_at_the_top() -> None:
    world = World()
    await happened(world, "first")
    await happened(world, "second", NOW_S + 60, severity=Severity.CRITICAL)
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(EVENTS)
    rows = page.rows()[1:]
    assert [row[:4] for row in rows] == [
        ["2026-09-21 14:14:20 UTC", "critical", "node1", "mail"], ["2026-09-21 14:13:20 UTC", "info", "node1", "mail"]]
    assert "second" in rows[0][4]
    async with browser.watching(EVENTS, page) as watch:
        await happened(world, "third")
        told = await watch.change()
    assert len(told["lists"]["event-rows"]) == 3
    (made,) = [html for name, html in told["parts"].items() if name.startswith("event-")]
    assert "third" in read(made).text
    assert told["lists"]["event-rows"][0] == read(made).one("tr")["id"]


@pytest.mark.parametrize(("query", "found"), [
    ("", ["c", "b", "a"]), ("resource=WEB", ["b"]), ("node=node2", ["c"]), ("severity=warning", ["c", "b"]),
    ("severity=critical", ["c"]), ("since=2026-09-21T14:14", ["c", "b"]), ("until=2026-09-21T14:14:20Z", ["b", "a"]),
    ("since=2026-09-21T16:14%2B02:00&until=2026-09-21T14:14:30", ["b"]), ("text=B", ["b"]),
    ("severity=loud", ["c", "b", "a"]),
])
async def test_the_filter_lets_through_what_is_asked_for(query: str, found: list[str]) -> None:
    world = World()
    await happened(world, "aaa")
    await happened(world, "bbb", NOW_S + 60, resource="web", severity=Severity.WARNING)
    await happened(world, "ccc", NOW_S + 120, node=NODES[1], severity=Severity.CRITICAL)
    page = await (await signed_in(world, Role.VIEWER)).get(f"{EVENTS}?{query}")
    assert [next(each for each in "abc" if each * 3 in row[4]) for row in page.rows()[1:]] == found
    assert page.error == ""


@pytest.mark.parametrize("since", ["yesterday", "2026-99-01", "9999-12-31T23:59:59-23:59", "<b>"])
async def test_an_instant_that_is_none_is_told_and_the_page_is_shown(since: str) -> None:
    world = World()
    await happened(world, "first")
    browser = await signed_in(world)
    for path in (EVENTS, AUDIT):
        page = await browser.send((await browser.get(path)).form(path), since=since, text="first")
        assert page.status == 200
        assert page.error == "Since is no instant; enter it like 2026-01-31T18:00"
        assert page.form(path).value("text") == "first"


async def test_what_is_older_is_reached_page_by_page() -> None:
    world = World()
    for number in range(past.NEWEST + 5):
        await happened(world, f"event {number:04d}", NOW_S + number)
    browser = await signed_in(world)
    page = await browser.get(EVENTS)
    assert len(page.rows()[1:]) == past.NEWEST
    older = await browser.get(page.id("live_ways").one("a", text="Older")["href"])
    assert [row[4][-7:-3] for row in older.rows()[1:]] == ["0004", "0003", "0002", "0001", "0000"]
    assert not older.all("a", text="Older")
    assert older.one("a", text="Newest")["href"] == EVENTS
    assert "come in at the top" not in older.main.text


async def test_an_event_tells_the_story_of_what_led_to_it() -> None:
    world = World()
    line = Entry(at_s=NOW_S, reason=reason(Why.NODE_LOST, "node3", "5.0"), node=NODES[2], cause="session3",
                 severity=Severity.CRITICAL)
    next_ = Entry(at_s=NOW_S + 4, reason=reason(Why.FAILOVER, "node3"), resource=ResourceName("mail"), node=NODES[1],
                  before=State.RUNNING, after=State.LOADING, cause="session3", operation=OperationId("op1"))
    await world.store.commit(Transaction(history=(line,)))
    await world.store.commit(Transaction(history=(next_,)))
    browser = await signed_in(world, Role.VIEWER)
    events = await browser.get(EVENTS)
    page = await browser.get(events.all("a", text="Why?")[0]["href"])
    steps = [each.text for each in page.main.one("ol").all("li")]
    assert len(steps) == 2
    assert "node3" in steps[0]
    assert "4.0 s after the one before" in steps[1]
    assert page.main.one("h1").text.startswith("Resource mail is loading on node2")
    first = await browser.get(events.all("a", text="Why?")[1]["href"])
    assert "with this it began" in first.main.text


@pytest.mark.parametrize("name", ["0000000000000099-0000", "nonsense", "%3Cb%3E"])
async def test_an_event_that_there_is_not_is_told(name: str) -> None:
    page = await (await signed_in(World())).get(f"{EVENTS}/{name}")
    assert page.status == 404
    assert page.main.one("h1").text.startswith("There is no event")


async def test_what_the_filter_shows_is_saved() -> None:
    world = World()
    await happened(world, "first")
    await happened(world, "=cmd()", NOW_S + 60, resource="web")
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(f"{EVENTS}?resource=web")
    answer = await browser.http.get(page.id("live_ways").one("a", text="CSV")["href"])
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="lab-events.csv"'
    header, *rows = csv.reader(io.StringIO(answer.text))
    (line,) = [dict(zip(header, row, strict=True)) for row in rows]
    assert (line["at"], line["resource"], line["after"]) == ("2026-09-21T14:14:20.000Z", "web", "Comatose")
    answer = await browser.http.get(f"{EVENTS}/save?form=json")
    told = json.loads(answer.text)
    assert [each["resource"] for each in told] == ["web", "mail"]
    assert json.loads((await browser.http.get(f"{EVENTS}/save?form=json&resource=none")).text) == []


@pytest.mark.parametrize(("value", "cell"), [("=1+1", "'=1+1"), ("-x", "'-x"), ("@x", "'@x"), ("x", "x"), (None, ""),
                                             (3, "3")])
def test_a_spreadsheet_finds_no_formula(value: object, cell: str) -> None:
    assert past._cell(value) == cell


async def test_saving_goes_back_page_by_page_and_ends_at_the_bound() -> None:
    world = World()
    entries = tuple(Entry(at_s=NOW_S + number, reason=reason(Why.NODE_JOINED, f"n{number}")) for number in range(1500))
    await world.store.commit(Transaction(history=entries))
    browser = await signed_in(world)
    told = json.loads((await browser.http.get(f"{EVENTS}/save?form=json")).text)
    assert len(told) == 1500
    assert [each["id"] for each in told] == sorted((each["id"] for each in told), reverse=True)


async def test_hostile_text_in_an_event_is_shown_as_text() -> None:
    world = World()
    await happened(world, "<script>alert(1)</script>")
    browser = await signed_in(world)
    page = await browser.get(EVENTS)
    assert "<script>alert(1)</script>" in page.rows()[1][4]
    assert all(each["src"] for each in page.all("script"))
    story = await browser.get(page.one("a", text="Why?")["href"])
    assert all(each["src"] for each in story.all("script"))
    assert "alert(1)" in story.main.one("h1").text


async def test_the_audit_tells_who_did_what_from_where_why_and_with_what_end() -> None:
    world = World()
    await world.resource("mail", State.RUNNING, node="node1")
    operator, viewer = await signed_in(world, Role.OPERATOR), await signed_in(world, Role.VIEWER)
    await viewer.post("/console/resources/orders", {"verb": "offline", "chosen": "mail"})
    asked = await operator.send((await operator.get("/console/resources")).form("/console/resources/orders"), "Offline",
                                chosen=["mail"])
    await operator.send(asked.form(), why="the host is hot")
    browser = await signed_in(world)
    page = await browser.get(AUDIT)
    rows = page.rows()[1:]
    assert [(row[1], row[4], row[5]) for row in rows] == [
        ("operator", "the host is hot", "done 303"), ("viewer", "\N{EN DASH}", "refused 403")]
    assert rows[0][3] == "Give one order to all resources that were chosen: offline mail POST /console/resources/orders"
    assert rows[0][2], "from where"
    only = await browser.send(page.form(AUDIT), user="VIEWER")
    assert [row[1] for row in only.rows()[1:]] == ["viewer"]
    only = await browser.send(page.form(AUDIT), text="host is HOT")
    assert [row[1] for row in only.rows()[1:]] == ["operator"]
    assert not (await browser.send(page.form(AUDIT), until="2020-01-01T00:00")).rows()[1:]


async def test_what_was_asked_of_the_api_is_told_in_words() -> None:
    world = World()
    await world.resource("mail")
    async with world.http() as http:
        await http.post("/v1/resources/mail/online", json={}, headers={BY_HEADER: "cron"})
    page = await (await signed_in(world)).get(AUDIT)
    assert page.rows()[1][1] == "cron"
    assert page.rows()[1][3].endswith(": mail POST /v1/resources/{name}/online")


async def test_the_audit_says_which_order_was_given_to_what_and_nothing_of_what_changed_nothing() -> None:
    world = World()
    await world.resource("mail")
    browser = await signed_in(world)
    page = await browser.get("/console/resources/mail")
    for verb in ("migrate", "online", "dance"):
        await browser.post("/console/resources/mail/orders", {"verb": verb, "node": "node2"})
    await browser.post("/console/nodes/node2/drain", {"confirmed": "yes"})
    await browser.post("/console/settings/notification", {"channel": "webhook", "webhook.url": "http://192.0.2.1/"})
    page = await browser.get(NEW)
    await browser.send(page.form(NEW), kind="resource")
    await browser.post(NEW, {"at": "summary", "go": "make", "kind": "resource", "name": "db",
                             "template": "XenLive_Template"})
    told = [row[3].partition(" POST ")[0] for row in (await browser.get(AUDIT)).rows()[1:]]
    assert told == ["Make what was entered: resource db", "Save a channel of notification: webhook", "Drain: node2",
                    "Give an order: online mail on node2"]


async def test_names_stay_as_they_are_spelled_where_a_line_of_the_audit_begins_with_one() -> None:
    world = World()
    await invite(world, "bob")
    page = await (await signed_in(world)).get(AUDIT)
    assert [row[3] for row in page.rows()[1:]] == [
        "operator, from here, changed the access of bob: invited, as operator"]


async def test_the_audit_is_saved() -> None:
    world = World()
    viewer = await signed_in(world, Role.VIEWER)
    await viewer.post("/console/tokens", {"token": "x"})
    browser = await signed_in(world)
    told = json.loads((await browser.http.get(f"{AUDIT}/save?form=json&user=viewer")).text)
    assert [(each["user"], each["outcome"], each["status"]) for each in told] == [("viewer", "refused", 403)]
    header, *rows = csv.reader(io.StringIO((await browser.http.get(f"{AUDIT}/save")).text))
    assert header[:5] == ["id", "at", "user", "address", "what"]
    assert len(rows) == 1


async def test_the_audit_grows_while_one_looks() -> None:
    world = World()
    viewer, browser = await signed_in(world, Role.VIEWER), await signed_in(world)
    page = await browser.get(AUDIT)
    async with browser.watching(AUDIT, page) as watch:
        await viewer.post("/console/tokens", {"token": "x"})
        told = await watch.change()
    assert len(told["lists"]["audit-rows"]) == 1


@pytest.mark.parametrize("path", [AUDIT, f"{AUDIT}/save"])
async def test_the_audit_is_for_administrators(path: str) -> None:
    assert (await (await signed_in(World(), Role.OPERATOR)).get(path)).status == 403


async def test_a_question_is_kept_up_with_by_reading_only_what_is_new() -> None:
    world = World()
    await happened(world, "first")
    services = replace(world.app().state.services)
    asked: list[tuple[str | None, str | None]] = []

    async def lines(after: str | None, before: str | None, limit: int) -> tuple[list[Entry], str]:
        assert limit in {past.NEWEST, past.PAGE}
        asked.append((after, before))
        return [], "0000000000000007-0000" if after is None else after

    await past.newest(services, "a question of this test", lines, "")  # type: ignore[type-var]  # a fake
    await past.newest(services, "a question of this test", lines, "")  # type: ignore[type-var]  # a fake
    assert asked == [(None, None), ("0000000000000007-0000", None)]
