"""Section 14.2.2, Viewing or Modifying the Monitor Script: the script itself, and its timeout."""

import asyncio
from pathlib import Path

import pytest

from cli.shell import Shell
from scripts.script_benches import order, runner_in
from spec.playing import act, configured, fail_monitor, kinds, online, runs, spec_of, watched
from spec.register import Surface, requirement
from stanchion.model.history import RunEnd
from stanchion.model.ids import ResourceName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from stanchion.sim.host import Fault
from stanchion.sim.world import World


@requirement("14.2.2-39", "The monitor script is found with the resource, in its cluster.", "14.2.2 Viewing p1",
             "14.2.2 Viewing, step 1", "14.2.2 Viewing, step 2", "14.2.2 Viewing, step 3", "14.2.2 Viewing, step 4",
             by=Surface.COMMAND, console=True)
def test_the_monitor_script_is_shown(shell: Shell) -> None:
    text = configured(shell).scripts.monitor.text
    assert shell("resource", "show", "web") == 0
    assert "Monitor script, 60 s" in shell.out or "Monitor script, 1 min" in shell.out
    assert shell("script", "show", "web", "monitor") == 0
    assert shell.out == text


@requirement("14.2.2-40", "Its commands can be edited; from then on the edited script watches the machine.",
             "14.2.2 Viewing, step 5", by=Surface.BOTH, console=True)
def test_the_monitor_script_is_edited(shell: Shell, tmp_path: Path) -> None:
    configured(shell, *watched())
    (tmp_path / "own").write_text("ping -c 1 192.0.2.7\n")
    assert shell("script", "edit", "web", "monitor", "--file", str(tmp_path / "own")) == 0
    spec = spec_of(shell, "web")

    async def story(world: World) -> None:
        await online(world, spec)
        await asyncio.sleep(15)
        assert {run.text for run in runs(world, "node1") if run.script == "monitor"} == {"ping -c 1 192.0.2.7\n"}

    act(story)


@requirement("14.2.2-41", "The script may use whatever can be typed at the host's terminal.",
             "14.2.2 Viewing, step 5.2", by=Surface.RUNNER)
async def test_commands_are_those_of_the_terminal(tmp_path: Path) -> None:
    text = ("set +x\nshopt -s extglob\nfiles=(/proc/self/+(status|comm)); echo ${#files[@]}\n"
            "grep -q bash /proc/$$/comm && echo well | tr a-z A-Z\nexit 0\n")
    run = await runner_in(tmp_path).run(order(text, script=ScriptKind.MONITOR))
    assert (run.code, run.output.split()[-2:]) == (0, ["2", "WELL"])


@requirement("14.2.2-42", "The monitor script's timeout is configured and saved with it.", "14.2.2 Viewing, step 6",
             by=Surface.COMMAND, console=True)
@pytest.mark.parametrize(("given", "seconds"), [("45", 45), ("30s", 30), ("2m", 120)])
def test_the_timeout_is_saved(shell: Shell, given: str, seconds: float) -> None:
    assert configured(shell).scripts.monitor.timeout_s == 60
    assert shell("resource", "edit", "web", "--monitor-timeout", given) == 0
    assert spec_of(shell, "web").scripts.monitor.timeout_s == seconds


@requirement("14.2.2-43", "The script is given that much time: one that ends within it is not failed.",
             "14.2.2 Viewing, step 6.2", by=Surface.BOTH)
def test_a_slow_monitor_within_its_time_is_well(shell: Shell) -> None:
    spec = configured(shell, *watched(timeout="1m"))

    async def story(world: World) -> None:
        world.nature.faults["web", ScriptKind.MONITOR] = Fault(takes_s=50)
        await online(world, spec)
        await asyncio.sleep(600)
        assert (await world.state("web")).lives == 1
        assert kinds(world, "node1").count("monitor") > 5

    act(story)


@requirement("14.2.2-44", "One that does not starts the configured failure action, at the first time.",
             "14.2.2 Viewing, step 6.2", by=Surface.BOTH)
@pytest.mark.parametrize(("action", "why"), [
    ("comatose", Why.MONITOR_COMATOSE), ("migrate", Why.MONITOR_MIGRATE), ("reboot", Why.MONITOR_REBOOT)])
def test_a_monitor_past_its_timeout_starts_the_action(shell: Shell, action: str, why: Why) -> None:
    spec = configured(shell, *watched(action))

    async def story(world: World) -> None:
        await online(world, spec)
        world.nature.faults["web", ScriptKind.MONITOR] = Fault(never_ends=True)
        await world.until(lambda view: view.states["web"].value.state is not State.RUNNING)  # type: ignore[index]
        assert why in {entry.reason.why for entry in await world.history()}
        assert kinds(world, "node1").count("monitor") == 1

    act(story)


