"""``stanchion notify``: who is told of what happens, by which channel, and whether that works."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from stanchion.cli.session import COMMON, Common
from stanchion.model.errors import StanchionError
from stanchion.model.notification import Channel, Security, Volume

app = App(name="notify", help="Tell people of what happens: by e-mail, webhook, command or apprise.")
setting = App(name="set", help="Set a channel; what is left out stays as it is.")
app.command(setting)


@app.command
async def show(*, common: Common = COMMON) -> None:
    """Look at the channels: whom each tells what, and whether it works."""
    async with common.session() as session:
        from stanchion.cli import show_notify

        session.tell(await session.client.notification(), show_notify.channels)


@app.command(name="test")
async def try_out(channel: Channel | None = None, /, *, common: Common = COMMON) -> None:
    """Send a test message from the node that answers, and tell what the other side said.

    Parameters
    ----------
    channel
        The channel to try. Default: all that are set.
    """
    async with common.session() as session:
        from stanchion.cli import show_notify

        told = await session.client.test_notification(channel)
        session.tell(told, show_notify.tried)
    if not all(one.well for one in told.results):
        raise StanchionError("not every channel works")


@app.command
async def off(channel: Channel, /, *, common: Common = COMMON) -> None:
    """Tell nobody by this channel any more.

    Parameters
    ----------
    channel
        The channel to end.
    """
    await _change(common, channel, None)


@setting.command
async def mail(*, to: Annotated[tuple[str, ...], Parameter(negative="")] = (), volume: Volume | None = None,
               host: str | None = None, port: int | None = None, security: Security | None = None,
               user: str | None = None, password_file: str | None = None, sender: str | None = None,
               common: Common = COMMON) -> None:
    """Send e-mail.

    Parameters
    ----------
    to
        Addresses, up to eight.
    volume
        Only what asks for an administrator, or everything.
    host
        The mail server. Default: localhost.
    port
        Its port. Default: 25.
    security
        How the connection is protected: none, starttls, or tls from the first byte.
    user
        The user to log in as; an empty one logs in no more.
    password_file
        File with that user's password, on every node that can become the master.
    sender
        The address that it comes from. Default: stanchion@ and the node's name.
    """
    await _change(common, Channel.MAIL, {
        "to": to or None, "volume": volume, "host": host, "port": port, "security": security, "user": user,
        "password_file": password_file, "sender": sender})


@setting.command
async def webhook(*, url: str | None = None, volume: Volume | None = None, secret_file: str | None = None,
                  common: Common = COMMON) -> None:
    """Post a JSON body to an address.

    Parameters
    ----------
    url
        The address, http or https.
    volume
        Only what asks for an administrator, or everything.
    secret_file
        File with a key that signs the body, on every node that can become the master.
    """
    await _change(common, Channel.WEBHOOK, {"url": url, "volume": volume, "secret_file": secret_file})


@setting.command
async def command(*, path: str | None = None, volume: Volume | None = None,
                  within: Annotated[str | None, Parameter(name="--timeout")] = None, common: Common = COMMON) -> None:
    """Run a program, with the message as JSON on its standard input.

    Parameters
    ----------
    path
        The program, on every node that can become the master.
    volume
        Only what asks for an administrator, or everything.
    within
        How long it may take: 90, 90s, 5m.
    """
    from stanchion.cli.changes import seconds

    await _change(common, Channel.COMMAND, {
        "path": path, "volume": volume, "timeout_s": None if within is None else seconds(within)})


@setting.command
async def apprise(*, urls_file: str | None = None, volume: Volume | None = None, common: Common = COMMON) -> None:
    """Tell the services of the optional package apprise.

    Parameters
    ----------
    urls_file
        File with apprise's addresses, one a line, on every node that can become the master.
    volume
        Only what asks for an administrator, or everything.
    """
    await _change(common, Channel.APPRISE, {"urls_file": urls_file, "volume": volume})


async def _change(common: Common, channel: Channel, asked: dict[str, Any] | None) -> None:
    from stanchion.wire.notification import NotificationChange

    given = None if asked is None else {name: value for name, value in asked.items() if value is not None}
    async with common.session() as session:
        from stanchion.cli import show_notify

        change = NotificationChange.model_validate({channel.value: given})
        session.tell(await session.client.edit_notification(change), show_notify.channels)
