"""The parts of the nemesis that need no root: what is drawn, who executed what, and what the judges say of it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from stanchion.lab.cluster import wait_until
from stanchion.lab.nemesis.draw import AT_ONCE, TO_A_GUEST, Drawer, Strike, What
from stanchion.lab.nemesis.judges import Felt, failovers, overdue, second_copies
from stanchion.lab.witness import QEMU, TRACES, Span, Witness, install

NODES = ("node1", "node2", "node3")


def drawer(seed: int) -> Drawer:
    return Drawer(seed, NODES, NODES, ("vm0", "vm1"))


def strikes(seed: int, count: int) -> list[Strike]:
    drawn = drawer(seed)
    return list(islice((strike for _ in range(count) for strike in drawn.storm()), count))


def span(machine: str, node: str, began_at: float, ended_at: float | None, *, alive_at: float | None = None,
         booted: bool = True) -> Span:
    last = alive_at if alive_at is not None else ended_at if ended_at is not None else 1e9
    return Span(machine=machine, node=node, pid=int(began_at) + 1, began_at=began_at, ended_at=ended_at, alive_at=last,
                booted=booted)


def test_the_same_seed_draws_the_same_strikes_and_another_one_others() -> None:
    assert strikes(7, 40) == strikes(7, 40)
    assert strikes(7, 40) != strikes(8, 40)


def test_everything_that_can_happen_is_drawn() -> None:
    seen = strikes(1, 400)

    assert {strike.what for strike in seen} == set(What)
    for strike in seen:
        assert bool(strike.machine) is (strike.what in TO_A_GUEST)
        assert strike.node in {"", *NODES}
        assert strike.other in {"", *NODES} - ({strike.node} if strike.node else set())
        assert (strike.lasts_s == 0) is (strike.what in AT_ONCE)


def test_two_executions_at_one_time_are_a_second_copy() -> None:
    found = second_copies([span("web", "node1", 10, 20), span("web", "node2", 19.5, None)])

    assert len(found) == 1
    assert "web was executed twice" in found[0]
    assert "0.500 s" in found[0]


def test_one_execution_after_the_other_is_none_and_another_machine_is_none() -> None:
    assert second_copies([span("web", "node1", 10, 20), span("web", "node2", 20, 30),
                          span("db", "node1", 15, None)]) == []


def test_what_the_witness_cannot_tell_accuses_nobody() -> None:
    """It saw the first one alive at 19.9 and gone at 20.1; the second began at 20.0."""
    assert second_copies([span("web", "node1", 10, 20.1, alive_at=19.9), span("web", "node2", 20.0, None)]) == []


def test_a_third_execution_inside_a_long_first_one_is_found() -> None:
    lived = [span("web", "node1", 0, 100), span("web", "node2", 10, 20), span("web", "node3", 50, 60)]

    assert len(second_copies(lived)) == 2


def test_a_node_that_cannot_renew_must_execute_nothing_after_its_self_fence() -> None:
    cut = Felt(what=What.CUT, node="node1", since=100, until=120)
    lived = [span("web", "node1", 50, 108), span("db", "node1", 50, 105), span("mail", "node2", 50, None)]

    found = overdue(lived, [cut], within_s=6.25)

    assert len(found) == 1
    assert "web executed on node1 8.000 s after" in found[0]


def test_what_begins_after_the_silence_or_in_a_loss_of_the_whole_store_is_not_overdue() -> None:
    cut = Felt(what=What.CUT, node="node1", since=100, until=120)
    other = Felt(what=What.KILL_ETCD, node="node2", since=110, until=111)

    assert overdue([span("web", "node1", 121, None)], [cut], within_s=6.25) == []
    assert overdue([span("web", "node1", 50, None)], [cut, other], within_s=6.25) == []
    leader = Felt(what=What.STORE, node="node1", since=100, until=120, shared=True)
    assert overdue([span("web", "node1", 50, None)], [leader], within_s=6.25) == []
    assert overdue([span("web", "node1", 50, None)], [replace(leader, shared=False)], within_s=6.25)


def test_a_member_that_another_host_lost_with_its_power_may_cost_all_of_them_the_store() -> None:
    cut = Felt(what=What.STORE, node="node1", since=100, until=120)
    fenced = Felt(what=What.POWER_CUT, node="node2", since=95, until=101)

    assert overdue([span("web", "node1", 50, None)], [cut, fenced], within_s=6.25) == []
    assert overdue([span("web", "node1", 50, None)], [cut, replace(fenced, until=99)], within_s=6.25)


@pytest.mark.parametrize("anew", [What.POWER_CUT, What.KILL_AGENT])
def test_a_stopped_agent_that_began_anew_may_renew(anew: What) -> None:
    """Until then its machines had to end all the same."""
    stopped = Felt(what=What.PAUSE_AGENT, node="node1", since=100, until=120)
    begun = Felt(what=anew, node="node1", since=110, until=110)

    assert overdue([span("web", "node1", 111, None)], [stopped, begun], within_s=6.25) == []
    only, = overdue([span("web", "node1", 50, 111), span("db", "node1", 112, None)], [stopped, begun], within_s=6.25)
    assert "web executed on node1 10.000 s after" in only
    assert len(overdue([span("web", "node1", 112, None)], [replace(stopped, what=What.CUT), begun], 6.25)) == (
        anew is What.KILL_AGENT)


def test_a_migration_is_no_failover_and_neither_is_a_restart_in_place() -> None:
    assert failovers([span("web", "node1", 0, 10), span("web", "node2", 11, 20, booted=False),
                      span("web", "node2", 21, 30), span("web", "node3", 31, None)]) == 1


@pytest.fixture
def pretend_qemu(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A program in QEMU's place that notes what it is told to, as the real one notes changes of its state."""
    real = tmp_path / "real"
    real.mkdir()
    (real / QEMU).write_text('#!/usr/bin/env bash\nwhile (($#)); do [[ $1 == -D ]] && notes=${2//%d/$$}; shift; done\n'
                             'now() { date +%s.%N; }\n'
                             'echo "$$@$(now):runstate_set current_run_state 6 (prelaunch) new_state 9 (running)" '
                             '>>"$notes"\nexec sleep 1000\n')
    (real / QEMU).chmod(0o755)
    before = dict(os.environ)
    os.environ["PATH"] = f"{real}{os.pathsep}{before['PATH']}"
    try:
        yield install(tmp_path)
    finally:
        os.environ["PATH"] = before["PATH"]


