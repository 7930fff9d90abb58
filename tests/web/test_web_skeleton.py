"""What every page of the console stands on: live parts and their streams, forms, questions, errors, headers, doors."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from browsing import Browser, read, signed_in
from stanchion.api.access.identity import digest
from stanchion.doorways import add_console
from stanchion.model.access import Role, User
from stanchion.model.cluster import Held, Key, Kind, Record
from stanchion.model.errors import InvalidInput, StoreUnavailable
from stanchion.model.orders import Intent, Verb
from stanchion.model.state import State
from stanchion.model.transaction import Transaction
from stanchion.web import forms, live, render
from stanchion.web.forms import Entered
from stanchion.web.live import Frame, Rows
from stanchion.wire.replies import ReasonInfo
from stanchion.wire.requests import OnlineOrder
from surface import NODES, NOW_S, Watched, World, held

LIST = "/console/resources"


class Faint(Watched):
    """A line to the store over which the past cannot be read for a while."""

    away = False

    async def records(self, kind: Kind, *, after: str = "", prefix: str = "", limit: int = 500,
                      newest_first: bool = False) -> list[tuple[str, Held[Record]]]:
        """Read, or fail."""
        if self.away:
            raise StoreUnavailable("the store does not answer; wait until it does")
        return await super().records(kind, after=after, prefix=prefix, limit=limit, newest_first=newest_first)


def rows(*names: str, note: str = "") -> Rows:
    return Rows(id="rows", template="parts/resource_row.html", rows=tuple((f"row-{name}", _row(name, note))
                                                                          for name in names))


def _row(name: str, note: str) -> dict[str, object]:
    return {"name": name, "state": State.RUNNING, "move": None, "pending": False, "node": "node1", "strays": (),
            "lives": 1, "since": NOW_S, "reason": ReasonInfo(code="x", text=note)}


def test_only_what_differs_is_told() -> None:
    shown = Frame({"a": "1", "b": "2"}, {"list": ("b",)})
    assert live.difference(shown, shown) == ""
    assert live.difference(shown, Frame({"a": "1", "b": "3"}, {"list": ("b",)})) == '{"parts":{"b":"3"},"lists":{}}'
    gone = live.difference(shown, Frame({"a": "1"}, {"list": ()}))
    assert gone == '{"parts":{},"lists":{"list":[]}}', "a row that goes is told by the order of those that stay"


def test_who_shows_an_unknown_frame_is_told_everything() -> None:
    told = live.difference(None, Frame({"a": "1"}, {"list": ("a",)}))
    assert told == '{"parts":{"a":"1"},"lists":{"list":["a"]}}'


def test_a_row_is_rendered_again_only_when_it_changed() -> None:
    first = rows("mail", "web").parts()
    again = rows("mail", "web").parts()
    assert again["row-mail"] is first["row-mail"]
    changed = rows("mail", "web", note="it moved").parts()
    assert changed["row-mail"] != first["row-mail"]
    assert "It moved." in changed["row-mail"]


def test_rows_stand_in_their_order_and_are_escaped() -> None:
    html = rows("web", "<b>mail").html()
    assert html.index("row-web") < html.index("mail")
    assert "<b>mail" not in html
    assert "&lt;b&gt;mail" in html


def test_every_template_can_be_read() -> None:
    render.check()


def test_words_for_instants_durations_and_numbers() -> None:
    assert render.instant(None) == "\N{EN DASH}"
    assert render.instant(NOW_S) == '<time datetime="2026-09-21T14:13:20.000Z">2026-09-21 14:13:20 UTC</time>'
    assert [render.duration(each) for each in (30, 90, 120, 7200, 86_400)] == ["30 s", "90 s", "2 min", "2 h", "1 d"]
    assert [render.count(each, "node") for each in (1, 2, 1234)] == ["1 node", "2 nodes", "1,234 nodes"]
    assert render.count(2, "policy", "policies") == "2 policies"


async def test_a_page_shows_what_the_api_tells_and_its_stream_what_changed_since() -> None:
    world = World()
    await world.resource("mail", State.RUNNING, node="node1")
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(LIST)
    assert page.status == 200
    assert page.id("resource-mail").text.startswith("mail Running node1")
    async with browser.watching(LIST, page) as watch:
        await world.resource("web")
        told = await watch.change()
    assert set(told["parts"]) == {"live_count", "resource-web"}, "the page already shows all the rest"
    assert told["lists"] == {"resource-rows": ["resource-mail", "resource-web"]}
    assert read(told["parts"]["resource-web"]).text.startswith("web Offline")


async def test_a_change_before_the_stream_begins_is_not_lost() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(LIST)
    await world.resource("mail")
    async with browser.watching(LIST, page) as watch:
        assert "resource-mail" in (await watch.change())["parts"]


async def test_who_was_cut_off_gets_everything() -> None:
    world = World()
    await world.resource("mail")
    browser = await signed_in(world)
    page = await browser.get(LIST)
    async with browser.watching(LIST, page, last_event_id="1") as watch:
        told = await watch.change()
    assert {"live_head", "live_brakes", "live_count", "resource-mail"} == set(told["parts"])
    assert int(watch.last_id) == world.view().revision


async def test_the_filter_of_the_page_holds_for_its_stream() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(f"{LIST}?q=web")
    async with browser.watching(f"{LIST}?q=web", page) as watch:
        await world.resource("mail")
        assert (await watch.change())["lists"] == {}
        await world.resource("web")
        assert (await watch.change())["lists"] == {"resource-rows": ["resource-web"]}


async def test_a_revoked_session_ends_its_stream() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(LIST)
    async with browser.watching(LIST, page) as watch:
        await world.drop(Kind.SIGN_IN, digest("cookie-of-administrator"))
        assert await watch.event() == ("again", "-")
        assert await watch.event() == ("", "end")


async def test_another_role_ends_the_stream() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(LIST)
    async with browser.watching(LIST, page) as watch:
        await world.put(User(name="administrator", role=Role.VIEWER))
        assert await watch.event() == ("again", "-")


async def test_a_stream_for_nobody_says_that_the_page_must_be_asked_for_again() -> None:
    async with Browser(World()).watching(LIST) as watch:
        assert await watch.event() == ("again", "-")
        assert watch.status == 200


async def test_a_store_that_is_away_is_told_on_the_page() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(LIST)
    async with browser.watching(LIST, page) as watch:
        world.store_away = True
        await world.resource("mail")
        told = await watch.change()
    assert "does not reach the cluster's store" in told["parts"]["live_brakes"]


async def test_what_is_looked_at_and_is_no_more_has_the_page_asked_for_again() -> None:
    world = World()
    await world.resource("mail")
    browser = await signed_in(world)
    page = await browser.get(f"{LIST}/mail")
    async with browser.watching(f"{LIST}/mail", page) as watch:
        await world.store.commit(Transaction(deletes=(Key(Kind.SPEC, "mail"), Key(Kind.STATE, "mail"))))
        kind, _ = await watch.event()
        while kind == "message":
            kind, _ = await watch.event()
    assert kind == "again"


async def test_a_stream_outlives_a_store_that_does_not_answer() -> None:
    world = World()
    store = Faint(world.engine)
    store.written, world.store = world.store.written, store
    browser = await signed_in(world)
    page = await browser.get("/console/events")
    async with browser.watching("/console/events", page) as watch:
        store.away = world.store_away = True
        await world.put(User(name="vera", role=Role.VIEWER))
        told = await watch.change()
        assert set(told["parts"]) == {"live_brakes"}
    assert (await browser.get("/console/events")).status == 503


def test_fields_are_read_as_they_were_entered() -> None:
    entered = Entered([("name", "mail"), ("chosen", "a"), ("chosen", "b"), ("script", "a\r\nb\r\n"), ("n", " 1,5 ")])
    assert entered["missing"] == ""
    assert entered.all("chosen") == ("a", "b")
    assert entered["script"] == "a\nb\n", "a browser's ends of lines are not the script's"
    assert entered.number("n", "The number") == 1.5
    assert entered.on("name")
    assert not entered.on("box")
    with pytest.raises(InvalidInput, match="The number must be a number, not 'mail'"):
        entered.number("name", "The number")
    with pytest.raises(InvalidInput, match="not nothing; enter digits"):
        entered.number("missing", "The number")


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999"])
def test_what_is_no_number_for_people_is_none(number: str) -> None:
    with pytest.raises(InvalidInput):
        Entered([("n", number)]).number("n", "The number")


def test_a_field_that_the_api_refuses_is_refused_in_one_sentence() -> None:
    with pytest.raises(InvalidInput, match="there is no field `nodes` here"):
        forms.shaped(OnlineOrder, nodes="node1")


@pytest.mark.parametrize("body", ["a" * 10, "a=1&" * 2001 + "a=1", "%ff"])
async def test_what_is_no_form_is_refused_on_a_page(body: str) -> None:
    browser = await signed_in(World())
    answer = await browser.http.post(f"{LIST}/orders", content=body, headers={
        "content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 422
    assert "not a form" in read(answer.text).one("h1").text


async def test_orders_are_given_to_what_was_chosen_and_each_is_answered() -> None:
    world = World()
    await world.resource("mail")
    await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(f"{LIST}?sort=state")
    page = await browser.send(page.form(f"{LIST}/orders"), "Online", chosen=["mail", "web"], node="node2")
    assert page.path == f"{LIST}?sort=state", "people come back to where they were"
    assert page.notice.startswith("1 of 2 orders taken (online). web:")
    given = [one.value for one in world.view().intents.values()]
    assert [(one.verb, one.resource, one.node, one.by) for one in given] == [
        (Verb.ONLINE, "mail", NODES[1], "operator")]
    assert (await browser.get(LIST)).notice == "", "a notice is shown once"


async def test_nothing_is_chosen() -> None:
    world = World()
    await world.resource("mail")
    browser = await signed_in(world)
    page = await browser.send((await browser.get(LIST)).form(f"{LIST}/orders"), "Online")
    assert page.notice == "No resource was chosen; tick the boxes before their names first."
    assert page.main.one("p", class_="notice")["class"].endswith("bad")


async def test_a_machine_is_stopped_only_after_a_page_has_named_it() -> None:
    world = World()
    name = await world.resource("mail", State.RUNNING, node="node1")
    browser = await signed_in(world)
    asked = await browser.send((await browser.get(LIST)).form(f"{LIST}/orders"), "Offline", chosen=["mail"])
    assert asked.main.one("h1").text == "Take 1 resource offline?"
    assert "mail: its unload script shuts the machine down on node1" in asked.main.text
    assert not world.view().intents
    done = await browser.send(asked.form(), "Take offline")
    assert done.notice == "1 of 1 orders taken (offline)."
    (order,) = world.view().intents.values()
    assert (order.value.verb, order.value.resource) == (Verb.OFFLINE, name)
    assert isinstance(held(world, Kind.INTENT, order.value.id).value, Intent)  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize("back", ["javascript:alert(1)", "https://evil.example/"])
async def test_a_question_leads_back_to_the_console_alone(back: str) -> None:
    world = World()
    await world.resource("mail")
    browser = await signed_in(world)
    asked = await browser.post(f"{LIST}/orders", {"verb": "offline", "chosen": "mail", "back": back})
    assert asked.main.one("a", text="Do nothing")["href"] == "/console/"
    done = await browser.send(asked.form(), "Take offline")
    assert done.path == "/console/"


async def test_a_viewer_sees_no_button_and_is_refused() -> None:
    world = World()
    await world.resource("mail")
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(LIST)
    assert page.form(f"{LIST}/orders").buttons == []
    refused = await browser.post(f"{LIST}/orders", {"verb": "online", "chosen": "mail"})
    assert refused.status == 403
    assert refused.main.one("h1").text == "This needs an operator, and viewer is a viewer"
    assert not world.view().intents


async def test_who_is_not_signed_in_is_led_to_the_sign_in_and_would_come_back() -> None:
    answer = await Browser(World()).http.get(f"{LIST}?q=a%20b", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        303, "/console/sign-in?to=/console/resources%3Fq%3Da%2520b")


async def test_a_page_that_there_is_not_says_so() -> None:
    page = await (await signed_in(World())).get("/console/nothing-here")
    assert page.status == 404
    assert page.main.one("h1").text == "There is no such page"


async def test_an_address_that_only_takes_forms_says_so_to_who_goes_there() -> None:
    page = await (await signed_in(World())).get("/console/tokens")
    assert page.status == 405
    assert page.main.one("h1").text == "There is nothing to see at this address"


async def test_the_root_and_the_icon_lead_into_the_console() -> None:
    browser = Browser(World())
    root = await browser.http.get("/", follow_redirects=False)
    assert (root.status_code, root.headers["location"]) == (303, "/console/")
    icon = await browser.http.get("/favicon.ico")
    assert icon.headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("path", [LIST, "/console/none", "/console/static/console.css", "/console/static/live.js",
                                  "/console/static/none", "/console/resources/orders"])
async def test_the_headers_are_strict_on_every_answer(path: str) -> None:
    browser = await signed_in(World())
    answers = [await browser.http.get(path), await Browser(World()).http.get(path, follow_redirects=False),
               await browser.http.post(path)]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == ("no-cache" if "/static/" in path else "no-store")


async def test_no_page_holds_script_or_style_of_its_own() -> None:
    page = await (await signed_in(World())).get(LIST)
    assert all(each["src"].startswith("/console/static/") for each in page.all("script"))
    assert not page.all("style")
    assert not [each for each in page.walk() if "style" in each.attributes or any(
        name.startswith("on") for name in each.attributes)]


async def test_an_agent_whose_console_cannot_be_had_goes_on_and_says_so() -> None:
    with capture_logs() as journal:
        await add_console(replace)  # what is no application stands for anything that may be broken
    assert [(each["log_level"], each["event"]) for each in journal] == [("error", "there is no console on this node")]
