"""Nodes: the list, one node, the orders to it, strays, join tokens, and the members of etcd."""

import re
from dataclasses import replace

import pytest

from browsing import Browser, Form, Page, signed_in
from stanchion.api.services import Services
from stanchion.model.access import Role
from stanchion.model.cluster import Kind, Node, Proof, ProofKind
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import Intent, Verb
from stanchion.model.resource import FailoverMode, Policies
from stanchion.model.standing import Drained
from stanchion.model.state import State
from stanchion.model.stray import Sighting, Stray
from stanchion.model.trust import Authority, Member, Paper
from stanchion.web.seldom import Seldom
from surface import LOST, NODES, NOW_S, World, held

PATH = "/console/nodes"


async def admin(world: World) -> Browser:
    return await signed_in(world, Role.ADMINISTRATOR)


async def edited(world: World, name: str, **fields: object) -> None:
    """Change a node's record past the API."""
    await world.put(replace(world.view().nodes[NodeName(name)].value, **fields))


def orders(world: World) -> list[tuple[Verb, str | None]]:
    return [(of.value.verb, of.value.node) for of in world.view().intents.values() if isinstance(of.value, Intent)]


def buttons(page: Page) -> list[str]:
    return [each.text for each in page.id("live_orders").all("button")]


async def stray(world: World, name: str = "wiki") -> None:
    await world.resource(name)
    session = world.view().session_of(NODES[0])
    assert session
    await world.put(Stray(resource=ResourceName(name),
                          sightings=(Sighting(node=NODES[0], session=session, since_s=NOW_S),)))


async def test_the_list_says_how_each_node_stands_and_what_protects_it() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    await edited(world, "node2", quarantined_at_s=NOW_S - 60)
    page = await (await admin(world)).get(PATH)
    assert page.id("node-node1").text.startswith("node1 up master")
    assert re.search(r"\b1\b.* protected by", page.id("node-node1").text), page.id("node-node1").text
    assert page.id("node-node1").text.endswith("protected by its self-fence (watchdog) 1.2.3")
    assert "quarantine" in page.id("node-node2").text
    assert "down unproven" in page.id("node-node3").text
    assert "Nothing proves that it has stopped" in page.id("node-node3").text


async def test_a_node_that_is_not_there_is_told() -> None:
    page = await (await admin(World())).get(f"{PATH}/node9")
    assert page.status == 404
    assert "There is no node node9" in page.main.text


async def test_one_node_shows_its_facts_and_what_it_holds() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    page = await (await admin(world)).get(f"{PATH}/node1")
    facts = page.id("live_state").text
    assert "a member, since 2026-09-21" in facts
    assert "http://node1:7423" in facts
    assert page.id("live_held").rows()[1][:3] == ["web", "Running", "1"]
    assert "None: nothing can switch this host off." in page.id("live_fence").text


@pytest.mark.parametrize(("name", "told"), [
    ("node1", ["Drain …", "Hand over …", "Leave …"]),
    ("node3", ["Confirm that it is down …"]),
])
async def test_only_orders_that_make_sense_are_offered(name: str, told: list[str]) -> None:
    assert buttons(await (await admin(World())).get(f"{PATH}/{name}")) == told


async def test_an_operator_is_not_offered_what_needs_an_administrator() -> None:
    page = await (await signed_in(World(), Role.OPERATOR)).get(f"{PATH}/node1")
    assert buttons(page) == ["Drain …", "Hand over …"]
    assert "Leave: this needs an administrator." in page.id("live_orders").text
    viewer = await (await signed_in(World(), Role.VIEWER)).get(f"{PATH}/node1")
    assert not viewer.main.all("button")


@pytest.mark.parametrize("verb", ["leave", "join", "release", "confirm-down", "remove", "fence", "fence-test"])
async def test_an_operator_may_not_do_what_needs_an_administrator(verb: str) -> None:
    world = World()
    refused = await (await signed_in(world, Role.OPERATOR)).post(f"{PATH}/node3/{verb}", {"confirmed": "yes"})
    assert refused.status == 403
    assert orders(world) == []


