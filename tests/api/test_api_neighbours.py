"""Other clusters: kept with their tokens sealed and masked, judged before they are kept, looked at and told."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from stanchion.api.neighbours import address
from stanchion.model.errors import AlreadyExists, InvalidInput, NoAnswer, NotFound, NotNow
from stanchion.model.ids import Moment
from stanchion.model.state import State
from stanchion.neighbours import GOOD_S, ClusterNeighbours
from stanchion.store import codec
from stanchion.wire.neighbours import NeighbourOrder
from stanchion.wire.overview import Overview
from surface import World

SECRET = "s3cret-of-the-other-side"
URL = "http://10.1.0.1:7423"


class Clock:
    """A clock that a test sets."""

    mono_s = 100.0

    def now(self) -> Moment:
        """Read it."""
        return Moment(mono_s=self.mono_s, wall_s=self.mono_s)


class Elsewhere:
    """Other clusters, by their first address; the rest do not answer. Counts who asked with which token."""

    def __init__(self, **worlds: World) -> None:
        self.worlds = worlds
        self.asked: list[tuple[str, str]] = []
        self.hangs = asyncio.Event()
        self.hangs.set()

    async def ask(self, urls: Sequence[str], token: str, *, authority: str, within_s: float) -> tuple[str, Overview]:
        """Answer as the cluster there does."""
        assert within_s <= 3.0
        del authority
        self.asked.append((urls[0], token))
        await self.hangs.wait()
        host = urls[0].partition("//")[2].partition(":")[0]
        if host not in self.worlds:
            raise NoAnswer("no connection to it can be made")
        async with self.worlds[host].client() as client:
            return urls[0], await client.overview()


def order(name: str = "harbour", url: str = URL, **more: str) -> NeighbourOrder:
    """Ask for one more."""
    return NeighbourOrder(name=name, urls=(url,), token=SECRET, **more)


def here(elsewhere: Elsewhere | None = None, clock: Clock | None = None) -> World:
    """Make this cluster."""
    away = elsewhere or Elsewhere()
    return World(neighbours=ClusterNeighbours(lambda: "our secret", clock or Clock(), away.ask))


async def test_a_token_goes_in_and_never_comes_out() -> None:
    world = here()
    async with world.client() as client:
        added = await client.add_neighbour(order())
        listed = await client.neighbours()
        said = [event.model_dump_json() for event in (await client.events(limit=100)).events]
        report = (await client.report()).model_dump_json()
    async with world.http() as http:
        exported = (await http.get("/v1/export")).text

    assert (added.name, added.urls, added.token, added.by) == ("harbour", (URL,), "********", "anna")
    assert listed.neighbours == (added,)
    (held,) = world.view().neighbours.values()
    for text in (codec.encode(held.value), repr(held), added.model_dump_json(), listed.model_dump_json(), report,
                 exported, *said):
        assert SECRET not in text
    assert "harbour" not in exported


async def test_how_well_others_are_is_told_with_those_that_do_not_answer() -> None:
    other = World()
    await other.resource("web", State.RUNNING, node="node1")
    elsewhere = Elsewhere(harbour=other)
    world = here(elsewhere)
    async with world.client() as client:
        await client.add_neighbour(order("harbour", "http://harbour:7423"))
        await client.add_neighbour(order("away", "http://away:7423"))
        away, harbour = (await client.neighbours_health()).neighbours

    assert (away.name, away.health, away.text) == (
        "away", "unreachable", "away cannot be looked at: no connection to it can be made.")
    assert (harbour.cluster, harbour.health, harbour.nodes_up, harbour.running) == ("lab", "attention", 2, 1)
    assert harbour.reasons == ("node3 is lost, and nothing proves yet that it has stopped.",)
    assert {token for _, token in elsewhere.asked} == {SECRET}


async def test_a_look_is_good_for_a_while_and_shared_by_those_who_ask_meanwhile() -> None:
    elsewhere, clock = Elsewhere(), Clock()
    world = here(elsewhere, clock)
    async with world.client() as client:
        await client.add_neighbour(order())
        elsewhere.hangs.clear()
        looks = [asyncio.create_task(client.neighbours_health()) for _ in range(5)]
        while not elsewhere.asked:
            await asyncio.sleep(0)
        elsewhere.hangs.set()
        await asyncio.gather(*looks)
        await client.neighbours_health()
        assert len(elsewhere.asked) == 1
        clock.mono_s += GOOD_S
        await client.neighbours_health()
        assert len(elsewhere.asked) == 2


async def test_one_that_is_there_already_or_is_not_there_is_refused() -> None:
    async with here().client() as client:
        await client.add_neighbour(order())
        with pytest.raises(AlreadyExists, match="there is a cluster harbour already"):
            await client.add_neighbour(order("Harbour"))
        await client.remove_neighbour("HARBOUR")
        with pytest.raises(NotFound, match="there is no other cluster harbour"):
            await client.remove_neighbour("harbour")
        assert (await client.neighbours_health()).neighbours == ()


@pytest.mark.parametrize("url", [
    "ftp://h:7423", "file:///etc/passwd", "gopher://h", "h:7423", "", "https://", "https://user:pw@h:7423",
    "http://h:0",
    "http://h:99999", "http://h/path", "http://h?x=1", "http://h#x", "http://[::1", "javascript:alert(1)",
])
async def test_what_is_no_bare_web_address_is_refused(url: str) -> None:
    async with here().client() as client:
        with pytest.raises(InvalidInput, match="is not the address of an agent"):
            await client.add_neighbour(order(url=url))


def test_an_address_is_kept_as_scheme_host_and_port() -> None:
    assert address(" https://Node1.Example:7423/ ") == "https://node1.example:7423"
    assert address("http://[fd00::1]:7423") == "http://[fd00::1]:7423"


async def test_bad_names_tokens_and_certificates_are_refused() -> None:
    async with here().client() as client:
        with pytest.raises(InvalidInput, match="cannot be a cluster's name"):
            await client.add_neighbour(order("a/b"))
        with pytest.raises(InvalidInput, match="one line of letters"):
            await client.add_neighbour(order().model_copy(update={"token": "a\nb"}))
        with pytest.raises(InvalidInput, match="not one in PEM"):
            await client.add_neighbour(order(authority="nonsense"))


async def test_an_agent_that_cannot_look_says_so() -> None:
    async with World().client() as client:
        with pytest.raises(NotNow, match="cannot look at other clusters"):
            await client.add_neighbour(order())
        assert (await client.neighbours_health()).neighbours == ()


async def test_another_secret_opens_nothing() -> None:
    secrets = ["one"]
    world = World(neighbours=ClusterNeighbours(lambda: secrets[0], Clock(), Elsewhere().ask))
    async with world.client() as client:
        await client.add_neighbour(order())
        secrets[0] = "another"
        (seen,) = (await client.neighbours_health()).neighbours

    assert seen.health == "unreachable"
    assert "cannot be opened with this host's token file" in seen.text
    assert SECRET not in json.dumps(seen.model_dump(mode="json"))
