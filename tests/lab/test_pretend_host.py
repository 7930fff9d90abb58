"""The pretend host keeps what a real one promises: its power ends everything, its watchdog outlives its agent."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from stanchion.drivers.watchdog import NoWatchdog, SupervisorWatchdog
from stanchion.lab import processes
from stanchion.lab.cluster import Lab, LabHost, wait_until
from stanchion.model.errors import AlreadyExists, HostError, NotFound, NotNow

PROGRAM = (sys.executable, str(Path(__file__).with_name("dummy_program.py")))


@pytest.fixture
def make_lab() -> Iterator[Callable[[int], Lab]]:
    """Labs of dummy agents, each up, each down again whatever happens."""
    with TemporaryDirectory(prefix="lab-", dir="/tmp") as top:
        labs: list[Lab] = []

        def make(nodes: int) -> Lab:
            lab = Lab.create(Path(top) / str(len(labs)), nodes, program=PROGRAM)
            labs.append(lab)
            lab.up()
            for host in lab.hosts:
                wait_for_starts(host, 1)
            return lab

        try:
            yield make
        finally:
            for lab in labs:
                lab.down()


def starts(host: LabHost) -> list[tuple[str, int]]:
    """Each start of the dummy agent: its boot id and process id."""
    path = host.directory / "starts"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(boot, int(pid)) for boot, pid in (line.split() for line in lines)]


def wait_for_starts(host: LabHost, count: int) -> list[tuple[str, int]]:
    wait_until(lambda: len(starts(host)) >= count, 10, f"no start number {count} of the agent on {host.name}")
    return starts(host)


def daemon(host: LabHost) -> int:
    return int((host.directory / "run" / "daemon").read_text())


def alive(pid: int) -> bool:
    return not processes.ended(pid)


def test_a_power_cut_ends_everything_and_power_on_is_a_new_life(make_lab: Callable[[int], Lab]) -> None:
    host = make_lab(1).hosts[0]
    (boot, agent), = starts(host)
    detached = daemon(host)
    assert os.getsid(detached) != os.getsid(agent)

    answer = host.command("power off")

    assert answer["power"] == "off"
    assert answer["processes"] == []
    assert not alive(agent)
    assert not alive(detached)
    assert host.command("power on")["power"] == "on"
    (_, _), (second_boot, _) = wait_for_starts(host, 2)
    assert second_boot != boot
    assert daemon(host) != detached, "the run directory was emptied, so the daemon was started again"


def test_a_killed_agent_is_restarted_and_what_it_started_lives_on(make_lab: Callable[[int], Lab]) -> None:
    host = make_lab(1).hosts[0]
    (boot, agent), = starts(host)
    detached = daemon(host)

    host.command("kill agent")

    (_, _), (same_boot, second) = wait_for_starts(host, 2)
    assert same_boot == boot
    assert second != agent
    assert alive(detached)
    wait_until(lambda: host.command("status")["agent"] == second, 5, "the status names another agent")
    assert detached in host.command("status")["processes"]  # type: ignore[operator]
    assert host.command("status")["restarts"] == 1


def test_the_watchdog_fires_although_the_agent_that_armed_it_is_dead(make_lab: Callable[[int], Lab]) -> None:
    host = make_lab(1).hosts[0]
    (host.directory / "feed").write_text("1.0")
    host.command("kill agent")
    (boot, _), (_, _) = wait_for_starts(host, 2)
    armed = host.command("status")["fires_in_s"]
    assert isinstance(armed, float)
    assert 0 < armed <= 1
    detached = daemon(host)
    host.command("kill agent")

    third = wait_for_starts(host, 4)[3]

    assert third[0] != boot
    assert not alive(detached)
    assert host.command("status")["resets"] == 1
    assert host.command("status")["fires_in_s"] is None, "a new life begins unarmed"


def test_a_paused_agent_is_seen_and_resumed(make_lab: Callable[[int], Lab]) -> None:
    host = make_lab(1).hosts[0]

    host.command("pause agent")
    wait_until(lambda: host.command("status")["paused"], 5, "not paused")
    host.command("resume agent")

    wait_until(lambda: not host.command("status")["paused"], 5, "not resumed")


def test_a_reset_is_a_new_life(make_lab: Callable[[int], Lab]) -> None:
    host = make_lab(1).hosts[0]

    host.command("reset")

    (first, _), (second, _) = wait_for_starts(host, 2)
    assert first != second


def test_two_labs_side_by_side_do_not_touch_each_other(make_lab: Callable[[int], Lab]) -> None:
    one, two = make_lab(2), make_lab(2)
    assert len({host.port for lab in (one, two) for host in lab.hosts}) == 4
    bystanders = [daemon(two.hosts[0]), daemon(two.hosts[1]), daemon(one.hosts[1])]

    one.hosts[0].command("power off")

    assert all(alive(pid) for pid in bystanders)
    one.down()
    assert [alive(pid) for pid in bystanders] == [True, True, False]


def test_down_ends_what_a_killed_supervisor_left_behind(make_lab: Callable[[int], Lab]) -> None:
    lab = make_lab(1)
    host = lab.hosts[0]
    (_, agent), = starts(host)
    detached = daemon(host)
    os.kill(int((host.directory / "supervisor.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: not alive(agent), 5, "the agent outlived its supervisor")
    assert alive(detached)

    lab.down()

    wait_until(lambda: not alive(detached), 5, "the daemon was left behind")


def test_a_supervisor_told_to_end_cuts_the_power_first(make_lab: Callable[[int], Lab]) -> None:
    host = make_lab(1).hosts[0]
    detached = daemon(host)

    os.kill(int((host.directory / "supervisor.pid").read_text()), signal.SIGTERM)

    wait_until(lambda: not alive(detached), 5, "the daemon outlived the supervisor")


def test_a_lab_says_where_its_agents_are(make_lab: Callable[[int], Lab]) -> None:
    lab = make_lab(2)

    assert lab.environment() == {
        "STANCHION_URL": ",".join(f"http://127.0.0.1:{host.port}" for host in lab.hosts),
        "STANCHION_TOKEN_FILE": str(lab.hosts[0].directory / "token"),
    }


def test_commands_without_sense_are_refused(make_lab: Callable[[int], Lab]) -> None:
    lab = make_lab(1)
    with pytest.raises(NotNow, match="unknown command: dance"):
        lab.hosts[0].command("dance")
    with pytest.raises(NotFound, match="there are node1"):
        lab.host("node7")
    with pytest.raises(AlreadyExists, match="there is a lab in"):
        Lab.create(lab.directory, 1, program=PROGRAM)
    with pytest.raises(NotFound, match="there is no lab in"):
        Lab.open(lab.directory / "elsewhere")
    with pytest.raises(HostError, match="too long for sockets"):
        Lab.create(lab.directory / ("x" * 80), 1, program=PROGRAM)
    lab.hosts[0].command("power off")
    with pytest.raises(NotNow, match="there is no agent now"):
        lab.hosts[0].command("kill agent")


def test_the_watchdog_s_client_arms_feeds_and_releases(make_lab: Callable[[int], Lab]) -> None:
    host = make_lab(1).hosts[0]
    watchdog = SupervisorWatchdog(host.directory / "watchdog.sock")

    def fires_in_s() -> float | None:
        left = host.command("status")["fires_in_s"]
        assert left is None or isinstance(left, float)
        return left

    assert not watchdog.armed
    watchdog.feed(time.monotonic() + 50)
    assert fires_in_s() is None, "feeding what is not armed does nothing"
    assert watchdog.arm(time.monotonic() + 50)
    assert watchdog.armed
    watchdog.feed(time.monotonic() + 100)
    wait_until(lambda: (fires_in_s() or 0) > 60, 5, "not fed")
    watchdog.feed(time.monotonic() + 10)
    assert (fires_in_s() or 0) > 60, "a late line does not shorten what a newer one granted"
    watchdog.release()
    assert fires_in_s() is None
    assert not watchdog.armed


def test_a_watchdog_that_lost_its_supervisor_is_not_armed_and_finds_the_next(make_lab: Callable[[int], Lab]) -> None:
    lab = make_lab(1)
    watchdog = SupervisorWatchdog(lab.hosts[0].directory / "watchdog.sock")
    assert watchdog.arm(time.monotonic() + 50)
    lab.down()

    assert not watchdog.armed
    watchdog.feed(time.monotonic() + 50)
    assert not watchdog.armed
    lab.up()
    watchdog.feed(time.monotonic() + 50)

    assert watchdog.armed
    watchdog.release()


async def test_the_watchdog_s_client_resets_the_host(make_lab: Callable[[int], Lab]) -> None:
    host = make_lab(1).hosts[0]

    with pytest.raises(HostError, match="the host still runs"):
        await SupervisorWatchdog(host.directory / "watchdog.sock").reset()

    assert len(wait_for_starts(host, 2)) == 2, "this test is not part of the host, so it lives on"


async def test_without_a_supervisor_nothing_is_armed_and_a_reset_says_so(tmp_path: Path) -> None:
    watchdog = SupervisorWatchdog(tmp_path / "nobody.sock")

    assert not watchdog.arm(time.monotonic() + 1)
    with pytest.raises(HostError, match="does not answer at"):
        await watchdog.reset()
    assert not NoWatchdog().arm(1.0)
    assert not NoWatchdog().armed


def test_a_frozen_host_executes_nothing_and_its_watchdog_runs_on(make_lab: Callable[[int], Lab]) -> None:
    host = make_lab(1).hosts[0]
    (boot, agent), = starts(host)
    detached = daemon(host)

    host.command("freeze")

    assert {processes.state(agent), processes.state(detached)} == {"T"}
    host.command("thaw")
    wait_until(lambda: "T" not in {processes.state(agent), processes.state(detached)}, 5, "still frozen")
    (host.directory / "feed").write_text("1.0")
    host.command("kill agent")
    wait_for_starts(host, 2)
    wait_until(lambda: host.command("status")["fires_in_s"], 5, "the watchdog was not fed")
    host.command("freeze")
    wait_until(lambda: host.command("status")["resets"] == 1, 5, "the watchdog did not reset a frozen host")
    assert host.command("status")["boot"] != boot


def test_a_program_beside_the_agent_is_kept_running_and_dies_with_the_power() -> None:
    with TemporaryDirectory(prefix="lab-", dir="/tmp") as top:
        where = Path(top) / "0"
        host = LabHost(name="node1", port=1, directory=where / "node1", beside=("etcd=sleep 1000",))
        lab = Lab.create(where, program=PROGRAM, hosts=[host])
        try:
            lab.up()
            beside = programs(lab.hosts[0])["etcd"]

            lab.hosts[0].command("kill etcd")

            wait_until(lambda: programs(lab.hosts[0])["etcd"] not in {None, beside}, 5, "it was not started again")
            again = programs(lab.hosts[0])["etcd"]
            assert again is not None
            lab.hosts[0].command("power off")
            assert not alive(again)
            with pytest.raises(NotNow, match="there is no etcd now"):
                lab.hosts[0].command("kill etcd")
        finally:
            lab.down()


def programs(host: LabHost) -> dict[str, int | None]:
    """Give the process ids of the host's programs."""
    return host.command("status")["programs"]  # type: ignore[return-value]
