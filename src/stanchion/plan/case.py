"""The case of one resource on one node: everything that its next step depends on, and how to ask it.

``duty`` and ``moving`` hold the procedures; here are the words that they share.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stanchion.model import events as e
from stanchion.model.actions import Checked, CheckHost, Look, Looked, ResetHost, RunScript, ScriptEnded, Step
from stanchion.model.cluster import ClusterView, Held
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import Moment, NodeName, SessionId
from stanchion.model.resource import MachineKind, ResourceSpec, Script, ScriptKind
from stanchion.model.state import ResourceState, State

Fact = ScriptEnded | Looked | Checked
Next = RunScript | Look | CheckHost | ResetHost | e.Event | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that the next step for one resource depends on."""

    me: NodeName
    session: SessionId
    view: ClusterView
    held: Held[ResourceState]
    spec: Held[ResourceSpec]
    now: Moment
    facts: Mapping[Step, Fact] = field(default_factory=dict)
    monitor_due: bool = False
    look_due: bool = False

    @property
    def state(self) -> ResourceState:
        """The resource's record."""
        return self.held.value

    @property
    def mine(self) -> bool:
        """Whether the record names this node as the one that holds the resource."""
        return self.state.node == self.me

    @property
    def stage(self) -> str:
        """The name of the present step of the operation; facts belong to one stage."""
        return stage_of(self.state)

    def ran(self, step: Step) -> Run | None:
        """The script run of that step, if it ended."""
        fact = self.facts.get(step)
        return fact.run if isinstance(fact, ScriptEnded) else None

    def seen(self, step: Step) -> Looked | None:
        """What the look of that step found, if it was made."""
        fact = self.facts.get(step)
        return fact if isinstance(fact, Looked) else None


def stage_of(state: ResourceState) -> str:
    """Name the stage that a record is in: its operation, and the phase of a move."""
    phase = f"-{state.move.phase}" if state.state is State.MIGRATING and state.move else ""
    return f"{state.operation}-{state.state.name.lower()}{phase}"


def script_of(case: Case, step: Step, kind: ScriptKind, *, tofrom: NodeName | None = None,
              door: str = "") -> RunScript:
    """Run one of the resource's scripts as this step; ``tofrom`` is the other node of a live move."""
    environment: dict[str, str] = {} if tofrom is None else {"NCS_TOFROM": tofrom}
    if door:
        environment["STANCHION_DOOR"] = door
    return RunScript(step=step, stage=case.stage, spec=case.spec.value, script=kind, environment=environment)


def visible(spec: ResourceSpec) -> bool:
    """Whether a hypervisor can be asked for the machine."""
    return spec.machine.kind is not MachineKind.SCRIPT


def lookable(spec: ResourceSpec) -> bool:
    """Whether there is any way to look: a hypervisor, or a monitor script."""
    return visible(spec) or has(spec.scripts.monitor)


def has(script: Script) -> bool:
    """Whether there is such a script."""
    return bool(script.text.strip())


def told(run: Run, found: Looked | None) -> str:
    """Say what went wrong in a run, and what a look found afterwards."""
    text = run.command or (f"ended by a signal, code {run.code}" if run.end is RunEnd.KILLED else "see its output")
    return text if found is None else f"{text}; the machine is {found.presence}"
