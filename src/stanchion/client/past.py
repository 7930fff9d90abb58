"""What can be asked of an agent about the past, and about who is told of it: the client's second half.

``Past`` knows paths and shapes; ``rest.Client``, which inherits it, knows connections.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from stanchion.model.history import Severity
from stanchion.model.notification import Channel
from stanchion.wire import notification as shapes
from stanchion.wire import stories
from stanchion.wire.events import EventInfo, EventPage
from stanchion.wire.report import Report

Shape = TypeVar("Shape", bound=BaseModel)

TRIAL_S = 120.0
"""How long a trial of all channels may take: each has a minute, and most answer at once."""

REPORT_S = 60.0
PAGE = 1000


class Past(ABC):
    """The history, stories, notification and the report."""

    @abstractmethod
    async def _get(self, shape: type[Shape], path: str, params: Mapping[str, Any] | None = None, *,
                   patience_s: float = 0.0) -> Shape: ...

    @abstractmethod
    async def _send(self, shape: type[Shape], method: str, path: str, asked: BaseModel | None = None,
                    headers: Mapping[str, str] | None = None, *, patience_s: float = 0.0) -> Shape: ...

    @abstractmethod
    async def _text(self, path: str, params: Mapping[str, Any], *, patience_s: float = 0.0) -> str: ...

    async def events(self, *, after: str | None = None, limit: int = 50, **wanted: Any) -> EventPage:
        """Read the history, the oldest first; without ``after``, the newest of it. See ``filters``."""
        params = {"limit": limit} | ({} if after is None else {"after": after})
        return await self._get(EventPage, "events", params | filters(**wanted))

    async def every_event(self, **wanted: Any) -> AsyncIterator[EventInfo]:
        """Read the whole history, the oldest first, page by page."""
        after = ""
        while True:
            page = await self.events(after=after, limit=PAGE, **wanted)
            for event in page.events:
                yield event
            if len(page.events) < PAGE:
                return
            after = page.last

    async def why(self, event: str) -> stories.StoryInfo:
        """Ask what led to an event."""
        return await self._get(stories.StoryInfo, f"events/{quote(event, safe='') or '-'}/why")

    async def story(self, resource: str) -> stories.StoryInfo:
        """Ask what led to the state that a resource is in."""
        return await self._get(stories.StoryInfo, f"resources/{quote(resource, safe='') or '-'}/story")

    async def incidents(self, *, limit: int | None = None) -> stories.IncidentList:
        """Ask for the losses of nodes, the newest first, and how long each part of the failover took."""
        return await self._get(stories.IncidentList, "incidents", {} if limit is None else {"limit": limit})

    async def notification(self) -> shapes.NotificationInfo:
        """Ask who is notified of what."""
        return await self._get(shapes.NotificationInfo, "notification")

    async def edit_notification(self, change: shapes.NotificationChange, *,
                                seen: int | None = None) -> shapes.NotificationInfo:
        """Change the channels; ``seen`` is the ``revision`` that the change was made from."""
        return await self._send(shapes.NotificationInfo, "PATCH", "notification", change,
                                {} if seen is None else {"If-Match": f'"{seen}"'})

    async def test_notification(self, channel: Channel | None = None) -> shapes.TrialReport:
        """Have a message sent that only shows that a channel works."""
        return await self._send(shapes.TrialReport, "POST", "notification/test",
                                shapes.TrialOrder(channel=channel), patience_s=TRIAL_S)

    async def report(self) -> Report:
        """Ask for the report: everything that there is to say about the cluster."""
        return await self._get(Report, "report", patience_s=REPORT_S)

    async def report_page(self) -> str:
        """Ask for the report as one HTML page."""
        return await self._text("report", {"format": "html"}, patience_s=REPORT_S)


def filters(*, resource: str | None = None, node: str | None = None, severity: Severity = Severity.INFO,
            since: datetime | None = None, until: datetime | None = None, text: str | None = None) -> dict[str, str]:
    """Write down which events are wanted, as the API's parameters."""
    params = {"resource": resource, "node": node, "severity": severity.value, "text": text,
              "since": since.isoformat() if since else None, "until": until.isoformat() if until else None}
    return {name: value for name, value in params.items() if value is not None}
