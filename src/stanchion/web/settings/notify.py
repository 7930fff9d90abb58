"""The forms of Notification: each channel is saved, tried out and ended by itself."""

from fastapi import APIRouter, Request, Response

from stanchion.api import notification
from stanchion.api.services import Here
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.model.notification import Channel
from stanchion.web import fields, forms, visit
from stanchion.web.settings import page, sections
from stanchion.wire.notification import NotificationChange, TrialOrder

router = APIRouter()

BACK = f"{page.PATH}#notification"


@router.post("/settings/notification")
async def save(here: Here, request: Request) -> Response:
    """Save a channel of notification, or end it."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    visit.about(request, f"{'no ' if entered['do'] == 'end' else ''}{entered['channel']}")
    try:
        of = _channel(entered["channel"])
        if entered["do"] == "end":
            await notification.edit(here, who.name, NotificationChange(**{of.value: None}))
            return forms.done(BACK, f"Nobody is told by {sections.TITLES[of]} any more.")
        infos = sections.channel(of, await notification.show(here, Response()))
        read = {info.name: fields.value(info, entered) for info in infos if info.name in entered}
        change = forms.shaped(NotificationChange, **{of.value: dict(sections.named(read, of))})
        await notification.edit(here, who.name, change, entered["revision"] or None)
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section="notification")
    return forms.done(BACK, f"{sections.TITLES[of]} is saved. Send a test to see that it arrives.")


@router.post("/settings/notification/test")
async def try_out(here: Here, request: Request) -> Response:
    """Send a test by one channel, and say what was answered."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    visit.about(request, entered["channel"])
    try:
        of = _channel(entered["channel"])
        report = await notification.try_out(here, who.name, TrialOrder(channel=of))
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section="notification")
    result = report.results[0]
    went = "The test was taken" if result.well else "The test failed"
    return forms.done(BACK, f"{sections.TITLES[of]}, sent from {report.node}: {went}. Answer: {result.said}",
                      good=result.well)


def _channel(asked: str) -> Channel:
    if asked not in set(Channel):
        raise InvalidInput(f"there is no channel {asked!r}; there are {', '.join(Channel)}")
    return Channel(asked)
