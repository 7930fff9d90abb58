"""``react``: what one node does next, given what it knows and what just happened.

``NodeState`` is everything that an agent believes, in one frozen record; the agent holds the only reference to it.
For every resource there is at most one thing in the air (``Duty.busy``): an action, or a report on its way to the
store. When its result comes back, the procedure of the resource's state (``duty``) is asked again. So the loop is
level-triggered: a lost message, a conflict or a restart costs a repetition and never a wrong step.

A node that is past its local deadline (``CutOff``) forgets everything else and halts what it runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stanchion.model import actions as a
from stanchion.model.cluster import ClusterView, Held, Key, Kind
from stanchion.model.events import Claimed, Event
from stanchion.model.ids import Moment, NodeName, ResourceName, Revision, SessionId
from stanchion.model.index import NOBODY
from stanchion.model.orders import Intent, Outcome, Verb
from stanchion.model.reasons import Why
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.model.state import Presence, ResourceState, State, actor, holders
from stanchion.model.transaction import Guard
from stanchion.plan import monitoring, standing, strays, trial
from stanchion.plan.binding import effective
from stanchion.plan.case import Case, Fact, stage_of
from stanchion.plan.change import step as change
from stanchion.plan.duty import next_step

RETRY_S = 0.5
"""After a report whose fate is unknown: read again and try again after this time."""

LOOK_AGAIN_S = 10.0
"""How long to wait before looking again for a running machine that could not be seen."""

OF_ONE = frozenset({Kind.STATE, Kind.SPEC, Kind.BOUND, Kind.STRAY, Kind.INTENT})
"""The records that are about one resource each."""

TICK_S = 0.001
"""An alarm may ring this much early, because clocks are rounded; what is due then counts as due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What this node knows and does about one resource.

    ``facts`` belong to ``stage``. ``settled`` is the revision on which a report was written: only a newer one is worth
    another step. ``refused`` is what the last report rested on when a guard refused it (the record's revision, that of
    its strays, and that of our lease): only something newer is worth another try. ``cleaning``: a machine that should
    have come here will not, and what waits for it must go.
    """

    stage: str = ""
    facts: Mapping[a.Step, Fact] = field(default_factory=dict)
    busy: a.Step | None = None
    monitor_at_s: float | None = None
    look_at_s: float | None = None
    settled: Revision | None = None
    reported: tuple[Revision, ...] | None = None
    refused: tuple[Revision, ...] | None = None
    retry_at_s: float = 0.0
    cleaning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """Everything that one agent believes.

    ``presences`` is what the halt after a cut-off found, None before and while a halt is in the air. ``halting`` are
    the resources that are halted then; ``ending`` the orders for this node alone that were taken up.
    """

    me: NodeName
    session: SessionId | None = None
    view: ClusterView = field(default_factory=ClusterView)
    duties: Mapping[ResourceName, Duty] = field(default_factory=dict)
    cut_off: bool = False
    presences: Mapping[ResourceName, Presence] | None = None
    halting: tuple[ResourceSpec, ...] = ()
    ending: frozenset[str] = frozenset()

    @property
    def busy(self) -> frozenset[ResourceName]:
        """The resources of which something is in the air here."""
        return frozenset(name for name, duty in self.duties.items() if duty.busy is not None)

    @property
    def holds_nothing(self) -> bool:
        """Whether nothing can be executing here: a halt found every machine gone."""
        return self.presences is not None and all(p is Presence.ABSENT for p in self.presences.values())


Reaction = tuple[NodeState, tuple[a.Action, ...]]


def react(state: NodeState, happening: a.Happening, now: Moment) -> Reaction:
    """Give what the agent believes after this, and what it does."""
    match happening:
        case a.CutOff():
            return _cut_off(state)
        case a.Halted():
            return _halted(state, happening.presences, now)
        case a.Woken() if state.cut_off:
            return _halt_again(state)
        case a.SessionOpened():
            fresh = replace(state, session=happening.session, cut_off=False, presences=None, duties={},
                            halting=(), ending=frozenset())
            fresh, actions = _pump_all(_seen(fresh, happening.view), now)
            return fresh, (a.DropAll(), *actions)
        case a.ViewChanged():
            return _pump_all(_seen(state, happening.view), now, _news(state.view, happening.view))
        case a.Woken():
            return _pump_all(state, now)
        case a.ScriptEnded() | a.Looked() | a.Checked() | a.PutOff():
            return _pump_one(_learned(state, happening, now), happening.resource, now)
        case a.Reported():
            return _pump_one(_answered(state, happening, now), happening.resource, now)


def held_here(view: ClusterView, me: NodeName) -> tuple[ResourceSpec, ...]:
    """Give the resources whose machines may be executing on this node, strays too, as far as the view tells."""
    held = (effective(view, name) for name in sorted({*view.index.near.get(me, NOBODY), *strays.astray_on(view, me)})
            if name in view.states)
    return tuple(spec.value for spec in held if spec is not None)


def _cut_off(state: NodeState) -> Reaction:
    if state.cut_off:
        return state, ()
    # A machine whose order is on its way here counts too: its load may have begun a moment ago.
    specs = {spec.name: spec for spec in held_here(state.view, state.me)}
    for name, duty in state.duties.items():
        spec = effective(state.view, name) if duty.busy is not None else None
        if spec is not None:
            specs[name] = spec.value
    halting = tuple(specs[name] for name in sorted(specs))
    after = replace(state, cut_off=True, session=None, duties={}, presences=None, halting=halting)
    return after, (_halt_all(after),)


def _halt_all(state: NodeState) -> a.HaltAll:
    """Halt what is held here; and what is found running here by nobody's order: no proof would cover it."""
    return a.HaltAll(specs=state.halting, others=tuple(
        spec for spec in strays.watched(state.view) if spec.name not in {held.name for held in state.halting}))


