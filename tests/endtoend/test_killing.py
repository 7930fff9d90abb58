"""Any process of a host but its supervisor may be killed at any moment: nothing is lost, nothing runs twice.

A storm of orders and SIGKILLs, drawn from a seed, over a real lab: agents, script keepers, scripts and what they
started, and some of the machines themselves. Afterwards every resource is where the cluster says, those that nobody
ordered or killed never noticed, and all configurations are as they were.

``STANCHION_STORM_S`` makes the storm longer, ``STANCHION_STORM_SEED`` repeats one.
"""

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from realhosts import Cluster, Sleeper, cluster, until
from stanchion.client import Client
from stanchion.lab import processes
from stanchion.lab.demo.machines import DemoMachine
from stanchion.model.errors import StanchionError
from stanchion.model.state import State
from stanchion.wire.replies import IntentInfo, ResourceDetail, ResourceInfo
from stanchion.wire.requests import MonitoringChange, ResourceChange

STORM_S = float(os.environ.get("STANCHION_STORM_S", "8"))
SEED = int(os.environ.get("STANCHION_STORM_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
SETTLED = {State.RUNNING, State.OFFLINE, State.COMATOSE}
NODES = ("node1", "node2", "node3")
HAS_QEMU = shutil.which("qemu-system-x86_64") is not None

pytestmark = pytest.mark.slow


class Storm:
    """What is in the lab, and the hands that disturb it."""

    def __init__(self, lab: Cluster) -> None:
        self.lab = lab
        self.draw = random.Random(SEED)
        self.busy = [Sleeper(f"busy{number}", lab.place, pause_s=0.2) for number in (1, 2, 3)]
        self.calm = [Sleeper(f"calm{number}", lab.place) for number in (1, 2, 3)]
        self.guests = [DemoMachine(name, "QemuLive_Template", (), lab.place) for name in ("web", "still") if HAS_QEMU]
        self.killed: Counter[str] = Counter()

    def make(self) -> None:
        """Make everything and bring it online."""
        for each in self.busy:
            self.lab.order(each.name, each.change(monitored=each.name != "busy3"))
        for node, each in zip(NODES, self.calm, strict=True):
            self.lab.order(each.name, each.change(preferred=(node,), monitored=True))
        for guest in self.guests:
            guest.write()
            monitoring = MonitoringChange(enabled=True, interval_s=2.0, max_failures=1000)
            self.lab.order(guest.name, ResourceChange(monitoring=monitoring), guest.template, CONFIG=str(guest.config),
                           SHUTDOWN_TIMEOUT="1")
        for name in [each.name for each in self.lab.status().resources]:
            self.lab.wait_state(name, State.RUNNING)
        for guest in self.guests:
            until(guest.last, f"{guest.name} ticks")

    def rage(self) -> None:
        """Give orders and kill processes until time is up."""
        until_s = time.monotonic() + STORM_S
        while time.monotonic() < until_s:
            if self.draw.random() < 0.5:
                self.order()
            self.kill()
            time.sleep(self.draw.uniform(0.0, 0.4))

    def order(self) -> None:
        """Give any order to any resource that may be disturbed; it may be refused, or meet an agent that is dead."""
        name = self.draw.choice([*(each.name for each in self.busy), *(guest.name for guest in self.guests[:1])])
        what, node = self.draw.choice(["online", "offline", "migrate", "migrate"]), self.draw.choice(NODES)

        async def given(client: Client) -> IntentInfo:
            match what:
                case "online":
                    return await client.online(name)
                case "offline":
                    return await client.offline(name)
            return await client.migrate(name, node)

        with suppress(StanchionError):
            self.lab.ask(given)

    def kill(self) -> None:
        """Kill any process of any host that may be killed: rarely an agent that is not yet back from the last time."""
        host = self.lab.host(self.draw.choice(NODES))
        status = host.command("status")
        found = status["processes"]
        assert isinstance(found, list)
        kinds = {pid: self._kind(pid, status["agent"]) for pid in found}
        wanted = self.draw.choice(["agent", "keeper", "script", "machine"])
        victims = [pid for pid, kind in kinds.items() if kind == wanted]
        if wanted == "agent" and not self._renews(status["fires_in_s"]):
            return
        if victims:
            victim = self.draw.choice(victims)
            self.killed[wanted] += 1
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)

    def _renews(self, fires_in_s: object) -> bool:
        return isinstance(fires_in_s, float) and fires_in_s > 15

    def _kind(self, pid: int, agent: object) -> str:
        """Say what a process is; those of machines that must not notice anything are of no kind."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return ""
        line = " ".join(words)
        if pid == agent:
            return "agent"
        if words[0].startswith("sleeper:") or "-qmp" in words:
            return "machine" if "/busy1.alive" in line or "guest=web" in line else ""
        if _resource_of(pid).startswith(("calm", "still")):
            return ""
        return "keeper" if "keeper.py" in line else "script"

    def settle(self) -> dict[str, ResourceDetail]:
        """Wait until every resource has come to rest and stays so for a while."""
        self.lab.all_up()
        rest: list[tuple[float, list[ResourceInfo]]] = []

        def resting() -> bool:
            now = list(self.lab.status().resources)
            if not rest or [(r.name, r.state, r.node, r.lives) for r in rest[-1][1]] != [
                    (r.name, r.state, r.node, r.lives) for r in now]:
                rest.append((time.monotonic(), now))
            return all(r.state in SETTLED for r in now) and time.monotonic() - rest[-1][0] > 3.0

        try:
            until(resting, "every resource comes to rest", within_s=60)
        except StanchionError as late:
            raise AssertionError(f"{late}: {rest[-1:]}") from None
        return {each.name: self.lab.resource(each.name) for each in rest[-1][1]}


@pytest.fixture(scope="module")
def storm() -> Iterator[Storm]:
    with cluster(profile="tolerant") as lab:
        made = Storm(lab)
        made.make()
        yield made


def configuration(found: ResourceDetail) -> dict[str, object]:
    """Everything that an administrator configured."""
    return found.model_dump(include={"name", "template", "spec_revision", "live", "files", "machine", "scripts",
                                     "monitoring", "policies", "preferred", "parameters", "saved_by", "saved_at"})


def _resource_of(pid: int) -> str:
    """Give the resource for which a process was started, out of its environment; one that has ended is left alone."""
    try:
        words = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "calm"
    return next((word.partition("=")[2] for word in words if word.startswith("NCS_RESOURCE=")), "")


def qemu_processes(lab: Cluster, name: str) -> dict[str, list[int]]:
    """The processes of a guest on each host."""
    found: dict[str, list[int]] = {}
    for node in NODES:
        pids = lab.host(node).command("status")["processes"]
        assert isinstance(pids, list)
        found[node] = [pid for pid in pids if f"guest={name}\0" in _line(pid) and not processes.ended(pid)]
    return found


def _line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_a_storm_of_orders_and_kills(storm: Storm) -> None:
    lab = storm.lab
    before = {each.name: configuration(lab.resource(each.name)) for each in lab.status().resources}
    lives = {each.name: each.lives() for each in storm.calm}
    boots = {guest.name: guest.boots() for guest in storm.guests[1:]}

    storm.rage()
    after = storm.settle()
    story = f"seed {SEED}, killed {dict(storm.killed)}, {lab.lab.directory}"

    assert {name: configuration(found) for name, found in after.items()} == before, story
    assert [line for each in storm.busy + storm.calm for line in each.second_copies()] == [], story
    assert [fault for guest in storm.guests if (fault := guest.fault())] == [], story
    assert {each.name: each.lives() for each in storm.calm} == lives, story
    assert {guest.name: guest.boots() for guest in storm.guests[1:]} == boots, story
    for each in storm.busy:
        found = after[each.name]
        least, most = {State.RUNNING: (1, 1), State.OFFLINE: (0, 0), State.COMATOSE: (0, 1)}[found.state]
        assert least <= len(each.processes()) <= most, f"{found.state}: {story}"
    assert lab.tracebacks() == [], story
    assert sum(storm.killed.values()) > STORM_S / 4, story


def test_after_the_storm_everything_can_be_brought_up_again(storm: Storm) -> None:
    lab = storm.lab
    for found in map(lab.resource, [each.name for each in lab.status().resources]):
        if found.state is State.COMATOSE:
            told = lab.ended(lambda client, name=found.name: client.offline(name))  # type: ignore[misc]
            assert lab.resource(found.name).state is State.OFFLINE, told
        if found.state is not State.RUNNING:
            lab.ended(lambda client, name=found.name: client.online(name))  # type: ignore[misc]

    for name, found in storm.settle().items():
        assert found.state is State.RUNNING, (name, found.state, found.reason.text)
    for each in storm.busy + storm.calm:
        assert len(each.processes()) == 1
        assert each.second_copies() == []
    for guest in storm.guests:
        pids = qemu_processes(lab, guest.name)
        assert {node for node, found_there in pids.items() if found_there} == {lab.resource(guest.name).node}
        assert guest.fault() == ""
    assert lab.tracebacks() == []
