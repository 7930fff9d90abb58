"""Notification: who is told of what happens, by which channel, and how far each channel has come.

There are four channels and each exists once. Nothing secret stands in the store: passwords and keys are files on the
hosts, and every host that can become the master needs them. ``Notified`` is a channel's place in the history: all that
stands before it was told, so whoever becomes the master goes on there, and nothing is lost in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from stanchion.model.history import Line, Severity


class Channel(StrEnum):
    """The ways to tell somebody."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    COMMAND = "command"
    APPRISE = "apprise"


class Volume(StrEnum):
    """How much is told: what asks for an administrator, or everything (the original's two kinds of e-mail)."""

    CRITICAL = "critical"
    VERBOSE = "verbose"


class Security(StrEnum):
    """How the connection to a mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """E-mail by an SMTP server. ``sender`` empty: ``stanchion@`` and the sending host's name."""

    to: tuple[str, ...]
    volume: Volume = Volume.CRITICAL
    host: str = "localhost"
    port: int = 25
    security: Security = Security.NONE
    user: str = ""
    password_file: str = ""
    sender: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A JSON body, posted to an ``http`` or ``https`` address; signed where ``secret_file`` names a key."""

    url: str
    volume: Volume = Volume.VERBOSE
    secret_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program on the host, given the message as JSON on its standard input and in its environment."""

    path: str
    volume: Volume = Volume.VERBOSE
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Apprise:
    """The services of the optional package ``apprise``; its addresses, one a line, stand in a file on the host."""

    urls_file: str
    volume: Volume = Volume.CRITICAL


Way = Mail | Webhook | Command | Apprise
"""One channel as it is configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The channels that are in use."""

    mail: Mail | None = None
    webhook: Webhook | None = None
    command: Command | None = None
    apprise: Apprise | None = None

    @property
    def ways(self) -> Mapping[Channel, Way]:
        """The channels that are in use, by name."""
        every: Mapping[Channel, Way | None] = {Channel.MAIL: self.mail, Channel.WEBHOOK: self.webhook,
                                               Channel.COMMAND: self.command, Channel.APPRISE: self.apprise}
        return {channel: way for channel, way in every.items() if way is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """How far a channel has come: ``position`` names the last entry of the history that needs no telling any more.

    ``fault`` is what the last try said, empty when it went well; ``failing_since_s`` is 0 while the channel works.
    """

    channel: Channel
    position: str
    at_s: float = 0.0
    failing_since_s: float = 0.0
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is told at once by one channel. The same events have the same ``id``: a repetition can be recognised.

    ``lines`` are the gravest and newest of them, ``more`` counts those that are left out.
    """

    id: str
    cluster: str
    severity: Severity
    subject: str
    text: str
    lines: tuple[Line, ...] = ()
    more: int = 0
