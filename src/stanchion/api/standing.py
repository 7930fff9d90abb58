"""Routes for what holds the whole cluster back for the time being: a pause, and its stop.

They write the one record about it themselves: a stopped cluster has no master that could carry an order out. Each
write is guarded by what it was judged on.
"""

import math
from dataclasses import replace

from fastapi import APIRouter

from stanchion.api import held_back
from stanchion.api.services import By, Here, Services
from stanchion.model.cluster import ClusterView, Key, Kind
from stanchion.model.errors import InvalidInput, NotNow
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NOTHING
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.standing import Down, Pause, Standing
from stanchion.model.transaction import Conflict, Guard, Put, Transaction
from stanchion.plan import standing
from stanchion.plan.causes import STOP
from stanchion.wire import standing as wire

router = APIRouter(tags=["cluster"])

LONGEST_PAUSE_S = 30 * 86_400.0
LONGEST_WHY = 200


@router.get("/standing")
async def show(here: Here) -> wire.StandingInfo:
    """Tell what holds the whole cluster back: a pause, its stop, or nothing."""
    return held_back.standing_info(here.view())


@router.put("/pause")
async def pause(here: Here, by: By, order: wire.PauseOrder) -> wire.StandingInfo:
    """Let the cluster begin nothing by itself, for a time or until it is resumed."""
    view, now_s, why = here.view(), here.clock.now().wall_s, _why(order.why)
    if standing.down(view) is not None:
        raise NotNow("the whole cluster is stopped, so there is nothing to pause; `stanchion up` starts it")
    if (stands := standing.paused(view)) is not None:
        until = f"until {held_back.until_text(stands)}" if stands.until_s else "until somebody resumes it"
        raise NotNow(f"the cluster is paused already, by {stands.by}, {until}; `stanchion resume` ends that first")
    fresh = Pause(by=by, since_s=now_s, until_s=_until_s(order, now_s), why=why)
    told = f": {why}" if why else ""
    said = (reason(Why.PAUSED_UNTIL, by, told, held_back.until_text(fresh)) if fresh.until_s
            else reason(Why.PAUSED, by, told))
    return await _write(here, view, replace(_present(view), pause=fresh), said, Severity.WARNING)


@router.delete("/pause")
async def resume(here: Here, by: By) -> wire.StandingInfo:
    """End the pause: the cluster acts by itself again, and makes up for what it has held back."""
    view = here.view()
    stands = standing.paused(view)
    if stands is None:
        raise NotNow("the cluster is not paused")
    ended = replace(stands, ended_at_s=here.clock.now().wall_s)
    return await _write(here, view, replace(_present(view), pause=ended), reason(Why.RESUMED, by), Severity.INFO)


@router.post("/down")
async def down(here: Here, by: By, order: wire.DownOrder | None = None) -> wire.StandingInfo:
    """Stop the whole cluster: everything is unloaded, in the reverse of the order of loading, and every node leaves.

    A pause ends with it.
    """
    view, now_s, why = here.view(), here.clock.now().wall_s, _why(order.why if order else "")
    if (stands := standing.down(view)) is not None:
        raise NotNow(f"the whole cluster is stopped already, by {stands.by}; `stanchion up` starts it")
    boots = tuple(sorted({view.sessions[node].value.boot for node in view.live if node in view.sessions}))
    paused = standing.paused(view)
    after = Standing(pause=replace(paused, ended_at_s=now_s) if paused else _present(view).pause,
                     down=Down(by=by, at_s=now_s, why=why, boots=boots))
    said = reason(Why.DOWN_ASKED, by, f": {why}" if why else "")
    return await _write(here, view, after, said, Severity.WARNING)


@router.post("/up")
async def up(here: Here, by: By) -> wire.StandingInfo:
    """Start the stopped cluster: its nodes join, and everything loads by its start mode."""
    view = here.view()
    if standing.down(view) is None:
        raise NotNow("the cluster is not stopped")
    return await _write(here, view, replace(_present(view), down=None), reason(Why.UP_ASKED, by), Severity.INFO)


def _present(view: ClusterView) -> Standing:
    return view.standing.value if view.standing else Standing()


def _why(text: str) -> str:
    said = " ".join(text.split())
    if len(said) > LONGEST_WHY or not said.isprintable():
        raise InvalidInput(f"the reason must be one line of at most {LONGEST_WHY} letters")
    return said


def _until_s(order: wire.PauseOrder, now_s: float) -> float:
    """Give the end of a pause, 0 for none. Raises ``InvalidInput``."""
    if order.for_s is not None and order.until is not None:
        raise InvalidInput("say for how long or until when, not both")
    if order.until is not None:
        until_s = order.until.timestamp()
        if until_s <= now_s:
            raise InvalidInput(f"{order.until:%Y-%m-%d %H:%M:%S %Z} is past already; a pause ends in the future")
    elif order.for_s is not None:
        if not math.isfinite(order.for_s) or order.for_s <= 0:
            raise InvalidInput(f"a pause of {order.for_s:g} s is none; it must be longer than 0")
        until_s = now_s + order.for_s
    else:
        return 0.0
    if until_s - now_s > LONGEST_PAUSE_S:
        raise InvalidInput("a pause lasts 30 days at most; without an end it lasts until somebody resumes it")
    return until_s


async def _write(here: Services, view: ClusterView, after: Standing, said: Reason,
                 severity: Severity) -> wire.StandingInfo:
    revision = view.standing.revision if view.standing else NOTHING
    entry = Entry(at_s=here.clock.now().wall_s, reason=said, severity=severity, by=here.node,
                  cause=STOP if said.why is Why.DOWN_ASKED else "")
    answer = await here.store.commit(Transaction(
        guards=(Guard(Key(Kind.STANDING), revision),), puts=(Put(after),), history=(entry,)))
    if isinstance(answer, Conflict):
        raise NotNow("somebody else changed this just now; look at it again (`stanchion status`), then repeat")
    await here.catch_up(answer.revision)
    return held_back.standing_info(here.view())
