"""Playing a neutral scenario through the real agent, and judging how it ends.

Every verb is done as nearly as the product can; what it cannot do is noted as a reason to differ and left out. All
judges of the simulator sit in every scenario, whatever comes of it. A scenario *passes* only when every expectation
was checked and holds, and nothing that it rests on was left out.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from stanchion.model.balance import OFF
from stanchion.model.capacity import Size
from stanchion.model.cluster import ClusterView, Key, Kind, Node, Settings
from stanchion.model.groups import Bond, Group
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.orders import Verb
from stanchion.model.resource import FailbackMode, LoadFailure, Policies, ResourceSpec, RetryComatose, ScriptKind
from stanchion.model.standing import Shutdown
from stanchion.model.state import State
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.sim import loop, verbs
from stanchion.sim.court import Court
from stanchion.sim.host import Condition, Fault
from stanchion.sim.judges import JUDGES
from stanchion.sim.life import hushed
from stanchion.sim.neutral import Because, Result, Rule, Scenario, size
from stanchion.sim.strikes import What
from stanchion.sim.verdict import Fault as Unmet
from stanchion.sim.verdict import Verdict
from stanchion.sim.world import World, spec

UP_S = 10.0
"""How long after the first boots the resources are put online."""

END_S = 120.0
"""How long after the last event the end is looked at."""

EMPTY_S = 60.0
FULL = "MiB of memory left"
"""What a machine waits for that finds no room."""

ALWAYS = "00:00-23:59"
"""When a cluster evens itself out that is to do so at any time."""

TICK_S = 0.5

Event = Mapping[str, Any]


def act(scenario: Scenario) -> Result:
    """Play one scenario and judge it."""
    async def main() -> Result:
        return await _Stage(scenario).play()

    with hushed():
        return loop.run(main)


def _settings(scenario: Scenario) -> Settings:
    groups = tuple(Group(name=f"rule{number}", bond=Bond(rule.kind), members=tuple(map(ResourceName, rule.vms)))
                   for number, rule in enumerate(scenario.rules) if rule.kind in {"apart", "together"})
    return Settings(cluster="pretend", groups=groups,
                    balance=ALWAYS if scenario.policy.get("auto_rebalance") else OFF)


def _furnished(scenario: Scenario) -> Iterator[Node]:
    """Give the nodes the room that the scenario gives them, all of it for machines."""
    for name, room in scenario.rooms.items():
        if scenario.sized:
            yield Node(name=NodeName(name), capacity=room, reserve=Size(memory_mib=1))


class _Stage:
    """One scenario on its stage; ``verdict`` collects what the product did otherwise or left out."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.world = World(scenario.nodes, settings=_settings(scenario))
        self.verdict = Verdict(scenario.final)
        self.lost_at: dict[str, float] = {}
        if scenario.seeded:
            self.verdict.note(Because.SEEDED)
        if scenario.policy.get("placement") == "by_measured_load":
            self.verdict.note(Because.LOAD)

    async def play(self) -> Result:
        """Play it."""
        world, scenario = self.world, self.scenario
        for host in world.hosts.values():
            host.powered = False
        await world.found()
        await world.operator.commit(Transaction(puts=tuple(map(Put, _furnished(scenario)))))
        for name, vm in scenario.vms.items():
            if vm.get("want") in {"running", "stopped"}:
                await self._create(name, vm)
            else:
                self.verdict.note(Because.UNMANAGE, name)
        court = Court(world, JUDGES)
        try:
            await self._through(court)
            view = await world.view()
            end = _end(view)
            faults = self._faults(view)
        finally:
            await world.stop()
        if court.violations:
            return Result(name=scenario.id, verdict="fail", why=court.violations[0].told(), end=end)
        verdict, why = self.verdict.given(faults)
        return Result(name=scenario.id, verdict=verdict, why=why, end=end)

    async def _through(self, court: Court) -> None:
        """Let everything happen at its time; after the first boots what is wanted is put online."""
        events = list(self.scenario.events)
        first_s = events[0]["at"]
        boots = next((index for index, event in enumerate(events)
                      if event["do"] != "node_boot" or event["at"] > first_s), len(events))
        wanted = [{"at": events[boots - 1]["at"] + UP_S, "do": "want", "vm": name, "state": "running"}
                  for name, vm in self.scenario.vms.items() if vm.get("want") == "running"]
        for event in (*events[:boots], *wanted, *events[boots:]):
            await self._wait(court, event["at"])
            await self._do(event)
        await self._wait(court, asyncio.get_running_loop().time() + END_S)

    async def _wait(self, court: Court, until_s: float) -> None:
        while asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(TICK_S)
            court.tick()

    async def _create(self, name: str, vm: Event) -> None:
        await self.world.create(_spec(name, vm, self.scenario))
        faults, nature = vm.get("faults", {}), self.world.nature
        if "start_fails_first" in faults:
            nature.faults[name, ScriptKind.LOAD] = Fault(code=1, effect=False, times=faults["start_fails_first"])
        if faults.get("stop_always_fails"):
            nature.faults[name, ScriptKind.UNLOAD] = Fault(code=1, effect=False)
        if "move_fails_first" in faults:
            nature.faults[name, ScriptKind.UNLOAD] = Fault(code=1, effect=False, times=faults["move_fails_first"])

    async def _do(self, event: Event) -> None:
        """Do one event: to a node, or to a resource; what is neither is left out and noted."""
        match event["do"]:
            case "node_boot" | "node_reconnect":
                await self._boot(event["node"])
            case "node_isolate":
                self._lose(event["node"])
                self._isolate(event["node"])
            case "node_power_loss":
                self._lose(event["node"])
                await self.world.power_off(event["node"])
            case "node_graceful_shutdown" | "node_graceful_reboot":
                await self._shut_down(event["node"], again=event["do"] == "node_graceful_reboot")
            case "node_agent_restart":
                await self.world.restart(event["node"])
            case "store_fault" if event.get("kind") == "no_read_write":
                self.world.isolate(event["node"])
            case "store_ok":
                self.world.reconnect(event["node"])
            case _:
                if not await self._order(event):
                    await self._do_resource(event)

    async def _order(self, event: Event) -> bool:
        """Do what operators order for a node or for the whole cluster; False: it is something else."""
        match event["do"]:
            case "maintenance_on":
                await self.world.give(Verb.DRAIN, node=event["node"])
            case "maintenance_off":
                self.verdict.note(Because.RETURN)
                await self.world.give(Verb.UNDRAIN, node=event["node"])
            case "cluster_pause":
                await verbs.stand(self.world, What.PAUSED)
            case "cluster_resume":
                await verbs.stand(self.world, What.RESUMED)
            case _:
                return False
        return True

    async def _do_resource(self, event: Event) -> None:
        match event["do"]:
            case "want":
                await self._want(event["vm"], event["state"])
            case "move_live" | "move_cold":
                state = (await self.world.view()).states[ResourceName(event["vm"])].value
                if state.state is not State.RUNNING:
                    self.verdict.note(Because.STOPPED, event["vm"])
                await self.world.give(Verb.MIGRATE, event["vm"], event["to"], live=event["do"] == "move_live")
            case "stop":
                await self.world.give(Verb.OFFLINE, event["vm"])
            case "manage":
                await self._manage(event)
            case "unmanage":
                await self._unmanage(event["vm"])
            case "moved_outside_ha":
                self._move_outside(event["vm"], event["to"])
            case "vm_size":
                await self.world.change(event["vm"], lambda spec: replace(spec, size=size(event)))
            case left_out:
                self.verdict.note(_LEFT_OUT[left_out], *([event["vm"]] if "vm" in event else []))

    # Nodes.

    async def _boot(self, node: str) -> None:
        """Switch it on, or join it with the network if it is on."""
        world = self.world
        world.reconnect(node)
        world.air.cuts -= {pair for pair in world.air.cuts if node in pair}
        world.power_on(node)
        world.start(node)

    def _lose(self, node: str) -> None:
        self.lost_at.setdefault(node, asyncio.get_running_loop().time())

    def _isolate(self, node: str) -> None:
        self.world.isolate(node)
        me, others = NodeName(node), [other for other in self.world.hosts if other != node]
        self.world.air.cuts |= {pair for other in others for pair in ((me, other), (other, me))}

    async def _shut_down(self, node: str, *, again: bool) -> None:
        """Let a host hand over, end its agent and switch it off; for a reboot, switch it on again."""
        policy = _SHUTDOWN[self.scenario.policy.get("shutdown", "conditional"), again]
        there = [name for name in self.scenario.final if NodeName(node) in self.world.where(name)]
        if there and again and policy is not Shutdown.FREEZE:
            self.verdict.note(Because.RETURN, *there)
        await verbs.stand(self.world, What.POLICY, detail=policy)
        await verbs.hand_over(self.world, NodeName(node))
        with suppress(TimeoutError):
            await self.world.until(lambda view: NodeName(node) not in view.live, within_s=EMPTY_S)
        await self.world.end(node)
        await self.world.power_off(node)
        if again:
            await asyncio.sleep(TICK_S)
            await self._boot(node)

    # Resources.

    async def _want(self, vm: str, state: str) -> None:
        """Put it online where it is at home, where that may be; else wherever it may be."""
        if state != "running":
            await self.world.give(Verb.OFFLINE, vm)
            return
        home = self.scenario.vms.get(vm, {}).get("home")
        view = await self.world.view()
        listed = view.specs[ResourceName(vm)].value.preferred
        may = home is not None and NodeName(home) in view.live and (not listed or home in listed)
        ended = await self.world.order(Verb.ONLINE, vm, home if may else None)
        if may and ended.outcome == "refused":
            self.verdict.note(Because.APART, vm)
            await self.world.order(Verb.ONLINE, vm)

    async def _manage(self, event: Event) -> None:
        name = event["vm"]
        if event.get("already_running"):
            self.world.hosts[NodeName(event["home"])].become(name, Condition.EXECUTES)
        if ResourceName(name) not in (await self.world.view()).states:
            await self._create(name, event)
        if event["want"] == "running":
            await self.world.order(Verb.ONLINE, name, event["home"])

    async def _unmanage(self, vm: str) -> None:
        """Delete it where it is offline, as the API does; what runs cannot be forgotten."""
        view, name = await self.world.view(), ResourceName(vm)
        self.verdict.note(Because.UNMANAGE, vm)
        if view.states[name].value.state is State.OFFLINE:
            keys = (Key(Kind.SPEC, name), Key(Kind.STATE, name))
            guards = (Guard(keys[0], view.specs[name].revision), Guard(keys[1], view.states[name].revision))
            await self.world.operator.commit(Transaction(guards=guards, deletes=keys))

    def _move_outside(self, vm: str, to: str) -> None:
        """Somebody takes the machine away from its host; it is not let run elsewhere, where nobody sent it."""
        self.verdict.note(Because.OUTSIDE, vm)
        for host in self.world.hosts.values():
            if host.name != to and host.machines.get(vm) is Condition.EXECUTES:
                host.become(vm, None)

    # The end.

    def _faults(self, view: ClusterView) -> list[Unmet]:
        """Compare the end with what is expected; a node that only another way of placing gives is a reason."""
        faults = [fault for name, expected in self.scenario.final.items()
                  if (fault := self._fault(view, name, expected)) is not None]
        for node in self.scenario.must_lose:
            at_s, here = self.lost_at.get(node, 0.0), [of for of in self.world.nature.records if of.host == node]
            if any(of.at_s < at_s for of in here) and all(of.begins or of.at_s < at_s for of in here):
                faults.append(Unmet(node, f"{node} did not lose its machines"))
        return faults

    def _fault(self, view: ClusterView, name: str, expected: Event) -> Unmet | None:
        held, there = view.states.get(ResourceName(name)), self.world.where(name)
        found = State.OFFLINE if held is None else held.value.state
        want = expected["state"]
        good = {"running": found is State.RUNNING and len(there) == 1, "stopped": found is State.OFFLINE and not there,
                "waiting_for_node": found is State.UNASSIGNED and not there, "error": found is State.COMATOSE,
                "down_no_quorum": not there, "unmanaged": held is None}.get(want, False)
        if not good and "start_fails_first" in self.scenario.vms.get(name, {}).get("faults", {}):
            self.verdict.note(Because.LOAD_FAILED, name)
        if not good and found is State.UNASSIGNED and held is not None and FULL in " ".join(held.value.reason.operands):
            self.verdict.note(Because.ROOM, name)
        if not good:
            return Unmet(name, f"{name} is {found} on {there[0] if there else 'no node'}, not {want}")
        if want != "running" or there[0] in {expected.get("node"), *self.scenario.any_of.get(name, ())}:
            return None
        rules = [rule for rule in self.scenario.rules if name in rule.vms]
        if any(rule.kind == "apart" for rule in rules):
            self.verdict.note(Because.APART, name)
        elif not any(_decides(rule) for rule in rules):
            self.verdict.note(Because.PLACEMENT, name)
        return Unmet(name, f"{name} runs on {there[0]}, not on {expected.get('node')}", where=True)


