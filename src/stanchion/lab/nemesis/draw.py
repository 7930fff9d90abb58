"""What can happen to a rack, and drawing it from a seed.

A strike lasts a while and is then undone; the pause before the next one is often shorter, so that several are in force
at once. The same seed draws the same strikes. What the cluster makes of them depends on moments, as in life.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

LASTS_S = (0.3, 1.0, 2.5, 4.5, 6.5, 9.0, 14.0)
PAUSES_S = (0.2, 0.7, 2.0, 4.0, 8.0)


class What(StrEnum):
    """Everything that can happen; most of it happens to a node."""

    CUT = "is cut off"
    MUTE = "is not heard by anybody"
    DEAF = "hears nobody"
    LINK = "loses its line to"
    LINK_ONE_WAY = "is not heard by"
    STORE = "is cut from the store"
    PEERS = "is cut from its peers"
    BAD_LINE = "has a bad line"
    PAUSE_AGENT = "has its agent stopped"
    KILL_AGENT = "has its agent killed"
    PAUSE_ETCD = "has its etcd stopped"
    KILL_ETCD = "has its etcd killed"
    FREEZE = "is frozen"
    POWER_CUT = "loses its power"
    KILL_GUEST = "is killed behind the agent's back"
    MIGRATE = "is ordered to"
    OFFLINE = "is ordered offline, then online"


WEIGHTS = {
    What.CUT: 4, What.MUTE: 2, What.DEAF: 2, What.LINK: 2, What.LINK_ONE_WAY: 2, What.STORE: 4, What.PEERS: 2,
    What.BAD_LINE: 2, What.PAUSE_AGENT: 4, What.KILL_AGENT: 4, What.PAUSE_ETCD: 2, What.KILL_ETCD: 2, What.FREEZE: 3,
    What.POWER_CUT: 6, What.KILL_GUEST: 3, What.MIGRATE: 8, What.OFFLINE: 2,
}
TO_ANOTHER = {What.LINK, What.LINK_ONE_WAY}
TO_A_GUEST = {What.KILL_GUEST, What.MIGRATE, What.OFFLINE}
AT_ONCE = {What.KILL_AGENT, What.KILL_ETCD, What.KILL_GUEST, What.MIGRATE}
"""These do not last."""

SILENCES = {What.CUT, What.MUTE, What.DEAF, What.STORE, What.PAUSE_AGENT, What.FREEZE}
"""While these last the node cannot renew its lease, whatever it does."""

OF_THE_AGENT = {What.PAUSE_AGENT, What.FREEZE}
"""Silences that end with the agent's process."""

AT_THE_STORE = {What.CUT, What.MUTE, What.DEAF, What.LINK, What.LINK_ONE_WAY, What.STORE, What.BAD_LINE,
                What.PAUSE_ETCD, What.KILL_ETCD, What.FREEZE, What.POWER_CUT}
"""These touch the store of others too, or may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One thing that happens, how long it lasts, and how long it takes until the next one."""

    number: int
    what: What
    node: str = ""
    other: str = ""
    machine: str = ""
    lasts_s: float = 0.0
    pause_s: float = 0.0

    def told(self) -> str:
        """Say it in a line."""
        whom = self.machine or self.node
        last = f" for {self.lasts_s:g} s" if self.lasts_s else ""
        return f"{whom} {self.what}{' ' + self.other if self.other else ''}{last}"


class Drawer:
    """Draws from one seed: strikes, and which hosts have a fence device."""

    def __init__(self, seed: int, nodes: Sequence[str], members: Sequence[str], machines: Sequence[str]) -> None:
        self._chance = Random(seed)
        self._nodes = tuple(nodes)
        self._members = tuple(members)
        self._machines = tuple(machines)
        self._number = 0

    def devices(self) -> tuple[str, ...]:
        """Draw the hosts that have a fence device: all, none, or some."""
        some = tuple(node for node in self._nodes if self._chance.random() < 0.5)  # noqa: PLR2004 - half of them
        return self._chance.choice((self._nodes, (), some))

    def storm(self) -> Iterator[Strike]:
        """Draw the strikes of one storm, from a mix that is drawn first."""
        mix = [what for what in WEIGHTS if self._chance.random() < 0.6]  # noqa: PLR2004 - more often on than off
        mix = mix or [What.POWER_CUT, What.MIGRATE]
        for _ in range(self._chance.randint(3, 9)):
            yield self._strike(self._chance.choices(mix, [WEIGHTS[what] for what in mix])[0])

    def _strike(self, what: What) -> Strike:
        self._number += 1
        node = self._chance.choice(self._members if what in {What.PAUSE_ETCD, What.KILL_ETCD} else self._nodes)
        other = self._chance.choice([each for each in self._nodes if each != node])
        machine = self._chance.choice(self._machines)
        lasts_s, pause_s = self._chance.choice(LASTS_S), self._chance.choice(PAUSES_S)
        guest = what in TO_A_GUEST
        return Strike(number=self._number, what=what, node="" if guest else node, machine=machine if guest else "",
                      other=other if what in TO_ANOTHER | {What.MIGRATE} else "",
                      lasts_s=0.0 if what in AT_ONCE else lasts_s, pause_s=pause_s)
