"""A member of etcd begins with an empty store once in a cluster's life: two stores would be two truths."""

from pathlib import Path

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
