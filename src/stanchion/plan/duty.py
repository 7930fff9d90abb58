"""What one node does next for one resource: the procedure of each state, as a function of the facts so far.

The record in the store says what is wanted; the *facts* are what this node has found out and done for the present
stage of the operation (the load script ended with 0, the look found the machine running). ``next_step`` reads both and
gives one of: an action to begin, an event to report, or nothing. It never remembers anything itself: after a restart
the facts are gathered again, and since the runner joins a run that it knows, nothing is done twice.
"""

from collections.abc import Mapping

from stanchion.model import events as e
from stanchion.model.actions import Checked, CheckHost, Look, Looked, ResetHost, RunScript, Step
from stanchion.model.capacity import NOTHING_KNOWN
from stanchion.model.history import Run, RunEnd
from stanchion.model.reasons import Why, reason, sentence
from stanchion.model.resource import ScriptKind
from stanchion.model.state import AlertKind, Presence, State, next_operation
from stanchion.plan import failing, monitoring, placement, standing, strays
from stanchion.plan.case import Case, Next, has, lookable, script_of, told, visible
from stanchion.plan.moving import next_of_move


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
            return next_of_move(case)
        case _:
            return None


def _claim(case: Case) -> e.Event | None:
    """Take the resource over into the present session, if it is held by an earlier one of this node."""
    if case.state.session == case.session:
        return None
    return e.Claimed(session=case.session, why=case.state.reason)


def _unclaimed(case: Case) -> Next:
    """Take over what was sent here, if it may still be loaded here."""
    if standing.emptying(case.view, case.me) is not None:
        return None
    if (astray := strays.bar(case.view, case.state.name, case.me)) is not None:
        return e.NoNode(why=reason(Why.NO_NODE, sentence(astray)))
    # The load binds itself to the newest configuration here, before anything of it has run.
    return e.Claimed(session=case.session, spec_revision=case.spec.revision, why=case.state.reason)


def _loading(case: Case) -> Next:
    if case.state.session is None:
        return _unclaimed(case)
    claim = _claim(case)
    if claim is not None:
        return claim
    adopts = case.state.reason.why is Why.ADOPT_ASKED
    if visible(case.spec.value) or adopts:
        found = case.seen(Step.LOOK)
        if found is None:
            return Look(step=Step.LOOK, stage=case.stage, spec=case.spec.value)
        if found.presence is Presence.RUNNING:
            return _loaded(case, born=False)
        if adopts:
            return e.NotThere(why=reason(Why.NOT_THERE, case.me, found.text or found.presence))
        if found.presence is Presence.UNKNOWN:
            return _blind(case, found)
    run = case.ran(Step.LOAD)
    return _load(case) if run is None else _load_ended(case, run)


def _blind(case: Case, found: Looked) -> Next:
    """Nothing is loaded on a host that cannot be seen: look again for as long as a load may take, then give up."""
    # By the wall clocks of two hosts, of which one may have been set.
    if abs(case.now.wall_s - case.state.since_s) >= case.spec.value.scripts.load.timeout_s:
        why = reason(Why.LOOK_UNKNOWN, case.me, found.text)
        return failing.onward(case.view, case.held, case.spec.value, why, case.now, knowable=True)
    return Look(step=Step.LOOK, stage=case.stage, spec=case.spec.value) if case.look_due else None


def _load(case: Case) -> Next:
    """Run the script, unless the machine was found elsewhere since the claim: a load may have been put off meanwhile.

    Then all that an earlier agent may have begun here is unloaded before the claim is let go of.
    """
    astray = strays.bar(case.view, case.state.name, case.me)
    if astray is None:
        return script_of(case, Step.LOAD, ScriptKind.LOAD)
    return e.Sent(target=case.me, operation=next_operation(case.state.name, case.held.revision),
                  why=reason(Why.NO_NODE, sentence(astray)),
                  settled_for=placement.home_session(case.view, case.spec.value))


def _load_ended(case: Case, run: Run) -> Next:
    judged = _judge_load(case, run)
    if isinstance(judged, e.Failed):
        return failing.onward(case.view, case.held, case.spec.value, judged.why, case.now,
                              knowable=lookable(case.spec.value))
    return judged or _loaded(case, born=True)