async def test_a_drain_is_asked_about_with_what_would_happen_and_then_ordered() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    browser = await signed_in(world, Role.OPERATOR)
    asked = await browser.send((await browser.get(f"{PATH}/node1")).form(f"{PATH}/node1/drain"))
    assert "web is unloaded, then loaded on node2: that interrupts it." in asked.main.text
    assert orders(world) == []
    done = await browser.send(asked.form(f"{PATH}/node1/drain"), "Drain node1")
    assert done.path == f"{PATH}/node1"
    assert done.notice == "node1 is being drained; how far it is stands here."
    assert orders(world) == [(Verb.DRAIN, "node1")]


async def test_a_drain_shows_how_far_it_is_and_can_be_ended() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    await edited(world, "node1", drained=Drained(by="anna", at_s=NOW_S, held=3))
    browser = await signed_in(world, Role.OPERATOR)
    page = await browser.get(f"{PATH}/node1")
    told = page.id("live_emptying")
    assert "2 of 3 gone" in told.text
    assert (told.one("progress")["value"], told.one("progress")["max"]) == ("2", "3")
    assert "ordered by anna" in told.text
    await browser.send(page.form(f"{PATH}/node1/undrain"))
    assert orders(world) == [(Verb.UNDRAIN, "node1")]


async def test_an_order_that_cannot_be_taken_says_why() -> None:
    world = World()
    await edited(world, "node2", drained=Drained(by="anna", at_s=NOW_S))
    browser = await admin(world)
    refused = await browser.post(f"{PATH}/node1/drain", {"confirmed": "yes"})
    assert "no other member could hold anything" in refused.notice


async def test_that_a_host_is_down_is_stated_only_by_typing_its_name() -> None:
    world = World()
    for name, mode, state in (("shop", FailoverMode.AUTO, State.RUNNING), ("bank", FailoverMode.MANUAL, State.RUNNING),
                              ("ill", FailoverMode.AUTO, State.COMATOSE)):
        await world.resource(name, state, node="node3", policies=Policies(failover=mode))
        before = world.view().states[ResourceName(name)].value
        await world.put(replace(before, session=world.view().sessions[LOST].value.id))
    browser = await admin(world)
    form = f"{PATH}/node3/confirm-down"
    asked = await browser.send((await browser.get(f"{PATH}/node3")).form(form))
    assert "If it still runs, bank, ill, shop will run twice, on two hosts at once" in asked.main.text
    assert "shop is started on the first of its nodes that can hold it." in asked.main.text
    assert "bank asks in an alert whether to start elsewhere: its failover mode is MANUAL." in asked.main.text
    assert "ill stays comatose, and can be taken offline." in asked.main.text
    wrong = await browser.send(asked.form(form), "Confirm", typed="node2", why="I saw it")
    assert (wrong.status, wrong.error) == (422, "That is not node3; nothing was done.")
    assert wrong.form(form).value("why") == "I saw it"
    assert orders(world) == []
    done = await browser.send(wrong.form(form), "Confirm", typed="node3")
    assert done.notice.startswith("node3 is confirmed to be down.")
    assert orders(world) == [(Verb.CONFIRM_DOWN, "node3")]


async def test_the_name_cannot_be_left_out_by_who_sends_the_form_himself() -> None:
    world = World()
    asked = await (await admin(world)).post(f"{PATH}/node3/confirm-down", {"confirmed": "yes"})
    assert asked.status == 422
    assert orders(world) == []


