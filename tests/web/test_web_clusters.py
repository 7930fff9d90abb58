"""My Clusters: this one and its neighbours at a glance; administrators add and remove them."""

from collections.abc import Sequence

from browsing import Browser, Page, signed_in
from stanchion.model.access import Role
from stanchion.model.health import Health
from stanchion.model.neighbour import Glimpse, Neighbour
from stanchion.model.state import State
from surface import NOW_S, World

PATH = "/console/clusters"
URL = "https://10.1.0.1:7423"


class Neighbours:
    """What can be seen of other clusters, by their names."""

    def __init__(self, **seen: Glimpse) -> None:
        self.seen = seen
        self.looks = 0

    def sealed(self, token: str) -> str:
        """Seal a token."""
        return f"sealed:{len(token)}"

    def fault(self, authority: str) -> str:
        """Refuse what is no certificate."""
        return "" if "BEGIN CERTIFICATE" in authority else "that is not a certificate in PEM"

    async def look(self, at: Sequence[Neighbour]) -> tuple[Glimpse, ...]:
        """Look at them."""
        self.looks += 1
        return tuple(self.seen.get(each.name, Glimpse(text=f"{each.name} does not answer.")) for each in at)


def world(**seen: Glimpse) -> World:
    return World(neighbours=Neighbours(**seen))


async def with_harbour(of: World) -> Browser:
    browser = await signed_in(of, Role.ADMINISTRATOR)
    await browser.send((await browser.get(PATH)).form(PATH), "Add", name="harbour", urls=URL, token="s3cret")
    return browser


def cards(page: Page) -> list[str]:
    return [each.text for each in page.id("live_clusters").all("article")]


async def test_this_cluster_stands_first_with_its_own_health() -> None:
    here = World()
    await here.resource("web", State.RUNNING, node="node1")
    await here.resource("off")
    page = await (await signed_in(here, Role.VIEWER)).get(PATH)
    [card] = cards(page)
    assert card.startswith("lab attention this one Something needs a look: 1 of 1 resources run, on 2 nodes.")
    assert "Nodes up 2 of 3 Running 1 of 1 Version 1.2.3" in card
    assert "An administrator adds and removes clusters." in page.main.text
    assert not page.main.all("form")


async def test_a_cluster_is_added_and_seen_at_a_glance() -> None:
    here = world(harbour=Glimpse(text="All is well: 7 of 7 resources run, on 4 nodes.", health=Health.NORMAL, nodes=4,
                                 nodes_up=4, resources=7, running=7, url=URL, version="1.3", at_s=NOW_S))
    browser = await signed_in(here, Role.ADMINISTRATOR)
    page = await browser.get(PATH)
    done = await browser.send(page.form(PATH), "Add", name="harbour", urls=f"{URL}\r\n https://10.1.0.2:7423",
                              token="s3cret", authority="")
    assert done.notice == "harbour is added, and looked at from here."
    card = cards(done)[1]
    assert card.startswith("harbour normal All is well: 7 of 7 resources run, on 4 nodes.")
    assert "Nodes up 4 of 4 Running 7 of 7" in card
    assert "https://10.1.0.1:7423, https://10.1.0.2:7423" in card
    assert "by administrator" in card
    assert "s3cret" not in done.answer.text
    assert done.one("a", "harbour")["href"] == f"{URL}/console/"


async def test_one_that_cannot_be_reached_says_so_in_red() -> None:
    page = await (await with_harbour(world())).get(PATH)
    card = page.id("live_clusters").all("article")[1]
    assert card.one("span", class_="badge bad").text == "unreachable"
    assert "harbour does not answer." in card.text
    assert "Nodes up" not in card.text


async def test_a_bad_one_says_why() -> None:
    reasons = tuple(f"vm{number} is comatose." for number in range(6))
    here = world(harbour=Glimpse(text="Not everything that should run does: 1 of 9 resources, on 1 node.", url=URL,
                                 health=Health.CRITICAL, reasons=reasons))
    card = cards(await (await with_harbour(here)).get(PATH))[1]
    assert "critical" in card
    assert "vm3 is comatose. and 2 more" in card


async def test_however_many_look_the_neighbours_are_asked_now_and_then() -> None:
    here = world()
    browser = await with_harbour(here)
    neighbours = here.neighbours
    assert isinstance(neighbours, Neighbours)
    before = neighbours.looks
    for _ in range(5):
        await browser.get(PATH)
    assert neighbours.looks == before
    here.clock.wall_s += 11.0
    await browser.get(PATH)
    assert neighbours.looks == before + 1


async def test_what_is_refused_stays_in_the_fields() -> None:
    here = world()
    browser = await signed_in(here, Role.ADMINISTRATOR)
    page = await browser.get(PATH)
    for entered, told in (({"name": "har bour"}, "cannot be a cluster's name"),
                          ({"urls": "ftp://x"}, "is not the address of an agent"),
                          ({"authority": "me"}, "that is not a certificate in PEM"), ({"token": ""}, "token")):
        fields = {"name": "harbour", "urls": URL, "token": "s3cret", **entered}
        refused = await browser.send(page.form(PATH), "Add", **fields)
        assert refused.status == 422
        assert told.casefold() in refused.error.casefold()
        assert {name: refused.form(PATH).value(name).strip() for name in fields} == fields
    assert not here.view().neighbours


async def test_removing_one_is_asked_about_and_forgets_it() -> None:
    here = world()
    browser = await with_harbour(here)
    asked = await browser.send((await browser.get(PATH)).form(f"{PATH}/harbour/remove"))
    assert "Nothing changes there. Revoke the token there as well." in asked.main.text
    assert list(here.view().neighbours) == ["harbour"]
    done = await browser.send(asked.form(f"{PATH}/harbour/remove"), "Remove")
    assert "harbour is removed" in done.notice
    assert not here.view().neighbours
    again = await browser.post(f"{PATH}/harbour/remove", {"confirmed": "yes"})
    assert "there is no other cluster harbour" in again.notice


async def test_an_operator_adds_and_removes_nothing() -> None:
    here = world()
    await with_harbour(here)
    browser = await signed_in(here, Role.OPERATOR)
    assert not (await browser.get(PATH)).main.all("form")
    assert (await browser.post(PATH, {"name": "x", "urls": URL, "token": "y"})).status == 403
    assert (await browser.post(f"{PATH}/harbour/remove", {"confirmed": "yes"})).status == 403
