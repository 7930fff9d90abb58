"""An agent may be killed at any moment: its scripts run on, and its next life joins them instead of repeating them."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from script_benches import LIBRARY, HostClock, order, runner_in, until

from stanchion.drivers.script import ScriptRunner
from stanchion.model.history import RunEnd
from stanchion.model.ids import Moment, NodeName, ResourceName
from stanchion.model.resource import ScriptKind

ROOT = Path(__file__).parents[2]


@contextmanager
def killed_agent(directory: Path, text: str, timeout_s: float = 20.0) -> Iterator[subprocess.Popen[bytes]]:
    """Begin a life of an agent that gives the order; the test kills it."""
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests/scripts")])
    program = [sys.executable, str(ROOT / "tests/scripts/agent_life.py"), str(directory), text, str(timeout_s)]
    with subprocess.Popen(program, env=os.environ | {"PYTHONPATH": path}) as life:
        yield life
        life.kill()


def gated(directory: Path, code: int) -> str:
    """Write a script that tells that it began, waits at a gate, and ends with a code."""
    os.mkfifo(directory / "gate")
    return f"echo begun >> {directory}/story; read -r _ < {directory}/gate; exit {code}\n"


def open_gate(directory: Path) -> None:
    with (directory / "gate").open("w") as gate:
        gate.write("go\n")


async def test_a_running_script_is_joined_by_the_agents_next_life(tmp_path: Path) -> None:
    text = gated(tmp_path, 7)
    with killed_agent(tmp_path, text):
        await until((tmp_path / "story").exists)
    second = runner_in(tmp_path)
    pid = second.process_of(ResourceName("vm1"))
    joined = asyncio.create_task(second.run(order(text)))
    await asyncio.to_thread(open_gate, tmp_path)
    run = await joined
    assert (run.end, run.code, run.pid) == (RunEnd.EXITED, 7, pid)
    assert (tmp_path / "story").read_text() == "begun\n", "it ran once"


async def test_a_script_that_ended_meanwhile_gives_its_result_at_once(tmp_path: Path) -> None:
    text = gated(tmp_path, 5)
    with killed_agent(tmp_path, text):
        await until((tmp_path / "story").exists)
    open_gate(tmp_path)
    await until(lambda: list((tmp_path / "runs").rglob("code")))
    run = await runner_in(tmp_path).run(order(text))
    assert (run.end, run.code) == (RunEnd.EXITED, 5)
    assert (tmp_path / "story").read_text() == "begun\n"


async def test_the_time_before_the_restart_counts(tmp_path: Path) -> None:
    text = gated(tmp_path, 0)
    with killed_agent(tmp_path, text, timeout_s=0.4) as life:
        await until((tmp_path / "story").exists)
        life.kill()
        life.wait()
        run = await runner_in(tmp_path).run(order(text, timeout_s=3600.0))
        assert run.end is RunEnd.OVERDUE
        assert run.ended_at_s - run.started_at_s < 1.0
    open_gate(tmp_path)


async def test_another_operation_waits_for_a_script_from_before_the_restart(tmp_path: Path) -> None:
    with killed_agent(tmp_path, gated(tmp_path, 0)):
        await until((tmp_path / "story").exists)
    second = runner_in(tmp_path)
    after = asyncio.create_task(second.run(order(f"echo after >> {tmp_path}/story; exit 0\n", operation="2")))
    await asyncio.to_thread(open_gate, tmp_path)
    assert (await after).code == 0
    assert (tmp_path / "story").read_text() == "begun\nafter\n"


async def test_a_script_whose_keeper_was_killed_lasts_until_it_ends_and_counts_as_killed(tmp_path: Path) -> None:
    runner = runner_in(tmp_path)
    running = asyncio.create_task(runner.run(order(gated(tmp_path, 0))))
    await until((tmp_path / "story").exists)
    keeper = next((tmp_path / "runs").rglob("keeper")).read_text()
    os.kill(int(keeper.split()[0]), signal.SIGKILL)
    after = asyncio.create_task(runner.run(order(f"echo after >> {tmp_path}/story; exit 0\n", operation="2")))
    assert runner.process_of(ResourceName("vm1"))
    await asyncio.to_thread(open_gate, tmp_path)
    run = await running
    assert (run.end, run.code) == (RunEnd.KILLED, 137)
    assert (await after).code == 0
    assert (tmp_path / "story").read_text() == "begun\nafter\n"


@pytest.mark.parametrize("killed", [("process",), ("keeper", "process")])
async def test_the_rest_of_a_killed_scripts_group_is_waited_for(tmp_path: Path, killed: tuple[str, ...]) -> None:
    os.mkfifo(tmp_path / "gate")
    work = f"echo begun >> {tmp_path}/story; read -r _ < {tmp_path}/gate; echo worked >> {tmp_path}/story"
    text = f"bash -c '{work}'; :\n"
    runner = runner_in(tmp_path)
    running = asyncio.create_task(runner.run(order(text)))
    await until((tmp_path / "story").exists)
    for name in killed:
        os.kill(int(next((tmp_path / "runs").rglob(name)).read_text().split()[0]), signal.SIGKILL)
    await asyncio.to_thread(open_gate, tmp_path)
    assert (await running).end is RunEnd.KILLED
    assert (tmp_path / "story").read_text() == "begun\nworked\n"


async def test_two_lives_that_give_the_same_order_at_once_run_it_once(tmp_path: Path) -> None:
    text = f"echo begun >> {tmp_path}/story; exit 9\n"
    runs = await asyncio.gather(*(runner_in(tmp_path).run(order(text)) for _ in range(4)))
    assert [run.code for run in runs if run.end is RunEnd.EXITED] == [9] * len([
        run for run in runs if run.end is not RunEnd.REFUSED
    ])
    assert (tmp_path / "story").read_text() == "begun\n"


async def test_a_run_that_was_prepared_but_never_claimed_is_taken_back(tmp_path: Path) -> None:
    prepared = tmp_path / "runs/vm1/new-0123"
    prepared.mkdir(parents=True)
    (prepared / "script").write_text(f"echo stale >> {tmp_path}/story\n")
    run = await runner_in(tmp_path).run(order(f"echo fresh >> {tmp_path}/story; exit 0\n"))
    assert run.code == 0
    assert not prepared.exists()
    assert (tmp_path / "story").read_text() == "fresh\n"


async def test_a_polite_end_of_the_agent_and_its_keepers_leaves_the_script_alone(tmp_path: Path) -> None:
    runner = runner_in(tmp_path)
    running = asyncio.create_task(runner.run(order(gated(tmp_path, 3))))
    await until((tmp_path / "story").exists)
    keeper = int(next((tmp_path / "runs").rglob("keeper")).read_text().split()[0])
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(keeper, number)
    await asyncio.to_thread(open_gate, tmp_path)
    assert ((await running).end, (await running).code) == (RunEnd.EXITED, 3)


async def test_a_run_from_before_the_hosts_restart_is_killed_and_no_later_process_is_taken_for_it(
    tmp_path: Path,
) -> None:
    text = "exit 0\n"
    assert (await runner_in(tmp_path).run(order(text))).code == 0
    run = next((tmp_path / "runs").rglob("code")).parent
    (run / "code").unlink()
    birth = (run / "process").read_text().split()[1]
    for name in ("process", "keeper"):
        (run / name).write_text(f"{os.getpid()} {birth} another-boot")
    after = runner_in(tmp_path)
    assert after.process_of(ResourceName("vm1")) is None
    assert not await after.end(ResourceName("vm1"))
    again = await after.run(order(text))
    assert (again.end, again.code) == (RunEnd.KILLED, 137)


class SlowLaunch(HostClock):
    """A clock that stops whoever launches a script, as a disk that hangs does, until the gate opens."""

    def __init__(self) -> None:
        self.asked, self.gate = threading.Event(), threading.Event()

    def now(self) -> Moment:
        """Read both clocks; the first launch is held up."""
        if threading.current_thread() is not threading.main_thread() and not self.asked.is_set():
            self.asked.set()
            self.gate.wait(20.0)
        return super().now()


async def test_what_was_ended_while_it_was_launched_never_begins_afterwards(tmp_path: Path) -> None:
    """The order is dropped between the decision to run and the first process: a load must not follow its halt."""
    slow, story = SlowLaunch(), tmp_path / "story"
    runner = ScriptRunner(node=NodeName("node-a"), runs_dir=tmp_path / "runs", clock=slow, library=LIBRARY,
                          environment={"HA_RSCTMP": str(tmp_path / "rsctmp")})
    load = asyncio.create_task(runner.run(order(f"echo load >> {story}")))
    await until(slow.asked.is_set)
    load.cancel()
    ending = asyncio.create_task(runner.end(ResourceName("vm1"), grace_s=0.1))
    await asyncio.wait({ending}, timeout=0.3)
    halting = asyncio.create_task(runner.run(order(f"echo halt >> {story}", script=ScriptKind.HALT)))
    await asyncio.wait({halting}, timeout=0.3)
    slow.gate.set()
    await ending
    assert (await halting).code == 0
    await asyncio.get_running_loop().shutdown_default_executor()
    await until(lambda: not list(tmp_path.rglob("new-*")))
    await until(lambda: runner.process_of(ResourceName("vm1")) is None)
    assert story.read_text().endswith("halt\n")
