"""One look for the overview, on the wire: how well the cluster is and why, what needs a person, and who holds what."""

from datetime import datetime
from typing import Literal

from stanchion.model.health import Answer, Health
from stanchion.model.state import AlertKind, State
from stanchion.wire.replies import ClusterInfo, IntentInfo, Reply
from stanchion.wire.standing import EmptyingInfo


class FindingInfo(Reply):
    """One thing that is amiss, in a sentence. ``answers``: what can be answered or ordered about it.

    ``yes`` and ``no`` answer an alert, ``offline`` is an order for the resource, ``confirm-down`` and ``release`` are
    orders for the node, ``resume`` and ``up`` are for the whole cluster.
    """

    health: Health
    kind: str
    about: Literal["cluster", "node", "resource"]
    text: str
    resource: str | None = None
    node: str | None = None
    answers: tuple[Answer, ...] = ()
    since: datetime | None = None


class CountInfo(Reply):
    """How many resources are in a state."""

    state: State
    count: int


class HeldInfo(Reply):
    """One resource on its node."""

    name: str
    state: State
    lives: int
    alert: AlertKind | None = None


class NodeGlance(Reply):
    """One node: what it is, what protects it, and what it may be executing.

    ``state`` is ``silent`` for a member that nobody hears although its lease has not run out.
    """

    name: str
    state: Literal["up", "silent", "joining", "leaving", "left", "down"]
    text: str = ""
    master: bool = False
    witness: bool = False
    proven: bool = False
    quarantined: bool = False
    protection: str
    emptying: EmptyingInfo | None = None
    resources: tuple[HeldInfo, ...] = ()


class Overview(Reply):
    """The cluster at a glance. ``reasons`` are why its health is what it is; ``alerts`` are all findings, worst first.

    ``homeless`` are the resources that no node holds and that nobody took offline. ``orders`` are under way.
    """

    cluster: ClusterInfo
    health: Health
    text: str
    reasons: tuple[str, ...] = ()
    counts: tuple[CountInfo, ...] = ()
    alerts: tuple[FindingInfo, ...] = ()
    nodes: tuple[NodeGlance, ...] = ()
    homeless: tuple[HeldInfo, ...] = ()
    orders: tuple[IntentInfo, ...] = ()
