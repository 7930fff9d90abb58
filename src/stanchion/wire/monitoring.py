"""Monitoring in words, on the wire: what a form holds while it is filled in, and what that would do."""

from typing import Annotated

from pydantic import ConfigDict, Field

from stanchion.wire.bounds import MOST_ITEMS, Flag, Name, Timeout
from stanchion.wire.replies import Reply
from stanchion.wire.requests import MonitoringChange, Request


class MonitoringDraft(Request):
    """A monitor configuration that is not saved. What is left out stays as the resource or the template has it.

    With neither, it is about a resource of no special kind. ``script`` says whether there is a monitor script, and
    ``timeout_s`` how long that may take.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"resource": "web", "monitoring": {"enabled": True, "interval_s": 30, "max_failures": 3, "window_s": 600,
                                           "action": "migrate"}}]})

    resource: Name | None = None
    template: Name | None = None
    monitoring: MonitoringChange = MonitoringChange()
    preferred: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS)] | None = None
    script: Flag | None = None
    timeout_s: Timeout | None = None


class MonitoringText(Reply):
    """What the configuration would do, in words; ``faults`` are what forbids saving it."""

    text: str
    faults: tuple[str, ...] = ()
