"""Other clusters that the administrators of this one want to see beside it.

What stands in the store opens nothing by itself: the API token is sealed with this cluster's secret, which every host
has and the store has not. A neighbour is only ever looked at; nothing is ordered there, and nothing here depends on it.
"""

from dataclasses import dataclass, field

from stanchion.model.health import Health

MOST = 50
"""So many neighbours a cluster has at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another cluster. ``urls`` are its agents' addresses in the order to try them.

    ``authority`` is the certificate, in PEM, of who vouches for them; empty: those that the asking host trusts.
    ``sealed_token`` is the API token there. ``by`` is who added it.
    """

    name: str
    urls: tuple[str, ...]
    authority: str = ""
    sealed_token: str = field(default="", repr=False)
    by: str = ""
    added_at_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What was seen of a neighbour. ``health`` None: it could not be reached, or is none of ours; ``text`` says why.

    ``cluster`` is what it calls itself, ``url`` where it answered, ``at_s`` when it was looked at.
    """

    text: str
    health: Health | None = None
    cluster: str = ""
    reasons: tuple[str, ...] = ()
    nodes: int = 0
    nodes_up: int = 0
    resources: int = 0
    running: int = 0
    url: str = ""
    version: str = ""
    at_s: float = 0.0
