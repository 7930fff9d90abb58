"""Scale: what a cluster of up to 100 nodes and 10,000 machines takes, and how long its mass failovers last.

Three members of etcd, one process each, on this computer's loopback; records written through the real store client.
Two nodes have real agents (``scale_agent``), the first of which is the master, both with the API and the console; all
other nodes are answered for by this process (``scale_rest``). So the agents and etcd do all that they do in such a
cluster but for the watches of the other agents, whose cost is told as arithmetic in docs/scale.md.

Every machine is a QEMU one with its template's scripts and a monitor every 10 s, and may go to every node. *Idle*: a
minute cut into twelfths. *Failover*: the leases of one or several nodes end at once, and their end proves that nothing
runs there; the time is counted from the first proof to the instant at which the last machine is taken over elsewhere
to be loaded, as the watch of an onlooker shows it.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.request import Request, urlopen

import rig
import scale_agent
import scale_plot
from scale_agent import CLUSTER, SECRET
from scale_rest import BUDGET_S, REAL, Loss, Rest

from stanchion.lab import processes
from stanchion.lab.etcd import Member
from stanchion.model.errors import HostError
from stanchion.model.ids import NodeName
from stanchion.model.timing import Profile
from stanchion.plan.recovery import EARLY_S
from stanchion.store.etcd import EtcdStore

ANSWER_S = 120.0
BEAT_MS, ELECTION_MS = "100", "2000"
"""Slower than on hosts of their own: here all members and the whole cluster share one computer."""
WINDOWS = 12
SETTLE_S = 15.0
APART_S = EARLY_S + 5.0
"""So long after a failover the next may come: a machine whose host is lost twice just after it started rests."""
TICKS = os.sysconf("SC_CLK_TCK")
METRICS = {"puts": "etcd_mvcc_put_total", "transactions": "etcd_server_proposals_committed_total",
           "watched": "etcd_debugging_mvcc_events_total", "sent_bytes": "etcd_network_client_grpc_sent_bytes_total",
           "syncs": "etcd_disk_wal_fsync_duration_seconds_count", "sync_s": "etcd_disk_wal_fsync_duration_seconds_sum"}
EVERYWHERE = frozenset({"watched", "sent_bytes"})
"""What each member counts for itself; the rest is the same everywhere."""

Facts = dict[str, float]


@dataclass
class Agent:
    """One real agent: its process, and what it said first."""

    pid: int
    asked: int
    told: IO[str]
    first: Facts = field(default_factory=dict)

    async def say(self, words: str) -> Facts:
        """Write to it, and read its next line."""
        os.write(self.asked, words.encode())
        line = await asyncio.wait_for(asyncio.to_thread(self.told.readline), ANSWER_S)
        if not line:
            raise HostError("an agent ended; its log says why")
        facts: Facts = json.loads(line)
        return facts

    async def state(self) -> Facts:
        """Ask how it goes."""
        facts = await self.say("tell\n")
        return {**facts.pop("counts"), **facts}  # type: ignore[dict-item]  # a table among numbers


def forked(log: Path) -> Agent:
    """Start an agent that waits to be told who it is; call it before there is a loop or a thread."""
    (its_in, our_out), (our_in, its_out) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        processes.die_with_parent()
        for ours, standard in ((its_in, 0), (its_out, 1), (os.open(log, os.O_WRONLY | os.O_CREAT), 2)):
            os.dup2(ours, standard)
        os.close(our_out)
        scale_agent.main()
        os._exit(0)
    os.close(its_in)
    os.close(its_out)
    return Agent(pid, our_out, os.fdopen(our_in, encoding="utf-8"))


class Bench:
    """One cluster of one size."""

    def __init__(self, directory: Path, nodes: int, machines: int, profile: Profile) -> None:
        self._members = tuple(Member(node=f"etcd{number}", address=f"127.0.0.{number}", enter=(),
                                     directory=directory / f"etcd{number}") for number in (1, 2, 3))
        self._rest = Rest([member.url for member in self._members], nodes, machines, profile)
        self._agents = [forked(directory / f"{name}.log") for name in ("master", "member")]
        self._pids = dict(zip(("master", "member"), (agent.pid for agent in self._agents), strict=True))

    async def measure(self, rest_s: float, losses: Sequence[int], times: int) -> dict[str, object]:
        """Measure all of it."""
        async with self._etcd():
            await EtcdStore.create([member.url for member in self._members], CLUSTER, budget_s=BUDGET_S)
            began_s = time.monotonic()
            await self._rest.found()
            await self._rest.begin()
            said(f"written in {time.monotonic() - began_s:.1f} s")
            try:
                for node, agent in zip(self._rest.nodes, self._agents, strict=False):
                    await self._power_on(node, agent)
                await asyncio.sleep(SETTLE_S)
                idle = [await self._span(rest_s / WINDOWS) for _ in range(WINDOWS)]
                said(f"idle: {told(idle)}")
                pages = {path: [await asyncio.to_thread(_asked, path) for _ in range(5)]
                         for path in ("/v1/status", "/v1/resources", "/v1/overview")}
                failovers = [await self._failover(count) for count in losses for _ in range(times)]
            finally:
                for agent in self._agents:
                    os.kill(agent.pid, signal.SIGKILL)
                    await asyncio.to_thread(os.waitpid, agent.pid, 0)
                await self._rest.close()
        return {"nodes": len(self._rest.nodes), "machines": len(self._rest.machines), "idle": idle, "pages": pages,
                "failovers": failovers, "first": [agent.first for agent in self._agents],
                "load": round(rig.load(), 1), "late": self._rest.late, "gaps": self._rest.gaps}

    @asynccontextmanager
    async def _etcd(self) -> AsyncIterator[None]:
        started = {}
        try:
            for member in self._members:
                words = member.words(self._members)
                words += ["--heartbeat-interval", BEAT_MS, "--election-timeout", ELECTION_MS]
                with member.directory.with_suffix(".log").open("ab") as log:
                    started[member.node] = await asyncio.create_subprocess_exec(
                        *words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                        preexec_fn=processes.die_with_parent)
            self._pids |= {name: process.pid for name, process in started.items()}
            deadline = time.monotonic() + 30
            while not await asyncio.to_thread(_metrics, self._members):
                if time.monotonic() > deadline:
                    raise HostError("etcd does not answer")
                await asyncio.sleep(0.2)
            yield
        finally:
            for process in started.values():
                process.terminate()
                await process.wait()

    async def _power_on(self, node: NodeName, agent: Agent) -> None:
        """Start the agent of a real node, with the session that stands for it."""
        session, rest = self._rest.sessions[node], self._rest
        words = json.dumps({"node": node, "session": session.id, "lease": session.lease, "boot": session.boot,
                            "port": int(rest.address(node).rpartition(":")[2]),
                            "endpoints": [member.url for member in self._members]})
        agent.first = await agent.say(f"{words}\n{' '.join(sorted(rest.holding(node)))}\n")
        said(f"{node}: {agent.first}")
        rest.release(node)
        await agent.state()

    async def _span(self, span_s: float | None, loss: Sequence[NodeName] = ()) -> Facts:
        """Look before and after a span, or the loss of nodes; give what was taken for each second between."""
        for agent in self._agents:
            await agent.state()
        before, began_s = await self._look(), time.monotonic()
        facts = {} if span_s is not None else timed(await self._rest.lose(loss))
        await asyncio.sleep(span_s or 0.0)
        after, took_s = await self._look(), time.monotonic() - began_s
        facts |= {name: round((after[name] - before[name]) / took_s, 4) for name in before}
        for name in ("master", "member"):
            facts[f"{name} MiB"] = _resident_mib(self._pids[name])
        facts["etcd MiB"] = _resident_mib(self._pids["etcd1"])
        facts["master stall"], facts["member stall"] = after["master stall_s"], after["member stall_s"]
        return facts

    async def _look(self) -> Facts:
        """Read all that is counted."""
        facts = await asyncio.to_thread(_metrics, self._members)
        facts |= {f"{name} CPU": _used_s(pid) for name, pid in self._pids.items()}
        facts["rest CPU"] = _used_s(os.getpid())
        for name, agent in zip(("master", "member"), self._agents, strict=True):
            facts |= {f"{name} {what}": value for what, value in (await agent.state()).items()}
        return facts

    async def _failover(self, count: int) -> Facts:
        """Lose nodes that hold about so many machines; never half of them, and never a real one."""
        rest, victims, held = self._rest, [], 0
        nodes = sorted(rest.nodes[REAL:], key=lambda node: len(rest.holding(node)), reverse=True)
        for node in nodes[:(len(rest.nodes) - 1) // 2]:
            if held < count:
                victims.append(node)
                held += len(rest.holding(node))
        facts = await self._span(None, victims)
        said(f"failover: {facts}")
        await rest.bring_back(victims)
        await asyncio.sleep(APART_S)
        return {**facts, "wanted": count, "nodes": len(victims)}


@contextmanager
def place(wanted: Path | None) -> Iterator[Path]:
    """Lend a directory for everything, or one in which somebody wants it."""
    if wanted is None:
        with rig.place() as directory:
            yield directory
    else:
        with tempfile.TemporaryDirectory(dir=wanted, prefix="stanchion-") as made:
            yield Path(made)


def timed(loss: Loss) -> Facts:
    """Give the times of a loss in seconds, and what was lost."""
    first = loss.proofs[0]
    return {"machines": len(loss.lost), "lease to proof": round(first - loss.began_s, 3),
            "proof to first": round(min(loss.taken.values()) - first, 3),
            "proof to last": round(max(loss.taken.values()) - first, 3),
            "proof to running": round(max(loss.running.values()) - first, 3)}


def told(spans: Sequence[Facts]) -> dict[str, str]:
    """Give minimum, median and maximum of every fact."""
    return {name: " / ".join(f"{pick([span[name] for span in spans]):.3g}" for pick in (min, statistics.median, max))
            for name in spans[0]}


def said(words: str) -> None:
    """Tell how it goes."""
    print(f"# {time.strftime('%H:%M:%S')} load {rig.load():.1f} {words}", file=sys.stderr, flush=True)


def _metrics(members: Sequence[Member]) -> Facts:
    """Read the counters of etcd; nothing where a member does not answer yet."""
    facts = dict.fromkeys(METRICS, 0.0)
    for member in members:
        try:
            with urlopen(f"{member.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own etcd
                lines = answer.read().decode().splitlines()
        except OSError:
            return {}
        values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        for name, counter in METRICS.items():
            if name in EVERYWHERE or member is members[0]:
                facts[name] += float(values[counter])
    return facts


def _asked(path: str) -> float:
    """Ask the master's API; give the seconds until all of the answer is there."""
    request = Request(f"http://127.0.0.1:7001{path}", headers={"Authorization": f"Bearer {SECRET}"})
    began_s = time.monotonic()
    with urlopen(request, timeout=60) as answer:  # noqa: S310 - our own agent
        answer.read()
    return round(time.monotonic() - began_s, 4)


