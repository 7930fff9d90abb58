"""Users, sessions and API tokens in the console: one's own, and for administrators everybody's."""

import pytest

from browsing import GOOD, Browser, come_in, invite, signed_in
from stanchion.api.access.identity import digest
from stanchion.model.access import Role
from surface import NOW_S, World

USERS = "/console/users"


async def test_an_administrator_sees_who_there_is_and_what_each_may_do() -> None:
    world = World()
    await signed_in(world, Role.VIEWER, "vera")
    await invite(world, "ivan", Role.OPERATOR)
    page = await (await signed_in(world)).get(USERS)
    assert page.id("user-vera").text.startswith("vera viewer")
    assert "1 browser, last seen 2026-09-21 14:13:20 UTC" in page.id("user-vera").text
    assert page.id("user-administrator").text.startswith("administrator (you)")
    assert page.id("invited-ivan").text.startswith("ivan operator operator 2026-09-21 15:13:20 UTC")
    assert page.id("live_count").text == "2 users"


async def test_an_invitation_is_shown_once_and_lets_somebody_in() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.send((await browser.get(USERS)).form(USERS), "Make a one-time link", name="Ivan",
                              role="operator", valid="1 day")
    assert page.status == 201
    link = page.id("made").one("input")["value"]
    assert link.startswith("http://node1:7423/console/first/")
    assert "ivan (operator)" in page.id("made").text
    assert not (await browser.get(USERS)).all(id="made")
    invited = await Browser(world).get(link.removeprefix("http://node1:7423"))
    assert "ivan, who becomes an operator" in invited.main.text


@pytest.mark.parametrize(("name", "told"), [
    ("-x", "'-x' cannot be a user's name"), ("a" * 65, "`name` string should have at most 64 characters"),
    ("<b>", "'<b>' cannot be a user's name"),
])
async def test_a_name_that_is_none_is_refused_and_what_was_entered_stays(name: str, told: str) -> None:
    browser = await signed_in(World())
    page = await browser.send((await browser.get(USERS)).form(USERS), name=name, role="operator", valid="7 days")
    assert page.status == 422
    assert told.replace("`", "") in page.error
    form = page.form(USERS)
    assert (form.value("name"), form.value("role"), form.value("valid")) == (name, "operator", "7 days")


async def test_another_role_and_a_lock_end_the_sessions_of_a_user() -> None:
    world = World()
    vera = await come_in(world, "vera", Role.VIEWER)
    browser = await signed_in(world)
    page = await browser.send((await browser.get(USERS)).form(f"{USERS}/vera/role", button="Make operator"),
                              "Make operator")
    assert page.notice == "vera is an operator now, and has to sign in again."
    assert world.view().users["vera"].value.role is Role.OPERATOR
    assert (await vera.get("/console/resources")).path.startswith("/console/sign-in")
    page = await browser.send(page.form(f"{USERS}/vera/lock"), "Lock")
    assert page.notice == "vera is locked and signed out everywhere."
    assert "locked" in page.id("user-vera").text
    refused = await vera.send((await vera.get("/console/sign-in")).form(), name="vera", password=GOOD)
    assert refused.error.startswith("This user is locked")
    page = await browser.send(page.form(f"{USERS}/vera/unlock"), "Unlock")
    assert page.notice == "vera is unlocked."


async def test_the_last_administrator_stays() -> None:
    world = World()
    browser = await come_in(world, "anna", Role.ADMINISTRATOR)
    page = await browser.get(USERS)
    for action, button in (("role", "Make viewer"), ("lock", "Lock")):
        page = await browser.post(f"{USERS}/anna/{action}", {"role": "viewer"} if action == "role" else {})
        assert "anna is the last administrator" in page.notice, button
    asked = await browser.send(page.form(f"{USERS}/anna/delete"), "Delete")
    page = await browser.send(asked.form(), "Delete")
    assert "anna is the last administrator" in page.notice
    assert "anna" in world.view().users


async def test_a_user_is_deleted_only_after_a_page_has_said_what_that_means() -> None:
    world = World()
    await signed_in(world, Role.VIEWER, "vera")
    browser = await signed_in(world)
    asked = await browser.send((await browser.get(USERS)).form(f"{USERS}/vera/delete"), "Delete")
    assert asked.main.one("h1").text == "Delete the user vera?"
    assert "vera is signed out everywhere and cannot sign in any more." in asked.main.text
    assert "vera" in world.view().users
    page = await browser.send(asked.form(), "Delete", why="left the company")
    assert page.notice == "vera is deleted."
    assert not page.all(id="user-vera")
    assert not [held for held in world.view().sign_ins.values() if held.value.user == "vera"]


async def test_an_invitation_is_withdrawn() -> None:
    world = World()
    path = await invite(world, "ivan")
    browser = await signed_in(world)
    asked = await browser.send((await browser.get(USERS)).form(f"{USERS}/ivan/delete"), "Withdraw")
    assert asked.main.one("h1").text == "Withdraw the invitation of ivan?"
    await browser.send(asked.form(), "Withdraw")
    assert (await Browser(world).get(path)).main.one("h1").text == "This link is good no more"


async def test_who_lost_his_password_gets_a_link() -> None:
    world = World()
    await come_in(world, "vera", Role.VIEWER)
    browser = await signed_in(world)
    page = await browser.send((await browser.get(USERS)).form(f"{USERS}/vera/link"), "New password")
    link = page.id("made").one("input")["value"]
    found = await Browser(world).get(link.removeprefix("http://node1:7423"))
    assert "vera, who is a user of the cluster lab and gets a new password" in found.main.text


