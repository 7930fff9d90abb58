"""The settings' page: each section is saved by itself, refused in one sentence, and shows what stands."""

from itertools import pairwise

import pytest

from browsing import Browser, Page, signed_in
from stanchion.model.access import Role
from stanchion.model.cluster import Settings
from stanchion.model.groups import Bond
from stanchion.model.notification import Channel, Mail, Volume
from stanchion.model.standing import Shutdown, Standing
from stanchion.model.state import State
from stanchion.model.timing import TIMINGS, Profile
from stanchion.web.pictures import timers
from stanchion.web.settings.order import moved
from surface import World

PAGE = "/console/settings"


def settings(world: World) -> Settings:
    found = world.view().settings
    assert found is not None
    return found.value


def standing(world: World) -> Standing:
    found = world.view().standing
    assert found is not None
    return found.value


def order(page: Page) -> list[str]:
    return [each.one("th").text for each in page.id("order-rows").all("tr")]


async def test_policies_and_quorum_triggers_are_shown_and_saved() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(PAGE)
    form = page.form(f"{PAGE}/policies")
    assert (form.value("shutdown"), form.value("history_kept")) == ("migrate", "10000")
    page = await browser.send(form, "Save", shutdown="freeze", history_kept="500")
    assert page.notice == "The policies are saved."
    page = await browser.send(page.form(f"{PAGE}/quorum"), "Save", **{
        "quorum_nodes": "2", "quorum_timeout_s": "3", "quorum_timeout_s:unit": "min"})
    now = settings(world)
    assert (now.shutdown, now.history_kept) == (Shutdown.FREEZE, 500)
    assert (now.quorum_nodes, now.quorum_timeout_s) == (2, 180)
    assert "by administrator" in page.id("policies").text


async def test_a_refused_section_keeps_what_was_entered() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(PAGE)
    page = await browser.send(page.form(f"{PAGE}/quorum"), "Save", quorum_nodes="9")
    assert page.status == 422
    assert page.error == "Number of nodes is 9; it must be 1 to 3, the number of nodes."
    assert page.form(f"{PAGE}/quorum").value("quorum_nodes") == "9"
    page = await browser.send(page.form(f"{PAGE}/quorum"), "Save", quorum_nodes="many")
    assert page.error == "Number of nodes must be a number, not 'many'; enter digits."
    assert settings(world).quorum_nodes == 1


async def test_who_comes_second_is_told_who_was_first_and_loses_nothing() -> None:
    world = World()
    anna, bert = await signed_in(world, name="anna"), await signed_in(world, name="bert")
    seen_by_bert = await bert.get(PAGE)
    page = await anna.get(PAGE)
    await anna.send(page.form(f"{PAGE}/policies"), "Save", history_kept="700")
    page = await bert.send(seen_by_bert.form(f"{PAGE}/policies"), "Save", history_kept="900")
    assert page.status == 412
    assert "saved by anna" in page.error
    assert page.form(f"{PAGE}/policies").value("history_kept") == "900"
    assert settings(world).history_kept == 700
    await bert.send(page.form(f"{PAGE}/policies"), "Save")
    assert settings(world).history_kept == 900, "saving again is meant"


async def test_the_profiles_are_drawn_with_their_inequality_and_one_is_chosen() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(PAGE)
    drawn = page.id("protocol").all("svg")
    assert len(drawn) == len(Profile)
    assert "renew 1 s < halt 4 s < fence 6 s" in drawn[1].one("desc").text
    page = await browser.send(page.form(f"{PAGE}/protocol"), "Use the chosen profile", profile="tolerant")
    assert settings(world).profile is Profile.TOLERANT
    assert "leave and join again" in page.notice
    assert "node1, node2 still live by the timers of another profile" in page.id("live_timers").text


@pytest.mark.parametrize("profile", list(Profile))
def test_the_axis_of_a_profile_ends_its_spans_where_the_next_begin(profile: Profile) -> None:
    of = TIMINGS[profile]
    axis = timers.axis(of)
    assert [each.at_s for each in axis.marks] == [of.renew_s, of.halt_s, of.fence_s, of.lease_s]
    for before, after in pairwise(axis.spans):
        assert before.end_s == after.begin_s
        assert before.x + before.width == pytest.approx(after.x, abs=0.2)
    assert axis.spans[-1].end_s is None
    assert axis.spans[-1].x + axis.spans[-1].width <= axis.width
    lines = [[each.x for each in axis.marks if each.line == line] for line in (0, 1)]
    assert all(after - before > 60 for line in lines for before, after in pairwise(line)), (
        "labels on one line do not overlap")


