"""The history through the API: filters, pages, stories, incidents, and the report that holds everything."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from stanchion.model.errors import NotFound
from stanchion.model.fencing import FenceDevice
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import OperationId
from stanchion.model.notification import Mail, Notification, Notified, Webhook
from stanchion.model.orders import Intent, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import Machine, Script, ScriptKind, Scripts
from stanchion.model.state import State
from stanchion.wire.report import Report
from surface import LOST, NODES, NOW_S, World

HOSTILE = "</pre></script><script>alert('x')</script><img src=//evil.example/x onerror=alert(1)>\"'&{{ 7*7 }}"


async def lived() -> World:
    """Make a world in which node1 was lost while it ran web, which runs on node2 since."""
    world = World()
    web = await world.resource("web", State.RUNNING, node="node2")
    session, operation = "node1-old", OperationId("web@9")
    entries = (
        Entry(at_s=NOW_S, reason=reason(Why.NODE_LOST, "node1", "8"), severity=Severity.CRITICAL, node=NODES[0],
              cause=session),
        Entry(at_s=NOW_S + 0.5, reason=reason(Why.PROOF_EXPIRED, "node1"), severity=Severity.WARNING, node=NODES[0],
              cause=session),
        Entry(at_s=NOW_S + 0.7, reason=reason(Why.FAILOVER, "node1", "its lease ran out"), severity=Severity.WARNING,
              node=NODES[1], resource=web, before=State.RUNNING, after=State.LOADING, cause=session,
              operation=operation),
        Entry(at_s=NOW_S + 4.7, reason=reason(Why.LOADED), node=NODES[1], resource=web, before=State.LOADING,
              after=State.RUNNING, cause=operation, operation=operation),
    )
    for entry in entries:
        await world.put(history=(entry,))
    await world.ran(web, ScriptKind.LOAD, "web@9", at_s=NOW_S + 1.7)
    return world


async def test_a_story_goes_from_the_loss_over_the_run_to_the_end() -> None:
    async with (await lived()).client() as client:
        told = await client.story("WEB")

    assert [(step.kind, step.after_s) for step in told.steps] == [
        ("event", 0.0), ("event", 0.5), ("event", 0.2), ("run", 3.0), ("event", 1.0)]
    assert told.steps[0].text == "node node1 is not answering"
    assert "the load script of web on node1 ended with code 0 after 2.0 s" in told.steps[3].text
    assert told.steps[-1].text.startswith("resource web is running on node2")


async def test_any_event_can_be_asked_why() -> None:
    async with (await lived()).client() as client:
        page = await client.events()
        told = await client.why(page.events[2].id)

    assert [step.id for step in told.steps if step.kind == "event"] == [event.id for event in page.events[:3]]


async def test_a_story_begins_with_the_order_while_it_is_known() -> None:
    world = World()
    web = await world.resource("web")
    await world.put(Intent(id="i7", verb=Verb.ONLINE, by="anna", at_s=NOW_S - 2, resource=web), history=(
        Entry(at_s=NOW_S, reason=reason(Why.ONLINE_ASKED, "anna"), resource=web, before=State.OFFLINE,
              after=State.LOADING, cause="i7", operation=OperationId("web@2")),))
    async with world.client() as client:
        told = await client.story("web")

    assert (told.steps[0].kind, told.steps[0].text) == ("order", "anna ordered: online web")


async def test_what_is_not_in_the_history_has_no_story() -> None:
    async with (await lived()).client() as client:
        for asked in ("0000000000009999-0000", "yesterday", ""):
            with pytest.raises(NotFound):
                await client.why(asked)
        with pytest.raises(NotFound, match="no resource moon"):
            await client.story("moon")


async def test_a_deleted_resource_keeps_its_story() -> None:
    world = await lived()
    for kind in ("spec", "state"):
        await world.drop(kind, "web")  # type: ignore[arg-type]  # a StrEnum's value
    async with world.client() as client:
        assert (await client.story("Web")).steps


async def test_an_incident_tells_where_the_time_went() -> None:
    async with (await lived()).client() as client:
        (one,) = (await client.incidents()).incidents

    (web,) = one.recoveries
    assert (one.node, one.detect_s, one.prove_s) == ("node1", 8.0, 0.5)
    assert (web.decide_s, web.load_s, web.total_s) == (pytest.approx(0.2), pytest.approx(4.0), pytest.approx(12.7))


@pytest.mark.parametrize(("wanted", "count"), [
    ({"resource": "WEB"}, 2), ({"node": "NODE1"}, 2), ({"severity": Severity.CRITICAL}, 1), ({"text": "LEASE"}, 2),
    ({"since": datetime.fromtimestamp(NOW_S + 0.6, UTC)}, 2), ({"until": datetime.fromtimestamp(NOW_S, UTC)}, 1),
    ({"resource": "web", "severity": Severity.WARNING, "text": "failed over"}, 1), ({"node": "moon"}, 0)])
async def test_filters_choose(wanted: dict[str, object], count: int) -> None:
    async with (await lived()).client() as client:
        newest = await client.events(**wanted)  # type: ignore[arg-type]
        oldest = await client.events(after="", **wanted)  # type: ignore[arg-type]

    assert len(newest.events) == len(oldest.events) == count


async def test_pages_follow_one_another_without_a_gap() -> None:
    async with (await lived()).client() as client:
        first = await client.events(after="", limit=3)
        second = await client.events(after=first.last, limit=3)

    assert [len(first.events), len(second.events)] == [3, 1]


async def reported() -> World:
    """Make a world whose names, scripts and settings are as bad as they can be."""
    world = await lived()
    scripts = Scripts(load=Script(text=f"echo '{HOSTILE}'\n"), unload=Script(text="true\n", timeout_s=90))
    web = world.view().specs["web"].value
    await world.put(replace(web, scripts=scripts, parameters={"DB_PASSWORD": "hunter2", "NOTE": HOSTILE},
                            machine=Machine(name=HOSTILE), saved_by=HOSTILE))
    node = world.view().nodes[LOST].value
    device = FenceDevice(agent="fence_apc", parameters={"ip": HOSTILE, "passwd": "geheim"})
    await world.put(replace(node, fence=(device,)))
    await world.put(Notification(mail=Mail(to=("ops@example.org",)),
                                 webhook=Webhook(url="https://u:p4ss@hooks.example.org/T0/s3cret")),
                    Notified(channel="mail", position="", failing_since_s=NOW_S, fault=HOSTILE))
    await world.put(history=(Entry(at_s=NOW_S, reason=reason(Why.LOAD_FAILED, 1, HOSTILE), resource="web",
                                   severity=Severity.CRITICAL),))
    return world


async def test_the_report_holds_everything_for_programs() -> None:
    async with (await reported()).client() as client:
        told = await client.report()

    assert (told.cluster.master, told.cluster.epoch, told.settings["cluster"]) == ("node1", 4, "lab")
    assert told.priorities == ("web",)
    assert told.resources[0].scripts[ScriptKind.UNLOAD].timeout_s == 90
    assert [one.node for one in told.incidents] == ["node1"]
    assert told.events[-1].reason.code == "load_failed"
    assert {node.name: node.protected_by.value for node in told.nodes}[LOST] == "fence device"


async def test_a_report_can_be_handed_on() -> None:
    async with (await reported()).client() as client:
        texts = [(await client.report()).model_dump_json(), await client.report_page()]

    for text in texts:
        for secret in ("hunter2", "geheim", "p4ss", "s3cret"):
            assert secret not in text


class Page(HTMLParser):
    """Reads a page strictly: every tag, every attribute, and that what is opened is closed."""

    VOID = frozenset({"meta", "br", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It closes what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the text, as a reader sees it."""
        self.text += data


async def test_the_page_shows_hostile_text_as_text() -> None:
    async with (await reported()).client() as client:
        page = Page(await client.report_page())

    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "link", "object", "form", "base"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert HOSTILE in page.text
    assert page.text.count(HOSTILE) >= 5


async def test_the_page_asks_nobody_for_anything() -> None:
    async with (await reported()).client() as client:
        text = await client.report_page()
        page = Page(text)

    links = {value for _, attributes in page.tags for name, value in attributes.items() if name in {"href", "src"}}
    assert links
    assert all(link is not None and link.startswith("#") for link in links)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "@media print" in style[1]


async def test_the_page_is_sent_with_a_policy_that_forbids_scripts() -> None:
    async with (await reported()).http() as http:
        answer = await http.get("/v1/report", params={"format": "html"})

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_an_empty_cluster_has_a_report_too() -> None:
    world = World()
    async with world.client() as client:
        page = Page(await client.report_page())
        assert isinstance(await client.report(), Report)

    assert "Nobody is notified of anything." in page.text
    assert "No node was lost" in page.text
