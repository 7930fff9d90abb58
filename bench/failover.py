"""Failover: 20 resources on one of three hosts, all of which is killed; when their load scripts begin elsewhere.

On a rack (``stanchion.lab.rack``): every host has its own network and its member of the etcd, and the kill takes agent,
etcd and scripts at once. The resources are scripts, as light as those that Pacemaker was measured with (``peer.toml``):
load notes the instant and touches a file, monitor looks for the file every 10 s. Their lists of preferred nodes send
half of them to each survivor. ``device``: the host's fence device answers at once; else only the lease ends.

Who is killed: a host that is not the master; the master; the master together with the leader of etcd.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
import tomllib
from collections.abc import Awaitable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import rig

from stanchion.client import Client
from stanchion.lab import etcd
from stanchion.lab.fencing import device
from stanchion.lab.rack import Rack
from stanchion.model.errors import HostError, NotNow, StanchionError
from stanchion.model.orders import Outcome
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State
from stanchion.wire.replies import IntentInfo, ResourceInfo
from stanchion.wire.requests import MonitoringChange, NodeChange, ResourceChange, ResourceCreate, ScriptChange

HERE = Path(__file__).parent
PROOFS = frozenset({"proof_fenced", "proof_expired"})
VICTIMS = ("not master", "master", "master and etcd's leader")
TRIES = 3
REST_S = 3.0
"""How long the cluster rests before a kill."""

LOAD = """
echo "$EPOCHREALTIME $NCS_RESOURCE" >> @EVENTS@/$NCS_NODE
touch "$STANCHION_RUN_DIR/$NCS_RESOURCE.here"
"""
UNLOAD = 'rm -f "$STANCHION_RUN_DIR/$NCS_RESOURCE.here"\n'
MONITOR = "[[ -e $STANCHION_RUN_DIR/$NCS_RESOURCE.here ]] && exit 0\nexit 7\n"


class NotMeasured(HostError):
    """A host was killed, and its resources did not come up elsewhere: that is never tried again, but told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """One kill. Seconds after it; ``proof_s``: when the proof was written, by the clock of the node that wrote it."""

    profile: str
    fence: bool
    victim: str
    load: float
    first_s: float
    last_s: float
    proof_s: float