@pytest.mark.parametrize(("name", "place", "named"), [
    ("c", 1, "cab"), ("a", 2, "ba"), ("a", 4, "bcda"), ("b", 2, "ab"), ("d", 99, "abcd"), ("a", -5, "a"),
])
def test_moving_names_only_what_decides_the_place(name: str, place: int, named: str) -> None:
    assert "".join(moved("abcd", name, place)) == named


async def test_priorities_are_moved_and_count_at_once() -> None:
    world = World()
    for name in ("alpha", "beta", "gamma", "delta"):
        await world.resource(name)
    browser = await signed_in(world)
    page = await browser.get(PAGE)
    assert order(page) == ["alpha", "beta", "delta", "gamma"]
    page = await browser.post(f"{PAGE}/priorities", {"up": "gamma"})
    assert page.notice == "gamma loads at place 3 of 4."
    assert order(page) == ["alpha", "beta", "gamma", "delta"]
    page = await browser.send(page.form(button="Make all equal"), "Move", resource="Delta", place="1")
    assert order(page) == ["delta", "alpha", "beta", "gamma"]
    page = await browser.post(f"{PAGE}/priorities", {"down": "delta"})
    assert order(page) == ["alpha", "delta", "beta", "gamma"]
    page = await browser.send(page.form(button="Make all equal"), "Move", resource="nobody", place="1")
    assert page.status == 404
    assert page.form(button="Make all equal").value("resource") == "nobody"
    page = await browser.send(page.form(button="Make all equal"), "Make all equal")
    assert order(page) == ["alpha", "beta", "delta", "gamma"]


async def test_a_long_order_is_shown_part_by_part() -> None:
    world = World()
    for number in range(120):
        await world.resource(f"r{number:03}")
    browser = await signed_in(world)
    page = await browser.send((await browser.get(PAGE)).form(button="Make all equal"), "Move", resource="r002",
                              place="75")
    assert page.notice == "r002 loads at place 75 of 120."
    assert order(page)[24] == "r002"
    assert len(order(page)) == 50
    page = await browser.get(page.one("a", "Later places")["href"])
    assert len(order(page)) == 20


async def test_groups_are_made_edited_and_deleted() -> None:
    world = World()
    for name in ("web1", "web2", "base"):
        await world.resource(name)
    browser = await signed_in(world)
    page = await browser.get(PAGE)
    page = await browser.send(page.form(button="Make the group"), "Make", group="webs", bond="apart", members="web1")
    assert page.status == 422
    assert "needs two members at least" in page.error
    page = await browser.send(page.form(button="Make the group"), "Make", members="web1, WEB2")
    assert page.notice == "The group webs is saved."
    assert settings(world).groups[0].members == ("web1", "web2")
    page = await browser.send(page.form(button="Make the group"), "Make", group="Webs", members="web1 base")
    assert page.status == 409
    assert "a group Webs already" in page.error
    page = await browser.send(page.form(button="Save the group"), "Save", bond="together")
    assert settings(world).groups[0].bond is Bond.TOGETHER
    page = await browser.send(page.form(f"{PAGE}/groups/delete"), "Delete")
    assert settings(world).groups, "asked first"
    assert "stay where they are" in page.main.text
    page = await browser.send(page.form(f"{PAGE}/groups/delete"), "Delete the group")
    assert settings(world).groups == ()



async def test_a_channel_is_set_tried_out_and_ended() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(PAGE)
    page = await browser.send(page.form(button="Save and use E-mail"), "Save", **{
        "mail.to": "ops@example.org, boss@example.org", "mail.host": "mail.example.org", "mail.volume": "verbose"})
    assert "Send a test" in page.notice
    held = world.view().notification
    assert held is not None
    assert held.value.ways[Channel.MAIL] == Mail(to=("ops@example.org", "boss@example.org"), host="mail.example.org",
                                                 volume=Volume.VERBOSE)
    page = await browser.send(page.form(f"{PAGE}/notification/test"), "Send a test")
    assert page.notice == "E-mail, sent from node1: The test was taken. Answer: 250 taken"
    world.post.fault = "connection refused"
    page = await browser.send(page.form(f"{PAGE}/notification/test"), "Send a test")
    assert "The test failed. Answer: connection refused" in page.notice
    page = await browser.send(page.form(button="Tell nobody by E-mail"), "Tell nobody")
    assert page.notice == "Nobody is told by E-mail any more."
    page = await browser.send(page.form(button="Save and use Webhook"), "Save", **{"webhook.url": "ftp://x"})
    assert page.status == 422
    assert page.form(button="Save and use Webhook").value("webhook.url") == "ftp://x"


