"""What the members really promised each other while the store was away, as the air carried it.

The judges do not ask an agent whether it may keep its machines. They hear every plea and every promise when it is
sent, look into the store for whose consent counts, and work out anew from when the deadline of a host counts.
"""

import asyncio
from collections.abc import Iterable

from stanchion.model.ids import NodeName, SessionId
from stanchion.ports import Plea, Promise, Word


class Consents:
    """The pleas that were sent, and the newest one to which each node promised something."""

    def __init__(self) -> None:
        self._pleas: dict[str, tuple[SessionId, float]] = {}
        self._given: dict[tuple[SessionId, NodeName], float] = {}

    def spoken(self, by: NodeName, word: Word) -> None:
        """Hear one node speak."""
        if isinstance(word, Plea) and word.lease_s:
            self._pleas.setdefault(word.token, (word.session, asyncio.get_running_loop().time()))
        elif isinstance(word, Promise) and word.token in self._pleas:
            session, asked_s = self._pleas[word.token]
            self._given[session, by] = max(asked_s, self._given.get((session, by), asked_s))

    def since_s(self, session: SessionId, peers: Iterable[NodeName]) -> float:
        """Give the instant from which the session lives by the promises of all of these nodes."""
        now_s = asyncio.get_running_loop().time()
        return min((self._given.get((session, peer), float("-inf")) for peer in peers), default=now_s)
