"""Events as they cross HTTP: the lines of the cluster's history, one by one or page by page."""

from datetime import datetime

from stanchion.model.history import Severity
from stanchion.model.state import State
from stanchion.wire.replies import ReasonInfo, Reply


class EventInfo(Reply):
    """One line of the cluster's history. ``id`` grows with time; reading continues after it."""

    id: str
    at: datetime | None
    severity: Severity
    reason: ReasonInfo
    by: str | None = None
    node: str | None = None
    resource: str | None = None
    before: State | None = None
    after: State | None = None
    cause: str = ""
    operation: str | None = None


GAP = "gap"
"""What an event of the stream is called that tells of a gap, instead of ``event``."""


class EventGap(Reply):
    """The history does not reach back to where a reader was: what lies between ``after`` and ``oldest`` is gone."""

    after: str
    oldest: str
    text: str


class EventPage(Reply):
    """Events, the oldest first; ``last`` is the id to continue after."""

    events: tuple[EventInfo, ...]
    last: str = ""
