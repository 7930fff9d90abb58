"""Whether an answer comes from the etcd that this client has known all along.

An address may come to answer for another etcd: a member that was set up anew and founded a cluster of its own, one that
lost its data and began with an empty store, a backup of yesterday. What such an etcd says of leases and records is true
of itself and says nothing about us, so it counts as no answer, and the next member is asked.

Two things give it away. Every answer names etcd's cluster. And the whole never goes back: a transaction or a read shows
no revision from before what we had seen when we asked. Members' own words may lag behind, so only these two are judged.
"""

from typing import cast

from stanchion.store._rpc import etcd_pb2 as pb

_OF_THE_WHOLE = (pb.TxnResponse, pb.RangeResponse)
_NO_HEADER = pb.ResponseHeader()


class Same:
    """What a client knows of its etcd: the cluster's number, and the latest revision."""

    def __init__(self) -> None:
        self.revision = 0
        self._cluster = 0

    def foreign(self, answer: object) -> str:
        """Say why an answer is of another etcd, or nothing."""
        cluster = _header(answer).cluster_id
        if cluster and self._cluster not in {0, cluster}:
            return "it belongs to another etcd than before"
        self._cluster = self._cluster or cluster
        return ""

    def strange(self, answer: object, since: int) -> str:
        """Say why an answer to a call is none for us, or nothing. ``since``: the revision known when we asked."""
        if foreign := self.foreign(answer):
            return foreign
        revision = _header(answer).revision
        if isinstance(answer, _OF_THE_WHOLE) and revision < since:
            return "it has lost what was written: it began anew, or with a backup"
        self.revision = max(self.revision, revision)
        return ""


def _header(answer: object) -> pb.ResponseHeader:
    return cast("pb.ResponseHeader", getattr(answer, "header", _NO_HEADER))
