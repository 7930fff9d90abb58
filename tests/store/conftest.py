"""Gives every contract test both stores, one after the other."""

from pathlib import Path

import pytest
from store_benches import Bench, MemoryBench, SqliteBench

LOG_KEPT = 50


@pytest.fixture(params=["memory", "sqlite"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    """One of the two stores, empty."""
    if request.param == "memory":
        return MemoryBench(LOG_KEPT)
    return SqliteBench(tmp_path / "store.db", LOG_KEPT)
