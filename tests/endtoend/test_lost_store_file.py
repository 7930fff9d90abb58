"""The file of the embedded store is gone: the hosts of a lab keep their machines, and go on when it is back."""

import os
import time
from pathlib import Path

import pytest

from realhosts import Sleeper, cluster, until
from stanchion.lab.cluster import LabHost
from stanchion.model.state import State

GONE_S = float(os.environ.get("STANCHION_STORE_GONE_S", "14"))
"""Longer than a lease; as long as the file is away, nothing happens that a test could wait for."""

pytestmark = pytest.mark.slow


def test_a_store_file_that_is_moved_away_and_back_costs_no_machine() -> None:
    def said(host: LabHost) -> bool:
        return "keeps its machines by consent" in (host.directory / "agent.log").read_text(errors="replace")

    with cluster(profile="default") as lab:
        machines = [Sleeper(f"s{number}", lab.place) for number in (1, 2, 3)]
        for number, each in enumerate(machines, start=1):
            lab.make(each.name, each.change(preferred=(f"node{number}",)))

        def alive() -> list[object]:
            return [*((each.processes(), each.lives()) for each in machines),
                    *(host.command("status")["boot"] for host in lab.lab.hosts)]

        before, store = alive(), lab.lab.hosts[0].setting("store")
        away = Path(f"{store}.away")
        store.rename(away)
        until(lambda: all(map(said, lab.lab.hosts)), "every node lives by consent")
        time.sleep(GONE_S)
        assert alive() == before
        away.rename(store)
        lab.all_up()
        assert lab.ended(lambda client: client.offline("s1")).outcome == "done"
        lab.wait_state("s1", State.OFFLINE)
        assert alive()[1:] == before[1:]
        assert lab.tracebacks() == []
