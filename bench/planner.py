"""The planner: how long decisions take, beside Pacemaker's scheduler on the very same clusters, in one run.

The clusters are those of the peer's own measurement (``../shared/peers/pacemaker``): N nodes, M machines with
three preferred nodes each, of which one node is lost. Its generator writes each of them twice, as a plain scenario for
us and as a CIB for ``crm_simulate -R``. Each of our runs is a process of its own, and so is each of the peer's; they
take turns.

*From nothing*: reading the scenario, making the view of the cluster and its index, and deciding. *Next*: on a view
that is kept, one more node is lost. *Nothing to do*: on a view that is kept, one machine's record changes and nothing
follows from it. What is decided must be what the peer expects, machine by machine.
"""

import argparse
import gzip
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stanchion.model.capacity import NOTHING_KNOWN, Size
from stanchion.model.cluster import (
    Change,
    ClusterView,
    Key,
    Kind,
    Live,
    Master,
    Membership,
    Node,
    Proof,
    ProofKind,
    Record,
    SelfFence,
    Session,
    Settings,
)
from stanchion.model.ids import (
    BootId,
    Epoch,
    LeaseId,
    Moment,
    NodeName,
    ResourceName,
    Revision,
    SessionId,
    TemplateName,
)
from stanchion.model.naming import key_of
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import Policies, ResourceSpec, Scripts
from stanchion.model.state import ResourceState, State
from stanchion.model.timing import TIMINGS, Profile
from stanchion.plan.agenda import Agenda
from stanchion.plan.planner import pressing, settled

