"""One life of a pretend cluster as data: who is there, and everything that happens to it, instant by instant.

A *strike* is one thing that happens: power is cut, an agent is stopped, a line to the store loses words, a script
hangs, an operator gives an order. A *life* is a cluster and its list of strikes. Because it is data and nothing else,
it can be drawn from a seed (``draw``), played (``life``), written to a file (``scenario``), made smaller (``shrink``).

A strike falls at its time, or it lies in wait: from its time on for its *cue*, the first write of the store that
fits, and then for a moment more. Whom it hits may be a role (``@source`` of a move), known only then. So a life can
stop an agent between its decision and its commit, or cut the power in the middle of a migration.

Which *kinds* of weather there are at all is drawn too: a hundred lives with every fault at once look all alike, while
a few faults at a time, each life with others, reach the corners. That is the swarm.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from stanchion.model.capacity import Size
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
    """``amount``: seconds of a round trip. ``detail``: the share of words that are lost. No node: every line."""
    OUTAGE = "store down"
    BACK = "store back"
    COMPACT = "store compacts"
    DEAF = "hears nothing"
    """``detail``: the node that is not heard any more; empty: nobody is, and nobody hears this one."""
    HEAR = "hears again"
    HAZE = "signs of life late"
    """``amount``: up to so many seconds, in any order. ``detail``: the share that is lost."""
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
    """Its command ends well and does nothing."""
    DEVICE_CRIES = "fence device cries"
    """Its command switches the host off and reports an error."""
    DEVICE_WELL = "fence device well"
    DEVICE_SLOW = "fence devices slow"
    """``amount``: seconds that each takes."""
    CLOCK = "clocks set back"
    """``amount``: seconds that the wall clock of a host is behind; no node: that of everybody."""
    ONLINE = "order online"
    OFFLINE = "order offline"
    MIGRATE = "order migrate"
    ALERT_YES = "order alert yes"
    ALERT_NO = "order alert no"
    LEAVE = "order leave"
    ENTER = "order join"
    END_PROCESS = "order end process"
    CONFIRM_DOWN = "order confirm down"
    DRAIN = "order drain"
    UNDRAIN = "order undrain"
    HAND_OVER = "host shuts down"
    PAUSED = "cluster paused"
    """``amount``: for so many seconds; 0: until it is resumed."""
    RESUMED = "cluster resumed"
    DOWN = "whole cluster down"
    UP = "whole cluster up"
    POLICY = "policy for a shutdown"
    """``detail``: which."""
    REMAKE = "resource made anew"
    HAND = "started by hand"
    """Somebody starts the resource's machine on a node where nobody sent it."""


class Cue(StrEnum):
    """What a strike may lie in wait for: the first such write of the store, of its resource if it names one."""

    PREPARE = "a move prepares"
    OUT = "a move goes out"
    IN = "a move comes in"
    ABORT = "a move is given up"
    LOADING = "a load is ordered"
    CLAIMED = "a load is claimed"
    UNLOADING = "an unload is ordered"
    RUNNING = "it runs"
    ORDERED = "an operator orders"
    JOINED = "a node joins"
    LOST = "a lease ends"
    PROVEN = "a proof is written"
    FENCING = "a fencing is ordered"


