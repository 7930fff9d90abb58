"""Telling stories: what led to an event or a state, with the runs and orders on the way; and timelines of failovers."""

import itertools
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from stanchion.api import finding, history, telling
from stanchion.api.parameters import EventNamed, ResourceNamed
from stanchion.api.services import Here, Services
from stanchion.model.errors import NotFound
from stanchion.model.history import Line, Run, RunEnd, Severity
from stanchion.model.ids import ResourceName
from stanchion.model.orders import Intent
from stanchion.plan import story, timeline
from stanchion.wire import replies
from stanchion.wire.stories import IncidentInfo, IncidentList, PhaseInfo, RecoveryInfo, StepInfo, StoryInfo

router = APIRouter(tags=["events"])

READ = 3000
"""So many entries a story or a timeline may reach back."""

MOST_INCIDENTS = 100


@router.get("/events/{name}/why")
async def why(here: Here, name: EventNamed) -> StoryInfo:
    """Tell what led to an event, back to the order or the loss that began it."""
    found, _ = await history.entries(here.store, history.just_before(name), history.Wanted(), 1)
    if not found or found[0][0] != name:
        raise NotFound(f"there is no event {name} any more; `stanchion events --output json` names them")
    lines = await _lines(here, before=name)
    return await _told(here, story.chain((*lines, Line(*found[0])), Line(*found[0])))


@router.get("/resources/{name}/story")
async def of_resource(here: Here, name: ResourceNamed) -> StoryInfo:
    """Tell what led to the state that a resource is in, or was in when it was deleted."""
    known = finding.match(name, here.view().specs)
    lines = await _lines(here)
    names = {line.entry.resource for line in lines if line.entry.resource}
    found = known or finding.match(name, sorted(names))
    last = None if found is None else story.last_of(lines, found)
    if last is None and known is None:
        finding.resource(here.view(), name)
    if last is None:
        raise NotFound(f"the history knows nothing of {name} any more")
    return await _told(here, story.chain(lines, last))


@router.get("/incidents")
async def incidents(
    here: Here,
    limit: Annotated[int, Query(ge=1, le=MOST_INCIDENTS, description="how many to tell at most")] = MOST_INCIDENTS,
) -> IncidentList:
    """Tell of every node that was lost lately, and how long it took to bring back what it held: the newest first."""
    return IncidentList(incidents=incident_infos(await _lines(here))[:limit])


async def _lines(here: Services, before: str = "") -> tuple[Line, ...]:
    found, _ = await history.newest(here.store, history.Wanted(), READ, before=before)
    return tuple(Line(*pair) for pair in found)


async def _told(here: Services, chain: tuple[Line, ...]) -> StoryInfo:
    """Put the order that began it, and the runs in between, into a chain."""
    steps = [(line.entry.at_s, _step(line)) for line in chain]
    began = here.view().intents.get(chain[0].entry.cause)
    if began is not None:
        steps.append((began.value.at_s, _order(began.value)))
    operations = {line.entry.operation for line in chain if line.entry.operation}
    for name in sorted({line.entry.resource for line in chain if line.entry.resource}):
        runs = await history.runs(here.store, ResourceName(name))
        steps += [(run.ended_at_s, _run(run)) for run in runs if run.operation in operations]
    # Events of one instant keep their order: sorting is stable, and an order comes before what it led to.
    steps.sort(key=lambda step: (step[0], step[1].kind != "order"))
    times = [at_s for at_s, _ in steps]
    gaps = [0.0, *(max(0.0, late - early) for early, late in itertools.pairwise(times))]
    return StoryInfo(steps=tuple(step.model_copy(update={"after_s": round(gap, 3)})
                                 for (_, step), gap in zip(steps, gaps, strict=True)))


def _step(line: Line) -> StepInfo:
    of = line.entry
    return StepInfo(kind="event", at=replies.instant(of.at_s), text=story.clause(of), severity=of.severity,
                    id=line.id, resource=of.resource, node=of.node)


def _order(of: Intent) -> StepInfo:
    subject = " ".join(part for part in (of.resource, f"on {of.node}" if of.node else "") if part)
    return StepInfo(kind="order", at=replies.instant(of.at_s), text=f"{of.by} ordered: {of.verb} {subject}".strip(),
                    id=of.id, resource=of.resource, node=of.node)


def _run(of: Run) -> StepInfo:
    took_s = max(0.0, of.ended_at_s - of.started_at_s)
    how = f"ended with code {of.code}" if of.end is RunEnd.EXITED else f"was {of.end}"
    at = f" in: {of.command}" if of.command else ""
    return StepInfo(kind="run", at=replies.instant(of.ended_at_s), resource=of.resource, node=of.node, id=of.operation,
                    severity=Severity.WARNING if of.code or of.end is not RunEnd.EXITED else Severity.INFO,
                    text=f"the {of.script} script of {of.resource} on {of.node} {how} after {took_s:.1f} s{at}")


def incident_infos(lines: tuple[Line, ...]) -> tuple[IncidentInfo, ...]:
    """Tell the incidents of these lines, the newest first."""
    return tuple(_incident(one) for one in reversed(timeline.incidents(lines)))


def _incident(of: timeline.Incident) -> IncidentInfo:
    sent_at_s = of.sent_at_s
    ended_at_s = of.ended_at_s if sent_at_s is not None else None
    return IncidentInfo(
        id=of.session, node=of.node, at=replies.instant(of.at_s), event=of.line, detect_s=of.detect_s,
        prove_s=of.prove_s, proof=telling.reason_info(of.proof) if of.proof else None, over=of.over,
        began_at=replies.instant(of.began_at_s), proven_at=_maybe(of.proven_at_s), ended_at=_maybe(of.ended_at_s),
        returned_at=_maybe(of.returned_at_s),
        total_s=None if of.ended_at_s is None else round(max(0.0, of.ended_at_s - of.began_at_s), 3),
        phases=_phases(of, sent_at_s, ended_at_s), recoveries=tuple(_recovery(of, one) for one in of.recoveries))


def _recovery(of: timeline.Incident, one: timeline.Recovery) -> RecoveryInfo:
    return RecoveryInfo(
        resource=one.resource, node=one.node, state=one.state, reason=telling.reason_info(one.why), event=one.line,
        decide_s=one.decide_s, load_s=one.load_s, total_s=one.total_s, over=one.ended_at_s is not None,
        ended_at=_maybe(one.ended_at_s), phases=_phases(of, one.sent_at_s, one.ended_at_s))


def _phases(of: timeline.Incident, sent_at_s: float | None, ended_at_s: float | None) -> tuple[PhaseInfo, ...]:
    """Cut the time into the four phases, as far as they have begun; an instant that nobody knows has no phase."""
    marks: list[tuple[Literal["detect", "prove", "decide", "load"], float | None, float | None]] = [
        ("detect", of.began_at_s if of.detect_s is not None else None, of.at_s),
        ("prove", of.at_s, of.proven_at_s),
        ("decide", of.proven_at_s, sent_at_s),
        ("load", sent_at_s, ended_at_s),
    ]
    if sent_at_s is None and of.over:
        marks = marks[:2]
    return tuple(PhaseInfo(name=name, at=replies.instant(at_s), until=_maybe(until_s),
                           seconds=None if until_s is None else round(max(0.0, until_s - at_s), 3))
                 for name, at_s, until_s in marks if at_s is not None)


def _maybe(wall_s: float | None) -> datetime | None:
    return None if wall_s is None else replies.instant(wall_s)