def _halt_again(state: NodeState) -> Reaction:
    """Halt what may still be there, unless a halt is in the air."""
    if state.presences is None or state.holds_nothing:
        return state, ()
    return replace(state, presences=None), (_halt_all(state),)


def _halted(state: NodeState, presences: Mapping[ResourceName, Presence], now: Moment) -> Reaction:
    """Keep what the look found; as long as a machine may be there, halt again.

    What a halt of an earlier session found says nothing about this one.
    """
    if not state.cut_off:
        return state, ()
    after = replace(state, presences=presences)
    return after, () if after.holds_nothing else (a.WakeAt(at_s=now.mono_s + RETRY_S),)


def _seen(state: NodeState, view: ClusterView) -> NodeState:
    """Take the new view in, unless it is an older one; note the machines that will not come here any more."""
    if view.revision < state.view.revision:
        return state
    duties = dict(state.duties)
    for name in state.view.index.near.get(state.me, NOBODY):
        old, new = state.view.states[name], view.states.get(name)
        # Who refused it before anything was prepared has nothing to clean up; what else runs there is not his to end.
        done = duties[name].facts.keys() if name in duties else set()
        refused = new is not None and new.value.reason.why is Why.PREFLIGHT_FAILED and (
            a.Step.PREPARE not in done or a.Step.HALT in done)
        if _awaited(old.value, state.me) and not refused and (new is None or state.me not in holders(new.value)):
            duties[name] = replace(duties.get(name, Duty()), cleaning=True)
    known = {name: duty for name, duty in duties.items() if name in view.states or duty.busy is not None}
    return replace(state, view=view, duties=known)


def _awaited(state: ResourceState, me: NodeName) -> bool:
    """Whether something waits here for the machine: a move by unload and load is only checked for."""
    if state.state is not State.MIGRATING or state.move is None:
        return False
    return state.move.live and state.move.target == me


def _learned(state: NodeState, happening: a.ScriptEnded | a.Looked | a.Checked | a.PutOff, now: Moment) -> NodeState:
    """Keep the result as a fact of its stage; a result of a stage that is past frees the hands and is dropped."""
    duty = state.duties.get(happening.resource)
    if duty is None:
        return state
    duty = replace(duty, busy=None)
    if isinstance(happening, a.PutOff):
        # What was seen before the wait says nothing any more.
        return _with(state, happening.resource, replace(duty, facts={}))
    if isinstance(happening, a.ScriptEnded) and happening.step is a.Step.MONITOR:
        held = state.view.specs.get(happening.resource)
        interval_s = held.value.monitoring.interval_s if held else 0.0
        duty = replace(duty, monitor_at_s=now.mono_s + interval_s)
        if monitoring.failure_of(happening.run) is None or standing.paused(state.view) is not None:
            return _with(state, happening.resource, duty)
    if isinstance(happening, a.Looked) and happening.step is a.Step.LOOK:
        absent = happening.presence is Presence.ABSENT and standing.paused(state.view) is not None
        unseen = happening.presence is Presence.UNKNOWN or absent
        duty = replace(duty, look_at_s=now.mono_s + LOOK_AGAIN_S if unseen else None)
    if happening.stage.startswith(duty.stage):
        step = a.Step.CHECK if isinstance(happening, a.Checked) else happening.step
        duty = replace(duty, facts={**duty.facts, step: happening})
    return _with(state, happening.resource, duty)


