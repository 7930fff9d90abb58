"""The procedure of a move, for both nodes: prepare, send, take over, or clean up and stay.

What counts is where the machine is found, never how a script ended. Whatever fails at whatever moment, a second copy
is never started: a node that cannot know where the machine is makes it Comatose and keeps every claim on it.
"""

from stanchion.model import events as e
from stanchion.model.actions import Checked, CheckHost, Look, Step
from stanchion.model.history import Run, RunEnd
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import ScriptKind
from stanchion.model.state import Phase, Presence, next_operation
from stanchion.plan import standing, strays
from stanchion.plan.case import Case, Next, has, lookable, script_of, told, visible


def next_of_move(case: Case) -> Next:
    """Say what this node does next for a resource that is being moved."""
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
    if (first := _astray_here(case)) is not None:
        return first
    checked = case.facts.get(Step.CHECK)
    if not isinstance(checked, Checked):
        there = None if case.state.node is None else case.view.sessions.get(case.state.node)
        return CheckHost(stage=case.stage, spec=case.spec.value, digests=case.state.digests, live=move.live,
                         source=None if there is None else there.value)
    if checked.fault:
        return _stayed(case, reason(Why.PREFLIGHT_FAILED, case.me, checked.fault))
    if not move.live or not has(case.spec.value.scripts.prepare):
        operation = next_operation(case.state.name, case.held.revision)
        return e.Prepared(session=case.session, operation=operation, why=case.state.reason)
    return _prepare(case)


def _astray_here(case: Case) -> Next:
    """Look, before anything is prepared for a live move: somebody may have started the machine here or elsewhere."""
    if (astray := strays.bar(case.view, case.state.name, case.me)) is not None:
        return _stayed(case, reason(Why.PREFLIGHT_FAILED, case.me, sentence(astray)))
    found = case.seen(Step.LOOK)
    if found is None and case.state.move is not None and case.state.move.live and visible(case.spec.value):
        return Look(step=Step.LOOK, stage=case.stage, spec=case.spec.value)
    if found is not None and found.presence is Presence.RUNNING:
        return _stayed(case, reason(Why.PREFLIGHT_FAILED, case.me, f"it runs there already, {found.text}"))
    if found is not None and found.presence is Presence.UNKNOWN:
        return _stayed(case, reason(Why.PREFLIGHT_FAILED, case.me, f"whether it runs there is unknown, {found.text}"))
    return None


def _prepare(case: Case) -> Next:
    """Open the door, and clean up again where that fails."""
    run = case.ran(Step.PREPARE)
    if run is None:
        return script_of(case, Step.PREPARE, ScriptKind.PREPARE, tofrom=case.state.node)
    if run.end is RunEnd.OVERDUE:
        # Its process still runs, and whatever cleans up here has to wait for it; the machine need not.
        return _stayed(case, reason(Why.PREFLIGHT_FAILED, case.me, "the prepare script did not end in time"))
    if run.end is not RunEnd.EXITED or run.code != 0:
        if case.ran(Step.HALT) is None and has(case.spec.value.scripts.halt):
            return script_of(case, Step.HALT, ScriptKind.HALT)
        return _stayed(case, reason(Why.PREFLIGHT_FAILED, case.me, told(run, None)))
    operation = next_operation(case.state.name, case.held.revision)
    return e.Prepared(session=case.session, operation=operation, door=door_of(run), why=case.state.reason)


def _send(case: Case) -> Next:
    """Send the machine; then look: what counts is where it is, not how the script ended."""
    move = case.state.move
    assert move is not None
    run = case.ran(Step.UNLOAD)
    if run is None:
        return script_of(case, Step.UNLOAD, ScriptKind.UNLOAD, tofrom=move.target, door=move.door)
    if run.end is RunEnd.OVERDUE:
        return _astray_at(reason(Why.UNLOAD_TIMEOUT, f"{case.spec.value.scripts.unload.timeout_s:g}"))
    found = case.seen(Step.LOOK_AFTER)
    if found is None and lookable(case.spec.value):
        return Look(step=Step.LOOK_AFTER, stage=case.stage, spec=case.spec.value, after_unload=run.code == 0)
    if found is None and run.code != 0:
        return _astray_at(reason(Why.UNLOAD_FAILED, run.code, told(run, None)))
    fault = told(run, None) if run.code != 0 else "the unload script ended well, but the machine is still there"
    if found is not None and found.presence is Presence.RUNNING:
        return e.Faltered(fault=fault, why=case.state.reason)
    if found is not None and found.presence is Presence.UNKNOWN:
        return _astray_at(reason(Why.LOOK_UNKNOWN, case.me, found.text))
    return e.Departed(why=case.state.reason, fault="" if run.code == 0 else fault)


