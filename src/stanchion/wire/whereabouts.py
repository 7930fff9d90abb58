"""What goes on with a resource at this moment, and which nodes can have it."""

from datetime import datetime

from stanchion.model.resource import ScriptKind
from stanchion.wire.replies import ReasonInfo, Reply


class PlaceInfo(Reply):
    """One node, as the planner sees it for a resource.

    ``rank`` counts from 1 in the order in which nodes are asked; null: it is not among them. ``fits``: it could take
    the resource now; if not, ``reason`` says why. ``current``: the resource is there.
    """

    node: str
    rank: int | None = None
    fits: bool
    current: bool = False
    reason: ReasonInfo


class PlaceList(Reply):
    """All nodes, those that can take the resource first, in the order in which they are asked."""

    resource: str
    places: tuple[PlaceInfo, ...]


class ProcessInfo(Reply):
    """The script of a resource that is waited for.

    ``here``: it runs on the node that answers, which alone knows its process, since when it runs and what it has
    printed. Of a script on another node, only what the cluster knows is told; ``url`` is where that node answers.
    """

    script: ScriptKind | None = None
    node: str
    here: bool
    url: str = ""
    pid: int | None = None
    started_at: datetime | None = None
    timeout_s: float | None = None
    output: str = ""


class Activity(Reply):
    """What is being done to a resource at this moment; null: no script of it is known to run."""

    resource: str
    process: ProcessInfo | None = None
