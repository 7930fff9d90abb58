"""The report: one page that holds everything that there is to say about a cluster, for people and for programs.

It lists what the original's report listed (epoch, master, nodes, resources with state, location, lives and since when,
settings, notification, priorities, protocol values, scripts, policies, preferred nodes), and beyond that what protects
each node, what happened lately, and how long each failover took.
"""

from datetime import datetime
from typing import Any

from stanchion.wire.events import EventInfo
from stanchion.wire.notification import NotificationInfo
from stanchion.wire.replies import ClusterInfo, NodeInfo, Reply, ResourceDetail, TemplateInfo, TimingInfo
from stanchion.wire.stories import IncidentInfo


class Report(Reply):
    """A cluster at one instant. ``priorities`` are its resources in the order in which they load.

    ``settings`` are those of the cluster as the store has them. Secret values are masked.
    """

    made_at: datetime | None
    cluster: ClusterInfo
    settings: dict[str, Any]
    timing: TimingInfo
    nodes: tuple[NodeInfo, ...]
    resources: tuple[ResourceDetail, ...]
    priorities: tuple[str, ...]
    templates: tuple[TemplateInfo, ...]
    notification: NotificationInfo
    incidents: tuple[IncidentInfo, ...]
    events: tuple[EventInfo, ...]
