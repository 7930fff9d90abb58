"""The steps in which nothing breaks: the stage is set, looked at, a machine moves live, and the cluster explains."""

from datetime import datetime
from itertools import pairwise

from stanchion.lab.demo.stage import Stage, StepFailed
from stanchion.lab.fencing import equip
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State


async def set_the_stage(stage: Stage) -> None:
    """Create and start the three machines with the real command line."""
    await stage.all_up()
    await equip(stage.client, stage.lab)
    stage.tell.saw(f"three pretend hosts are up in {stage.lab.directory}; a lease lasts {stage.lease_s:g} s, and each "
                   "host can be switched off by a fence device")
    for machine in stage.machines:
        machine.write()
        words = ["resource", "create", machine.name, machine.template, f"CONFIG={machine.config}",
                 "SHUTDOWN_TIMEOUT=0", "--preferred", ",".join(machine.preferred)]
        if machine.name == "mail":
            words += ["HUNG_AFTER=2", "--monitoring", "--interval", "1s", "--max-failures", "3", "--window", "5m",
                      "--action", "migrate"]
        await stage.cli(*words, "--online")
    for machine in stage.machines:
        tick = await stage.wait_tick(machine, lambda _: True)
        stage.tell.saw(f"{machine.name} says on its serial line: tick {tick.counter} boot {tick.nonce}")


async def look(stage: Stage) -> None:
    """See all nodes up, one master, and every machine on its first preferred node."""
    await stage.cli("status")
    now = await stage.client.status()
    up = [node for node in now.nodes if node.state == "up"]
    masters = [node.name for node in up if node.master]
    if len(up) != len(stage.lab.hosts) or len(masters) != 1:
        raise StepFailed(f"{len(up)} nodes are up and the masters are {masters}, not 3 and one")
    for machine in stage.machines:
        is_at = next(each for each in now.resources if each.name == machine.name)
        if (is_at.state, is_at.node) != (State.RUNNING, machine.preferred[0]):
            raise StepFailed(f"{machine.name} is {is_at.state} on {is_at.node}, not Running on {machine.preferred[0]}")
    stage.tell.saw(f"three nodes, master {masters[0]}; each machine runs on the first of its preferred nodes")


async def migrate(stage: Stage) -> None:
    """Move web to another node while it runs, and find that its counter never began anew."""
    web = stage.machine("web")
    source = (await stage.wait_running("web")).node
    target = next(name for name in web.preferred if name != source)
    before = await stage.wait_tick(web, lambda _: True)
    await stage.cli("migrate", "web", target)
    await stage.wait_running("web", target)
    after = await stage.wait_goes_on(web, before)
    numbers = [tick.counter for tick in web.heard() if tick.nonce == after.nonce]
    if any(later != earlier + 1 for earlier, later in pairwise(numbers)):
        raise StepFailed("web lost ticks on the way")
    stage.tell.saw(f"tick {before.counter} on {source}, tick {after.counter} on {target}, none missing; "
                   f"still boot {after.nonce}: it was never restarted")
    stopped, resumed = await _instant(stage, ScriptKind.UNLOAD, "stopped-at:"), await _instant(
        stage, ScriptKind.LOAD, "resumed-at:")
    stage.tell.saw(f"it stood still for {(resumed - stopped) * 1000:.0f} ms, from "
                   f"{datetime.fromtimestamp(stopped).astimezone():%H:%M:%S.%f} on")


async def _instant(stage: Stage, script: ScriptKind, mark: str) -> float:
    """Read an instant (seconds since 1970) from the output of the last run of a script of web."""
    runs = (await stage.client.runs("web", script, limit=1, output=True)).runs
    for line in (runs[0].output or "").splitlines() if runs else ():
        if line.startswith(mark):
            return float(line.removeprefix(mark))
    raise StepFailed(f"the {script} run of web has no line {mark!r}; `stanchion runs web {script}` shows it")


async def explain(stage: Stage) -> None:
    """Ask the cluster why things are as they are."""
    said = await stage.cli("explain", "mail")
    answers = (await stage.client.explain("mail")).answers
    node = (await stage.resource("mail")).node
    if not answers or any(not answer.reasons for answer in answers):
        raise StepFailed("explain left a question without an answer")
    if str(node) not in said:
        raise StepFailed(f"explain does not name {node}, where mail is")
    await stage.cli("events", "--limit", "12")
    stage.audit()
    counts = ", ".join(f"{machine.name} {len(machine.heard())} ticks in {len(machine.boots())} boots"
                       for machine in stage.machines)
    stage.tell.saw(f"the machines' own logs show no moment with two copies: {counts}")
