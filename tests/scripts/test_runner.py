"""The runner with real processes: results, bounds, turns, and the operator's word to end a script."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from script_benches import Play, order, runner_in, until

from stanchion.drivers.keeper import SEGMENT_BYTES
from stanchion.drivers.script import RUNS_KEPT, ScriptRunner
from stanchion.model.history import RunEnd
from stanchion.model.ids import ResourceName
from stanchion.model.resource import ScriptKind

VM = ResourceName("vm1")


def lives(pid: int) -> bool:
    """Whether a process of that number runs and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


async def test_a_run_tells_its_code_its_output_and_the_command_that_failed(play: Play) -> None:
    run = await play("echo to stdout\necho to stderr >&2\nls /not/there\nexit 3\n")
    assert (run.end, run.code, run.command) == (RunEnd.EXITED, 3, "ls /not/there")
    assert run.output.splitlines()[:4] == ["+ echo to stdout", "to stdout", "+ echo to stderr", "to stderr"]
    assert run.started_at_s <= run.ended_at_s < run.started_at_s + 10
    assert run.pid > 0
    assert run.node == "node-a"


async def test_a_script_without_a_last_line_end_and_one_with_odd_bytes_run(play: Play) -> None:
    run = await play("printf 'caf\\351\\0 \u00e9'; exit 0")
    assert run.code == 0
    assert "caf\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} \u00e9" in run.output
    assert run.command == ""


async def test_the_trace_never_reaches_what_the_script_captures(play: Play) -> None:
    run = await play('x=$(echo inner 2>&1)\n[ "$x" = inner ] || exit 1\nls /not/there 2>/dev/null\nexit 0\n')
    assert run.code == 0
    assert "++ echo inner" in run.output
    assert "+ ls /not/there" in run.output


async def test_an_agents_reason_stands_beside_the_failed_command(play: Play) -> None:
    run = await play(
        ". /opt/novell/ncs/lib/ncsfuncs\n"
        "f() { echo 'ocf-exit-reason:the disk is missing' >&2; return 5; }\n"
        "ignore_error 'echo ocf-exit-reason:an older one; false'\nexit_on_error f\nexit 0\n",
    )
    assert (run.code, run.command) == (5, "f: the disk is missing")


async def test_an_empty_script_is_refused_and_says_so(play: Play) -> None:
    run = await play("  \n\n")
    assert (run.end, run.code, run.output) == (RunEnd.REFUSED, 126, "There is no load script.\n")


async def test_a_runner_that_cannot_write_refuses_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    run = await runner_in(tmp_path).run(order("exit 0"))
    assert run.end is RunEnd.REFUSED
    assert run.output.startswith("The script could not be started: ")


async def test_a_script_ended_by_a_signal_is_killed_not_exited(play: Play) -> None:
    run = await play("kill -9 $$\n")
    assert (run.end, run.code) == (RunEnd.KILLED, 137)


async def test_the_environment_is_what_is_promised_and_the_order_wins(tmp_path: Path) -> None:
    os.environ["SECRET_OF_THE_AGENT"] = "x"
    try:
        runner = runner_in(tmp_path, OCF_ROOT="/from/the/node", WHO="node")
        run = await runner.run(order("env; umask; pwd; echo $-\n", WHO="order", script=ScriptKind.MONITOR))
    finally:
        del os.environ["SECRET_OF_THE_AGENT"]
    lines = set(run.output.splitlines())
    assert {
        "NCS_RESOURCE=vm1", "NCS_NODE=node-a", "NCS_OPERATION=monitor", "OCF_RESOURCE_INSTANCE=vm1", "LANG=C.UTF-8",
        "OCF_ROOT=/from/the/node", "WHO=order", "0022", "/",
    } <= lines
    assert not any(line.startswith(("SECRET", "STANCHION_TRACE", "BASH_XTRACEFD")) for line in lines)
    path = next(line for line in lines if line.startswith("PATH=")).removeprefix("PATH=").split(":")
    assert path[0].endswith("/share/bin")
    assert {"/usr/sbin", "/sbin"} <= set(path)
    assert (tmp_path / "rsctmp").is_dir()


async def test_endless_output_costs_neither_disk_nor_memory(play: Play, tmp_path: Path) -> None:
    printed = 24 * 1024 * 1024
    run = await play(f"echo FIRST\nhead -c {printed} /dev/zero | tr '\\0' x\necho LAST\nexit 4\n")
    assert run.code == 4
    kept = sum(file.stat().st_size for file in (tmp_path / "runs").rglob("*") if file.is_file())
    assert kept < 4 * SEGMENT_BYTES
    assert run.output.startswith("+ echo FIRST\nFIRST\n")
    assert run.output.endswith("LAST\n+ exit 4\n")
    left_out = int(run.output.split("[... ")[1].split(" bytes")[0])
    assert left_out + 2 * SEGMENT_BYTES == pytest.approx(printed, abs=200)