class Role(StrEnum):
    """Whom a strike hits, when that is known only in its moment. Of no resource: of the one that the cue is about."""

    MASTER = "@master"
    HOLDER = "@holder"
    SOURCE = "@source"
    TARGET = "@target"
    IT = "@it"
    """The node that the cue is about: that joined, was lost, or is to be fenced."""


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
    """One thing that happens, ``at_s`` seconds after the cluster is up.

    With a ``cue`` it lies in wait from then on, and falls ``after_s`` seconds after it. ``node`` may be a ``Role``.
    What has a ``lasts_s`` is made good again so many seconds later.
    """

    at_s: float
    what: What
    node: str = ""
    resource: str = ""
    amount: float = 0.0
    detail: str = ""
    cue: Cue | None = None
    after_s: float = 0.0
    lasts_s: float | None = None

    def told(self) -> str:
        """Say it in a line."""
        amount = f"{self.amount:g} s" if self.amount else ""
        cue = f"{self.after_s:g} s after {self.cue}" if self.cue is not None else ""
        lasts = f"for {self.lasts_s:g} s" if self.lasts_s is not None else ""
        words = (self.what.value, self.resource, self.node, self.detail, amount, lasts, cue)
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One resource of a life: where it may go, how it moves, what watches it, and who knows whether it runs.

    ``memory_mib`` is what its machine takes (0: nobody knows); ``measured``: that is found out where it loads.
    """

    name: str
    preferred: tuple[str, ...] = ()
    live: bool = True
    monitored: bool = False
    action: FailureAction = FailureAction.COMATOSE
    failback: FailbackMode = FailbackMode.DISABLE
    failback_live: bool = False
    kind: MachineKind = MachineKind.QEMU
    memory_mib: int = 0
    measured: bool = False

    def spec(self) -> ResourceSpec:
        """Give the configuration that an operator would have saved."""
        plain = spec(self.name, preferred=self.preferred, live=self.live)
        scripts = replace(plain.scripts, monitor=replace(plain.scripts.monitor, timeout_s=5.0),
                          unload=replace(plain.scripts.unload, timeout_s=20.0))
        said = 0 if self.measured else self.memory_mib
        return replace(plain, scripts=scripts, size=Size(memory_mib=said),
                       machine=replace(plain.machine, kind=self.kind),
                       monitoring=Monitoring(enabled=self.monitored, interval_s=3.0, action=self.action),
                       policies=Policies(failback=self.failback, failback_live=self.failback_live))


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A cluster and everything that happens to it.

    ``devices`` names the nodes that have a fence device, ``bare`` those that have no watchdog. ``rates`` says how
    fast the clocks of nodes run, where that is not exactly right, ``rooms`` how much memory machines may have on them,
    where that is known.
    """

    seed: int = 0
    nodes: tuple[str, ...]
    parts: tuple[Part, ...]
    strikes: tuple[Strike, ...] = ()
    devices: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    profile: Profile = Profile.DEFAULT
    rates: tuple[tuple[str, float], ...] = ()
    rooms: tuple[tuple[str, int], ...] = ()

    def told(self) -> Iterator[str]:
        """Say what was drawn, in a few lines."""
        clocks = ", ".join(f"{node} {rate:g}" for node, rate in self.rates)
        yield f"nodes {' '.join(self.nodes)}; profile {self.profile}; clocks {clocks or 'all right'}"
        yield (f"fence devices: {' '.join(self.devices) or 'none'}; no watchdog: {' '.join(self.bare) or 'none'}; "
               f"apart: {' '.join(self.apart) or 'none'}")
        if self.rooms:
            takes = ", ".join(f"{part.name} {part.memory_mib}" for part in self.parts)
            yield f"memory in MiB: {', '.join(f'{node} {room}' for node, room in self.rooms)}; it takes: {takes}"
        for part in self.parts:
            yield (f"{part.name}: {part.kind}, on {' '.join(part.preferred)}, {'live' if part.live else 'cold'}, "
                   f"failback {part.failback}, monitor {part.action if part.monitored else 'off'}")
        counts = Counter(strike.what.value for strike in self.strikes)
        yield f"{len(self.strikes)} strikes: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))

    def without_node(self, node: str) -> "Life":
        """Give the same life without one node."""
        nodes = tuple(name for name in self.nodes if name != node)
        parts = tuple(replace(part, preferred=tuple(name for name in part.preferred if name != node))
                      for part in self.parts)
        return replace(self, nodes=nodes, parts=parts, devices=tuple(name for name in self.devices if name != node),
                       bare=tuple(name for name in self.bare if name != node),
                       rates=tuple((name, rate) for name, rate in self.rates if name != node),
                       rooms=tuple((name, room) for name, room in self.rooms if name != node),
                       strikes=tuple(strike for strike in self.strikes if node not in {strike.node, strike.detail}))

    def without_part(self, resource: str) -> "Life":
        """Give the same life without one resource."""
        return replace(self, parts=tuple(part for part in self.parts if part.name != resource),
                       apart=tuple(name for name in self.apart if name != resource),
                       strikes=tuple(strike for strike in self.strikes if strike.resource != resource))


COMES_BACK = {What.KILL: What.START, What.END: What.START, What.PAUSE: What.RESUME}
"""How an agent goes, and how it comes back."""

MADE_GOOD = {**COMES_BACK, What.POWER_OFF: What.POWER_ON, What.CUT: What.JOIN, What.OUTAGE: What.BACK,
             What.SLOW: What.SLOW, What.DEAF: What.HEAR, What.HAZE: What.HAZE, What.DISK_FULL: What.DISK_WELL,
             What.BLIND: What.SEEING}
"""What ends again, and by what."""


def absences(life: Life) -> dict[str, float] | None:
    """Give the longest absence of each node's agent in seconds; None when anything but absences happens."""
    longest: dict[str, float] = {}
    away: dict[str, float] = {}
    for strike in life.strikes:
        if strike.cue is not None or strike.lasts_s is not None:
            return None
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