async def test_sessions_of_all_are_shown_and_ended() -> None:
    world = World()
    vera = await signed_in(world, Role.VIEWER, "vera")
    browser = await signed_in(world)
    page = await browser.get(f"{USERS}/sessions")
    assert page.id("live_count").text == "2 sessions"
    session = digest("cookie-of-vera")
    page = await browser.send(page.form(f"/console/sign-ins/{session}/end"), "End")
    assert page.path == f"{USERS}/sessions"
    assert page.notice == "The session is ended; that browser has to sign in again."
    assert (await vera.get("/console/resources")).path.startswith("/console/sign-in")


async def test_people_end_their_own_sessions_but_nobody_else_s() -> None:
    world = World()
    await signed_in(world)
    vera = await signed_in(world, Role.VIEWER, "vera")
    page = await vera.get("/console/me")
    assert [row[0] for row in page.rows()[1:]] == ["vera this browser"]
    refused = await vera.post(f"/console/sign-ins/{digest('cookie-of-administrator')}/end")
    assert refused.notice.startswith("there is no one session")
    assert digest("cookie-of-administrator") in world.view().sign_ins
    page = await vera.send(refused.form(f"/console/sign-ins/{digest('cookie-of-vera')}/end"), "Sign out")
    assert page.path.startswith("/console/sign-in")


async def test_a_password_is_changed_and_every_other_browser_is_signed_out() -> None:
    world = World()
    here = await come_in(world, "vera", Role.VIEWER)
    there = Browser(world)
    await there.send((await there.get("/console/sign-in")).form(), name="vera", password=GOOD)
    page = await here.send((await here.get("/console/me")).form("/console/me/password"), old="wrong word here",
                           new=GOOD + "!", again=GOOD + "!")
    assert page.error.startswith("The old password is wrong")
    page = await here.send(page.form("/console/me/password"), old=GOOD, new=GOOD + "!", again=GOOD + "?")
    assert page.error.startswith("The two new passwords differ")
    page = await here.send(page.form("/console/me/password"), old=GOOD, new=GOOD + "!", again=GOOD + "!")
    assert page.notice.startswith("Your password is changed.")
    assert page.path == "/console/me"
    assert (await there.get("/console/me")).path.startswith("/console/sign-in")


@pytest.mark.parametrize("path", ["/console/me", f"{USERS}/tokens"])
async def test_an_api_token_is_shown_once_opens_the_api_and_is_revoked(path: str) -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.send((await browser.get(path)).form("/console/tokens"), "Make the token", token="backup",
                              role="viewer", valid="30 days")
    assert page.status == 201
    text = page.id("made").one("input")["value"]
    async with world.http(text) as http:
        assert (await http.get("/v1/cluster")).status_code == 200
        page = await browser.get(path)
        assert text not in page.answer.text
        (made,) = world.view().api_tokens.values()
        assert made.value.expires_at_s == NOW_S + 30 * 86_400
        assert page.id(f"token-{made.value.id}").text.startswith("backup viewer")
        asked = await browser.send(page.form("/console/tokens/backup/revoke"), "Revoke")
        assert "Whatever shows this token is refused from then on" in asked.main.text
        page = await browser.send(asked.form(), "Revoke")
        assert (page.path, page.notice) == (path, "The API token backup is revoked.")
        assert (await http.get("/v1/cluster")).status_code == 401


async def test_a_token_that_cannot_be_made_loses_nothing_that_was_entered() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.send((await browser.get("/console/me")).form("/console/tokens"), token="backup",
                              role="operator", valid="1 year", resources="mail, nosuch")
    assert page.status == 404
    assert "nosuch" in page.error or "mail" in page.error
    form = page.form("/console/tokens")
    assert [form.value(name) for name in ("token", "role", "valid", "resources", "back")] == [
        "backup", "operator", "1 year", "mail, nosuch", "/console/me"]


async def test_me_shows_only_the_tokens_that_i_made() -> None:
    world = World()
    first, other = await signed_in(world), await signed_in(world, name="zoe")
    await first.send((await first.get("/console/me")).form("/console/tokens"), token="backup")
    page = await other.get("/console/me")
    assert not page.all("tr", text="backup")
    assert (await other.get(f"{USERS}/tokens")).all("tr", text="backup")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_only_administrators_see_and_change_users(role: Role) -> None:
    world = World()
    await signed_in(world)
    browser = await signed_in(world, role)
    for path in (USERS, f"{USERS}/sessions", f"{USERS}/tokens"):
        page = await browser.get(path)
        assert page.status == 403
        assert "needs an administrator" in page.main.text
    for path in (USERS, f"{USERS}/administrator/delete", f"{USERS}/{role}/role", "/console/tokens"):
        page = await browser.post(path, {"role": "administrator", "name": "eve", "token": "eve", "confirmed": "yes"})
        assert page.status == 403
    mine = await browser.get("/console/me")
    assert "Programs get API tokens from an administrator." in mine.main.text
    assert not [form for form in mine.main.all("form") if "tokens" in form["action"]]
    assert not [way for way in mine.one("nav").all("a") if way["href"] == USERS]
    assert set(world.view().users) == {"administrator", str(role)}
    assert not world.view().invitations


async def test_users_are_live() -> None:
    world = World()
    browser = await signed_in(world)
    page = await browser.get(USERS)
    async with browser.watching(USERS, page) as watch:
        await signed_in(world, Role.VIEWER, "vera")
        told = await watch.change()
        while "user-vera" not in told["parts"]:
            told = await watch.change()
    assert told["lists"]["user-rows"] == ["user-administrator", "user-vera"]
