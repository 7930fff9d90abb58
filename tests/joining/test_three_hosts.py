"""Three hosts and more: etcd placed and configured by itself, a witness, losses, and a node that is removed."""

import asyncio
from collections.abc import Iterator

import pytest
from etcd_servers import needs_etcd
from hosts_bench import ADDRESS, Site, site

from realhosts import Sleeper, stanchion, until
from stanchion.client import Client, Connection
from stanchion.model.errors import NoAnswer, NotNow
from stanchion.model.state import State

pytestmark = [pytest.mark.slow, needs_etcd]


@pytest.fixture(scope="module")
def prod() -> Iterator[tuple[Site, Sleeper]]:
    """A first host with a machine, then a second one and a witness that join while it runs."""
    with site() as made:
        first = made.host("h1")
        done = first.init()
        assert done.code == 0, done.err
        assert "stanchion-etcd.service" in done.out
        first.up()
        sleeper = Sleeper("web", made.directory / "shared")
        first.operator.make("web", sleeper.change())
        for name, words in (("h2", ()), ("w", ("--witness",))):
            joined = made.host(name).join(first.token(), *words)
            assert joined.code == 0, joined.err
            assert "Look at this" not in joined.out
            made.host(name).up()
        yield made, sleeper
        assert len(sleeper.lives()) == 1, "its machine was disturbed"
        for host in made.hosts.values():
            assert "Traceback" not in host.log, host.log


def test_the_first_three_hosts_have_a_member_of_etcd_each_and_know_all_of_them(prod: tuple[Site, Sleeper]) -> None:
    hosts = [prod[0].host(name) for name in ("h1", "h2", "w")]
    for host in hosts:
        host.voters("h1", "h2", "w")

    urls = {member.url for member in hosts[0].members().values()}
    for host in hosts:
        until(lambda host=host: host.endpoints == urls, f"{host.name} knows all members")
    shown = stanchion("etcd", "members", "--config", hosts[1].directory / "client.toml")
    assert "2 of 3 must be well; 1 more may fail." in shown.out


def test_a_witness_votes_and_never_holds_a_machine(prod: tuple[Site, Sleeper]) -> None:
    operator = prod[0].host("w").operator
    told = operator.ask(lambda client: client.node("w"))
    assert told.witness
    assert told.trusted_until is not None

    with pytest.raises(NotNow, match="w is a witness, which never holds a resource"):
        operator.ask(lambda client: client.migrate("web", "w"))

    assert operator.resource("web").node == "h1"


def test_a_fourth_host_is_a_client_of_etcd_and_no_fourth_witness_is_wanted(prod: tuple[Site, Sleeper]) -> None:
    made, _ = prod
    fourth, first = made.host("h4"), made.host("h1")
    first.voters("h1", "h2", "w")
    token = first.token()
    fourth.join(token, "--witness").refused(5, "etcd has its 3 members already, so a witness would have no vote")

    joined = fourth.join(token)

    assert joined.code == 0, joined.err
    assert "It has no member of etcd" in joined.out
    fourth.up()
    assert set(first.members()) == {"h1", "h2", "w"}
    assert len(fourth.endpoints) == 3


def test_the_cluster_goes_on_without_one_member_and_refuses_to_change_its_members_meanwhile(
        prod: tuple[Site, Sleeper]) -> None:
    made, _ = prod
    first, second = made.host("h1"), made.host("h2")
    second.kill("etcd")
    until(lambda: first.members()["h2"].fault, "the dead member is seen")

    assert first.token().startswith("join-"), "the store is not written"
    assert second.operator.resource("web").state is State.RUNNING
    third = stanchion("etcd", "members", "--config", first.directory / "client.toml")
    assert "if one more fails, the store stops" in third.out
    second.start_etcd()
    first.voters("h1", "h2", "w")


def test_a_node_that_is_removed_loses_its_vote_and_its_certificate(prod: tuple[Site, Sleeper]) -> None:
    made, _ = prod
    first, gone = made.host("h1"), made.host("h4")
    first.is_up()
    stanchion("node", "remove", "h4", "--config", first.directory / "client.toml").refused(5, "ask it to leave first")
    left = first.operator.ended(lambda client: client.order_node("h4", "leave"))
    assert left.outcome == "done", left
    # It says goodbye after its order is done; killed before that, it would be lost instead.
    until(lambda: next(each.state for each in first.operator.status().nodes if each.name == "h4") == "left", "h4 left")
    gone.kill("agent")

    done = stanchion("node", "remove", "h4", "--config", first.directory / "client.toml")

    assert done.code == 0, done.err
    connection = Connection(urls=(f"https://{ADDRESS}:{first.peer_port}",), ca=gone.directory / "ca.crt",
                            cert=gone.directory / "node.crt", key=gone.directory / "node.key")

    async def knock() -> str:
        async with Client(connection) as client:
            try:
                await client.hello()
            except NoAnswer as fault:
                return str(fault)
        return ""

    until(lambda: "which was revoked when this node was removed" in asyncio.run(knock()), "it is refused as revoked")
    assert "its certificate was revoked: its node was removed from the cluster" in first.log
    gone.start_agent()
    assert gone.agent is not None
    assert gone.agent.wait(40) == 1
    assert "it does not accept our certificate" in gone.log.splitlines()[-1]
