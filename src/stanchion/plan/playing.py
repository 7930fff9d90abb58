"""Playing a view to its end: the master decides, the nodes act, all goes well, until nothing is left to do.

Both sides are the real ones: ``planner`` and ``duty.next_step``. What a script or a look would find is made up
here, and nothing else: every script ends with 0, a machine is absent before its load and after its unload, and running
otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stanchion.model import events as e
from stanchion.model.actions import Checked, CheckHost, Decision, Look, Looked, RunScript, ScriptEnded, Step
from stanchion.model.cluster import Change, ClusterView, Key, Record, Session
from stanchion.model.history import Entry, Run, RunEnd
from stanchion.model.ids import Moment, NodeName, OperationId, ResourceName, Revision
from stanchion.model.naming import key_of
from stanchion.model.reasons import Reason, Why
from stanchion.model.state import Presence, ResourceState, State, holders
from stanchion.plan.agenda import Agenda
from stanchion.plan.binding import effective
from stanchion.plan.case import Case, Fact
from stanchion.plan.duty import next_step
from stanchion.plan.lifecycle import advance
from stanchion.plan.planner import pressing, settled

ROUNDS = 60
"""So many rounds are followed; a whole cluster that changes places takes about a dozen."""

FACTS_MAX = 12
"""So many facts a node gathers for one step at most."""

IN_BETWEEN = frozenset({State.LOADING, State.UNLOADING, State.MIGRATING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The master decides something about a resource; those of one ``number`` are decided at once."""

    number: int
    resource: ResourceName
    node: NodeName | None
    before: State
    after: State
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """The view at the end, and what was decided on the way. ``settled`` False: it was not followed to its end."""

    view: ClusterView
    turns: tuple[Turn, ...] = ()
    settled: bool = True


def written(view: ClusterView, *records: Record, gone: Iterable[Key] = ()) -> ClusterView:
    """Give the view after these records were written, and those keys deleted, all at one new revision."""
    revision = Revision(view.revision + 1)
    changes = [Change(key_of(record), record, revision) for record in records]
    return view.apply([*changes, *(Change(key, None, revision) for key in gone)], revision)


def play(view: ClusterView, me: Session, now: Moment) -> Play:
    """Let the master decide and the nodes act, in turn, until neither has anything to do."""
    turns: list[Turn] = []
    number, agenda = 0, Agenda()
    for _ in range(ROUNDS):
        agenda, decisions = _decided(view, me, now, agenda)
        changes = [decision.transaction for decision in decisions]
        fresh = [turn for change in changes for entry in change.history if (turn := _turn(entry, number + 1))]
        turns += fresh
        number += bool(fresh)
        view = written(view, *(put.record for change in changes for put in change.puts),
                       gone=[key for change in changes for key in change.deletes])
        acted = [after for name in sorted(view.index.unsettled) if (after := _acted(view, name, now)) is not None]
        view = written(view, *acted)
        if not changes and not acted:
            return Play(view=view, turns=tuple(turns))
    return Play(view=view, turns=tuple(turns), settled=False)


def _decided(view: ClusterView, me: Session, now: Moment, agenda: Agenda) -> tuple[Agenda, tuple[Decision, ...]]:
    """Decide as the master does: first what presses, then about what has changed since the last time."""
    first = pressing(view, me, now)
    if first:
        return agenda, first
    decisions = settled(view, me, now, agenda.due(view, now))
    return agenda.after(view, me.id, decisions), decisions


def _turn(entry: Entry, number: int) -> Turn | None:
    if entry.resource is None or entry.before is None or entry.after is None:
        return None
    return Turn(number=number, resource=entry.resource, node=entry.node, before=entry.before, after=entry.after,
                reason=entry.reason)


def _acted(view: ClusterView, name: ResourceName, now: Moment) -> ResourceState | None:
    """Give the record after the next thing that a node reports about a resource; None: there is nothing to do."""
    state, spec = view.states[name].value, effective(view, name)
    if state.state not in IN_BETWEEN or spec is None:
        return None
    aims = holders(state) if state.move is None else (*holders(state), state.move.target)
    for node in dict.fromkeys(aims):
        session = view.session_of(node)
        if session is not None:
            event = _event(Case(me=node, session=session, view=view, held=view.states[name], spec=spec, now=now))
            if event is not None:
                return advance(state, event, now)
    return None


def _event(case: Case) -> e.Event | None:
    """Ask the node's procedure until it reports something, answering whatever it wants to know."""
    facts: dict[Step, Fact] = {}
    for _ in range(FACTS_MAX):
        match next_step(replace(case, facts=facts)):
            case RunScript() as asked:
                facts[asked.step] = ScriptEnded(resource=case.state.name, step=asked.step, stage=case.stage,
                                                run=_well(case, asked))
            case Look() as asked:
                facts[asked.step] = Looked(resource=case.state.name, step=asked.step, stage=case.stage,
                                           presence=_presence(case, asked))
            case CheckHost():
                facts[Step.CHECK] = Checked(resource=case.state.name, stage=case.stage)
            case e.Event() as event:
                return event
            case _:
                return None
    return None


def _well(case: Case, asked: RunScript) -> Run:
    return Run(resource=case.state.name, script=asked.script, operation=case.state.operation or OperationId(""),
               node=case.me, started_at_s=case.now.wall_s, ended_at_s=case.now.wall_s, end=RunEnd.EXITED, code=0)


def _presence(case: Case, asked: Look) -> Presence:
    """Say what a look finds when all goes well: nothing before a load and after an unload, else the machine."""
    fresh = asked.step is Step.LOOK and case.state.reason.why is not Why.ADOPT_ASKED
    return Presence.ABSENT if fresh or asked.after_unload else Presence.RUNNING
