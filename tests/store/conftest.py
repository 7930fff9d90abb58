"""Gives every contract test all stores, one after the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from etcd_bench import EtcdBench
from etcd_servers import Servers, needs_etcd
from store_benches import Bench, MemoryBench, SqliteBench

LOG_KEPT = 50


def lent(tmp_path_factory: pytest.TempPathFactory, count: int) -> Iterator[Servers]:
    """Lend an etcd."""
    servers = Servers.make(tmp_path_factory.mktemp("etcd"), count)
    try:
        yield servers.up()
    finally:
        servers.down()


@pytest.fixture(scope="session")
def one_member(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """An etcd of one member that nobody hurts."""
    yield from lent(tmp_path_factory, 1)


@pytest.fixture(scope="session")
def three_members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """An etcd of three members that nobody hurts."""
    yield from lent(tmp_path_factory, 3)


@pytest.fixture(scope="session")
def one_victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """An etcd of one member that tests may hurt, if they heal it."""
    yield from lent(tmp_path_factory, 1)


@pytest.fixture(scope="session")
def three_victims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """An etcd of three members that tests may hurt, if they heal it."""
    yield from lent(tmp_path_factory, 3)


@pytest.fixture(params=["memory", "sqlite", pytest.param("one_member", marks=needs_etcd),
                        pytest.param("three_members", marks=needs_etcd)])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """One of the stores, empty."""
    if request.param == "memory":
        return MemoryBench(LOG_KEPT)
    if request.param == "sqlite":
        return SqliteBench(tmp_path / "store.db", LOG_KEPT)
    return EtcdBench(request.getfixturevalue(request.param))
