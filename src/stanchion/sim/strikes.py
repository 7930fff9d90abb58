"""One life of a pretend cluster as data: who is there, and everything that happens to it, instant by instant.

A *strike* is one thing that happens: power is cut, an agent is stopped, a line to the store loses words, a script
hangs, an operator gives an order. A *life* is a cluster and its list of strikes. Because it is data and nothing else,
it can be drawn from a seed (``draw``), played (``life``), written to a file (``scenario``), made smaller (``shrink``).

Which *kinds* of weather there are at all is drawn too: a hundred lives with every fault at once look all alike, while
a few faults at a time, each life with others, reach the corners. That is the swarm.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from stanchion.model.ids import NodeName
from stanchion.model.resource import FailbackMode, FailureAction, MachineKind, Monitoring, Policies, ResourceSpec
from stanchion.model.timing import Profile
from stanchion.sim.host import Fault
from stanchion.sim.world import spec


class What(StrEnum):
    """Everything that can happen. ``amount`` and ``detail`` of a strike mean what stands here."""

    POWER_OFF = "power off"
    POWER_ON = "power on"
    KILL = "kill agent"
    START = "start agent"
    END = "end agent"
    PAUSE = "pause agent"
    RESUME = "resume agent"
    CUT = "cut from store"
    JOIN = "joined with store"
    SLOW = "slow line"
    """``amount``: seconds of a round trip. ``detail``: the share of words that are lost."""
    OUTAGE = "store down"
    BACK = "store back"
    COMPACT = "store compacts"
    DEAF = "hears nothing"
    """``detail``: the node that is not heard any more; empty: nobody is, and nobody hears this one."""
    HEAR = "hears again"
    SCRIPT = "script misbehaves"
    """``detail``: the script's kind and the name of its fault in ``FAULTS``."""
    SCRIPTS_WELL = "scripts well"
    BLIND = "hypervisor blind"
    SEEING = "hypervisor answers"
    WATCHDOG_BREAKS = "watchdog breaks"
    WATCHDOG_WELL = "watchdog well"
    WATCHDOG_LATE = "watchdog late"
    """``amount``: by how many seconds."""
    DISK_FULL = "disk full"
    DISK_WELL = "disk well"
    DEVICE_DEAD = "fence device dead"
    DEVICE_LAME = "fence device lame"
    DEVICE_WELL = "fence device well"
    DEVICE_SLOW = "fence devices slow"
    """``amount``: seconds that each takes."""
    CLOCK = "clocks set back"
    """``amount``: seconds that every wall clock is behind."""
    ONLINE = "order online"
    OFFLINE = "order offline"
    MIGRATE = "order migrate"
    ALERT_YES = "order alert yes"
    ALERT_NO = "order alert no"
    LEAVE = "order leave"
    ENTER = "order join"
    END_PROCESS = "order end process"
    CONFIRM_DOWN = "order confirm down"
    REMAKE = "resource made anew"
    HAND = "started by hand"
    """Somebody starts the resource's machine on a node where nobody sent it."""


FAULTS = {
    "fails": Fault(code=1, effect=False),
    "fails after its work": Fault(code=1),
    "lies": Fault(code=0, effect=False),
    "takes 2 s": Fault(takes_s=2.0),
    "takes 6 s": Fault(takes_s=6.0),
    "hangs": Fault(never_ends=True),
    "fails once": Fault(code=1, effect=False, times=1),
}
"""The ways in which a script misbehaves, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One thing that happens, ``at_s`` seconds after the cluster is up."""

    at_s: float
    what: What
    node: str = ""
    resource: str = ""
    amount: float = 0.0
    detail: str = ""

    def told(self) -> str:
        """Say it in a line."""
        amount = f"{self.amount:g} s" if self.amount else ""
        return " ".join(word for word in (self.what.value, self.resource, self.node, self.detail, amount) if word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One resource of a life: where it may go, how it moves, what watches it, and who knows whether it runs."""

    name: str
    preferred: tuple[str, ...] = ()
    live: bool = True
    monitored: bool = False
    action: FailureAction = FailureAction.COMATOSE
    failback: FailbackMode = FailbackMode.DISABLE
    failback_live: bool = False
    kind: MachineKind = MachineKind.QEMU

    def spec(self) -> ResourceSpec:
        """Give the configuration that an operator would have saved."""
        plain = spec(self.name, preferred=self.preferred, live=self.live)
        scripts = replace(plain.scripts, monitor=replace(plain.scripts.monitor, timeout_s=5.0),
                          unload=replace(plain.scripts.unload, timeout_s=20.0))
        return replace(plain, scripts=scripts, machine=replace(plain.machine, kind=self.kind),
                       monitoring=Monitoring(enabled=self.monitored, interval_s=3.0, action=self.action),
                       policies=Policies(failback=self.failback, failback_live=self.failback_live))


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A cluster and everything that happens to it.

    ``devices`` names the nodes that have a fence device, ``bare`` those that have no watchdog.
    """

    seed: int = 0
    nodes: tuple[str, ...]
    parts: tuple[Part, ...]
    strikes: tuple[Strike, ...] = ()
    devices: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    profile: Profile = Profile.DEFAULT

    def without_node(self, node: str) -> "Life":
        """Give the same life without one node."""
        nodes = tuple(name for name in self.nodes if name != node)
        parts = tuple(replace(part, preferred=tuple(name for name in part.preferred if name != node))
                      for part in self.parts)
        return replace(self, nodes=nodes, parts=parts, devices=tuple(name for name in self.devices if name != node),
                       bare=tuple(name for name in self.bare if name != node),
                       strikes=tuple(strike for strike in self.strikes if node not in {strike.node, strike.detail}))

    def without_part(self, resource: str) -> "Life":
        """Give the same life without one resource."""
        return replace(self, parts=tuple(part for part in self.parts if part.name != resource),
                       apart=tuple(name for name in self.apart if name != resource),
                       strikes=tuple(strike for strike in self.strikes if strike.resource != resource))


COMES_BACK = {What.KILL: What.START, What.END: What.START, What.PAUSE: What.RESUME}
"""How an agent goes, and how it comes back."""


def absences(life: Life) -> dict[str, float] | None:
    """Give the longest absence of each node's agent in seconds; None when anything but absences happens."""
    longest: dict[str, float] = {}
    away: dict[str, float] = {}
    for strike in life.strikes:
        if strike.what in COMES_BACK:
            away.setdefault(strike.node, strike.at_s)
        elif strike.what in {What.START, What.RESUME}:
            gone_s = strike.at_s - away.pop(strike.node, strike.at_s)
            longest[strike.node] = max(gone_s, longest.get(strike.node, 0.0))
        else:
            return None
    return longest if not away else None


def names(nodes: tuple[str, ...]) -> tuple[NodeName, ...]:
    """Give nodes their type."""
    return tuple(NodeName(node) for node in nodes)
