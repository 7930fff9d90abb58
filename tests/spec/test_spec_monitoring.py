"""Section 14.2.2, Enabling Resource Monitoring: when the monitor runs, and what failures lead to."""

import asyncio

import pytest

from cli.shell import Shell
from spec.playing import act, configured, fail_monitor, kinds, leaves, online, runs, spec_of, watched
from spec.register import Surface, requirement
from stanchion.model.ids import NodeName
from stanchion.model.orders import Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import FailureAction, ScriptKind
from stanchion.model.state import State
from stanchion.sim.host import Fault
from stanchion.sim.world import World

XEN = ("Xen_Template", "XenLive_Template")


async def _failures(world: World, times: int) -> None:
    """Let the monitor fail so many times, each a while after the machine runs again."""
    for _ in range(times):
        runs_so_far = (await world.state("web")).lives
        fail_monitor(world)
        await world.until(lambda view, lives=runs_so_far: (  # type: ignore[misc]  # binds the count
            view.states["web"].value.state is not State.RUNNING or view.states["web"].value.lives > lives), 120)
        world.nature.faults.clear()
        await world.becomes("web", State.RUNNING)


@requirement("14.2.2-19", "Both templates come with a monitor script, which can be changed.", "14.2.2 Monitor p1",
             by=Surface.COMMAND, console=True)
@pytest.mark.parametrize("template", XEN)
def test_there_is_a_monitor_script(shell: Shell, template: str) -> None:
    assert "exit_on_error ocf_status Xen" in configured(shell, template=template).scripts.monitor.text
    assert shell("script", "lint", "web") == 0
    assert "monitor script: nothing to find fault with" in shell.out


@requirement("14.2.2-20", "The monitor script watches the machine's health: it notices a machine that died.",
             "14.2.2 Monitor p1", by=Surface.BOTH)
def test_a_machine_that_died_is_noticed(shell: Shell) -> None:
    spec = configured(shell, *watched())

    async def story(world: World) -> None:
        await online(world, spec)
        world.hosts[NodeName("node1")].become("web", None)
        state = await world.until(lambda view: view.states["web"].value.lives == 2)  # type: ignore[index]  # a name
        assert state is not None
        await world.runs_on("web", "node1")

    act(story)


@requirement("14.2.2-21", "Monitoring is off until it is switched on: the script does not run.", "14.2.2 Monitor p2",
             "14.2.2 Enabling, step 4.2", by=Surface.BOTH, console=True)
@pytest.mark.parametrize("template", XEN)
def test_monitoring_is_off_by_default(shell: Shell, template: str) -> None:
    spec = configured(shell, template=template)
    assert shell("resource", "show", "web") == 0
    assert "Monitoring       off" in shell.out

    async def story(world: World) -> None:
        await online(world, spec)
        fail_monitor(world)
        await asyncio.sleep(600)
        assert kinds(world, "node1") == ["load"]
        assert (await world.state("web")).state is State.RUNNING

    act(story)


@requirement("14.2.2-22", "The resource is found in its cluster, with its details.", "14.2.2 Enabling p1",
             "14.2.2 Enabling, step 1", "14.2.2 Enabling, step 2", "14.2.2 Enabling, step 3", by=Surface.COMMAND,
             console=True)
def test_the_resource_shows_its_details(shell: Shell) -> None:
    configured(shell, *watched("migrate"))
    assert shell("status") == 0
    assert "Cluster lab" in shell.out
    assert "web" in shell.out
    assert shell("resource", "show", "web", "-o", "json") == 0
    assert shell.json["monitoring"] == {
        "enabled": True, "interval_s": 10, "max_failures": 3, "window_s": 600, "action": "migrate"}


@requirement("14.2.2-23", "Monitoring is switched on and off for one resource.", "14.2.2 Monitor p2",
             "14.2.2 Enabling, step 4", by=Surface.BOTH, console=True)
def test_monitoring_is_switched_on(shell: Shell) -> None:
    other = configured(shell, name="other")
    configured(shell)
    assert shell("resource", "edit", "web", "--monitoring", "--interval", "10s") == 0
    spec = spec_of(shell, "web")

    async def story(world: World) -> None:
        await online(world, spec, other)
        await asyncio.sleep(60)
        assert "monitor" in kinds(world, "node1")
        assert kinds(world, "node1", "other") == ["load"]

    act(story)


@requirement("14.2.2-24", "The polling interval says how often the monitor script runs.", "14.2.2 Enabling, step 5",
             by=Surface.BOTH, console=True)
