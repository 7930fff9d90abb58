"""Setting, changing, ending and trying the channels of notification."""

from typing import Any

import pytest

from stanchion.model.cluster import Kind
from stanchion.model.errors import InvalidInput, NotFound, Stale
from stanchion.model.notification import Channel, Mail, Volume
from stanchion.model.reasons import Reason, Why, reason
from stanchion.wire.notification import NotificationChange
from surface import World, held

MAIL = {"to": ["ops@example.org"], "volume": "verbose", "host": "mail.example.org"}


def change(**channels: Any) -> NotificationChange:
    """Ask for a change."""
    return NotificationChange.model_validate(channels)


async def test_a_channel_is_set_changed_and_ended() -> None:
    world = World()
    async with world.client() as client:
        await client.edit_notification(change(mail=MAIL, command={"path": "/usr/bin/tell"}))
        told = await client.edit_notification(change(mail={"port": 587}))
        assert told.mail is not None
        assert (told.mail.to, told.mail.volume, told.mail.host, told.mail.port) == (
            ("ops@example.org",), Volume.VERBOSE, "mail.example.org", 587)
        told = await client.edit_notification(change(mail=None))
        events = (await client.events()).events

    assert (told.mail, told.command is not None) == (None, True)
    assert [event.reason.text for event in events] == [
        "anna saved the notification by mail", "anna saved the notification by command",
        "anna saved the notification by mail", "anna ended the notification by mail"]
    assert held(world, Kind.NOTIFIED, "mail") is None
    assert held(world, Kind.NOTIFIED, "command") is not None


async def test_a_new_channel_begins_now_and_a_changed_one_goes_on_where_it_was() -> None:
    world = World()
    await world.happened(reason_of("long ago"), "web")
    async with world.client() as client:
        newest = (await client.events()).events[-1].id
        told = await client.edit_notification(change(mail=MAIL))
        await world.happened(reason_of("since"), "web")
        again = await client.edit_notification(change(mail={"port": 26}))

    assert told.channels[0].position == again.channels[0].position == newest


def reason_of(who: str) -> Reason:
    """Give any reason."""
    return reason(Why.SPEC_SAVED, who)


@pytest.mark.parametrize("asked", [
    {"mail": {"host": "x"}}, {"mail": {"to": ["nobody"]}}, {"webhook": {"url": "gopher://x"}}, {"command": {}},
    {"apprise": {"urls_file": "relative"}}, {"mail": {"to": ["a@b"], "port": 70000}}])
async def test_what_cannot_work_is_refused_and_nothing_is_saved(asked: dict[str, Any]) -> None:
    world = World()
    async with world.client() as client:
        with pytest.raises(InvalidInput):
            await client.edit_notification(change(**asked))

    assert held(world, Kind.NOTIFICATION, "") is None


async def test_who_edits_what_somebody_else_changed_is_told_so() -> None:
    async with World().client() as client:
        seen = (await client.edit_notification(change(mail=MAIL))).revision
        await client.edit_notification(change(mail={"port": 26}))
        with pytest.raises(Stale):
            await client.edit_notification(change(mail={"port": 27}), seen=seen)


async def test_a_trial_tells_what_the_server_said() -> None:
    world = World()
    async with world.client() as client:
        with pytest.raises(NotFound):
            await client.test_notification()
        await client.edit_notification(change(mail=MAIL))
        told = await client.test_notification(Channel.MAIL)
        world.post.fault = "550 no"
        worse = await client.test_notification()
        with pytest.raises(NotFound, match="by webhook is not set"):
            await client.test_notification(Channel.WEBHOOK)

    assert [(one.channel, one.well, one.said) for one in told.results] == [(Channel.MAIL, True, "250 taken")]
    assert [(one.well, one.said) for one in worse.results] == [(False, "550 no")]
    ((way, message),) = world.post.sent
    assert isinstance(way, Mail)
    assert message.subject == "[lab] test: anna asked for this message"
