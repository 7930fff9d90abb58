"""The answers of ``cluster`` as the original writes them: plain lines that scripts can cut into words.

States stand in full: where the original cuts ``Failback Alert`` to ten letters, this one does not.
"""

from collections.abc import Iterable, Iterator, Sequence

from stanchion.wire import replies
from stanchion.wire.statistics import StatisticsInfo

COLUMNS = ("Name", "State", "Node", "Lives")
GAP = 3


def resources(of: Iterable[replies.ResourceInfo]) -> Iterator[str]:
    """Write one line for each resource."""
    yield from table(COLUMNS, [(one.name, state(one), one.node or "", str(one.lives)) for one in of])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write rows in columns that are as wide as their widest word."""
    wide = [max(map(len, column)) + GAP for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        yield "".join(word.ljust(width) for word, width in zip(row, wide, strict=True)).rstrip()


def state(of: replies.ResourceInfo) -> str:
    """Name a state in full, an alert with its kind."""
    return of.state.value if of.alert is None else f"{of.alert.value.title()} Alert"


def resource(of: replies.ResourceDetail) -> Iterator[str]:
    """Write how one resource is."""
    at = f" on {of.node}" if of.node else ""
    to = f" to {of.move.target}" if of.move else ""
    yield f"Status for Resource: {of.name}"
    yield f"    {state(of)}{at}{to}"
    yield f"    Lives: {of.lives}"
    yield f"    Revision: {of.spec_revision}"
    if of.since is not None:
        yield f"    Since: {of.since:%Y-%m-%d %H:%M:%S} UTC"
    yield f"    Reason: {of.reason.text}"
    for stray in of.strays:
        yield f"    Stray: {stray.text}"


def view(of: replies.Status) -> Iterator[str]:
    """Write which cluster this is, which node this is, and who the members are."""
    cluster = of.cluster
    members = [node.name for node in of.nodes if node.state in {"up", "leaving"}]
    mine = f"epoch {cluster.epoch} master node {cluster.master or 'none'}" if cluster.node in members else (
        "not in the cluster")
    yield f"Cluster {cluster.name}"
    yield f"This node {cluster.node} [ {mine} ]"
    yield f"Cluster nodes [ {', '.join(members) or 'none'} ]"


def statistics(of: StatisticsInfo) -> Iterator[str]:
    """Write how the answering node hears each of the others, and how it reaches the store."""
    yield f"Heartbeat statistics of node {of.node}" + (f" since {of.since:%Y-%m-%d %H:%M:%S} UTC" if of.since else "")
    rows = [(voice.node, str(voice.heard), str(voice.missed), f"{voice.longest_s:.2f} s",
             f"{voice.ago_s:.2f} s ago" if voice.member else "no member now") for voice in of.voices]
    yield from table(("Node", "Heard", "Missed", "Longest gap", "Last heard"), rows)
    calls = of.calls
    yield f"Store: {calls.answered} calls answered, {calls.failed} failed, the longest took {calls.longest_s:.2f} s"