async def test_an_operator_pauses_and_resumes_but_sees_no_other_button() -> None:
    world = World()
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(PAGE)
    assert {each["action"].removeprefix(PAGE) for each in page.main.all("form") if each["action"]} <= {
        "/pause", "/priorities", "/protocol"}
    assert page.main.all("button", "Save") == []
    page = await browser.send(page.form(f"{PAGE}/pause"), "Pause", **{"for": "2", "for:unit": "h", "why": "new switch"})
    held = standing(world).pause
    assert held is not None
    assert (held.until_s - held.since_s, held.why, held.by) == (7200, "new switch", "operator")
    assert "new switch" in page.id("live_pause").text
    assert "`" not in page.main.text, "what to type belongs to the command line"
    assert page.id("live_brakes").one("a", "Resume")
    seen = (await (await signed_in(world, Role.VIEWER)).get("/console/")).id("live_brakes")
    assert "paused by operator" in seen.text
    assert "started by itself until" in seen.text
    assert not seen.all("a"), "a viewer is led to nothing that he may not do"
    await browser.send(page.form(f"{PAGE}/resume"), "Resume")
    after = standing(world).pause
    assert after is not None
    assert after.ended_at_s > 0


async def test_a_pause_ends_at_an_instant_in_utc_and_nonsense_is_refused() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(PAGE)
    page = await browser.send(page.form(f"{PAGE}/pause"), "Pause", until="2020-01-01T00:00")
    assert "is past already" in page.error
    assert page.form(f"{PAGE}/pause").value("until") == "2020-01-01T00:00"
    page = await browser.send(page.form(f"{PAGE}/pause"), "Pause", until="2026-09-21T20:00")
    held = standing(world).pause
    assert held is not None
    assert held.until_s == 1_790_020_800


async def test_stopping_the_cluster_names_every_machine_and_wants_the_cluster_s_name() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node2")
    await world.resource("idle")
    browser = await signed_in(world)
    page = await browser.send((await browser.get(PAGE)).form(f"{PAGE}/down"), "Stop the whole cluster")
    assert world.view().standing is None
    assert "web is shut down on node2 by its unload script." in page.main.text
    assert "idle" not in page.main.text
    page = await browser.send(page.form(f"{PAGE}/down"), "Stop", typed="another")
    assert world.view().standing is None
    page = await browser.send(page.form(f"{PAGE}/down"), "Stop", typed="lab", why="moving house")
    down = standing(world).down
    assert down is not None
    assert (down.by, down.why) == ("administrator", "moving house")
    assert "web on node2" in page.id("live_down").text
    await browser.send(page.form(f"{PAGE}/up"), "Start the cluster")
    assert standing(world).down is None


async def test_a_viewer_sees_all_and_changes_nothing() -> None:
    world = World()
    await world.resource("web")
    browser = await signed_in(world, Role.VIEWER)
    page = await browser.get(PAGE)
    assert page.main.all("button") == []
    assert "an administrator can change them" in page.main.text
    for path in ("policies", "quorum", "protocol", "priorities", "groups", "groups/delete", "notification",
                 "notification/test", "pause", "resume", "down", "up"):
        assert (await browser.post(f"{PAGE}/{path}", {"confirmed": "yes"})).status == 403, path
    assert settings(world).saved_by == ""


async def test_the_order_and_the_pause_are_live() -> None:
    world = World()
    browser: Browser = await signed_in(world)
    page = await browser.get(PAGE)
    assert "There is no resource yet." in page.id("live_places").text
    assert page.id("order-rows").text == ""
    await world.resource("alpha")
    async with browser.watching(PAGE, page) as watch:
        assert (await watch.change())["lists"]["order-rows"] == ["order-alpha"]
        await world.resource("beta")
        assert "Places 1 to 2 of 2" in (await watch.change())["parts"]["live_places"]
        await browser.post(f"{PAGE}/priorities", {"up": "beta"})
        told = await watch.change()
        assert told["lists"]["order-rows"] == ["order-beta", "order-alpha"]
        await browser.post(f"{PAGE}/pause", {"why": "tea"})
        while "live_pause" not in told["parts"]:
            told = await watch.change()
    assert "tea" in told["parts"]["live_pause"]
