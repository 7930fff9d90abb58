"""What is held back for the time being, on the wire: a pause, the stop of the whole cluster, nodes that are emptied."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stanchion.wire.bounds import DAY_S, Line, Seconds, ZonedInstant
from stanchion.wire.requests import Request


class PauseOrder(Request):
    """Let the cluster begin nothing by itself: for so long, until an instant, or, with neither, until it is resumed."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"for_s": 1800, "why": "new switch firmware"}]})

    for_s: Annotated[Seconds, Field(json_schema_extra={
        "minimum": 0, "exclusiveMinimum": 0, "maximum": 30 * DAY_S})] | None = None
    until: ZonedInstant | None = None
    why: Line = ""


class DownOrder(Request):
    """Stop the whole cluster: unload everything, and let every node leave."""

    why: Line = ""


class HeldBack(BaseModel):
    """What all replies here have in common. Unknown fields are ignored: a newer agent may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PauseInfo(HeldBack):
    """The pause that stands. ``until`` null: until it is resumed; ``text`` is the sentence about it."""

    by: str
    since: datetime | None
    until: datetime | None = None
    why: str = ""
    text: str


class LeftInfo(HeldBack):
    """A resource that a node which is emptied holds still. ``obstacle``: why it cannot go; null: it is on its way."""

    resource: str
    node: str
    obstacle: str | None = None


class DownInfo(HeldBack):
    """The order to stop the whole cluster. ``left`` is what is loaded still."""

    by: str
    at: datetime | None
    why: str = ""
    left: tuple[LeftInfo, ...] = ()
    text: str


class EmptyingInfo(HeldBack):
    """The emptying of a node, and how far it has come.

    ``because``: it is asked to leave, its host shuts down, the whole cluster is stopped, or it is drained. ``held`` is
    how many resources a drained node held at the beginning. ``safe``: nothing is left, the host can be powered off.
    """

    because: Literal["leave", "shutdown", "down", "drain"]
    by: str = ""
    since: datetime | None = None
    held: int | None = None
    left: tuple[LeftInfo, ...] = Field(default=())
    safe: bool = False
    text: str


class MigrationInfo(HeldBack):
    """One resource that goes from one node to another; ``live``: while it runs on."""

    resource: str
    source: str
    target: str
    live: bool


class BalancingInfo(HeldBack):
    """The moves that somebody asked for to even the nodes out, and that are not begun yet.

    ``waits``: what the next one waits for, if it does.
    """

    by: str
    since: datetime | None
    asked: int
    left: tuple[MigrationInfo, ...]
    waits: str = ""


class StandingInfo(HeldBack):
    """What operators have ordered for the whole cluster for the time being."""

    pause: PauseInfo | None = None
    down: DownInfo | None = None
    balancing: BalancingInfo | None = None
