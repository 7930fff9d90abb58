"""Real agents whose etcd dies, or hangs, for longer than any lease: no machine and no host notices, and all goes on.

``STANCHION_STORE_GONE_S`` is how long; as long as it is away, nothing happens that a test could wait for.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from etcd_servers import Servers, needs_etcd

from realhosts import Cluster, Sleeper, environment, until
from stanchion.lab.cluster import Lab
from stanchion.model.state import State

pytestmark = [needs_etcd, pytest.mark.slow]

GONE_S = float(os.environ.get("STANCHION_STORE_GONE_S", "14"))
NODES = ("node1", "node2", "node3")


class House:
    """A lab of three hosts on one etcd, with a machine on each."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.operator = Cluster(self.lab)
        self.operator.up()
        self.machines = [Sleeper(f"s{number}", self.operator.place) for number in (1, 2, 3)]
        for node, each in zip(NODES, self.machines, strict=True):
            others = tuple(other for other in NODES if other != node)
            self.operator.make(each.name, each.change(preferred=(node, *others), monitored=True))
        self.before = self.alive()

    def alive(self) -> list[object]:
        """Give every machine's process, how often it was started, and every host's boot."""
        return [*([each.processes(), each.lives()] for each in self.machines),
                *(host.command("status")["boot"] for host in self.lab.hosts)]

    def said(self, words: str) -> bool:
        """Whether every agent has said so."""
        return all(words in (host.directory / "agent.log").read_text(errors="replace") for host in self.lab.hosts)

    def goes_on(self) -> None:
        """Assert that nothing has happened to anything, and that orders are carried out again."""
        assert self.alive() == self.before
        self.operator.all_up()
        until(lambda: self.said("the store is back"), "every agent is back")
        for node, each in zip(NODES, self.machines, strict=True):
            assert self.operator.wait_state(each.name, State.RUNNING).node == node
        assert self.operator.ended(lambda client: client.offline("s1")).outcome == "done"
        self.operator.wait_state("s1", State.OFFLINE)
        assert self.alive()[1:] == [[[], self.machines[0].lives()], *self.before[1:]][1:]
        assert [each.second_copies() for each in self.machines] == [[], [], []]
        assert self.operator.tracebacks() == []


@contextmanager
def house(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    with TemporaryDirectory(prefix="etcd-", dir="/tmp") as place:
        lab = Lab.create(Path(place) / "lab", 3, cluster=Path(place).name, profile="default", etcd=servers.urls)
        try:
            yield House(lab)
        finally:
            lab.down()


def test_an_etcd_that_is_killed_costs_no_machine(one_victim: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    with house(one_victim, monkeypatch) as lab:
        (member,) = one_victim.members
        member.kill()
        until(lambda: lab.said("this node keeps its machines by consent"), "every node lives by consent")
        time.sleep(GONE_S)
        assert lab.alive() == lab.before
        one_victim.start(member)
        asyncio.run(one_victim.ready())
        lab.goes_on()


def test_an_etcd_that_hangs_costs_no_machine(one_victim: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    with house(one_victim, monkeypatch) as lab:
        (member,) = one_victim.members
        member.stop()
        until(lambda: lab.said("this node keeps its machines by consent"), "every node lives by consent")
        time.sleep(GONE_S)
        assert lab.alive() == lab.before
        member.go_on()
        lab.goes_on()