_SHUTDOWN = {
    ("conditional", False): Shutdown.FAILOVER, ("conditional", True): Shutdown.FREEZE,
    **{(str(policy), again): policy for policy in Shutdown for again in (False, True)},
}
"""The policy that says the same; another manager may tell a reboot from a shutdown."""

_LEFT_OUT = {"vm_load": Because.LOAD, "node_set_version": Because.VERSIONS, "store_fault": Because.STALE,
             "vm_lock": Because.UNMANAGE, "manager_process_stop": Because.SEEDED, "manager_skip_rounds": Because.SEEDED}


def _decides(rule: Rule) -> bool:
    """Tell whether a rule leaves no choice between nodes."""
    return rule.kind in {"only_on", "prefer"} and (rule.ranked or len(rule.nodes) == 1)


def _spec(name: str, vm: Event, scenario: Scenario) -> ResourceSpec:
    """Give the configuration that says the same: rules become the list of preferred nodes."""
    only = [rule for rule in scenario.rules if rule.kind == "only_on" and name in rule.vms]
    prefer = [rule for rule in scenario.rules if rule.kind == "prefer" and name in rule.vms]
    listed = [node for rule in (*only, *prefer) for node in rule.nodes]
    if prefer and not only:
        listed += [node for node in scenario.nodes if node not in listed]
    live = bool(vm.get("live_migration", True))
    back = FailbackMode.AUTO if (only or prefer) and vm.get("failback", True) else FailbackMode.DISABLE
    policies = Policies(failback=back, failback_live=live, **_after_a_failed_load(vm))
    made = spec(name, preferred=tuple(dict.fromkeys(listed)), live=live)
    return replace(made, policies=policies, size=size(vm.get("size") if scenario.sized else None))


def _after_a_failed_load(vm: Event) -> dict[str, Any]:
    """Say the same as another manager's limits: so many more times there, then on so many other nodes."""
    if vm.get("max_restart", 1):
        return {"retry_comatose": RetryComatose.BACKOFF}
    return {"load_failure": LoadFailure.NEXT_NODE} if vm.get("max_relocate", 1) else {}


def _end(view: ClusterView) -> str:
    """Tell where everything is."""
    return ", ".join(f"{name} {held.value.state}" + (f" {held.value.node}" if held.value.state is State.RUNNING else "")
                     for name, held in sorted(view.states.items()))