async def test_leaving_names_what_goes_and_who_follows_the_master() -> None:
    world = World()
    await world.resource("web", State.RUNNING, node="node1")
    browser = await admin(world)
    asked = await browser.send((await browser.get(f"{PATH}/node1")).form(f"{PATH}/node1/leave"))
    assert "What it holds (web) goes to other nodes, live where the scripts can." in asked.main.text
    assert "node1 is the master: another member takes over." in asked.main.text
    await browser.send(asked.form(f"{PATH}/node1/leave"), "Let node1 leave")
    assert orders(world) == [(Verb.LEAVE, "node1")]


async def test_a_node_that_left_can_join_or_be_removed() -> None:
    world = World()
    session = world.view().sessions[LOST].value
    await world.put(Proof(node=LOST, session=session.id, kind=ProofKind.CLEAN, at_s=NOW_S))
    await edited(world, LOST, wanted=False)
    browser = await admin(world)
    page = await browser.get(f"{PATH}/node3")
    assert buttons(page) == ["Join", "Remove …"]
    assert "it gave its session back" in page.id("live_state").text
    asked = await browser.send(page.form(f"{PATH}/node3/remove"))
    assert "Its certificate is accepted no more" in asked.main.text
    done = await browser.send(asked.form(f"{PATH}/node3/remove"), "Remove")
    assert (done.path, done.notice) == (PATH, "node3 is removed.")
    assert held(world, Kind.NODE, "node3") is None


async def test_a_quarantined_node_can_be_released() -> None:
    world = World()
    await edited(world, "node2", quarantined_at_s=NOW_S - 60)
    browser = await admin(world)
    page = await browser.get(f"{PATH}/node2")
    assert "left uncleanly again and again" in page.id("live_state").text
    await browser.send(page.form(f"{PATH}/node2/release"))
    assert orders(world) == [(Verb.RELEASE, "node2")]


async def test_a_stray_is_listed_with_the_offer_to_adopt_it() -> None:
    world = World()
    await stray(world)
    browser = await signed_in(world, Role.OPERATOR)
    for place in (PATH, f"{PATH}/node1"):
        page = await browser.get(place)
        assert "It runs on node1, where nobody sent it" in page.id("live_strays").text
        done = await browser.send(page.form(f"{PATH}/node1/adopt"))
        assert done.path == place
        assert done.notice == "Ordered: wiki is adopted where it runs, on node1."
    assert {verb for verb, _ in orders(world)} == {Verb.ADOPT}


async def test_storage_that_is_in_use_there_is_told_and_cannot_be_adopted() -> None:
    world = World()
    await stray(world)
    (seen,) = world.view().strays[ResourceName("wiki")].value.sightings
    await world.put(Stray(resource=ResourceName("wiki"), sightings=(
        replace(seen, machine=False, text="vg_wiki/data is active"),)))
    browser = await signed_in(world, Role.OPERATOR)
    for place in (PATH, f"{PATH}/node1", "/console/resources/wiki", "/console/alerts"):
        page = await browser.get(place)
        assert "storage is in use on node1, where nobody sent it (vg_wiki/data is active)" in page.text
        assert "Adopt" not in page.text


async def test_a_cluster_on_one_machine_says_why_no_host_can_come_in() -> None:
    browser = await admin(World())
    page = await browser.get(PATH)
    assert "The store of this cluster is a file on one machine; it has no members." in page.id("live_etcd").text
    refused = await browser.send(page.form("/console/join-tokens"), **{"valid": "2", "valid:unit": "h"})
    assert (refused.status, "admits no other hosts" in refused.error) == (409, True)
    assert refused.form("/console/join-tokens").value("valid") == "2"


async def test_only_an_administrator_sees_join_tokens() -> None:
    page = await (await signed_in(World(), Role.OPERATOR)).get(PATH)
    assert "An administrator makes the join token" in page.main.text
    assert page.id("live_tokens").text == ""


