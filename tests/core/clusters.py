"""How these tests build what they judge: whole clusters as frozen views, in one line each.

Nodes are one letter long, their sessions a letter and a number: ``a1`` is the first life of node ``a``. All records
are written at revisions of their own, as a store would number them.
"""

from collections.abc import Iterable
from dataclasses import replace

from stanchion.model.actions import Decision
from stanchion.model.cluster import (
    Change,
    ClusterView,
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
from stanchion.model.groups import Bond, Group
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import Moment, Revision
from stanchion.model.naming import key_of
from stanchion.model.orders import Intent, Verb
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import (
    Machine,
    MachineKind,
    Monitoring,
    Policies,
    ResourceSpec,
    Script,
    ScriptKind,
    Scripts,
)
from stanchion.model.state import Move, Phase, ResourceState, State
from stanchion.model.timing import TIMINGS, Profile
from stanchion.plan.invariants import check
from stanchion.plan.planner import decide

NOW = Moment(mono_s=1000.0, wall_s=50_000.0)
LONG_AGO_S = 1000.0
"""When things became as they are, unless a test says otherwise: too long ago to be suspicious."""


def later(seconds: float, now: Moment = NOW) -> Moment:
    """Give the instant so many seconds after another one."""
    return Moment(mono_s=now.mono_s + seconds, wall_s=now.wall_s + seconds)


def node_records(name: str, *, dead: bool = False, left: bool = False, unprotected: bool = False,
                 life: int = 1) -> list[Record]:
    """Give a node as the store knows it: itself, its last session, and its lease while it lives."""
    fence = SelfFence.NONE if unprotected else SelfFence.WATCHDOG
    records: list[Record] = [
        Node(name=name, wanted=not left),
        Session(node=name, id=f"{name}{life}", boot=f"boot-{name}{life}", lease=f"lease-{name}{life}",
                self_fence=fence, timing=TIMINGS[Profile.DEFAULT])]
    return records if dead else [*records, Live(node=name, session=f"{name}{life}")]


def cluster(*records: Record, nodes: str = "abc", dead: str = "", left: str = "", unprotected: str = "",
            second: str = "", master: str = "a", quorum: bool = True, before: Iterable[str] = (),
            settings: Settings | None = None) -> ClusterView:
    """Build a view. ``second`` names the nodes that are in their second life; the other words speak for themselves."""
    founding: list[Record] = [settings or Settings(cluster="test")]
    for name in nodes:
        founding += node_records(name, dead=name in dead, left=name in left, unprotected=name in unprotected,
                                 life=2 if name in second else 1)
    alive = {record.node: record.session for record in founding if isinstance(record, Live)}
    founding.append(Master(node=master, session=alive.get(master, f"{master}1")))
    founding.append(Membership(epoch=1, members=alive, master=master, formed_at_s=NOW.wall_s - 10, quorum=quorum,
                               before=tuple(before)))
    return written(ClusterView(), *founding, *records)


def written(view: ClusterView, *records: Record) -> ClusterView:
    """Give the view after these records were written, each at a revision of its own."""
    for record in records:
        revision = Revision(view.revision + 1)
        view = view.apply([Change(key_of(record), record, revision)], revision)
    return view


def committed(view: ClusterView, decision: Decision) -> ClusterView:
    """Give the view after the decision was written, as a store would: all of it at one new revision."""
    revision = Revision(view.revision + 1)
    changes = [Change(put.key, put.record, revision) for put in decision.transaction.puts]
    changes += [Change(key, None, revision) for key in decision.transaction.deletes]
    return view.apply(changes, revision)


def lost(view: ClusterView, node: str, proof: Proof | None = None) -> ClusterView:
    """Give the view after the node's lease ran out, and with it the master's key if the node held that."""
    live = {name: held for name, held in view.live.items() if name != node}
    gone = replace(view, live=live, revision=Revision(view.revision + 1))
    if live and view.master is not None and view.master.value.node == node:
        heir = min(live)
        gone = written(gone, Master(node=heir, session=live[heir].value.session))
    return gone if proof is None else written(gone, proof)


def proven(node: str, session: str = "", kind: ProofKind = ProofKind.EXPIRED, by: str = "") -> Proof:
    """Give the proof that a session executes nothing; of the node's first life unless it is named."""
    return Proof(node=node, session=session or f"{node}1", kind=kind, at_s=NOW.wall_s, by=by)


def session(view: ClusterView, node: str = "a") -> Session:
    """Give a node's session, as the master that decides."""
    return view.sessions[node].value


MONITOR = Script(text="monitor it", timeout_s=60)


def spec(name: str = "web", *, preferred: Iterable[str] = (), live: bool = False, visible: bool = True,
         files: tuple[str, ...] = (), monitoring: Monitoring | None = None, monitor: bool = True,
         scripts: Scripts | None = None, **policies: object) -> ResourceSpec:
    """Build a configuration. ``visible``: a hypervisor can be asked; further words are policies."""
    every = Scripts(load=Script(text="load it"), unload=Script(text="unload it"), prepare=Script(text="prepare it"),
                    halt=Script(text="halt it", timeout_s=10), monitor=MONITOR if monitor else Script())
    machine = Machine(kind=MachineKind.LIBVIRT, name=name) if visible else Machine(kind=MachineKind.SCRIPT)
    return ResourceSpec(name=name, template="Test_Template", scripts=scripts or every, machine=machine, live=live,
                        files=files, monitoring=monitoring or Monitoring(), preferred=tuple(preferred),
                        policies=Policies(**policies))  # type: ignore[arg-type]  # the words are its fields


def record(word: State = State.RUNNING, node: str | None = "a", *, name: str = "web",
           **fields: object) -> ResourceState:
    """Build a resource's record; held in the first life of its node where a node holds it, unless told otherwise."""
    held = word in {State.LOADING, State.RUNNING, State.UNLOADING, State.COMATOSE, State.MIGRATING}
    usual: dict[str, object] = {"session": f"{node}1" if held and node else None, "operation": f"{name}@1",
                                "since_s": LONG_AGO_S, "reason": reason(Why.ONLINE_ASKED, "root")}
    return ResourceState(name=name, state=word, node=node, **{**usual, **fields})  # type: ignore[arg-type]


def moving(phase: Phase, source: str = "a", target: str = "b", *, live: bool = True, name: str = "web",
           session: str | None = None, fault: str = "", door: str = "", why: Why = Why.MIGRATE_ASKED,
           **fields: object) -> ResourceState:
    """Build the record of a resource that moves from one node to another one."""
    there = session if session is not None or phase is Phase.PREPARE else f"{target}1"
    move = Move(target=target, live=live, phase=phase, why=reason(why, "root", target), session=there, door=door,
                fault=fault)
    return record(State.MIGRATING, source, name=name, move=move, **{"reason": move.why, **fields})


def apart(*members: str, name: str = "") -> Group:
    """Build an exclusion group."""
    return Group(name=name or "-".join(members), bond=Bond.APART, members=members)


def together(*members: str, name: str = "") -> Group:
    """Build a group of resources that are kept together; the first one leads."""
    return Group(name=name or "-".join(members), bond=Bond.TOGETHER, members=members)


def order(verb: Verb, resource: str | None = None, node: str | None = None, *, id_: str = "i1",
          **fields: object) -> Intent:
    """Build an operator's order."""
    usual: dict[str, object] = {"by": "root", "at_s": NOW.wall_s - 1}
    return Intent(id=id_, verb=verb, resource=resource, node=node, **{**usual, **fields})  # type: ignore[arg-type]


def ran(kind: ScriptKind, code: int = 0, *, end: RunEnd = RunEnd.EXITED, command: str = "", output: str = "",
        name: str = "web") -> Run:
    """Build the record of a script's run."""
    return Run(resource=name, script=kind, operation="op", node="a", started_at_s=0, ended_at_s=1, end=end, code=code,
               command=command, output=output)


def settled(view: ClusterView, now: Moment = NOW, *, rounds: int = 12) -> ClusterView:
    """Decide and write until nothing is left to decide; every decision must pass the check of its safety."""
    for _ in range(rounds):
        me = session(view, min(view.live))
        decisions = decide(view, me, now)
        if not decisions:
            return view
        check(view, decisions[0])
        view = committed(view, decisions[0])
    raise AssertionError(f"still undecided after {rounds} rounds: {[decision.why for decision in decisions]}")


def web(view: ClusterView) -> ResourceState:
    """Give the record of ``web`` once the master has decided all there is."""
    return settled(view).states["web"].value


def place(state: ResourceState) -> tuple[State, str | None]:
    """Say where a resource is."""
    return state.state, state.node
