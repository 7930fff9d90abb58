"""Routes for notification: how the channels are set, changing them, and trying them from this node."""

from dataclasses import fields, replace
from typing import Any

from fastapi import APIRouter, Response

from stanchion.api import history, revisions
from stanchion.api.revisions import IfMatch
from stanchion.api.services import By, Here, Services
from stanchion.model.cluster import ClusterView, Held, Key, Kind
from stanchion.model.errors import HostError, InvalidInput, NotFound, NotNow, Stale
from stanchion.model.history import Entry
from stanchion.model.ids import NOTHING
from stanchion.model.notification import Apprise, Channel, Command, Mail, Notification, Notified, Way, Webhook
from stanchion.model.reasons import Why, reason
from stanchion.model.transaction import Conflict, Guard, Put, Transaction
from stanchion.plan import notifying
from stanchion.wire import notification as shapes
from stanchion.wire import replies

router = APIRouter(prefix="/notification", tags=["notification"])

BLANK: dict[Channel, Way] = {
    Channel.MAIL: Mail(to=()), Channel.WEBHOOK: Webhook(url=""), Channel.COMMAND: Command(path=""),
    Channel.APPRISE: Apprise(urls_file=""),
}


@router.get("")
async def show(here: Here, response: Response) -> shapes.NotificationInfo:
    """Tell who is notified of what, and how each channel fares."""
    told = info(here.view())
    revisions.mark(response, told.revision)
    return told


@router.patch("")
async def edit(here: Here, by: By, change: shapes.NotificationChange,
               if_match: IfMatch = None) -> shapes.NotificationInfo:
    """Change channels; one that is left out stays, ``null`` ends it. A new channel tells what happens from now on."""
    held = here.view().notification
    seen, stands = revisions.seen(if_match), held.revision if held else NOTHING
    if seen is not None and seen != stands:
        raise _stale()
    before = held.value if held else Notification()
    after = _changed(before, change)
    faults = [f"{channel}: {fault}" for channel, way in after.ways.items()
              if before.ways.get(channel) != way for fault in notifying.faults(way)]
    if faults:
        raise InvalidInput("; ".join(faults))
    if after != before:
        await _save(here, held, after, by)
    return info(here.view())


@router.post("/test")
async def try_out(here: Here, by: By, order: shapes.TrialOrder | None = None) -> shapes.TrialReport:
    """Send a message that only shows that a channel works, from the answering node, and tell what was answered."""
    view, wanted = here.view(), order.channel if order else None
    ways = view.notification.value.ways if view.notification else {}
    chosen = {channel: way for channel, way in ways.items() if wanted in {None, channel}}
    if not chosen:
        missing = f"by {wanted} is not set" if wanted else "is not set"
        raise NotFound(f"notification {missing}; `stanchion notify set --help` says how")
    return shapes.TrialReport(node=here.node, results=tuple(
        [await _try(here, by, channel, way) for channel, way in chosen.items()]))


def info(view: ClusterView) -> shapes.NotificationInfo:
    """Tell the channels in use and how they fare."""
    held = view.notification
    ways = held.value.ways if held else {}
    told: dict[str, Any] = {channel.value: {each.name: getattr(way, each.name) for each in fields(way)}
                            for channel, way in ways.items()}
    channels = tuple(_channel(view.notified[channel].value) for channel in ways if channel in view.notified)
    return shapes.NotificationInfo(**told, channels=channels, revision=held.revision if held else NOTHING)


def _channel(of: Notified) -> shapes.ChannelInfo:
    return shapes.ChannelInfo(channel=of.channel, told_at=replies.instant(of.at_s), said=of.fault,
                              failing_since=replies.instant(of.failing_since_s), position=of.position)


def _changed(before: Notification, change: shapes.NotificationChange) -> Notification:
    ways: dict[str, Way | None] = {}
    for channel in Channel:
        if channel.value not in change.model_fields_set:
            continue
        asked = getattr(change, channel.value)
        stands = before.ways.get(channel, BLANK[channel])
        ways[channel.value] = None if asked is None else replace(stands, **asked.model_dump(exclude_none=True))
    return replace(before, **ways)  # type: ignore[arg-type]  # each channel's way under its own name


async def _save(here: Services, held: Held[Notification] | None, after: Notification, by: str) -> None:
    """Write the channels; a new one begins at the newest entry, so that nobody is told what is long past."""
    _, newest = await history.newest(here.store, history.Wanted(), 1)
    view, now = here.view(), here.clock.now().wall_s
    before = held.value.ways if held else {}
    guards = [Guard(Key(Kind.NOTIFICATION), held.revision if held else NOTHING)]
    puts, deletes, entries = [Put(after)], [], []
    for channel in Channel:
        way, was = after.ways.get(channel), before.get(channel)
        if way == was:
            continue
        why = reason(Why.NOTIFY_REMOVED if way is None else Why.NOTIFY_SAVED, by, channel)
        entries.append(Entry(at_s=now, reason=why, by=here.node))
        if way is None and channel in view.notified:
            deletes.append(Key(Kind.NOTIFIED, channel))
        if was is None:
            puts.append(Put(Notified(channel=channel, position=newest, at_s=0.0)))
    done = await here.store.commit(Transaction(guards=tuple(guards), puts=tuple(puts), deletes=tuple(deletes),
                                               history=tuple(entries)))
    if isinstance(done, Conflict):
        raise _stale()
    await here.catch_up(done.revision)


async def _try(here: Services, by: str, channel: Channel, way: Way) -> shapes.TrialResult:
    view, now = here.view(), here.clock.now()
    if here.notifier is None:
        raise NotNow("this agent cannot notify anybody; ask another node")
    sent_at = f"{replies.instant(now.wall_s):%Y-%m-%d %H:%M:%S} UTC"
    cluster = view.settings.value.cluster if view.settings else ""
    message = notifying.trial(cluster, by, channel, sent_at=sent_at, token=here.chance.token())
    try:
        said, well = await here.notifier.send(way, message), True
    except HostError as problem:
        said, well = str(problem), False
    return shapes.TrialResult(channel=channel, well=well, said=said)


def _stale() -> Stale:
    return Stale("the notification was changed by somebody else meanwhile; look at it again, then repeat")