def test_the_witness_sees_an_execution_begin_and_its_process_killed(tmp_path: Path,
                                                                   pretend_qemu: dict[str, str]) -> None:
    witness = Witness(tmp_path)
    witness.start()
    began = time.time()
    words = [pretend_qemu["PATH"].split(os.pathsep)[0] + "/" + QEMU, "-name", "guest=web"]
    process = subprocess.Popen(words, env=os.environ | pretend_qemu | {"NCS_NODE": "node2"})
    try:
        wait_until(witness.executing, 5, "nothing was seen")
        only, = witness.executing()
        assert (only.machine, only.node, only.pid, only.booted) == ("web", "node2", process.pid, True)
        assert only.began_at >= began - 0.01

        process.send_signal(signal.SIGKILL)
        process.wait()
        gone = time.time()

        wait_until(lambda: not witness.executing(), 5, "its end was not seen")
        only, = witness.spans()
        assert only.ended_at is not None
        assert only.alive_at <= gone
        assert only.ended_at >= only.alive_at
    finally:
        process.kill()
        process.wait()
        witness.stop()


def test_the_shim_takes_the_lock_off_the_disk_and_leaves_all_else(tmp_path: Path,
                                                                 pretend_qemu: dict[str, str]) -> None:
    real = Path(os.environ["PATH"].split(os.pathsep)[0]) / QEMU
    real.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@"\n')
    shim = pretend_qemu["PATH"].split(os.pathsep)[0] + "/" + QEMU

    said = subprocess.run([shim, "-name", "guest=web", "-drive", "file=/a b.img,format=raw,if=ide"],
                          env=os.environ | {TRACES: str(tmp_path), "NCS_NODE": "n1"}, capture_output=True, text=True,
                          check=True).stdout.splitlines()

    assert said == ["-name", "guest=web", "-drive", "file=/a b.img,format=raw,if=ide,file.locking=off", "-msg",
                    "timestamp=on", "-trace", "runstate_set", "-D", f"{tmp_path}/web@n1@%d"]