def _judge_load(case: Case, run: Run) -> Next:
    """Say what is wrong after a load, or what to look at first; None when the machine is up."""
    script = case.spec.value.scripts.load
    if run.end is RunEnd.OVERDUE:
        return e.Failed(why=reason(Why.LOAD_TIMEOUT, f"{script.timeout_s:g}"))
    looks = visible(case.spec.value)
    found = case.seen(Step.LOOK_AFTER)
    if looks and found is None:
        return Look(step=Step.LOOK_AFTER, stage=case.stage, spec=case.spec.value)
    if run.code != 0:
        return e.Failed(why=reason(Why.LOAD_FAILED, run.code, told(run, found)))
    if found is not None and found.presence is Presence.ABSENT:
        return e.Failed(why=reason(Why.LOAD_NOT_RUNNING))
    return None


def _loaded(case: Case, *, born: bool) -> Next:
    digests: Mapping[str, str] = {}
    size = NOTHING_KNOWN
    if case.spec.value.descriptions:
        checked = case.facts.get(Step.CHECK)
        if not isinstance(checked, Checked):
            return CheckHost(stage=case.stage, spec=case.spec.value)
        digests, size = checked.digests, checked.size
    why = reason(Why.LOADED) if born else reason(Why.ADOPTED, case.me)
    revision = case.state.spec_revision or case.spec.revision
    return e.Loaded(spec_revision=revision, digests=digests, size=size, born=born, why=why)


def _unloading(case: Case) -> Next:
    run = case.ran(Step.UNLOAD)
    if run is None:
        return script_of(case, Step.UNLOAD, ScriptKind.UNLOAD)
    script = case.spec.value.scripts.unload
    if run.end is RunEnd.OVERDUE:
        return e.Failed(why=reason(Why.UNLOAD_TIMEOUT, f"{script.timeout_s:g}"))
    found = case.seen(Step.LOOK_AFTER)
    if found is None and lookable(case.spec.value):
        return Look(step=Step.LOOK_AFTER, stage=case.stage, spec=case.spec.value, after_unload=run.code == 0)
    if run.code != 0:
        return e.Failed(why=reason(Why.UNLOAD_FAILED, run.code, told(run, found)))
    if found is not None and found.presence is Presence.RUNNING:
        return e.Failed(why=reason(Why.STILL_RUNNING, case.me))
    if found is not None and found.presence is Presence.UNKNOWN:
        return e.Failed(why=reason(Why.LOOK_UNKNOWN, case.me, found.text))
    if (left := _left(case, found)) is not None:
        return left
    why = case.state.reason if case.state.move is not None else reason(Why.UNLOADED)
    return e.Unloaded(operation=next_operation(case.state.name, case.held.revision), why=why)


def _left(case: Case, found: Looked | None) -> e.Failed | None:
    """Keep a resource whose storage was left in use: it may start nowhere else, only here again."""
    here = None if found is None else found.storage
    stays = case.state.move is not None and case.state.move.target == case.me
    left = "" if here is None or stays else strays.left(case.view, case.me, case.spec.value, here)
    return e.Failed(why=reason(Why.STORAGE_LEFT, case.me, left)) if left else None


def _running(case: Case) -> Next:
    """Adopt what runs here by right, then monitor it.

    The first thing that an agent does for a running machine is to look: it may have stopped while no agent watched.
    """
    spec = case.spec.value
    adopts = case.state.session != case.session
    if not adopts and case.state.reason.why is Why.MONITOR_REBOOT:
        return ResetHost(resource=case.state.name)
    if visible(spec) or (adopts and lookable(spec)):
        found = case.seen(Step.LOOK)
        if found is None or (case.look_due and not adopts):
            return Look(step=Step.LOOK, stage=case.stage, spec=spec)
        if found.presence is Presence.ABSENT:
            return _found_stopped(case)
    if adopts:
        return e.Claimed(session=case.session, why=case.state.reason)
    return _monitored(case)


def _found_stopped(case: Case) -> e.Event | None:
    spec = case.spec.value
    condemned = case.state.reason.why is Why.MONITOR_REBOOT
    if spec.monitoring.enabled and not condemned:
        if standing.paused(case.view) is not None:
            return None
        failure = monitoring.Failure(text="found not running")
        answer = monitoring.respond(case.view, case.held, spec, failure, case.now)
        # A host is reset for what it answers for in this life; before, it may have been reset for that already.
        return _claim(case) or answer if isinstance(answer, e.Condemned) else answer
    return e.Failed(why=reason(Why.FOUND_STOPPED, case.me), session=case.session)


def _monitored(case: Case) -> Next:
    spec = case.spec.value
    if not spec.monitoring.enabled or not has(spec.scripts.monitor):
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
