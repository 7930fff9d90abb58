"""How notification looks to people."""

from rich.console import Group, RenderableType
from rich.text import Text

from stanchion.cli.show import duration, instant, table_of
from stanchion.model.notification import Channel, Volume
from stanchion.wire import notification


def channels(of: notification.NotificationInfo) -> RenderableType:
    """Show the channels, one a row, and what is wrong with those that do not work."""
    ways = {
        Channel.MAIL: of.mail and _mail(of.mail),
        Channel.WEBHOOK: of.webhook and (of.webhook.volume, of.webhook.url + (
            ", signed" if of.webhook.secret_file else "")),
        Channel.COMMAND: of.command and _command(of.command),
        Channel.APPRISE: of.apprise and (of.apprise.volume, f"the addresses in {of.apprise.urls_file}"),
    }
    used = {channel: way for channel, way in ways.items() if way}
    if not used:
        return Text("Nobody is notified of anything: see stanchion notify set --help")
    fares = {one.channel: one for one in of.channels}
    table = table_of("Channel", "Tells", "Last told", "To")
    for channel, (volume, whom) in used.items():
        fare = fares.get(channel)
        table.add_row(channel.value, volume.value, instant(fare.told_at if fare else None), Text(whom))
    wrong = [Text(f"{one.channel} does not work since {instant(one.failing_since)}: {one.said}", style="bold red")
             for one in of.channels if one.failing_since]
    return Group(table, *((Text(), *wrong) if wrong else ()))


def _mail(of: notification.MailInfo) -> tuple[Volume, str]:
    words = [f"{', '.join(of.to)} by {of.host}:{of.port}", of.security.value if of.security.value != "none" else "",
             f"as {of.user}" if of.user else "", f"from {of.sender}" if of.sender else ""]
    return of.volume, ", ".join(word for word in words if word)


def _command(of: notification.CommandInfo) -> tuple[Volume, str]:
    return of.volume, f"{of.path} (within {duration(of.timeout_s)})"


def tried(of: notification.TrialReport) -> RenderableType:
    """Show what each channel answered."""
    table = table_of("Channel", "Result", "Answer")
    for one in of.results:
        table.add_row(one.channel.value, Text("well", "green") if one.well else Text("WRONG", "bold red"),
                      Text(one.said))
    return Group(Text(f"Tried from {of.node}; the master needs the same files."), Text(), table)