def _used_s(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def _resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    """Measure what was asked for, or show what was measured before."""
    parser = argparse.ArgumentParser(prog="bench/scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--size", action="append", metavar="NODESxMACHINES", help="default: three sizes")
    parser.add_argument("--lose", type=int, action="append", metavar="MACHINES", help="default: 100, 500, 2000")
    parser.add_argument("--profile", choices=("fast", "default", "tolerant"), default="default")
    parser.add_argument("--times", type=int, default=3, help="how often each loss is measured")
    parser.add_argument("--rest", type=float, default=60.0, metavar="S", help="how long to look at a cluster at rest")
    parser.add_argument("--directory", type=Path, help="where etcd keeps its files (/dev/shm: in memory)")
    parser.add_argument("--keep", type=Path, help="append the results to this file, a line of JSON for each size")
    parser.add_argument("--show", type=Path,
                        help="only show the tables of such a file, and draw docs/pictures/scale.svg")
    given = parser.parse_args()
    if given.show is not None:
        scale_plot.show([json.loads(line) for line in given.show.read_text(encoding="utf-8").splitlines()])
        return
    processes.leave_network()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    print(f"# {rig.machine()}")
    results = []
    for size in given.size or ("10x1000", "30x3000", "100x10000"):
        nodes, _, machines = size.partition("x")
        with place(given.directory) as directory:
            said(size)
            found = asyncio.run(Bench(directory, int(nodes), int(machines), Profile(given.profile)).measure(
                given.rest, given.lose or (100, 500, 2000), given.times))
        results.append(found)
        if given.keep is not None:
            with given.keep.open("a", encoding="utf-8") as kept:
                kept.write(json.dumps(found) + "\n")
    scale_plot.show(results)


if __name__ == "__main__":
    sys.exit(rig.run(main))