async def test_an_overdue_script_is_reported_left_alone_and_waited_for(runner: ScriptRunner, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    slow = order(f"read -r _ < {tmp_path}/gate; echo done >> {tmp_path}/story; exit 0\n", timeout_s=0.2)
    overdue = await runner.run(slow)
    assert (overdue.end, overdue.code) == (RunEnd.OVERDUE, 124)
    pid = runner.process_of(VM)
    assert pid == overdue.pid
    assert lives(pid or 0)
    after = asyncio.create_task(runner.run(order(f"echo after >> {tmp_path}/story; exit 0\n", operation="op-2")))
    with (tmp_path / "gate").open("w") as gate:  # opens when the script reads, which it does only while it lives
        gate.write("go\n")
    assert (await after).code == 0
    assert (tmp_path / "story").read_text() == "done\nafter\n"
    assert runner.process_of(VM) is None
    again = await runner.run(slow)
    assert again.end is RunEnd.OVERDUE, "the answer to an order does not change"


async def test_scripts_of_one_resource_take_turns(runner: ScriptRunner, tmp_path: Path) -> None:
    text = f"echo begin >> {tmp_path}/story; sleep 0.05; echo end >> {tmp_path}/story; exit 0\n"
    await asyncio.gather(*(runner.run(order(text, operation=f"op-{number}")) for number in range(3)))
    assert (tmp_path / "story").read_text() == "begin\nend\n" * 3


async def test_what_runs_is_told_with_what_it_has_printed_so_far(runner: ScriptRunner) -> None:
    assert runner.running(VM) is None
    waiting = asyncio.create_task(runner.run(order("echo half way; sleep 60", timeout_s=90)))
    await until(lambda: (told := runner.running(VM)) is not None and "half way\n" in told.output)
    told = runner.running(VM)
    assert told is not None
    assert (told.script, told.timeout_s, lives(told.pid)) == (ScriptKind.LOAD, 90, True)
    await runner.end(VM)
    assert (await waiting).end is RunEnd.KILLED
    assert runner.running(VM) is None


async def test_end_ends_the_whole_group_even_one_that_ignores_term(runner: ScriptRunner, tmp_path: Path) -> None:
    text = f"trap '' TERM\nsleep 300 &\necho $! > {tmp_path}/child\nwait\nsleep 300\n"
    running = asyncio.create_task(runner.run(order(text)))
    await until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().strip())
    child = int((tmp_path / "child").read_text())
    assert await runner.end(VM)
    run = await running
    assert (run.end, run.code) == (RunEnd.KILLED, 128 + signal.SIGKILL)
    assert not lives(run.pid)
    assert not lives(child)
    assert not await runner.end(VM), "nothing runs any more"


async def test_a_service_left_in_the_background_is_not_waited_for_and_keeps_its_output(
    runner: ScriptRunner, tmp_path: Path,
) -> None:
    text = f"(while echo tick; do echo tick >> {tmp_path}/ticks; sleep 0.02; done) &\necho $! > {tmp_path}/service\n"
    run = await runner.run(order(text))
    service = int((tmp_path / "service").read_text())
    try:
        assert (run.end, run.code) == (RunEnd.EXITED, 0)
        assert (await runner.run(order("exit 0\n", operation="op-2"))).code == 0
        ticks = (tmp_path / "ticks").stat().st_size if (tmp_path / "ticks").exists() else 0
        await until(lambda: (tmp_path / "ticks").stat().st_size > ticks + 10)
        assert lives(service), "a service that writes to the script's output must not die of it"
    finally:
        os.kill(service, signal.SIGKILL)


async def test_only_the_last_runs_are_kept(play: Play, tmp_path: Path) -> None:
    for _ in range(RUNS_KEPT + 2):
        assert (await play("exit 0\n")).code == 0
    assert len(list((tmp_path / "runs/vm1/load").iterdir())) == RUNS_KEPT


async def test_forgetting_a_resource_removes_its_runs(runner: ScriptRunner, tmp_path: Path) -> None:
    await runner.run(order("exit 0\n"))
    assert (tmp_path / "runs/vm1").is_dir()
    await runner.forget(VM)
    assert not (tmp_path / "runs/vm1").exists()
    await runner.forget(ResourceName("never_seen"))


async def test_operations_with_odd_names_have_directories_of_their_own(runner: ScriptRunner, tmp_path: Path) -> None:
    names = ["../../escape", "a/b", "a_b", ".", "x" * 300, "caf\u00e9"]
    for name in names:
        run = await runner.run(order(f"echo ran {names.index(name)}; exit 0\n", operation=name))
        assert f"ran {names.index(name)}" in run.output
    assert len(list((tmp_path / "runs/vm1/load").iterdir())) == len(names)
    assert sorted(entry.name for entry in os.scandir(tmp_path)) == ["rsctmp", "runs"]
