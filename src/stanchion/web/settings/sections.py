"""The sections' fields: what each asks, with what stands there now as its default.

They have the form of the fields that the API describes, so one way of showing and reading them does for all.
"""

from collections.abc import Iterator, Mapping

from stanchion.api.notification import BLANK
from stanchion.model.capacity import Admission
from stanchion.model.notification import Channel, Security, Volume
from stanchion.model.standing import Shutdown
from stanchion.plan.making import LONGEST_S
from stanchion.wire.documents import FieldInfo
from stanchion.wire.notification import NotificationInfo
from stanchion.wire.ruling import SettingsInfo

TITLES: Mapping[Channel, str] = {
    Channel.MAIL: "E-mail", Channel.WEBHOOK: "Webhook", Channel.COMMAND: "Command", Channel.APPRISE: "Apprise",
}
ABOUT: Mapping[Channel, str] = {
    Channel.MAIL: "Messages by an SMTP server.",
    Channel.WEBHOOK: "A JSON body, posted to an address.",
    Channel.COMMAND: "A program on the hosts, which gets the message as JSON on its standard input.",
    Channel.APPRISE: "A hundred more services, where the package apprise is installed on the hosts.",
}
VOLUME = "critical: what asks for an administrator. verbose: everything."
ON_HOSTS = "A file on every host that can become the master. Empty: none."


def policies(of: SettingsInfo) -> tuple[FieldInfo, ...]:
    """Ask for what holds for all resources and hosts."""
    return (
        FieldInfo(name="shutdown", label="When a host shuts down, its machines", kind="choice", default=of.shutdown,
                  choices=tuple(Shutdown),
                  help="migrate: live to another node where the scripts can, else as failover. failover: unloaded, "
                       "then loaded on another node. freeze: unloaded, and loaded again on the same node when that is "
                       "back."),
        FieldInfo(name="survives", label="Nodes that may be lost at once", kind="number", default=of.survives, least=0,
                  help="So many, whichever they are, and everything finds a place again. 0: nothing is guaranteed."),
        FieldInfo(name="admission", label="An order that would break this", kind="choice", default=of.admission,
                  choices=tuple(Admission), help="warn: it is carried out, with a warning. refuse: it is refused."),
        FieldInfo(name="balance", label="Evening out the nodes", kind="text", default=of.balance,
                  required=True, help="off, or a time of each day by the clock of the master's host, like 22:00-06:00. "
                                      "Then it moves machines live, one at a time, while all is well."),
        FieldInfo(name="history_kept", label="Lines of history that are kept", kind="number", default=of.history_kept,
                  least=100, most=1_000_000),
    )


def quorum(of: SettingsInfo, nodes: int) -> tuple[FieldInfo, ...]:
    """Ask when resources may start after the cluster came up."""
    return (
        FieldInfo(name="quorum_nodes", label="Number of nodes", kind="number", default=of.quorum_nodes, least=1,
                  most=max(nodes, 1), help="Resources are not started before so many nodes are up"
                                           f" (the cluster has {nodes})."),
        FieldInfo(name="quorum_timeout_s", label="Timeout", kind="seconds", default=of.quorum_timeout_s, least=0,
                  most=LONGEST_S, help="After this time they are started all the same."),
    )


def channel(of: Channel, info: NotificationInfo) -> tuple[FieldInfo, ...]:
    """Ask for a channel; one that is not in use yet begins with the product's defaults."""
    stands = getattr(info, of.value) or BLANK[of]
    return tuple(each.model_copy(update={"name": f"{of}.{each.name}", "default": _default(getattr(stands, each.name))})
                 for each in (*_OWN[of], FieldInfo(name="volume", label="How much is told", kind="choice",
                                                   choices=tuple(Volume), help=VOLUME)))


def named(fields: Mapping[str, object], of: Channel) -> Iterator[tuple[str, object]]:
    """Give what was entered for a channel, as the API names it."""
    for name, value in fields.items():
        own = name.removeprefix(f"{of}.")
        yield own, tuple(str(value).replace(",", " ").split()) if own == "to" else value


def _default(value: object) -> str | float:
    if isinstance(value, tuple):
        return " ".join(value)
    return value if isinstance(value, int | float) else str(value)


_OWN: Mapping[Channel, tuple[FieldInfo, ...]] = {
    Channel.MAIL: (
        FieldInfo(name="to", label="To", kind="text", required=True, help="Addresses, with blanks between them."),
        FieldInfo(name="host", label="Mail server", kind="text", required=True),
        FieldInfo(name="port", label="Port", kind="number", least=1, most=65_535),
        FieldInfo(name="security", label="Protection of the connection", kind="choice", choices=tuple(Security)),
        FieldInfo(name="user", label="User", kind="text", help="Empty: the server asks for none."),
        FieldInfo(name="password_file", label="File with the password", kind="path", help=ON_HOSTS),
        FieldInfo(name="sender", label="Sender", kind="text", help="Empty: stanchion@ and the host's name."),
    ),
    Channel.WEBHOOK: (
        FieldInfo(name="url", label="Address", kind="text", required=True, help="http or https."),
        FieldInfo(name="secret_file", label="File with the key that signs", kind="path", help=ON_HOSTS),
    ),
    Channel.COMMAND: (
        FieldInfo(name="path", label="Program", kind="path", required=True, help="Its whole path."),
        FieldInfo(name="timeout_s", label="It may take", kind="seconds", least=0, most=300),
    ),
    Channel.APPRISE: (
        FieldInfo(name="urls_file", label="File with the services' addresses", kind="path", required=True,
                  help="One address a line, on every host that can become the master."),
    ),
}
