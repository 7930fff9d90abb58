"""Signing in and out, and the one-time link: who comes in, who does not, and what he is told."""

import base64
import hashlib
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from browsing import GOOD, HOST, Browser, Page, come_in, invite, signed_in
from stanchion.api.access.identity import COOKIE
from stanchion.api.services import Outside
from stanchion.model.access import Role
from stanchion.model.errors import NotAllowed
from stanchion.ports import Vouched
from surface import NODES, World


async def test_a_link_says_for_whom_it_is_sets_the_password_and_opens_once() -> None:
    world = World()
    path = await invite(world)
    browser = Browser(world)
    page = await browser.get(path)
    assert page.status == 200
    assert "This one-time link is for anna, who becomes an operator of the cluster lab." in page.main.text
    page = await browser.send(page.form(), "Set the password", password=GOOD, again=GOOD)
    assert page.notice == "Welcome, anna: your password is set, and you are signed in."
    assert page.one("form", class_="who").text.startswith("anna operator")
    again = await Browser(world).get(path)
    assert again.status == 401
    assert again.main.one("h1").text == "This link is good no more"
    assert "Ask for another: stanchion user invite." in again.main.text
    assert not again.main.all("form")


@pytest.mark.parametrize(("password", "again", "told"), [
    ("short", "short", "A password has 12 to 1024 letters, this one has 5"),
    (GOOD, GOOD + "x", "The two passwords differ; enter the same one twice"),
])
async def test_a_password_that_is_refused_leaves_the_link_good(password: str, again: str, told: str) -> None:
    world = World()
    path = await invite(world)
    browser = Browser(world)
    page = await browser.send((await browser.get(path)).form(), "Set", password=password, again=again)
    assert page.status == 422
    assert page.error.startswith(told)
    assert password not in page.answer.text, "a password is never shown again"
    page = await browser.send(page.form(), "Set", password=GOOD, again=GOOD)
    assert page.notice.startswith("Welcome, anna")


async def test_a_link_that_expired_or_was_made_up_opens_nothing() -> None:
    world = World()
    path = await invite(world)
    world.clock.wall_s += 3600
    for each in (path, "/console/first/nobody.knows", "/console/first/%00"):
        page = await Browser(world).get(each)
        assert page.status == 401
        assert page.main.one("h1").text == "This link is good no more"
        sent = await Browser(world).post(each, {"password": GOOD, "again": GOOD})
        assert sent.status == 401
    assert not world.view().users


async def test_people_sign_in_and_come_to_the_page_that_they_wanted() -> None:
    world = World()
    await come_in(world)
    browser = Browser(world)
    page = await browser.get("/console/resources?q=a")
    assert page.main.one("h1").text == "Sign in to lab"
    page = await browser.send(page.form(), "Sign in", name="Anna", password=GOOD)
    assert page.path == "/console/resources?q=a"
    assert page.one("form", class_="who").text.startswith("anna")
    cookie = next(each for each in browser.http.cookies.jar if each.name == COOKIE)
    assert cookie.secure
    assert cookie.path == "/"
    assert (await browser.get("/console/sign-in?to=/console/resources")).path == "/console/resources"


async def test_a_wrong_password_and_a_wrong_name_are_told_alike_and_the_name_stays() -> None:
    world = World()
    await come_in(world)
    told = []
    for name in ("anna", "nobody"):
        browser = Browser(world)
        page = await browser.send((await browser.get("/console/sign-in?to=/console/resources")).form(), "Sign in",
                                  name=name, password="wrong password")
        assert page.status == 401
        assert page.form().value("name") == name
        assert page.form().value("password") == ""
        assert page.form().value("to") == "/console/resources"
        told.append(page.error)
    assert told[0] == told[1]
    assert told[0].startswith("The name or the password is wrong")


async def test_who_tries_too_often_is_told_how_long_to_wait() -> None:
    world = World()
    browser = Browser(world)
    page = await browser.get("/console/sign-in")
    for _ in range(10):
        page = await browser.send(page.form(), "Sign in", name="anna", password="wrong password")
        if page.status != 401:
            break
    assert page.status == 429
    assert page.error.startswith("Too many wrong tries; wait ")
    assert page.error.endswith(" s before the next")
    assert int(page.answer.headers["retry-after"]) >= 1
    assert page.form().value("name") == "anna"


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "/console\\..\\x",
                                "javascript:alert(1)", "/consoleevil", "/v1/users", "/console/sign-in", ""])
