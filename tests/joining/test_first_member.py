"""A member of etcd begins with an empty store once in a cluster's life: two stores would be two truths."""

from pathlib import Path

from stanchion.drivers import etcd_server
from stanchion.drivers.etcd_server import EtcdServer


def member(*, founds: bool) -> EtcdServer:
    """Describe the member of the first host."""
    return EtcdServer(name="h1", address="10.0.0.1", directory=Path("/nowhere"), data=Path("/nowhere/etcd"),
                      founds=founds)


def test_the_first_member_begins_alone_until_there_is_another_one() -> None:
    first = member(founds=True)
    assert first.begins_alone(())
    assert first.begins_alone((first.url,))
    assert not first.begins_alone((first.url, "https://10.0.0.2:2379")), "its data is lost, the store is not"
    assert not first.begins_alone(("https://10.0.0.2:2379",))


def test_one_that_joined_never_begins_alone() -> None:
    assert not member(founds=False).begins_alone(("https://10.0.0.1:2379",))


def test_its_times_are_short_and_can_be_changed(tmp_path: Path) -> None:
    """Settings of before there were any get what is usual now."""
    made = EtcdServer(name="h1", address="10.0.0.1", directory=tmp_path, data=tmp_path / "etcd", election_ms=900)
    made.write()
    assert etcd_server.load(tmp_path) == made
    text = (tmp_path / etcd_server.NAME).read_text()
    (tmp_path / etcd_server.NAME).write_text("\n".join(line for line in text.splitlines() if "_ms" not in line))
    old = etcd_server.load(tmp_path)
    assert (old.heartbeat_ms, old.election_ms) == (etcd_server.HEARTBEAT_MS, etcd_server.ELECTION_MS)
    assert old.election_ms >= 5 * old.heartbeat_ms, "or etcd does not start"
