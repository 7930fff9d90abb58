"""Live migration between two pretend hosts: the guest itself tells whether it was ever run twice."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.qemu_bench import Bench, make_bench, needs_qemu

pytestmark = [pytest.mark.qemu, needs_qemu]

TO_B = {"OCF_RESKEY_CRM_meta_migrate_target": "b"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Bench]:
    """A machine that runs on host a."""
    bench = make_bench(tmp_path)
    assert bench.a.call("start").code == 0
    bench.await_more()
    yield bench
    for host in (bench.a, bench.b):
        assert host.call("halt").code == 0


def test_a_machine_moves_while_it_runs(running: Bench) -> None:
    """Same nonce, no counter lost or said twice; and the target stands still until it is told to run."""
    prepared = running.b.call("prepare")
    assert prepared.code == 0
    door = prepared.told("door")
    assert re.fullmatch(r"tcp:127\.0\.0\.1:\d+", door)
    assert running.b.call("monitor").code == 7, "a target that waits does not execute"

    sent = running.a.call("migrate_to", STANCHION_DOOR=door, **TO_B)
    assert sent.code == 0, sent.err
    assert running.a.pids() == []
    assert running.a.call("monitor").code == 7
    still = running.ticks()
    assert running.b.call("monitor").code == 7, "a target that has received everything does not execute yet"
    assert running.ticks() == still

    taken = running.b.call("migrate_from")
    assert taken.code == 0, taken.err
    assert float(sent.told("stopped-at")) <= float(taken.told("resumed-at"))
    assert running.b.call("monitor").code == 0
    assert running.b.call("migrate_from").code == 0, "asked again, it already runs"
    running.await_more()
    assert len({tick.nonce for tick in running.ticks()}) == 1
    assert [tick.counter for tick in running.ticks()] == list(range(len(running.ticks())))
    assert "second copy" not in running.log.read_text()

    # And back, so that a machine that came in can also leave.
    door = running.a.call("prepare").told("door")
    assert running.b.call("migrate_to", STANCHION_DOOR=door, OCF_RESKEY_CRM_meta_migrate_target="a").code == 0
    assert running.a.call("migrate_from").code == 0
    running.await_more()
    assert [tick.counter for tick in running.ticks()] == list(range(len(running.ticks())))


def test_a_migration_that_cannot_begin_leaves_the_machine_alone(running: Bench) -> None:
    """No target, no door, a door that nobody opened: each fails, and the guest ticks on."""
    assert running.a.call("migrate_to", STANCHION_DOOR="tcp:127.0.0.1:1").code == 2
    assert running.a.call("migrate_to", **TO_B).code == 2
    failed = running.a.call("migrate_to", STANCHION_DOOR="tcp:127.0.0.1:1", **TO_B)
    assert failed.code == 1
    assert "did not succeed" in failed.err
    assert running.a.call("monitor").code == 0
    running.await_more()
    nobody = running.b.call("migrate_from")
    assert nobody.code == 1
    assert "no machine can come in" in nobody.err


def test_a_migration_that_gets_stuck_is_cancelled_in_time(running: Bench) -> None:
    """The target stops taking the machine: the source gives up before its own timeout and runs on."""
    door = running.b.call("prepare").told("door")
    with running.b.stopped():
        failed = running.a.call("migrate_to", STANCHION_DOOR=door, OCF_RESKEY_CRM_meta_timeout="1500", **TO_B)
    assert failed.code == 1, failed.out
    assert running.a.call("monitor").code == 0
    running.await_more()
    assert running.b.call("halt").code == 0
    assert running.b.pids() == []


def test_a_target_whose_source_never_came_never_runs(running: Bench) -> None:
    """migrate_from waits for the whole machine and gives up in time; a start there cleans up and meets the lock."""
    assert running.b.call("prepare").code == 0
    late = running.b.call("migrate_from", OCF_RESKEY_CRM_meta_timeout="300")
    assert late.code == 1
    assert "did not arrive" in late.err
    assert running.b.call("monitor").code == 7
    assert "lock" in running.b.call("start").err
    assert running.b.call("monitor").code == 7
    running.await_more()


def test_a_source_that_was_left_behind_can_be_started_cold(running: Bench) -> None:
    """The target died after the machine was sent: nothing runs anywhere, and a start begins a new life."""
    door = running.b.call("prepare").told("door")
    assert running.a.call("migrate_to", STANCHION_DOOR=door, **TO_B).code == 0
    assert running.b.call("halt").code == 0
    before = running.ticks()[-1].nonce
    assert running.a.call("start").code == 0
    assert running.await_more().nonce != before