class Bench:
    """One cluster of one profile, which is hurt and made whole again and again."""

    def __init__(self, made: Rack, profile: str, resources: int) -> None:
        self._rack = made
        self._profile = profile
        self._events = made.directory / "events"
        self._events.mkdir()
        self._names = [f"r{number:02}" for number in range(1, resources + 1)]

    async def measure(self, cases: Sequence[tuple[bool, str]], runs: int, patience_s: float) -> list[Once]:
        """Measure each case (fence device, victim) so many times."""
        self._rack.up()
        found = []
        async with rig.client(self._rack) as client:
            await rig.all_up(client)
            await self._create(client)
            for fence, victim in cases:
                await self._equip(client, fence=fence)
                for _ in range(runs):
                    found.append(await self._surely(client, victim, patience_s, fence=fence))
                    print(json.dumps(asdict(found[-1])), flush=True)
        return found

    async def _surely(self, client: Client, victim: str, patience_s: float, *, fence: bool) -> Once:
        """Measure once; what a busy computer spoiled before the kill is tried again, and said."""
        for _ in range(TRIES - 1):
            try:
                return await self._once(client, victim, patience_s, fence=fence)
            except NotMeasured:
                raise
            except StanchionError as fault:
                print(f"# again: {fault}", flush=True)
        return await self._once(client, victim, patience_s, fence=fence)

    async def _once(self, client: Client, victim: str, patience_s: float, *, fence: bool) -> Once:
        status = await rig.all_up(client)
        master = str(status.cluster.master)
        others = [node for node in self._rack.nodes if node != master]
        node = others[-1] if victim == "not master" else master
        await self._gather(client, node)
        leads = node if victim.endswith("leader") else others[0]
        etcd.lead(self._rack.members, next(each for each in self._rack.members if each.node == leads))
        await asyncio.sleep(REST_S)
        now_load = await asyncio.to_thread(rig.be_quiet, patience_s)
        if (await rig.all_up(client)).cluster.master != master:
            raise HostError("another node became the master meanwhile")
        for each in self._events.iterdir():
            each.unlink()
        since = (await client.events(limit=1)).last
        host = self._rack.host(node)
        killed = time.time()
        await asyncio.to_thread(host.command, "power off")
        starts = await self._wait_starts(client, node)
        await asyncio.sleep(0.5)
        page = await rig.until(lambda: client.events(after=since, limit=500), "nobody told what happened")
        proofs = [event.at.timestamp() for event in page.events if event.reason.code in PROOFS and event.at]
        await asyncio.to_thread(host.command, "power on")
        return Once(profile=self._profile, fence=fence, victim=victim, load=round(now_load, 2),
                    first_s=round(min(starts) - killed, 3), last_s=round(max(starts) - killed, 3),
                    proof_s=round(min(proofs) - killed, 3) if proofs else -1.0)

    async def _wait_starts(self, client: Client, dead: str) -> list[float]:
        try:
            return await rig.until(lambda: self._starts(dead), f"the resources of {dead} did not start elsewhere")
        except HostError as fault:
            told = {_told_of(each) for each in (await client.resources()).resources}
            raise NotMeasured(f"{fault}; {', '.join(sorted(told))}") from None

    async def _starts(self, dead: str) -> list[float] | None:
        """Give the instants at which the load scripts began elsewhere; None: not all have."""
        began: dict[str, float] = {}
        for file in self._events.iterdir():
            if file.name != dead:
                for line in file.read_text(encoding="ascii").splitlines():
                    instant, name = line.split()
                    began.setdefault(name, float(instant))
        return list(began.values()) if len(began) == len(self._names) else None

    async def _gather(self, client: Client, node: str) -> None:
        """Bring all resources to one node, by offline and online: that also forgets what hosts they lost before."""
        async def at_rest() -> tuple[ResourceInfo, ...] | None:
            resources = (await client.resources()).resources
            busy = [each for each in resources if each.state in {State.LOADING, State.UNLOADING, State.MIGRATING}]
            if busy:
                raise NotNow(_told_of(busy[0]))
            return resources

        resources = await rig.until(at_rest, "the resources do not come to rest")
        running = [each.name for each in resources if each.state is not State.OFFLINE]
        await asyncio.gather(*(_carried_out(client, client.offline(name)) for name in running))
        await asyncio.gather(*(_carried_out(client, client.online(name, node)) for name in self._names))
        await rig.until(at_rest, "the resources do not come to rest")

    async def _create(self, client: Client) -> None:
        scripts = {ScriptKind.LOAD: LOAD.replace("@EVENTS@", str(self._events)), ScriptKind.UNLOAD: UNLOAD,
                   ScriptKind.MONITOR: MONITOR, ScriptKind.HALT: UNLOAD}
        changes = {kind: ScriptChange(text=text, timeout_s=20) for kind, text in scripts.items()}
        monitoring = MonitoringChange(enabled=True, interval_s=10.0, max_failures=3, window_s=60.0)
        nodes = self._rack.nodes
        for number, name in enumerate(self._names):
            overrides = ResourceChange(scripts=changes, monitoring=monitoring,
                                       preferred=nodes if number % 2 else tuple(reversed(nodes)))
            await client.create(ResourceCreate(name=name, template="Generic_FS", overrides=overrides))

    async def _equip(self, client: Client, *, fence: bool) -> None:
        for host in self._rack.lab.hosts:
            node = await client.node(host.name)
            await client.edit_node(host.name, NodeChange(fence=(device(host),) if fence else ()), seen=node.revision)


