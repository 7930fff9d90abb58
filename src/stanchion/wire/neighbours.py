"""Other clusters, on the wire: who they are, and how well each is. Their tokens go in and never come out."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from stanchion.wire.bounds import GROUP_SHAPE
from stanchion.wire.replies import Reply
from stanchion.wire.requests import MASK, Request

LONGEST_URL = 300
LONGEST_PEM = 20_000
LONGEST_TOKEN = 1000


class NeighbourOrder(Request):
    """Add another cluster: what it is called here, where its agents answer, who vouches for them, and a token there.

    ``authority`` is the content of the file ca.crt of one of its hosts; empty: those that this host trusts. The token
    is an API token of that cluster; one for a viewer is enough.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"name": "harbour", "urls": ["https://10.1.0.1:7423", "https://10.1.0.2:7423"], "token": "st_viewer_..."}]})

    name: Annotated[str, Field(min_length=1, max_length=63, json_schema_extra={"pattern": GROUP_SHAPE})]
    urls: Annotated[tuple[Annotated[str, Field(max_length=LONGEST_URL)], ...], Field(min_length=1, max_length=8)]
    authority: Annotated[str, Field(max_length=LONGEST_PEM)] = ""
    token: Annotated[str, Field(min_length=1, max_length=LONGEST_TOKEN)]


class NeighbourInfo(Reply):
    """Another cluster. ``trusted``: an authority's certificate of its own is kept for it; the token is masked."""

    name: str
    urls: tuple[str, ...]
    trusted: bool = False
    token: str = MASK
    by: str = ""
    added_at: datetime | None = None


class NeighbourList(Reply):
    """All clusters that were added."""

    neighbours: tuple[NeighbourInfo, ...]


class NeighbourHealth(Reply):
    """How well another cluster is, as the answering node saw it at ``at``; ``text`` is the sentence about it."""

    name: str
    health: Literal["normal", "attention", "critical", "unreachable"]
    text: str
    cluster: str = ""
    reasons: tuple[str, ...] = ()
    nodes: int = 0
    nodes_up: int = 0
    resources: int = 0
    running: int = 0
    url: str = ""
    version: str = ""
    at: datetime | None = None


class NeighbourHealthList(Reply):
    """How well each of the other clusters is."""

    neighbours: tuple[NeighbourHealth, ...]
