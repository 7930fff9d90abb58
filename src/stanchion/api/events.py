"""Routes for the history and for orders: reading them, waiting for them, and the stream of events.

The stream's ``id`` is the entry's own name in the store, so ``Last-Event-ID`` resumes exactly where a reader was cut
off, also at another node. Nothing is queued for a reader: each takes what it has not seen from the store at its own
pace, so a slow one costs nobody else anything. The framework sends a comment every 15 s into a silent stream.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from stanchion.api import access, history, telling
from stanchion.api.clusters import WaitS
from stanchion.api.history import Wanted
from stanchion.api.parameters import IntentNamed
from stanchion.api.services import Here, Services
from stanchion.model.cluster import ClusterView, Kind
from stanchion.model.errors import NotFound
from stanchion.model.history import Severity
from stanchion.model.ids import Revision
from stanchion.model.orders import ENDED
from stanchion.wire import replies
from stanchion.wire.bounds import LONGEST_LINE, LONGEST_NAME, Instant
from stanchion.wire.events import GAP, EventGap, EventPage

router = APIRouter()

LOOK_AGAIN_S = 10.0
"""How long a stream sleeps at most without looking at the store."""

STREAM_PAGE = 200


def _wanted(
    *, resource: Annotated[str | None, Query(
        max_length=LONGEST_NAME, description="only events of this resource", examples=["web"])] = None,
    node: Annotated[str | None, Query(
        max_length=LONGEST_NAME, description="only events on this node", examples=["node1"])] = None,
    severity: Annotated[Severity, Query(description="only events of at least this severity")] = Severity.INFO,
    since: Annotated[Instant | None, Query(description="only events from this instant on")] = None,
    until: Annotated[Instant | None, Query(description="only events up to this instant")] = None,
    text: Annotated[str | None, Query(
        max_length=LONGEST_LINE, description="only events whose sentence holds this text, in any case")] = None,
) -> Wanted:
    # Names are not looked up: what was deleted still has its history.
    return Wanted(resource=resource, node=node, severity=severity, text=text,
                  since_s=instant_of(since), until_s=instant_of(until))


def instant_of(at: datetime | None) -> float | None:
    """Read an instant; one without a time zone is UTC, as all that the API tells."""
    return None if at is None else (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _beyond(revision: Revision) -> Callable[[ClusterView], bool]:
    return lambda view: view.revision > revision


Filter = Annotated[Wanted, Depends(_wanted)]


@router.get("/intents/{name}", tags=["orders"])
async def intent(here: Here, name: IntentNamed, wait_s: WaitS = 0.0) -> replies.IntentInfo:
    """Tell what became of an order. With ``wait_s``, wait for its end that long first."""
    await here.wait_until(
        lambda view: name in view.intents and view.intents[name].value.outcome in ENDED, wait_s)
    held = here.view().intents.get(name)
    if held is None:
        raise NotFound(f"there is no order {name}; ended orders are kept for a while only, see `stanchion events`")
    return telling.intent_info(held.value)


@router.get("/events", tags=["events"])
async def events(
    here: Here, wanted: Filter,
    after: Annotated[str | None, Query(
        max_length=LONGEST_NAME, description="from beyond this id; left out: the newest")] = None,
    before: Annotated[str | None, Query(
        max_length=LONGEST_NAME, description="the newest before this id; counts only without `after`")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="so many at most")] = 50,
) -> EventPage:
    """Read the history, the oldest first; without ``after``, the newest ``limit`` of it."""
    if after is None:
        found, last = await history.newest(here.store, wanted, limit, before=before or "")
    else:
        found, last = await history.entries(here.store, after, wanted, limit)
    return EventPage(events=tuple(telling.event_info(*pair) for pair in found), last=last)


async def _gap(here: Services, seen: str) -> EventGap | None:
    """Say what is gone between where a reader was and the oldest event that is kept; None: nothing."""
    kept = await here.store.records(Kind.HISTORY, limit=1) if seen else []
    if not kept or seen >= kept[0][0]:
        return None
    oldest = kept[0][0]
    return EventGap(after=seen, oldest=oldest, text=(
        f"the history does not reach back to {seen} any more, it begins at {oldest}; read what there is from the "
        "beginning, and raise the setting `history_kept` if it should be kept longer"))


@router.get("/events/stream", tags=["events"], response_class=EventSourceResponse)
async def stream(
    here: Here, wanted: Filter, request: Request,
    after: Annotated[str | None, Query(
        max_length=LONGEST_NAME, description="from beyond this id; left out: from now on")] = None,
    last_event_id: Annotated[str | None, Header(
        max_length=LONGEST_NAME, description="where the reader was cut off")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Tell every event as it happens, as server-sent events. The stream ends with the session that asked for it.

    An event's `id` is where to go on after it, at any node: in `Last-Event-ID`, as browsers do, or in `after`. Where
    the history does not reach back so far, an event called `gap` says so first.
    """
    seen = last_event_id or after
    if seen is None:
        _, seen = await history.newest(here.store, Wanted(), 1)
    elif gap := await _gap(here, seen):
        yield ServerSentEvent(raw_data=gap.model_dump_json(), event=GAP)
    while access.still(here, request):
        revision = here.view().revision
        found, seen = await history.entries(here.store, seen, wanted, STREAM_PAGE)
        for name, entry in found:
            told = telling.event_info(name, entry)
            yield ServerSentEvent(raw_data=told.model_dump_json(), event="event", id=name)
        if len(found) < STREAM_PAGE:
            await here.wait_until(_beyond(revision), LOOK_AGAIN_S)