def _answered(state: NodeState, happening: a.Reported, now: Moment) -> NodeState:
    duty = state.duties.get(happening.resource)
    if duty is None:
        return state
    duty = replace(duty, busy=None)
    if happening.written is None:
        duty = replace(duty, retry_at_s=now.mono_s + RETRY_S)
    elif happening.written:
        # That revision is past: wait for the view that shows what stands there now.
        duty = replace(duty, settled=happening.decided_on)
    else:
        duty = replace(duty, refused=duty.reported)
    return _with(state, happening.resource, duty)


def _news(before: ClusterView, view: ClusterView) -> frozenset[ResourceName] | None:
    """Name the resources of which this view tells something new; None: what is new may matter to every one.

    What a resource's next step here depends on are its own records, and what is known of nodes and their sessions.
    """
    keys = view.changed_since(before.revision) if view.revision > before.revision else None
    if keys is None or any(key.kind not in OF_ONE for key in keys):
        return None
    return frozenset(ResourceName(key.name) for key in keys if key.kind is not Kind.INTENT)


def _pump_all(state: NodeState, now: Moment, only: frozenset[ResourceName] | None = None) -> Reaction:
    """Ask what is next for all resources that this node has to do with, or for some of them."""
    actions: list[a.Action] = []
    near = state.view.index.near.get(state.me, NOBODY)
    names = {*near, *state.duties} if only is None else {name for name in only if name in near or name in state.duties}
    for name in sorted(names, key=lambda name: _turn(state.view, name)):
        state, some = _pump(state, name, now)
        actions += some
    state, orders = _ordered(state)
    return state, (*actions, *orders, *_leaves(state), *_wake(state, now))


def _turn(view: ClusterView, name: ResourceName) -> tuple[int, ResourceName]:
    """What comes at once begins in the order of priority."""
    held = view.specs.get(name)
    return (-held.value.policies.priority if held else 0, name)


def _pump_one(state: NodeState, name: ResourceName, now: Moment) -> Reaction:
    state, actions = _pump(state, name, now)
    return state, (*actions, *_wake(state, now))


def _pump(state: NodeState, name: ResourceName, now: Moment) -> Reaction:
    """Ask what is next for one resource, unless something of it is in the air."""
    held, spec = state.view.states.get(name), effective(state.view, name)
    if held is None or spec is None or not _member(state):
        return state, ()
    duty = _present(state.duties.get(name, Duty()), held.value)
    rests = held.revision, strays.guard(state.view, name).revision, state.view.live[state.me].revision
    past = duty.settled == held.revision or duty.refused == rests
    if duty.busy is not None or past or now.mono_s + TICK_S < duty.retry_at_s:
        return _with(state, name, duty), ()
    if duty.cleaning:
        return _clean(state, name, spec.value, duty)
    if state.me not in holders(held.value):
        return _with(state, name, None), ()
    if duty.monitor_at_s is None and held.value.state in {State.RUNNING, State.ALERT}:
        duty = replace(duty, monitor_at_s=now.mono_s + spec.value.monitoring.interval_s)
    busy, actions = _begin(state, held, spec, duty, now)
    if busy is a.Step.RESET:
        # No result comes back of a reset. A host that cannot be reset goes on when the record says something new.
        busy, duty = None, replace(duty, settled=held.revision)
    return _with(state, name, replace(duty, busy=busy, reported=rests)), actions


def _member(state: NodeState) -> bool:
    """Whether the view shows this node in its present session; a view from before shows an older one."""
    live = state.view.live.get(state.me)
    return not state.cut_off and live is not None and live.value.session == state.session