class Ballot:
    """Three members of etcd, one of them ill."""

    async def members(self) -> tuple[Member, ...]:
        """Name them."""
        return (Member(id="1", name="node1", url="https://10.0.0.1:2379", peer="", leader=True, version="3.5.1"),
                Member(id="2", name="node2", url="https://10.0.0.2:2379", peer="", version="3.5.1"),
                Member(id="3", name="node3", url="https://10.0.0.3:2379", peer="", fault="it does not answer"))


async def test_the_members_of_etcd_are_told_with_their_health() -> None:
    world = World(ballot=Ballot())
    await world.put(Node(name=NODES[0], etcd="https://10.0.0.1:2379"))
    told = (await (await admin(world)).get(PATH)).id("live_etcd")
    assert told.rows()[1] == ["node1", "node1", "leader", "well", "https://10.0.0.1:2379", "3.5.1"]
    assert told.rows()[3][3] == "it does not answer"
    assert "2 voters must be well; none may fail now" in told.text


class Issuer:
    """It signs nothing here: no host joins."""

    def issue(self, authority: Authority, request: str, node: NodeName, address: str) -> tuple[str, Paper]:
        """Refuse."""
        raise NotImplementedError

    def revocations(self, authority: Authority) -> str:
        """Tell of none."""
        del authority
        return ""


async def test_a_join_token_is_shown_once_with_what_to_type_and_can_be_revoked() -> None:
    world = World(issuer=Issuer())
    await world.put(Authority(certificate="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
                              sealed_key=""))
    browser = await admin(world)
    page = await browser.get(PATH)
    made = await browser.send(page.form("/console/join-tokens"), **{"valid": "2", "valid:unit": "h"})
    typed = made.id("command").text
    assert re.fullmatch(r"stanchion join join-\S+ --address ITS_ADDRESS", typed)
    assert "It is shown this once" in made.main.text
    page = await browser.get(PATH)
    assert typed.split()[2] not in page.answer.text
    row = page.id("live_tokens").rows()[1]
    assert (row[1], row[2], row[4][:16]) == ("open", "administrator", "2026-09-21 16:13")
    done = await browser.send(next(form for each in page.main.all("form") if (form := Form(each, each["action"]))
                                   and each["action"].endswith("/revoke")))
    assert done.path == PATH
    assert "nobody can join with it any more" in done.notice
    assert not world.view().tokens


@pytest.mark.parametrize(("value", "told"), [
    ("0", "Its time, in seconds, should be greater"), ("x", "must be a number"),
    ("200", "Its time, in seconds, should be less"),
])
async def test_how_long_a_token_is_good_is_judged(value: str, told: str) -> None:
    browser = await admin(World(issuer=Issuer()))
    refused = await browser.send((await browser.get(PATH)).form("/console/join-tokens"),
                                 **{"valid": value, "valid:unit": "h"})
    assert refused.status == 422
    assert told in refused.error
    assert refused.form("/console/join-tokens").value("valid") == value


async def test_what_costs_much_is_asked_once_for_all_who_look() -> None:
    asked: list[int] = []

    async def ask(here: Services) -> int:
        asked.append(here.view().revision)
        world.clock.wall_s += 2.0
        return len(asked)

    world = World()
    here, question = world.app().state.services, Seldom(ask)
    assert [await question.answer(here), await question.answer(here)] == [1, 1]
    await world.resource("web")
    assert await question.answer(here) == 1, "it took 2 s, so it is good for 40 s, although the cluster changed"
    world.clock.wall_s += 41.0
    assert await question.answer(here) == 2
    world.clock.wall_s += 3600.0
    assert await question.answer(here) == 2, "nothing changed since"


async def test_what_the_store_does_not_know_is_asked_again_after_a_while() -> None:
    asked: list[None] = []

    async def ask(here: Services) -> int:
        del here
        asked.append(None)
        return len(asked)

    world = World()
    here, question = world.app().state.services, Seldom(ask, fresh_s=10.0)
    assert await question.answer(here) == 1
    world.clock.wall_s += 11.0
    assert await question.answer(here) == 2