PEER = Path(__file__).resolve().parents[2] / "shared" / "peers" / "pacemaker"
NOW = Moment(mono_s=10_000.0, wall_s=10_000.0)
SIZES = ((3, 50), (16, 500), (32, 2000), (64, 5000), (100, 10_000))
TIMING = TIMINGS[Profile.DEFAULT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """One run: seconds from nothing, in milliseconds the next decision and an empty one, MiB resident, the moves."""

    read_s: float
    view_s: float
    plan_s: float
    next_ms: float
    idle_ms: float
    resident_mib: float
    moves: dict[str, str]

    @property
    def from_nothing_s(self) -> float:
        """Reading, the view with its index, and the plan."""
        return self.read_s + self.view_s + self.plan_s


def one(scenario: Path) -> Ours:
    """Decide once from nothing, then on what is known."""
    begun = time.perf_counter()
    with gzip.open(scenario) if scenario.suffix == ".gz" else scenario.open("rb") as file:
        asked = json.load(file)
    read = time.perf_counter()
    view = _view(asked)
    made = time.perf_counter()
    me = view.sessions[view.master.value.node].value if view.master else None
    assert me is not None
    decisions = pressing(view, me, NOW) or settled(view, me, NOW)
    planned = time.perf_counter()
    after = _written(view, (put.record for each in decisions for put in each.transaction.puts))
    agenda = Agenda().after(after, me.id, decisions)
    return Ours(read_s=read - begun, view_s=made - read, plan_s=planned - made, moves=dict(_moves(view, after)),
                next_ms=_next(after, agenda, me), idle_ms=_idle(after, agenda, me),
                resident_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _view(asked: dict[str, Any]) -> ClusterView:
    """Make the view of a scenario in which every dead node is proven to be off."""
    sized = asked["use_capacity"]
    records: list[Record] = [Settings(cluster="bench")]
    sessions = {each["id"]: _session(each, sized=sized) for each in asked["nodes"]}
    alive = {each["id"] for each in asked["nodes"] if each["state"] == "online"}
    for name, session in sessions.items():
        records += [Node(name=name, reserve=Size(memory_mib=1)), session]
        records.append(Live(node=name, session=session.id) if name in alive else Proof(
            node=name, session=session.id, kind=ProofKind.FENCED, at_s=NOW.wall_s - 1))
    for each in asked["vms"]:
        records += _machine(each, sized=sized)
    master = sessions[min(alive)]
    records += [Master(node=master.node, session=master.id),
                Membership(epoch=Epoch(1), members={name: sessions[name].id for name in sorted(alive)},
                           master=master.node, formed_at_s=0.0, quorum=True)]
    view = ClusterView().apply([Change(key_of(each), each, Revision(1)) for each in records], Revision(1))
    assert view.index.near
    return view


def _session(of: dict[str, Any], *, sized: bool) -> Session:
    name = NodeName(of["id"])
    capacity = Size(memory_mib=of["memory_mib"] + 1, cpus=of["cpu"]) if sized else NOTHING_KNOWN
    return Session(node=name, id=SessionId(f"{name}-1"), boot=BootId(name), lease=LeaseId(name), timing=TIMING,
                   self_fence=SelfFence.WATCHDOG, capacity=capacity)


def _machine(of: dict[str, Any], *, sized: bool) -> Iterator[Record]:
    name, node = ResourceName(of["id"]), NodeName(of["running_on"])
    yield ResourceSpec(name=name, template=TemplateName("bench"), scripts=Scripts(), preferred=tuple(of["preferred"]),
                       policies=Policies(priority=of["priority"]),
                       size=Size(memory_mib=of["memory_mib"], cpus=of["cpu"]) if sized else NOTHING_KNOWN)
    yield ResourceState(name=name, state=State.RUNNING, reason=reason(Why.CLUSTER_START), node=node,
                        session=SessionId(f"{node}-1"), since_s=1.0, lives=1)


def _written(view: ClusterView, records: Iterable[Record], gone: Iterable[Key] = ()) -> ClusterView:
    revision = Revision(view.revision + 1)
    changes = [Change(key_of(each), each, revision) for each in records]
    return view.apply([*changes, *(Change(key, None, revision) for key in gone)], revision)


def _moves(before: ClusterView, after: ClusterView) -> Iterator[tuple[str, str]]:
    for name, held in after.states.items():
        node = held.value.node
        if node is not None and node != before.states[name].value.node:
            yield name, node


def _next(view: ClusterView, agenda: Agenda, me: Session) -> float:
    """Lose one more node, with everything else known, and give the milliseconds until it is decided what follows."""
    node = max(each for each in view.live if each != me.node)
    proof = Proof(node=node, session=view.live[node].value.session, kind=ProofKind.FENCED, at_s=NOW.wall_s)
    members = {name: session for name, session in view.membership.value.members.items() if name != node} if (
        view.membership) else {}
    assert view.membership is not None
    gone = _written(view, [proof, replace(view.membership.value, members=members)], [Key(Kind.LIVE, node)])
    begun = time.perf_counter()
    assert not pressing(gone, me, NOW)
    decisions = settled(gone, me, NOW, agenda.due(gone, NOW))
    spent = time.perf_counter() - begun
    assert len(decisions) >= len(gone.index.near[node])
    return 1000 * spent


def _idle(view: ClusterView, agenda: Agenda, me: Session) -> float:
    """Change one record from which nothing follows, and give the milliseconds until that is known."""
    state = next(held.value for held in view.states.values() if held.value.state is State.RUNNING)
    changed = _written(view, [replace(state, lives=state.lives + 1)])
    begun = time.perf_counter()
    due = (agenda.due(changed, NOW) or frozenset()) - agenda.open
    nothing = pressing(changed, me, NOW) or settled(changed, me, NOW, due)
    spent = time.perf_counter() - begun
    assert nothing == ()
    return 1000 * spent


def _peer(cib: Path) -> float:
    """Give the seconds that the peer takes for the same cluster; ``inf``: more than anybody waits for."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as told:
        try:
            subprocess.run(["crm_simulate", "-x", str(cib), "-R"], stdout=told, stderr=told, check=True,
                           timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            return float("inf")
    return time.perf_counter() - begun


def _generated(directory: Path, nodes: int, machines: int, history: str, *, sized: bool) -> tuple[Path, Path]:
    words = ["--nodes", str(nodes), "--vms", str(machines), "--out", str(directory), "--history", history]
    subprocess.run([sys.executable, PEER / "gen.py", *words, *(["--utilization"] if sized else [])], check=True,
                   capture_output=True)
    stem = directory / f"n{nodes}_v{machines}_{history}{'_util' if sized else ''}"
    return stem.with_name(stem.name + ".scenario.json"), stem.with_name(stem.name + ".cib.xml")


def _expected(nodes: int, machines: int, history: str, *, sized: bool) -> dict[str, str] | None:
    found = PEER / "scenarios" / f"n{nodes}_v{machines}_{history}{'_util' if sized else ''}.expected.json"
    return json.loads(found.read_text())["moves"] if found.exists() else None


def _three(values: list[float], digits: int) -> str:
    return f"{min(values):.{digits}f} / {statistics.median(values):.{digits}f} / {max(values):.{digits}f}"


def row(directory: Path, nodes: int, machines: int, history: str, *, sized: bool, times: int, peer: bool) -> str:
    """Measure one cluster, ours and the peer's by turns, and give its line of the table."""
    scenario, cib = _generated(directory, nodes, machines, history, sized=sized)
    ours, theirs = [], []
    for number in range(times):
        told = subprocess.run([sys.executable, __file__, "--one", str(scenario)], check=True, capture_output=True)
        ours.append(Ours(**json.loads(told.stdout)))
        if peer and (number < 1 or sum(theirs) < PATIENCE_S):
            theirs.append(_peer(cib))
    cib.unlink()
    expected = _expected(nodes, machines, history, sized=sized)
    same = "not told" if expected is None else "the same" if ours[0].moves == expected else "DIFFERENT"
    begin = [each.from_nothing_s for each in ours]
    slow = statistics.median(theirs) if theirs else 0.0
    ratio = f"{min(slow, LONGEST_S) / statistics.median(begin):.0f}" if theirs else "-"
    if slow > LONGEST_S:
        theirs, ratio = [], f"> {ratio}"
    peers = _three(theirs, 2) if theirs else f"> {LONGEST_S:.0f}" if slow else "-"
    return (f"| {nodes} x {machines} | {'yes' if sized else 'no'} | {history} | {_three(begin, 3)} | "
            f"{_three([each.next_ms for each in ours], 1)} | {_three([each.idle_ms for each in ours], 2)} | "
            f"{max(each.resident_mib for each in ours):.0f} | {peers} | {ratio} | "
            f"{len(ours[0].moves)}, {same} |")


LONGEST_S = 240.0
"""So long the peer may take for one cluster."""

PATIENCE_S = 60.0
"""Once the peer has taken this long for one cluster, it is not asked again."""


def main() -> None:
    """Measure all sizes and print the table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--times", type=int, default=5, help="runs of each (5)")
    words.add_argument("--most", type=int, default=10_000, help="leave out clusters of more machines than this")
    words.add_argument("--history", default="lean", choices=("lean", "exclusive", "full"),
                       help="how much history the peer's CIB holds; a live cluster of its has the full one (lean)")
    words.add_argument("--alone", action="store_true", help="without the peer")
    words.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.one is not None:
        found = one(asked.one)
        print(json.dumps({name: getattr(found, name) for name in Ours.__slots__}))
        return
    if not (PEER / "gen.py").exists():
        sys.exit(f"{PEER} is not there: the clusters of this measurement are made by the peer's generator.")
    peer = not asked.alone and shutil.which("crm_simulate") is not None
    if not peer and not asked.alone:
        print("crm_simulate is not installed (Debian: pacemaker-cli-utils): our own figures alone.", file=sys.stderr)
    print("| nodes x machines | capacity | the peer's history | from nothing, s | next decision, ms | "
          "nothing to do, ms | MiB | crm_simulate -R, s | ratio | moves |\n|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as directory:
        for nodes, machines in SIZES:
            for sized in (False, True):
                if machines <= asked.most:
                    print(row(Path(directory), nodes, machines, asked.history, sized=sized, times=asked.times,
                              peer=peer), flush=True)


if __name__ == "__main__":
    main()
