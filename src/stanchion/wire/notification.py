"""Notification as it crosses HTTP: how each channel is set, how it fares, and what a trial said."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from stanchion.model.notification import Channel, Security, Volume
from stanchion.wire.bounds import LONGEST_PATH, MOST_ITEMS, Count, HostPath, Line, Timeout
from stanchion.wire.replies import Reply
from stanchion.wire.requests import Request

FileOrNone = Annotated[str, Field(max_length=LONGEST_PATH, json_schema_extra={"pattern": "^(/.*)?$"})]
"""A file on the hosts; empty: none."""


class MailInfo(Reply):
    """E-mail: to whom, how much, and by which server. ``password_file`` is a path on the hosts."""

    to: tuple[str, ...]
    volume: Volume
    host: str
    port: int
    security: Security
    user: str = ""
    password_file: str = ""
    sender: str = ""


class WebhookInfo(Reply):
    """A JSON body, posted to an address."""

    url: str
    volume: Volume
    secret_file: str = ""


class CommandInfo(Reply):
    """A program on the hosts."""

    path: str
    volume: Volume
    timeout_s: float


class AppriseInfo(Reply):
    """The services of the package ``apprise``, whose addresses stand in a file on the hosts."""

    urls_file: str
    volume: Volume


class ChannelInfo(Reply):
    """How a channel fares. ``said`` is the last answer, or what is wrong since ``failing_since``."""

    channel: Channel
    told_at: datetime | None = None
    failing_since: datetime | None = None
    said: str = ""
    position: str = ""


class NotificationInfo(Reply):
    """The channels in use; ``revision`` is what a change of them names in If-Match."""

    mail: MailInfo | None = None
    webhook: WebhookInfo | None = None
    command: CommandInfo | None = None
    apprise: AppriseInfo | None = None
    channels: tuple[ChannelInfo, ...] = ()
    revision: int = 0


class MailChange(Request):
    """What to change of the e-mail; what is left out stays."""

    to: Annotated[tuple[Line, ...], Field(max_length=MOST_ITEMS, json_schema_extra={
        "minItems": 1, "maxItems": 8})] | None = None
    volume: Volume | None = None
    host: Line | None = None
    port: Annotated[Count, Field(json_schema_extra={"minimum": 1, "maximum": 65_535})] | None = None
    security: Security | None = None
    user: Line | None = None
    password_file: FileOrNone | None = None
    sender: Line | None = None


class WebhookChange(Request):
    """What to change of the webhook; what is left out stays."""

    url: Annotated[str, Field(max_length=LONGEST_PATH, json_schema_extra={"pattern": "^https?://"})] | None = None
    volume: Volume | None = None
    secret_file: FileOrNone | None = None


class CommandChange(Request):
    """What to change of the command; what is left out stays."""

    path: HostPath | None = None
    volume: Volume | None = None
    timeout_s: Annotated[Timeout, Field(json_schema_extra={
        "minimum": 0, "exclusiveMinimum": 0, "maximum": 300})] | None = None


class AppriseChange(Request):
    """What to change of apprise; what is left out stays."""

    urls_file: HostPath | None = None
    volume: Volume | None = None


class NotificationChange(Request):
    """What to change: a channel that is left out stays as it is, ``null`` ends it."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"mail": {"to": ["ops@example.org"], "volume": "critical", "host": "mail.example.org"}, "webhook": None},
    ]})

    mail: MailChange | None = None
    webhook: WebhookChange | None = None
    command: CommandChange | None = None
    apprise: AppriseChange | None = None


class TrialOrder(Request):
    """Send a message that only shows that a channel works; without a channel, by all that are in use."""

    channel: Channel | None = None


class TrialResult(Reply):
    """What one channel answered to the trial."""

    channel: Channel
    well: bool
    said: str


class TrialReport(Reply):
    """What every channel answered, as sent from ``node``: another node needs the same files."""

    node: str
    results: tuple[TrialResult, ...]
