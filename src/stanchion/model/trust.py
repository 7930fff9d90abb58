"""Who belongs to a cluster of hosts: its certificate authority, and the tokens with which hosts join.

Both are records of the store like any other. The authority's key stands there sealed with the cluster's secret, which
every host has and the store has not: so any agent can answer a joining host, no host is the only one that could, and a
copy of the store alone is worth nothing (``docs/decisions/0006-the-authority-stands-in-the-store.md``).
"""

from dataclasses import dataclass
from typing import Literal

from stanchion.model.ids import NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The cluster's certificate authority. ``revoked`` are serial numbers, in hexadecimal, that nobody may accept."""

    certificate: str
    sealed_key: str
    revoked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinToken:
    """The right to join once, until ``expires_at_s``. Only the digest of its secret is kept.

    ``used_by`` is the node that joined with it; a used token is kept until it has expired, so that who tries it again
    is told what became of it.
    """

    id: str
    digest: str
    made_at_s: float
    expires_at_s: float
    by: str = ""
    used_by: NodeName | None = None

    def fault(self, now_s: float) -> Literal["", "used", "expired"]:
        """Say why nobody can join with it any more; empty: somebody can."""
        if self.used_by is not None:
            return "used"
        return "expired" if now_s >= self.expires_at_s else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What a node's certificate says: to whom it was given, its serial number in hexadecimal, and until when."""

    node: NodeName
    serial: str
    not_before_s: float
    not_after_s: float
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of the etcd that holds the store, as it answers now. ``fault`` empty: it is well.

    ``learner``: it follows and has no vote yet. ``url`` is where it answers clients, empty until it has started.
    """

    id: str
    name: str
    url: str
    peer: str
    learner: bool = False
    leader: bool = False
    fault: str = ""
    version: str = ""