@pytest.mark.parametrize(("interval", "times"), [("10s", 60), ("1m", 10), ("5m", 2)])
def test_the_monitor_runs_at_its_interval(shell: Shell, interval: str, times: int) -> None:
    spec = configured(shell, "--monitoring", "--interval", interval)

    async def story(world: World) -> None:
        await online(world, spec)
        await asyncio.sleep(605)
        assert abs(kinds(world, "node1").count("monitor") - times) <= max(1, times // 50)

    act(story)


@requirement("14.2.2-25", "The interval is given in minutes or in seconds.", "14.2.2 Enabling, step 5.2",
             by=Surface.COMMAND, console=True)
@pytest.mark.parametrize(("given", "seconds", "shown"), [
    ("30", 30, "30 s"), ("90s", 90, "90 s"), ("2m", 120, "2 min"), ("120", 120, "2 min")])
def test_minutes_or_seconds(shell: Shell, given: str, seconds: float, shown: str) -> None:
    spec = configured(shell, "--monitoring", "--interval", given)
    assert spec.monitoring.interval_s == seconds
    assert shell("resource", "show", "web") == 0
    assert f"every {shown}" in " ".join(shell.out.split())


@requirement("14.2.2-26", "Maximum Local Failures and the Time Interval in which they count are configured.",
             "14.2.2 Enabling, step 6", by=Surface.COMMAND, console=True)
def test_maximum_and_interval_are_configured(shell: Shell) -> None:
    spec = configured(shell, "--max-failures", "2", "--window", "20m")
    assert (spec.monitoring.max_failures, spec.monitoring.window_s) == (2, 1200)
    for wrong in (("--max-failures", "0"), ("--window", "0"), ("--interval", "-5"), ("--window", "soon")):
        assert shell("resource", "edit", "web", *wrong) == 2, wrong
    assert spec_of(shell, "web") == spec


@requirement("14.2.2-27", "That many failures within that time start the failure action.",
             "14.2.2 Enabling, step 6.2", by=Surface.BOTH)
@pytest.mark.parametrize("most", [1, 2, 4])
def test_reaching_the_maximum_starts_the_action(shell: Shell, most: int) -> None:
    spec = configured(shell, *watched(failures=most))

    async def story(world: World) -> None:
        await online(world, spec)
        fail_monitor(world)
        state = await world.becomes("web", State.COMATOSE, within_s=300)
        assert (state.reason.why, state.reason.operands[0]) == (Why.MONITOR_COMATOSE, str(most))
        assert kinds(world, "node1").count("monitor") == most

    act(story)


@requirement("14.2.2-28", "Fewer failures, or as many over a longer time, do not start it.",
             "14.2.2 Enabling, step 6.2", by=Surface.BOTH)
def test_fewer_or_scattered_failures_do_not(shell: Shell) -> None:
    spec = configured(shell, *watched("migrate"))

    async def story(world: World) -> None:
        await online(world, spec)
        for _ in range(3):
            await _failures(world, 2)
            await asyncio.sleep(620)
        state = await world.state("web")
        assert (state.state, state.node) == (State.RUNNING, "node1")
        assert await _reasons(world) == {Why.MONITOR_RESTART}

    act(story)


async def _reasons(world: World) -> set[Why]:
    told = {entry.reason.why for entry in await world.history()}
    return told & {Why.MONITOR_RESTART, Why.MONITOR_COMATOSE, Why.MONITOR_MIGRATE, Why.MONITOR_REBOOT}


@requirement("14.2.2-29", "The failure action is one of three: comatose, migrate, reboot.", "14.2.2 Enabling, step 7",
             by=Surface.COMMAND, console=True)
def test_there_are_three_actions(shell: Shell) -> None:
    for action in ("comatose", "migrate", "reboot"):
        assert configured(shell, "--action", action, name=action).monitoring.action is FailureAction(action)
    assert shell("resource", "edit", "migrate", "--action", "pray") == 2


@requirement("14.2.2-30", "Comatose: the resource is set comatose where it is, and nothing is started elsewhere.",
             "14.2.2 Enabling, step 7", by=Surface.BOTH)
def test_the_action_comatose(shell: Shell) -> None:
    spec = configured(shell, *watched())

    async def story(world: World) -> None:
        await online(world, spec)
        fail_monitor(world)
        assert (await world.becomes("web", State.COMATOSE, within_s=120)).node == "node1"
        await asyncio.sleep(300)
        assert (runs(world, "node2"), runs(world, "node3")) == ([], [])

    act(story)


@requirement("14.2.2-31", "Migrate: the resource goes to the next server in its list of preferred nodes.",
             "14.2.2 Enabling, step 7.2", by=Surface.BOTH)
def test_the_action_migrate(shell: Shell) -> None:
    spec = configured(shell, *watched("migrate"), preferred="node3,node1,node2")

    async def story(world: World) -> None:
        await online(world, spec)
        fail_monitor(world)
        await leaves(world, "node3")
        await world.runs_on("web", "node1")
        assert "NCS_TOFROM" not in runs(world, "node1")[0].environment, "what is not well is loaded anew"

    act(story)


@requirement("14.2.2-32", "It stays on that server unless somebody migrates it.", "14.2.2 Enabling, step 7.2",
             by=Surface.BOTH)
def test_it_stays_where_the_action_brought_it(shell: Shell) -> None:
    spec = configured(shell, *watched("migrate"))

    async def story(world: World) -> None:
        await online(world, spec)
        fail_monitor(world)
        await leaves(world, "node1")
        await asyncio.sleep(3600)
        assert world.where("web") == ("node2",)
        assert (await world.order(Verb.MIGRATE, "web", "node3")).outcome is Outcome.DONE
        assert world.where("web") == ("node3",)

    act(story)


@requirement("14.2.2-33", "When the action starts again it goes on to the next server, each time, and round again.",
             "14.2.2 Enabling, step 7.2", by=Surface.BOTH)
def test_each_time_it_goes_on_to_the_next(shell: Shell) -> None:
    spec = configured(shell, *watched("migrate"))

    async def story(world: World) -> None:
        await online(world, spec)
        for there, following in (("node1", "node2"), ("node2", "node3"), ("node3", "node1")):
            fail_monitor(world)
            await leaves(world, there)
            await world.runs_on("web", following)

    act(story)


@requirement("14.2.2-34", "Reboot: the hosting node is reset hard; no script stops anything on it, nothing is synced "
             "or unmounted.", "14.2.2 Enabling, step 7", "14.2.2 Enabling, step 7.3", by=Surface.BOTH)
def test_the_action_reboot_is_hard(shell: Shell) -> None:
    spec = configured(shell, *watched("reboot", failures=1))
    other = configured(shell, name="other")

    async def story(world: World) -> None:
        await online(world, spec, other)
        fail_monitor(world)
        await leaves(world, "node1")
        assert world.hosts[NodeName("node1")].resets == 1
        assert kinds(world, "node1") == ["load", "monitor"]
        assert kinds(world, "node1", "other") == ["load"]

    act(story)


@requirement("14.2.2-35", "After the reboot each resource of that node fails over to the next server of its own list.",
             "14.2.2 Enabling, step 7.3", by=Surface.BOTH)
def test_everything_on_the_node_fails_over(shell: Shell) -> None:
    specs = [configured(shell, *watched("reboot", failures=1)),
             configured(shell, name="other", preferred="node1,node3,node2"),
             configured(shell, name="data", template="Generic_FS", preferred="node1,node2")]

    async def story(world: World) -> None:
        await online(world, *specs)
        fail_monitor(world)
        await leaves(world, "node1")
        for name, node in (("web", "node2"), ("other", "node3"), ("data", "node2")):
            await world.runs_on(name, node)

    act(story)


@requirement("14.2.2-36", "With the reboot a resource that must remain available does: it runs elsewhere, even where "
             "its node could not stop it.", "14.2.2 Enabling, step 7", by=Surface.BOTH)
def test_a_mission_critical_machine_runs_elsewhere_though_it_cannot_be_stopped(shell: Shell) -> None:
    spec = configured(shell, *watched("reboot", failures=1))

    async def story(world: World) -> None:
        await online(world, spec)
        world.nature.faults["web", ScriptKind.UNLOAD] = Fault(code=1, effect=False)
        fail_monitor(world)
        await leaves(world, "node1")
        await world.runs_on("web", "node2")

    act(story)


@requirement("14.2.2-37", "Start, failover and failback modes have no effect on where monitoring brings a resource.",
             "14.2.2 Enabling, step 7.4", by=Surface.BOTH)
@pytest.mark.parametrize("modes", [("manual", "manual", "manual"), ("auto", "auto", "auto"),
                                   ("manual", "manual", "disable")])
def test_modes_do_not_hold_a_monitors_move(shell: Shell, modes: tuple[str, str, str]) -> None:
    start, failover, failback = modes
    spec = configured(shell, *watched("migrate"), "--start", start, "--failover", failover,
                      "--failback", failback)

    async def story(world: World) -> None:
        await online(world, spec)
        fail_monitor(world)
        await leaves(world, "node1")
        await world.runs_on("web", "node2")
        assert Why.FAILOVER_MANUAL not in {entry.reason.why for entry in await world.history()}

    act(story)


@requirement("14.2.2-38", "What monitoring moved does not migrate back by itself, even with failback, until somebody "
             "migrates it.", "14.2.2 Enabling, step 7.4", by=Surface.BOTH)
def test_there_is_no_way_back_until_somebody_migrates_it(shell: Shell) -> None:
    spec = configured(shell, *watched("migrate"), "--failback", "auto")

    async def story(world: World) -> None:
        await online(world, spec)
        fail_monitor(world)
        await leaves(world, "node1")
        await world.runs_on("web", "node2")
        await world.power_off("node1")
        await asyncio.sleep(30)
        world.power_on("node1")
        await asyncio.sleep(600)
        assert world.where("web") == ("node2",)
        assert (await world.order(Verb.MIGRATE, "web", "node1")).outcome is Outcome.DONE
        assert world.where("web") == ("node1",)

    act(story)