async def test_only_pages_of_this_console_are_gone_on_to(to: str) -> None:
    world = World()
    await come_in(world)
    answer = await Browser(world).http.post(
        "/console/sign-in", data={"to": to, "name": "anna", "password": GOOD}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/")


async def test_signing_out_ends_the_session_here_and_for_who_copied_the_cookie() -> None:
    world = World()
    browser = await signed_in(world)
    thief = Browser(world, "cookie-of-administrator")
    page = await browser.get("/console/resources")
    assert page.status == 200
    assert (await thief.get("/console/resources")).path == "/console/resources"
    page = await browser.post("/console/sign-out")
    assert page.path == "/console/sign-in"
    assert page.notice == "You are signed out."
    assert not [each for each in browser.http.cookies.jar if each.name == COOKIE]
    assert (await thief.get("/console/resources")).path.startswith("/console/sign-in?to=")


@pytest.mark.parametrize("url", [f"http://{HOST}", "http://10.0.0.1:7423"])
async def test_without_tls_and_from_elsewhere_the_page_says_what_is_needed(url: str) -> None:
    page = Page(await Browser(World()).http.get(f"{url}/console/sign-in"))
    assert "a browser keeps a session over TLS only" in page.id("unsafe").text
    assert "stanchion init" in page.id("unsafe").text


@pytest.mark.parametrize("url", ["http://127.0.0.1:7423", "http://[::1]:7423", "http://localhost:7423",
                                 f"https://{HOST}"])
async def test_with_tls_or_on_the_host_itself_nobody_is_warned(url: str) -> None:
    assert not Page(await Browser(World()).http.get(f"{url}/console/sign-in")).all(id="unsafe")


async def test_nobody_learns_more_of_the_cluster_than_its_name() -> None:
    page = await Browser(World()).get("/console/sign-in")
    assert not page.all("nav")
    shown = page.text.replace("The connection to node1 is lost", "")
    assert not [node for node in NODES if node in shown]


async def test_another_site_cannot_sign_anybody_in_or_out() -> None:
    world = World()
    browser = await signed_in(world)
    for path in ("/console/sign-in", "/console/sign-out"):
        answer = await browser.http.post(path, data={"name": "anna"}, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403
    assert (await browser.get("/console/resources")).path == "/console/resources"


class Provider:
    """An identity provider that knows one person."""

    def __init__(self) -> None:
        self.asked: dict[str, str] = {}

    async def door(self, back: str, *, state: str, nonce: str, challenge: str) -> str:
        """Give its door."""
        self.asked = {"nonce": nonce, "challenge": challenge}
        return f"https://id.example/door?state={state}&redirect_uri={back}"

    async def redeem(self, code: str, back: str, *, verifier: str, nonce: str) -> Vouched:
        """Tell who it is."""
        assert back == f"https://{HOST}/console/sign-in/back"
        proof = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        assert {"nonce": nonce, "challenge": proof} == self.asked
        if code != "good":
            raise NotAllowed("the code proves nothing; begin the sign-in again")
        return Vouched(name="Olga@example.org", groups=("ops",))


def beside_a_provider() -> World:
    return World(outside=Outside(provider=Provider(), groups={Role.OPERATOR: ("ops",)}))


async def leave(browser: Browser, to: str = "/console/resources?q=a") -> str:
    """Press the button that leads to the identity provider; give the state that must come back."""
    page = await browser.get(f"/console/sign-in?to={quote(to)}")
    link = page.main.one("a", text="Sign in with the identity provider")["href"]
    answer = await browser.http.get(link, follow_redirects=False)
    assert answer.status_code == 303
    door = urlsplit(answer.headers["location"])
    assert door.hostname == "id.example"
    return parse_qs(door.query)["state"][0]


async def test_people_sign_in_with_the_identity_provider_and_go_on() -> None:
    world = beside_a_provider()
    browser = Browser(world)
    state = await leave(browser)
    page = Page(await browser.http.get(f"/console/sign-in/back?state={state}&code=good",
                                       headers={"sec-fetch-site": "cross-site"}))
    assert page.main.one("h1").text == "You are signed in"
    to = page.main.one("a")["href"]
    assert to == "/console/resources?q=a"
    assert page.one("meta", http_equiv="refresh")["content"] == f"0; url={to}"
    page = await browser.get(to)
    assert page.one("form", class_="who").text.startswith("olga@example.org operator")


@pytest.mark.parametrize(("query", "told"), [
    ("code=bad&state={}", "The code proves nothing"), ("error=access_denied&state={}", "did not let you in"),
    ("code=good&state=x{}", "was not begun here"), ("code=good", "was not begun here"),
])
async def test_who_comes_back_with_nothing_that_counts_is_told_so(query: str, told: str) -> None:
    browser = Browser(beside_a_provider())
    state = await leave(browser)
    page = await browser.get(f"/console/sign-in/back?{query.format(state)}")
    assert page.status == 401
    assert told in page.error
    assert page.form().value("to") == "/console/resources?q=a"
    assert (await browser.get("/console/resources")).path.startswith("/console/sign-in")


async def test_a_sign_in_that_was_begun_in_another_browser_lets_nobody_in() -> None:
    world = beside_a_provider()
    state = await leave(Browser(world))
    page = await Browser(world).get(f"/console/sign-in/back?state={state}&code=good")
    assert "begun in another browser" in page.error


async def test_without_an_identity_provider_there_is_no_button() -> None:
    browser = Browser(World())
    page = await browser.get("/console/sign-in")
    assert not page.main.all("a", text="identity provider")
    page = await browser.get("/console/sign-in/provider")
    assert page.status == 404
    assert page.error.startswith("There is no identity provider here")
