"""What one node does next for one resource: the procedure of each state, as a function of the facts so far.

The record in the store says what is wanted; the *facts* are what this node has found out and done for the present
stage of the operation (the load script ended with 0, the look found the machine running). ``next_step`` reads both and
gives one of: an action to begin, an event to report, or nothing. It never remembers anything itself: after a restart
the facts are gathered again, and since the runner joins a run that it knows, nothing is done twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stanchion.model import events as e
from stanchion.model.actions import Checked, CheckHost, Look, Looked, ResetHost, RunScript, ScriptEnded, Step
from stanchion.model.cluster import ClusterView, Held
from stanchion.model.history import Run, RunEnd
from stanchion.model.ids import Moment, NodeName, SessionId
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import MachineKind, ResourceSpec, Script, ScriptKind
from stanchion.model.state import AlertKind, Phase, Presence, ResourceState, State, next_operation
from stanchion.plan import monitoring

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


def next_step(case: Case) -> Next:
    """Say what this node does next for the resource: begin an action, report an event, or nothing."""
    if case.mine and case.state.session != case.session and case.state.session in case.view.proofs:
        # That life of this node provably runs nothing any more: where the resource goes is the master's to say.
        return None
    match case.state.state:
        case State.LOADING if case.mine:
            return _loading(case)
        case State.UNLOADING if case.mine:
            return _claim(case) or _unloading(case)
        case State.RUNNING if case.mine:
            return _running(case)
        case State.ALERT if case.mine and case.state.alert is AlertKind.FAILBACK:
            return _running(case)
        case State.COMATOSE if case.mine and case.state.session is not None:
            return _claim(case)
        case State.MIGRATING:
            return _migrating(case)
        case _:
            return None


def _claim(case: Case) -> e.Event | None:
    """Take the resource over into the present session, if it is held by an earlier one of this node."""
    if case.state.session == case.session:
        return None
    return e.Claimed(session=case.session, why=case.state.reason)


def _loading(case: Case) -> Next:
    node = case.view.nodes.get(case.me)
    if case.state.session is None and (node is None or not node.value.wanted):
        return None
    claim = _claim(case)
    if claim is not None:
        return claim
    if _visible(case.spec.value):
        found = case.seen(Step.LOOK)
        if found is None:
            return Look(step=Step.LOOK, stage=case.stage, spec=case.spec.value)
        if found.presence is Presence.RUNNING:
            return _loaded(case, born=False)
    run = case.ran(Step.LOAD)
    if run is None:
        return _script(case, Step.LOAD, ScriptKind.LOAD)
    return _judge_load(case, run) or _loaded(case, born=True)


def _judge_load(case: Case, run: Run) -> Next:
    """Say what is wrong after a load, or what to look at first; None when the machine is up."""
    script = case.spec.value.scripts.load
    if run.end is RunEnd.OVERDUE:
        return e.Failed(why=reason(Why.LOAD_TIMEOUT, f"{script.timeout_s:g}"))
    looks = _visible(case.spec.value)
    found = case.seen(Step.LOOK_AFTER)
    if looks and found is None:
        return Look(step=Step.LOOK_AFTER, stage=case.stage, spec=case.spec.value)
    if run.code != 0:
        return e.Failed(why=reason(Why.LOAD_FAILED, run.code, _told(run, found)))
    if found is not None and found.presence is Presence.ABSENT:
        return e.Failed(why=reason(Why.LOAD_NOT_RUNNING))
    return None


def _loaded(case: Case, *, born: bool) -> Next:
    digests: Mapping[str, str] = {}
    if case.spec.value.files:
        checked = case.facts.get(Step.CHECK)
        if not isinstance(checked, Checked):
            return CheckHost(stage=case.stage, spec=case.spec.value)
        digests = checked.digests
    why = reason(Why.LOADED) if born else reason(Why.ADOPTED, case.me)
    return e.Loaded(spec_revision=case.spec.revision, digests=digests, born=born, why=why)


def _unloading(case: Case) -> Next:
    run = case.ran(Step.UNLOAD)
    if run is None:
        return _script(case, Step.UNLOAD, ScriptKind.UNLOAD)
    script = case.spec.value.scripts.unload
    if run.end is RunEnd.OVERDUE:
        return e.Failed(why=reason(Why.UNLOAD_TIMEOUT, f"{script.timeout_s:g}"))
    found = case.seen(Step.LOOK_AFTER)
    if found is None and _lookable(case.spec.value):
        return Look(step=Step.LOOK_AFTER, stage=case.stage, spec=case.spec.value, after_unload=run.code == 0)
    if run.code != 0:
        return e.Failed(why=reason(Why.UNLOAD_FAILED, run.code, _told(run, found)))
    if found is not None and found.presence is Presence.RUNNING:
        return e.Failed(why=reason(Why.STILL_RUNNING, case.me))
    if found is not None and found.presence is Presence.UNKNOWN:
        return e.Failed(why=reason(Why.LOOK_UNKNOWN, case.me, found.text))
    why = case.state.reason if case.state.move is not None else reason(Why.UNLOADED)
    return e.Unloaded(operation=next_operation(case.state.name, case.held.revision), why=why)


def _running(case: Case) -> Next:
    """Adopt what runs here by right, then monitor it.

    The first thing that an agent does for a running machine is to look: it may have stopped while no agent watched.
    """
    spec = case.spec.value
    adopts = case.state.session != case.session
    if _visible(spec) or (adopts and _lookable(spec)):
        found = case.seen(Step.LOOK)
        if found is None or (case.look_due and not adopts):
            return Look(step=Step.LOOK, stage=case.stage, spec=spec)
        if found.presence is Presence.ABSENT:
            return _found_stopped(case)
    if adopts:
        return e.Claimed(session=case.session, why=case.state.reason)
    if case.state.reason.why is Why.MONITOR_REBOOT:
        return ResetHost(resource=case.state.name)
    return _monitored(case)


def _found_stopped(case: Case) -> e.Event:
    spec = case.spec.value
    if spec.monitoring.enabled:
        failure = monitoring.Failure(text="found not running")
        return monitoring.respond(case.view, case.held, spec, failure, case.now)
    return e.Failed(why=reason(Why.FOUND_STOPPED, case.me), session=case.session)


def _monitored(case: Case) -> Next:
    spec = case.spec.value
    if not spec.monitoring.enabled or not _has(spec.scripts.monitor):
        return None
    run = case.ran(Step.MONITOR)
    failure = monitoring.failure_of(run) if run is not None else None
    if failure is not None:
        return monitoring.respond(case.view, case.held, spec, failure, case.now)
    if not case.monitor_due:
        return None
    # Named by the host's own clock: after a restart of the agent a new run must not join an old one.
    stage = f"{case.stage}-{round(case.now.mono_s * 1000)}"
    interval_ms = str(round(spec.monitoring.interval_s * 1000))
    return RunScript(step=Step.MONITOR, stage=stage, spec=spec, script=ScriptKind.MONITOR,
                     environment={"OCF_RESKEY_CRM_meta_interval": interval_ms})


def _migrating(case: Case) -> Next:
    move = case.state.move
    assert move is not None
    if case.mine and case.state.session != case.session:
        return e.Claimed(session=case.session, why=case.state.reason)
    receives = move.target == case.me
    if receives and move.session != case.session and move.session in case.view.proofs:
        # The life of this node that should have received it provably runs nothing any more: the master's to say.
        return None
    match move.phase:
        case Phase.PREPARE if receives:
            return _receive(case)
        case Phase.OUT if case.mine:
            return _send(case)
        case Phase.IN if receives:
            return _take(case)
        case Phase.ABORT if receives:
            return _clean(case)
        case _:
            return None


def _receive(case: Case) -> Next:
    """Check that this node can take the machine, and open the door for it."""
    move = case.state.move
    assert move is not None
    checked = case.facts.get(Step.CHECK)
    if not isinstance(checked, Checked):
        return CheckHost(stage=case.stage, spec=case.spec.value, digests=case.state.digests)
    if checked.fault:
        return e.Stayed(why=reason(Why.PREFLIGHT_FAILED, case.me, checked.fault))
    operation = next_operation(case.state.name, case.held.revision)
    prepared = e.Prepared(session=case.session, operation=operation, why=case.state.reason)
    if not move.live or not _has(case.spec.value.scripts.prepare):
        return prepared
    run = case.ran(Step.PREPARE)
    if run is None:
        return _script(case, Step.PREPARE, ScriptKind.PREPARE, tofrom=case.state.node)
    if run.end is not RunEnd.EXITED or run.code != 0:
        if case.ran(Step.HALT) is None and _has(case.spec.value.scripts.halt):
            return _script(case, Step.HALT, ScriptKind.HALT)
        return e.Stayed(why=reason(Why.PREFLIGHT_FAILED, case.me, _told(run, None)))
    return e.Prepared(session=case.session, operation=operation, door=door_of(run), why=case.state.reason)


def _send(case: Case) -> Next:
    """Send the machine; then look: what counts is where it is, not how the script ended."""
    move = case.state.move
    assert move is not None
    run = case.ran(Step.UNLOAD)
    if run is None:
        return _script(case, Step.UNLOAD, ScriptKind.UNLOAD, tofrom=move.target, door=move.door)
    if run.end is RunEnd.OVERDUE:
        return e.Failed(why=reason(Why.UNLOAD_TIMEOUT, f"{case.spec.value.scripts.unload.timeout_s:g}"))
    found = case.seen(Step.LOOK_AFTER)
    if found is None and _lookable(case.spec.value):
        return Look(step=Step.LOOK_AFTER, stage=case.stage, spec=case.spec.value, after_unload=run.code == 0)
    if found is None and run.code != 0:
        return e.Failed(why=reason(Why.UNLOAD_FAILED, run.code, _told(run, None)))
    fault = _told(run, None) if run.code != 0 else "the unload script ended well, but the machine is still there"
    if found is not None and found.presence is Presence.RUNNING:
        return e.Faltered(fault=fault, why=case.state.reason)
    if found is not None and found.presence is Presence.UNKNOWN:
        return e.Failed(why=reason(Why.LOOK_UNKNOWN, case.me, found.text))
    return e.Departed(why=case.state.reason, fault="" if run.code == 0 else fault)


def _lost_on_the_way(case: Case, fault: str) -> Next:
    """The machine runs on neither node: clean up here, then start it again, or leave it to an administrator.

    After a manual move it starts where it came from; off a node that is being emptied, here (decided).
    """
    move, source = case.state.move, case.state.node
    assert move is not None
    assert source is not None
    if _has(case.spec.value.scripts.halt) and case.ran(Step.HALT) is None:
        return _script(case, Step.HALT, ScriptKind.HALT)
    node = case.me if move.why.why is Why.NODE_LEAVES else source
    why = reason(Why.MIGRATE_LOST, move.target, fault, node)
    if not case.spec.value.policies.restart_after_failed_migration:
        return _failed_here(case, why)
    return e.Dropped(node=node, operation=next_operation(case.state.name, case.held.revision), why=why)


def _failed_here(case: Case, why: Reason) -> e.Failed:
    """Comatose on this node, the target: the machine left the source."""
    return e.Failed(why=why, node=case.me, session=case.session)


def _astray(case: Case, fault: str) -> Next:
    """The source's script failed, and the machine is not there any more: look before anything is started."""
    if not _lookable(case.spec.value):
        return _lost_on_the_way(case, fault)
    found = case.seen(Step.LOOK)
    if found is None:
        return Look(step=Step.LOOK, stage=case.stage, spec=case.spec.value, after_unload=True)
    if found.presence is Presence.RUNNING:
        return e.Arrived(session=case.session, why=reason(Why.MIGRATED, case.state.node, case.me))
    if found.presence is Presence.UNKNOWN:
        return _failed_here(case, reason(Why.LOOK_UNKNOWN, case.me, found.text))
    return _lost_on_the_way(case, fault)


