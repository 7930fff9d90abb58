"""Configuration files with real agents that ask each other: on one machine they all see the same file."""

from collections.abc import Iterator

import pytest

from realhosts import Cluster, Sleeper, cluster, until
from stanchion.model.files import Standing, Verdict
from stanchion.model.orders import Outcome
from stanchion.model.reasons import Why
from stanchion.wire.files import DistributeOrder

pytestmark = pytest.mark.slow


@pytest.fixture
def lab() -> Iterator[Cluster]:
    with cluster(profile="fast") as made:
        yield made


def test_agents_ask_each_other_before_a_move_and_a_lost_one_costs_only_its_own_row(lab: Cluster) -> None:
    web = Sleeper("web", lab.place)
    config = lab.place / "web.cfg"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("memory = 32\n")
    lab.make("web", web.change(preferred=("node1", "node2", "node3"), files=(str(config),)))

    until(lambda: lab.ask(lambda client: client.files("web")).same, "every agent answers the others")
    told = lab.ask(lambda client: client.files("web"))
    assert (told.same, told.nodes) == (True, ("node1", "node2", "node3")), told.files
    copied = lab.ask(lambda client: client.distribute("web", DistributeOrder()))
    assert [each.outcome for each in copied.results] == ["same", "same"]

    config.write_text("memory = 64\n")  # on every host: what was noted at the load does not count any more
    moved = lab.ended(lambda client: client.migrate("web", "node2"))
    assert moved.outcome is Outcome.DONE, moved
    config.unlink()
    refused = lab.ended(lambda client: client.migrate("web", "node1"))
    assert (refused.outcome, refused.reason and refused.reason.code) == (Outcome.FAILED, Why.PREFLIGHT_FAILED)
    assert refused.reason is not None
    assert f"the file {config} is missing" in refused.reason.text
    assert "stanchion resource distribute web" in refused.reason.text
    assert lab.resource("web").node == "node2"
    assert len(web.lives()) == 2

    checks = {each.check: each for each in lab.ask(lambda client: client.preflight("web", "node1")).checks}
    assert checks["scripts"].verdict is checks["files"].verdict is Verdict.REFUSED
    assert checks["processor"].verdict is Verdict.WELL, checks["processor"].text

    config.write_text("memory = 64\n")
    lab.host("node3").command("power off")
    until(lambda: next(each for each in lab.status().nodes if each.name == "node3").state == "down", "node3 is down")
    told = lab.ask(lambda client: client.files("web"))
    assert {each.node: each.standing for each in told.files} == {
        "node2": Standing.SAME, "node1": Standing.SAME, "node3": Standing.UNASKED}
    assert web.second_copies() == []