@requirement("14.2.2-45", "It is marked failed right when the timeout expires, while its process still runs.",
             "14.2.2 Viewing, step 6.2", by=Surface.BOTH)
def test_it_is_failed_at_that_instant(shell: Shell) -> None:
    spec = configured(shell, *watched())

    async def story(world: World) -> None:
        await online(world, spec)
        loaded_at = asyncio.get_running_loop().time()
        world.nature.faults["web", ScriptKind.MONITOR] = Fault(never_ends=True)
        await world.becomes("web", State.COMATOSE)
        begun_s = spec.monitoring.interval_s + spec.scripts.monitor.timeout_s
        assert asyncio.get_running_loop().time() - loaded_at <= begun_s + 1
        runner = world.hosts["node1"].runner  # type: ignore[index]  # a node's name
        assert runner.process_of(ResourceName("web")) is not None

    act(story)


@requirement("14.2.2-46", "Nothing else is run for the resource until that process has concluded.",
             "14.2.2 Viewing, step 6.2", by=Surface.BOTH)
def test_other_operations_wait_for_the_process(shell: Shell) -> None:
    spec = configured(shell, *watched("migrate"))

    async def story(world: World) -> None:
        await online(world, spec)
        world.nature.faults["web", ScriptKind.MONITOR] = Fault(takes_s=300)
        await world.becomes("web", State.UNLOADING)
        world.nature.faults.clear()
        await asyncio.sleep(200)
        assert kinds(world, "node1") == ["load", "monitor"]
        assert world.where("web") == ("node1",)
        await world.runs_on("web", "node2", within_s=120)
        assert kinds(world, "node1") == ["load", "monitor", "unload"]

    act(story)


@requirement("14.2.2-47", "A real process past its timeout is waited for, not killed.", "14.2.2 Viewing, step 6.2",
             by=Surface.RUNNER)
async def test_a_real_process_is_waited_for(tmp_path: Path) -> None:
    runner, story = runner_in(tmp_path), tmp_path / "story"
    (tmp_path / "gate").touch()
    slow = order(f"while [ -e {tmp_path}/gate ]; do sleep 0.05; done; echo monitor >> {story}\n", timeout_s=0.2,
                 script=ScriptKind.MONITOR)
    assert (await runner.run(slow)).end is RunEnd.OVERDUE
    after = asyncio.create_task(runner.run(order(f"echo unload >> {story}\n", operation="op-2",
                                                 script=ScriptKind.UNLOAD)))
    assert runner.process_of(ResourceName("vm1")) is not None
    assert not story.exists()
    (tmp_path / "gate").unlink()
    assert (await after).code == 0
    assert story.read_text() == "monitor\nunload\n"


@requirement("14.2.2-48", "An operator need not wait: the process can be ended by order.", "14.2.2 Viewing, step 6.2",
             by=Surface.BOTH)
def test_the_process_can_be_ended(shell: Shell) -> None:
    spec = configured(shell, *watched("migrate"))

    async def story(world: World) -> None:
        await online(world, spec)
        world.nature.faults["web", ScriptKind.MONITOR] = Fault(never_ends=True)
        await world.becomes("web", State.UNLOADING)
        world.nature.faults.clear()
        assert (await world.order(Verb.END_PROCESS, "web")).outcome is Outcome.DONE
        await world.runs_on("web", "node2")

    act(story)


@requirement("14.2.2-49", "Monitoring has to be on for the monitor script to count: one that is changed before that is "
             "kept until then.", "14.2.2 Monitor p2", by=Surface.BOTH)
def test_a_changed_script_is_kept_until_monitoring_is_on(shell: Shell, tmp_path: Path) -> None:
    configured(shell)
    (tmp_path / "own").write_text("ping -c 1 192.0.2.7\n")
    assert shell("script", "edit", "web", "monitor", "--file", str(tmp_path / "own")) == 0
    off = spec_of(shell, "web")
    assert shell("resource", "edit", "web", "--monitoring", "--interval", "10s") == 0
    on = spec_of(shell, "web")

    async def story(world: World) -> None:
        await online(world, off)
        fail_monitor(world)
        await asyncio.sleep(120)
        assert kinds(world, "node1") == ["load"]
        world.nature.faults.clear()
        await world.change("web", lambda _: on)
        await asyncio.sleep(30)
        assert {run.text for run in runs(world, "node1") if run.script == "monitor"} == {"ping -c 1 192.0.2.7\n"}

    act(story)