def _take(case: Case) -> Next:
    """Take the machine over: it left the source, and must come to life here."""
    move = case.state.move
    assert move is not None
    if move.fault:
        return _astray(case, move.fault)
    run = case.ran(Step.LOAD)
    if run is None:
        return _script(case, Step.LOAD, ScriptKind.LOAD, tofrom=case.state.node)
    found = case.seen(Step.LOOK_AFTER)
    if found is None and _lookable(case.spec.value):
        return Look(step=Step.LOOK_AFTER, stage=case.stage, spec=case.spec.value)
    runs = found is None or found.presence is Presence.RUNNING
    if runs and run.end is RunEnd.EXITED and run.code == 0:
        return e.Arrived(session=case.session, why=reason(Why.MIGRATED, case.state.node, case.me))
    if run.end is RunEnd.OVERDUE:
        return _failed_here(case, reason(Why.LOAD_TIMEOUT, f"{case.spec.value.scripts.load.timeout_s:g}"))
    if found is not None and found.presence is Presence.UNKNOWN:
        return _failed_here(case, reason(Why.LOOK_UNKNOWN, case.me, found.text))
    if found is not None and found.presence is Presence.RUNNING:
        return e.Arrived(session=case.session, why=reason(Why.MIGRATED, case.state.node, case.me))
    return _lost_on_the_way(case, _told(run, found))