def _astray_at(why: Reason) -> e.Failed:
    """Comatose, and nobody knows how far the move got: both nodes keep their claim on the machine."""
    return e.Failed(why=why, astray=True)


def _lost_on_the_way(case: Case, fault: str) -> Next:
    """The machine runs on neither node: clean up here, then start it again, or leave it to an administrator.

    After a manual move it starts where it came from; off a node that is being emptied, here (decided).
    """
    move, source = case.state.move, case.state.node
    assert move is not None
    assert source is not None
    if has(case.spec.value.scripts.halt) and case.ran(Step.HALT) is None:
        return script_of(case, Step.HALT, ScriptKind.HALT)
    last = case.seen(Step.LOOK_LAST)
    if last is None and lookable(case.spec.value):
        return Look(step=Step.LOOK_LAST, stage=case.stage, spec=case.spec.value, after_unload=True)
    if last is not None and last.presence is not Presence.ABSENT:
        return _failed_here(case, reason(Why.LOOK_UNKNOWN, case.me, last.text))
    node = case.me if move.why.why in standing.EMPTIED else source
    why = reason(Why.MIGRATE_LOST, move.target, fault, node)
    if not case.spec.value.policies.restart_after_failed_migration:
        return _failed_here(case, why)
    return e.Dropped(node=node, operation=next_operation(case.state.name, case.held.revision), why=why)


def _failed_here(case: Case, why: Reason) -> e.Failed:
    """Comatose on this node, the target: the machine left the source."""
    return e.Failed(why=why, node=case.me, session=case.session)


def _unless_here(case: Case, absent: Next) -> Next:
    """Look whether the machine went on here by itself; give what is next if it did not, or where nothing can look."""
    if not lookable(case.spec.value):
        return absent
    found = case.seen(Step.LOOK)
    if found is None:
        return Look(step=Step.LOOK, stage=case.stage, spec=case.spec.value, after_unload=True)
    if found.presence is Presence.RUNNING:
        return e.Arrived(session=case.session, why=reason(Why.MIGRATED, case.state.node, case.me))
    if found.presence is Presence.UNKNOWN:
        return _failed_here(case, reason(Why.LOOK_UNKNOWN, case.me, found.text))
    return absent


def _take(case: Case) -> Next:
    """Take the machine over: it left the source, and must come to life here; somebody may have started it elsewhere."""
    move = case.state.move
    assert move is not None
    run = case.ran(Step.LOAD)
    if run is None and (astray := strays.bar(case.view, case.state.name, case.me)) is not None:
        # Taken in so late it would be a second copy; cleaned up it would be lost, and it may be worth more than the
        # stray: an administrator decides.
        return _unless_here(case, _failed_here(case, astray))
    if move.fault:
        return _unless_here(case, _lost_on_the_way(case, move.fault))
    if run is None:
        return script_of(case, Step.LOAD, ScriptKind.LOAD, tofrom=case.state.node)
    return _taken(case, run)


def _taken(case: Case, run: Run) -> Next:
    """Look whether the machine came to life: what counts is where it is found."""
    found = case.seen(Step.LOOK_AFTER)
    if found is None and lookable(case.spec.value):
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
    return _lost_on_the_way(case, told(run, found))


def _clean(case: Case) -> Next:
    """Clean up after a failed live move: the machine runs on the source, and nothing of it may stay here."""
    move = case.state.move
    assert move is not None
    if has(case.spec.value.scripts.halt) and case.ran(Step.HALT) is None:
        return script_of(case, Step.HALT, ScriptKind.HALT)
    last = case.seen(Step.LOOK_LAST)
    if last is None and lookable(case.spec.value):
        return Look(step=Step.LOOK_LAST, stage=case.stage, spec=case.spec.value, after_unload=True)
    if last is not None and last.presence is not Presence.ABSENT:
        return _astray_at(reason(Why.LOOK_UNKNOWN, case.me, last.text))
    return _stayed(case, reason(Why.MIGRATE_FAILED, case.me, move.fault or "it was stopped", case.state.node))


def _stayed(case: Case, why: Reason) -> e.Stayed:
    return e.Stayed(operation=next_operation(case.state.name, case.held.revision), why=why)


def door_of(run: Run) -> str:
    """Read the door from a prepare script's output: the last line that begins with ``door: ``."""
    lines = [line.removeprefix("door: ").strip() for line in run.output.splitlines() if line.startswith("door: ")]
    return lines[-1] if lines else ""