async def _carried_out(client: Client, given: Awaitable[IntentInfo]) -> None:
    """Give an order and wait until it is carried out. Raises ``HostError`` when it is refused, or takes too long."""
    order, deadline = await given, time.monotonic() + rig.WITHIN_S
    while not order.ended:
        if time.monotonic() > deadline:
            raise HostError(f"{order.verb} {order.resource} is still {order.outcome}")
        order = await client.intent(order.id, wait_s=5.0)
    if order.outcome is not Outcome.DONE:
        raise HostError(f"{order.verb} {order.resource} was {order.outcome}: "
                        f"{order.reason.text if order.reason else 'no reason'}")


def _told_of(resource: ResourceInfo) -> str:
    return f"{resource.name} is {resource.state} on {resource.node} ({resource.reason.text})"


def table(found: Sequence[Once]) -> list[str]:
    """Give the table of our results and the peer's, as Markdown."""
    rows = ["| cluster | fence device | killed | runs | first start | last start | proof to first start |",
            "|---|---|---|---|---|---|---|"]
    cases = dict.fromkeys((each.profile, each.fence, each.victim) for each in found)
    for profile, fence, victim in cases:
        mine = [each for each in found if (each.profile, each.fence, each.victim) == (profile, fence, victim)]
        after = [each.first_s - each.proof_s for each in mine if each.proof_s >= 0]
        rows.append(f"| Stanchion, {profile} | {'yes' if fence else 'no'} | {victim} | {len(mine)} | "
                    f"{_three([each.first_s for each in mine])} | {_three([each.last_s for each in mine])} | "
                    f"{_three(after) if after else '-'} |")
    peers = tomllib.loads((HERE / "peer.toml").read_text(encoding="utf-8"))["row"]
    return rows + [f"| Pacemaker, {row['profile']} | {'yes' if row['fence'] else 'no'} | {row['victim']} | "
                   f"{row['runs']} | {_told(row['first_s'])} | {_told(row['last_s'])} | |" for row in peers]


def _three(values: Sequence[float]) -> str:
    return _told((min(values), statistics.median(values), max(values)))


def _told(three: Sequence[float]) -> str:
    return f"{three[1]:.2f} ({three[0]:.2f} to {three[2]:.2f})"


def main() -> None:
    """Measure what was asked for, or show what was measured before."""
    parser = argparse.ArgumentParser(prog="bench/failover", description="How long 20 resources are down when their "
                                     "host dies, beside Pacemaker's numbers. Seconds: median (minimum to maximum).")
    parser.add_argument("--profile", choices=("fast", "default", "tolerant"), action="append", help="default: two")
    parser.add_argument("--fence", choices=("yes", "no", "both"), default="both")
    parser.add_argument("--victim", choices=VICTIMS, action="append", help="default: all three")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--resources", type=int, default=20)
    parser.add_argument("--patience", type=float, default=60.0, metavar="S",
                        help=f"how long to wait for a load below {rig.QUIET_LOAD} before each kill")
    parser.add_argument("--show", type=Path, help="only show the table of results that were kept in this file")
    given = parser.parse_args()
    if given.show is not None:
        lines = given.show.read_text(encoding="utf-8").splitlines()
        print("\n".join(table([Once(**json.loads(line)) for line in lines if line.startswith("{")])))
        return
    cases = [(fence, victim) for fence in {"yes": [True], "no": [False], "both": [True, False]}[given.fence]
             for victim in given.victim or VICTIMS]
    found: list[Once] = []
    rig.enter()
    print(f"# {rig.machine()}")
    for profile in given.profile or ("default", "fast"):
        with rig.cluster(profile) as made:
            found += asyncio.run(Bench(made, profile, given.resources).measure(cases, given.runs, given.patience))
    print("\n".join(["", *table(found)]))


if __name__ == "__main__":
    sys.exit(rig.run(main))
