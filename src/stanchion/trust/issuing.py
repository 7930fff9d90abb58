"""Signing on behalf of the cluster: any agent can, because the authority's key stands in the store.

The key is opened for each signature anew and never kept: a few milliseconds, a few times a year.
"""

from collections.abc import Callable

from stanchion.model.ids import NodeName
from stanchion.model.trust import Authority, Paper
from stanchion.ports import Clock
from stanchion.trust import papers
from stanchion.trust.authority import Signer


class ClusterIssuer:
    """Signs with the cluster's authority. ``secret`` gives the cluster's secret as it stands on this host now."""

    def __init__(self, secret: Callable[[], str], clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def issue(self, authority: Authority, request: str, node: NodeName, address: str) -> tuple[str, Paper]:
        """Give a node a certificate in PEM, and what it says. Raises ``InvalidInput``, ``HostError``."""
        signer = Signer.open(authority, self._secret())
        made = signer.sign(request, node, address, self._clock.now().wall_s)
        return made, papers.read(made)

    def revocations(self, authority: Authority) -> str:
        """Give the list of certificates that are accepted no more, in PEM. Raises ``HostError``."""
        return Signer.open(authority, self._secret()).revocations(authority.revoked, self._clock.now().wall_s)
