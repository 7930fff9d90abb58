"""Real agents over a real etcd: a cluster is founded in it, joined, and does its work while etcd loses a member."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from etcd_servers import Servers, needs_etcd
from etcd_stories import heal

from realhosts import Cluster, Sleeper, environment, stanchion
from stanchion.lab.cluster import Lab
from stanchion.model.state import State

pytestmark = needs_etcd


@pytest.mark.slow
def test_a_resource_fails_over_when_its_host_loses_power_while_etcd_has_lost_its_leader(
        three_victims: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = three_victims
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    with TemporaryDirectory(prefix="etcd-", dir="/tmp") as place:
        lab = Lab.create(Path(place) / "lab", 3, profile="default", etcd=servers.urls)
        try:
            operator = Cluster(lab)
            operator.up()
            sleeper = Sleeper("web", operator.place)
            operator.make("web", sleeper.change(preferred=("node2", "node3", "node1")))
            assert operator.resource("web").node == "node2"

            asyncio.run(servers.leader()).kill()
            lab.host("node2").command("power off")

            assert operator.wait_state("web", State.RUNNING, node="node3").node == "node3"
            assert sleeper.second_copies() == operator.tracebacks() == []
            assert [line.split()[1] for line in sleeper.lives()] == ["node2", "node3"]
        finally:
            lab.down()
            asyncio.run(heal(servers))


def test_a_cluster_in_etcd_is_founded_once_and_joined_with_its_token(one_member: Servers, tmp_path: Path) -> None:
    (url,), first = one_member.urls, tmp_path / "first"

    def init(node: str, *words: str | Path, cluster: str = "founded-by-init") -> tuple[int, str]:
        done = stanchion("init", cluster, "--dir", tmp_path / node, "--node", node, *words)
        return done.code, done.out + done.err

    code, said = init("first", "--etcd", url)
    assert code == 0, said
    code, said = init("second", "--etcd", url)
    assert (code, "join it, or choose another name" in said) == (5, True), said
    code, said = init("second", "--etcd", url, "--join", first / "token")
    assert code == 0, said
    assert (tmp_path / "second" / "token").read_text() == (first / "token").read_text()
    assert (tmp_path / "second" / "token").stat().st_mode & 0o777 == 0o600
    for words, code, sentence in (
            (("--etcd", url, "--join", first / "token", "--node", "first"), 5, "has a node first already"),
            (("--join", first / "token"), 2, "--join is for a cluster in etcd"),
            (("--etcd", url, "--store", tmp_path / "store.db"), 2, "and not both")):
        done = stanchion("init", "founded-by-init", "--dir", tmp_path / "third", *words)
        done.refused(code, sentence)
    done = stanchion("init", "fuonded", "--dir", tmp_path / "fourth", "--etcd", url, "--join", first / "token")
    done.refused(1, "this etcd holds no cluster fuonded")
    assert not (tmp_path / "fourth" / "agent.toml").exists()