def _clean(case: Case) -> Next:
    """Clean up after a failed live move: the machine runs on the source, and nothing of it may stay here."""
    move = case.state.move
    assert move is not None
    if _has(case.spec.value.scripts.halt) and case.ran(Step.HALT) is None:
        return _script(case, Step.HALT, ScriptKind.HALT)
    return e.Stayed(why=reason(Why.MIGRATE_FAILED, case.me, move.fault, case.state.node))


def _script(case: Case, step: Step, kind: ScriptKind, *, tofrom: NodeName | None = None,
            door: str = "") -> RunScript:
    environment: dict[str, str] = {} if tofrom is None else {"NCS_TOFROM": tofrom}
    if door:
        environment["STANCHION_DOOR"] = door
    return RunScript(step=step, stage=case.stage, spec=case.spec.value, script=kind, environment=environment)


def door_of(run: Run) -> str:
    """Read the door from a prepare script's output: the last line that begins with ``door: ``."""
    lines = [line.removeprefix("door: ").strip() for line in run.output.splitlines() if line.startswith("door: ")]
    return lines[-1] if lines else ""


def _visible(spec: ResourceSpec) -> bool:
    """Whether a hypervisor can be asked for the machine."""
    return spec.machine.kind is not MachineKind.SCRIPT


def _lookable(spec: ResourceSpec) -> bool:
    """Whether there is any way to look: a hypervisor, or a monitor script."""
    return _visible(spec) or _has(spec.scripts.monitor)


def _has(script: Script) -> bool:
    return bool(script.text.strip())


def _told(run: Run, found: Looked | None) -> str:
    told = run.command or (f"ended by a signal, code {run.code}" if run.end is RunEnd.KILLED else "see its output")
    return told if found is None else f"{told}; the machine is {found.presence}"