def _begin(state: NodeState, held: Held[ResourceState], spec: Held[ResourceSpec], duty: Duty,
           now: Moment) -> tuple[a.Step | None, tuple[a.Action, ...]]:
    """Give the step that begins now, and its action."""
    assert state.session is not None
    case = Case(me=state.me, session=state.session, view=state.view, held=held, spec=spec, now=now,
                facts=duty.facts, monitor_due=_due(duty.monitor_at_s, now), look_due=_due(duty.look_at_s, now))
    match next_step(case):
        case None:
            return None, ()
        case a.RunScript() | a.Look() as action:
            return action.step, (action,)
        case a.CheckHost() as action:
            return a.Step.CHECK, (action,)
        case a.ResetHost() as action:
            return a.Step.RESET, (action,)
        case event:
            return a.Step.REPORT, (_report(state, held, event, now),)


def _present(duty: Duty, state: ResourceState) -> Duty:
    """Forget the facts of a stage that is past."""
    stage = stage_of(state)
    if duty.stage == stage:
        return duty
    return Duty(stage=stage, busy=duty.busy, cleaning=duty.cleaning)


def _clean(state: NodeState, name: ResourceName, spec: ResourceSpec, duty: Duty) -> Reaction:
    """End what waits here for a machine that will not come."""
    if not spec.scripts.halt.text.strip():
        return _with(state, name, replace(duty, cleaning=False)), ()
    action = a.RunScript(step=a.Step.HALT, stage=f"{duty.stage}-clean", spec=spec, script=ScriptKind.HALT)
    return _with(state, name, replace(duty, cleaning=False, busy=a.Step.HALT)), (action,)


def _due(at_s: float | None, now: Moment) -> bool:
    return at_s is not None and now.mono_s + TICK_S >= at_s


def _report(state: NodeState, held: Held[ResourceState], event: Event, now: Moment) -> a.Commit:
    """Turn what became of the resource into a write that only this session can make."""
    live = state.view.live[state.me]
    guards: tuple[Guard, ...] = (Guard(Key(Kind.LIVE, state.me), live.revision),)
    if isinstance(event, Claimed) and held.value.session is None:
        # With this a load begins: not while the machine is known to run elsewhere by nobody's order, and by the
        # configuration that was read.
        name = held.value.name
        guards = (*guards, strays.guard(state.view, name), Guard(Key(Kind.SPEC, name), state.view.specs[name].revision))
    decision = change(held, event, now, by=state.me, guards=guards)
    return a.Commit(resource=held.value.name, state=held, transaction=decision.transaction)


def _ordered(state: NodeState) -> Reaction:
    """Carry out the orders that are this node's alone: to end a running script, or to try one."""
    actions: list[a.Action] = []
    if not _member(state):
        return state, ()
    pending = [held for held in state.view.intents.values() if held.value.outcome is Outcome.PENDING
               and held.value.id not in state.ending]
    for held in sorted(pending, key=lambda held: held.value.id):
        action = _own_order(state, held)
        if action is not None:
            state = replace(state, ending=state.ending | {held.value.id})
            actions.append(action)
    return state, tuple(actions)


def _own_order(state: NodeState, held: Held[Intent]) -> a.Action | None:
    intent, name = held.value, held.value.resource
    there = state.view.states.get(name) if name is not None else None
    if name is None or there is None or name not in state.view.specs:
        return None
    if intent.verb is Verb.END_PROCESS and state.me == actor(there.value):
        return a.EndProcess(resource=name, intent=held)
    if intent.verb is Verb.TEST and state.me == intent.node and trial.refusal(state.view, intent) is None:
        return a.TestScript(spec=state.view.specs[name].value, intent=held)
    return None


def _leaves(state: NodeState) -> tuple[a.Action, ...]:
    """Give the session back once nothing is held here and the node is to leave."""
    if state.session is None or not _member(state) or not standing.leaves(state.view, state.me):
        return ()
    if any(duty.busy is not None for duty in state.duties.values()) or held_here(state.view, state.me):
        return ()
    return (a.GiveBack(session=state.session),)


def _wake(state: NodeState, now: Moment) -> tuple[a.Action, ...]:
    idle = [duty for duty in state.duties.values() if duty.busy is None]
    times = [at_s for duty in idle for at_s in (duty.monitor_at_s, duty.look_at_s, duty.retry_at_s) if at_s]
    ahead = [at_s for at_s in times if at_s > now.mono_s + TICK_S]
    return (a.WakeAt(at_s=min(ahead)),) if ahead else ()


def _with(state: NodeState, name: ResourceName, duty: Duty | None) -> NodeState:
    duties = {key: value for key, value in state.duties.items() if key != name}
    if duty is not None:
        duties[name] = duty
    return replace(state, duties=duties)
