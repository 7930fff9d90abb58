"""Agents and whole labs end and come back: what ran runs on or starts again, what was offline stays offline."""

import os
import signal
from collections.abc import Iterator

import pytest

from realhosts import Cluster, Sleeper, cluster, until
from stanchion.lab.cluster import LabHost
from stanchion.model.state import State

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab() -> Iterator[Cluster]:
    with cluster(profile="tolerant") as made:
        yield made


@pytest.fixture(scope="module")
def sleepers(lab: Cluster) -> tuple[Sleeper, ...]:
    """One machine on each node, and one that is offline."""
    made = tuple(Sleeper(f"s{number}", lab.place) for number in (1, 2, 3))
    for number, each in enumerate(made, start=1):
        lab.order(each.name, each.change(preferred=(f"node{number}", "node2")[:2 if number != 2 else 1]))
    idle = Sleeper("idle", lab.place)
    lab.make("idle", idle.change())
    lab.ended(lambda client: client.offline("idle"))
    for each in made:
        lab.wait_state(each.name, State.RUNNING)
    return (*made, idle)


def places(lab: Cluster) -> dict[str, tuple[State, str | None, int]]:
    return {each.name: (each.state, each.node, each.lives) for each in lab.status().resources}


def renewed(host: LabHost) -> bool:
    """Whether the host's lease was renewed a moment ago, so that its watchdog was put off for the whole 26 s."""
    fires_in_s = host.command("status")["fires_in_s"]
    return isinstance(fires_in_s, float) and fires_in_s > 21


def agents(lab: Cluster) -> list[int]:
    return [int(str(pid)) for host in lab.lab.hosts if (pid := host.command("status")["agent"])]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_all_agents_end_at_once_and_no_machine_notices(lab: Cluster, sleepers: tuple[Sleeper, ...],
                                                       how: signal.Signals) -> None:
    before, lives, old = places(lab), [each.lives() for each in sleepers], agents(lab)
    boots = [host.command("status")["boot"] for host in lab.lab.hosts]

    for pid in old:
        os.kill(pid, how)

    until(lambda: len(agents(lab)) == 3 and not set(agents(lab)) & set(old), "every host has another agent")
    until(lambda: all(renewed(host) for host in lab.lab.hosts), "they renew")
    lab.all_up()
    assert places(lab) == before
    assert [each.lives() for each in sleepers] == lives
    assert [host.command("status")["boot"] for host in lab.lab.hosts] == boots
    assert lab.tracebacks() == []


def test_after_a_blackout_of_the_whole_lab_what_ran_starts_again(lab: Cluster, sleepers: tuple[Sleeper, ...]) -> None:
    before, lives = places(lab), [len(each.lives()) for each in sleepers]
    specs = [lab.resource(each.name).spec_revision for each in sleepers]

    lab.lab.down()
    assert [each.processes() for each in sleepers] == [[], [], [], []]
    lab.up()

    for each in sleepers[:3]:
        lab.wait_state(each.name, State.RUNNING)
    assert places(lab)["idle"] == before["idle"]
    assert [len(each.lives()) for each in sleepers] == [count + 1 for count in lives[:3]] + [lives[3]]
    assert [each.second_copies() for each in sleepers] == [[], [], [], []]
    assert [lab.resource(each.name).spec_revision for each in sleepers] == specs
    assert lab.tracebacks() == []
