"""Drawing a life from a seed: the cluster, the mix of weather, and the strikes.

The same seed gives the same life, on every machine and in every process. A drawer (``_power``, ``_agents`` ...) gives
a few strikes that belong together: an agent that goes also comes back, at any later time, while other things happen.
What must not be drawn is a world in which the promise is impossible: an operator who confirms a node down that runs
(``life`` refuses that), or a watchdog that breaks while its host is cut off (so does ``life``).
"""

from collections.abc import Iterator
from random import Random

from stanchion.model.resource import FailbackMode, FailureAction, MachineKind, ScriptKind
from stanchion.model.timing import TIMINGS, Profile
from stanchion.sim.strikes import COMES_BACK, FAULTS, Life, Part, Strike, What

STRIKES = 60
SHORT_STRIKES = 14
PAUSES_S = (0.01, 0.1, 0.5, 2.0, 9.0)
LONG_PAUSES_S = (20.0, 60.0, 240.0)
AWAY_S = (0.0, 0.2, 1.0, 3.0, 4.5, 5.9, 7.0, 12.0)
ALONE_SHARE = 0.08
"""So many lives hold nothing but short absences of agents: these alone may touch no machine (I6)."""


BY_HAND_SHARE = 0.2
"""In so many lives somebody starts machines by hand."""


def draw(seed: int, *, nodes: int | None = None, strikes: int | None = None, short: bool = False,
         alone: bool = False) -> Life:
    """Draw a life. ``short``: minutes of chaos instead of half an hour. ``alone``: absences of agents, and no more."""
    chance = Random(seed)  # the one source of all that happens  # noqa: S311 - weather, not secrets
    count = chance.choice((2, 3, 3, 3, 4))
    cluster = tuple("abcdefghijklmnopqrstuvwxyz"[:nodes or count])
    resources = ("web", "db", "mail")[:chance.choice((1, 2, 3, 3, 3))]
    drawer = _Drawer(chance, cluster, resources, short=short)
    profile = chance.choice((Profile.DEFAULT, Profile.DEFAULT, Profile.DEFAULT, Profile.FAST))
    alone = chance.random() < ALONE_SHARE or alone
    parts = tuple(_part(chance, name, cluster, steady=alone) for name in resources)
    wanted = strikes if strikes is not None else SHORT_STRIKES if short else STRIKES
    drawn = drawer.absences(wanted, 0.7 * TIMINGS[profile].halt_s) if alone else drawer.chaos(wanted)
    weather = list(drawn)
    by_hand = () if alone else _by_hand(seed, cluster, resources, weather[-1].at_s if weather else 0.0)
    devices = tuple(node for node in cluster if chance.random() < 0.5 and not alone)  # noqa: PLR2004 - half of them
    bare = tuple(node for node in cluster if chance.random() < 0.15 and not alone)  # noqa: PLR2004 - some
    apart = resources[:2] if len(resources) > 1 and chance.random() < 0.2 else ()  # noqa: PLR2004 - a fifth
    return Life(seed=seed, nodes=cluster, parts=parts, devices=devices, bare=bare, apart=apart, profile=profile,
                strikes=tuple(sorted((*weather, *by_hand), key=lambda strike: strike.at_s)))


def _part(chance: Random, name: str, nodes: tuple[str, ...], *, steady: bool) -> Part:
    live, monitored, kind = chance.random(), chance.random(), chance.choice(("qemu", "qemu", "script"))
    back, back_live = chance.choice(list(FailbackMode)), chance.random()
    return Part(name=name, preferred=tuple(chance.sample(nodes, len(nodes))), live=live < 0.7,  # noqa: PLR2004
                monitored=monitored < 0.5, action=chance.choice(list(FailureAction)),  # noqa: PLR2004
                failback=FailbackMode.DISABLE if steady else back, failback_live=back_live < 0.5,  # noqa: PLR2004
                kind=MachineKind(kind))


def _by_hand(seed: int, nodes: tuple[str, ...], resources: tuple[str, ...], until_s: float) -> tuple[Strike, ...]:
    """Let somebody start machines by hand, in some lives; drawn apart, so that all else stays what the seed says."""
    chance = Random(f"{seed} by hand")  # noqa: S311 - weather, not secrets
    often = chance.choice((1, 3)) if chance.random() < BY_HAND_SHARE else 0
    return tuple(Strike(at_s=round(chance.uniform(0.0, until_s), 3), what=What.HAND, node=chance.choice(nodes),
                        resource=chance.choice(resources)) for _ in range(often))


class _Drawer:
    """Draws strikes, and remembers roughly what is wrong, so that it is also made well again."""

    def __init__(self, chance: Random, nodes: tuple[str, ...], resources: tuple[str, ...], *, short: bool) -> None:
        self.chance = chance
        self.nodes = nodes
        self.resources = resources
        self.short = short
        self.down: set[str] = set()
        self.cut: set[str] = set()
        self.at_s = 0.0

    def chaos(self, count: int) -> Iterator[Strike]:
        """Draw that many times from a mix of weather that is drawn first."""
        kinds = ((self._power, 3), (self._agents, 5), (self._lines, 5), (self._air, 3), (self._scripts, 4),
                 (self._watchdogs, 2), (self._devices, 2), (self._hosts, 1), (self._orders, 7), (self._remake, 1))
        mix = [kind for kind in kinds if self.chance.random() < 0.6]  # noqa: PLR2004 - more often on than off
        mix = mix or [kinds[1], kinds[8]]
        for _ in range(count):
            kind = self.chance.choices([kind for kind, _ in mix], weights=[weight for _, weight in mix])[0]
            yield from kind(self.chance.choice(self.nodes), self.chance.choice(self.resources))
            self.at_s += self.chance.choice(PAUSES_S)
            if not self.short and self.chance.random() < 0.25:  # noqa: PLR2004 - a long pause now and then
                self.at_s += self.chance.choice(LONG_PAUSES_S)

    def absences(self, count: int, longest_s: float) -> Iterator[Strike]:
        """Draw short absences of agents, several at once, and nothing else."""
        for node in self.nodes:
            at_s = 0.0
            for _ in range(max(1, count // 4)):
                gone = self.chance.choice(tuple(COMES_BACK))
                away_s = self.chance.choice((0.0, 0.1, 1.0, longest_s))
                yield Strike(at_s=at_s, what=gone, node=node)
                yield Strike(at_s=at_s + away_s, what=COMES_BACK[gone], node=node)
                at_s += away_s + self.chance.choice((0.3, 1.0, 3.0))

    def _strike(self, what: What, node: str = "", resource: str = "", *, later_s: float = 0.0, amount: float = 0.0,
                detail: str = "") -> Strike:
        return Strike(at_s=round(self.at_s + later_s, 6), what=what, node=node, resource=resource, amount=amount,
                      detail=detail)

    def _power(self, node: str, _resource: str) -> Iterator[Strike]:
        if node in self.down:
            self.down.discard(node)
            yield self._strike(What.POWER_ON, node)
        elif self.chance.random() < 0.4:  # noqa: PLR2004 - rather often
            self.down.add(node)
            yield self._strike(What.POWER_OFF, node)

    def _agents(self, node: str, resource: str) -> Iterator[Strike]:
        """Kill, end or stop an agent, often in the middle of an order; it comes back at any later time."""
        if self.chance.random() < 0.5:  # noqa: PLR2004 - half
            yield from self._orders(node, resource)
            self.at_s += self.chance.choice((0.0, 0.002, 0.004, 0.01, 0.03, 0.06, 0.1))
        gone = self.chance.choice((What.PAUSE, What.PAUSE, What.KILL, What.END))
        away_s = self.chance.choice(AWAY_S)
        yield self._strike(gone, node)
        yield self._strike(COMES_BACK[gone], node, later_s=away_s)
        if self.chance.random() < 0.7:  # noqa: PLR2004 - often nothing else happens meanwhile
            self.at_s += away_s

    def _lines(self, node: str, _resource: str) -> Iterator[Strike]:
        match self.chance.randrange(7):
            case 0 | 1:
                self.cut.add(node)
                yield self._strike(What.CUT, node)
            case 2 | 3 if node in self.cut:
                self.cut.discard(node)
                yield self._strike(What.JOIN, node)
            case 4:
                share = self.chance.choice((0.0, 0.2, 0.6))
                yield self._strike(What.SLOW, node, amount=self.chance.choice((0.002, 0.1, 0.5, 2.0, 5.0)),
                                   detail=str(share))
            case 5:
                yield self._strike(What.COMPACT)
            case _:
                away_s = self.chance.choice((1.0, 3.0, 5.0, 20.0))
                yield self._strike(What.OUTAGE)
                yield self._strike(What.BACK, later_s=away_s)

    def _air(self, node: str, _resource: str) -> Iterator[Strike]:
        """Cut signs of life: one way, both ways, or a whole node; with or without its line to the store."""
        other = self.chance.choice((*self.nodes, "", ""))
        yield self._strike(What.DEAF, node, detail="" if other == node else other)
        if self.chance.random() < 0.3:  # noqa: PLR2004 - a whole partition
            self.cut.add(node)
            yield self._strike(What.CUT, node)
        yield self._strike(What.HEAR, node, later_s=self.chance.choice((1.0, 3.0, 8.0, 30.0)))

    def _scripts(self, node: str, resource: str) -> Iterator[Strike]:
        match self.chance.randrange(6):
            case 0 | 1 | 2:
                kinds = [kind for kind in ScriptKind if kind is not ScriptKind.MONITOR]
                fault = self.chance.choice(tuple(FAULTS))
                yield self._strike(What.SCRIPT, "", resource, detail=f"{self.chance.choice(kinds)} {fault}")
            case 3:
                yield self._strike(What.SCRIPTS_WELL)
            case 4:
                fault = self.chance.choice(("fails after its work", "hangs"))
                yield self._strike(What.SCRIPT, "", resource, detail=f"{ScriptKind.MONITOR} {fault}")
            case _:
                yield self._strike(self.chance.choice((What.BLIND, What.SEEING)), node)

    def _watchdogs(self, node: str, _resource: str) -> Iterator[Strike]:
        what = self.chance.choice((What.WATCHDOG_BREAKS, What.WATCHDOG_WELL, What.WATCHDOG_LATE))
        yield self._strike(what, node, amount=self.chance.choice((0.1, 0.25)) if what is What.WATCHDOG_LATE else 0.0)

    def _devices(self, node: str, _resource: str) -> Iterator[Strike]:
        what = self.chance.choice((What.DEVICE_DEAD, What.DEVICE_LAME, What.DEVICE_LAME, What.DEVICE_WELL,
                                   What.DEVICE_SLOW))
        slow = what is What.DEVICE_SLOW
        yield self._strike(what, "" if slow else node, amount=self.chance.choice((0.2, 1.0, 7.0)) if slow else 0.0)

    def _hosts(self, node: str, _resource: str) -> Iterator[Strike]:
        what = self.chance.choice((What.DISK_FULL, What.DISK_WELL, What.CLOCK))
        if what is What.CLOCK:
            yield self._strike(what, amount=self.chance.choice((-3600.0, -5.0, 5.0, 3600.0)))
        else:
            yield self._strike(what, node)

    def _orders(self, node: str, resource: str) -> Iterator[Strike]:
        match self.chance.randrange(8):
            case 0:
                yield self._strike(What.LEAVE, node)
                if self.chance.random() < 0.5:  # noqa: PLR2004 - half change their minds
                    later_s = self.chance.choice((0.0, 0.002, 0.01, 0.1))
                    yield self._strike(What.ENTER, node, later_s=later_s)
            case 1:
                yield self._strike(What.ENTER, node)
            case 2:
                yield self._strike(What.END_PROCESS, "", resource)
            case 3 if node in self.down:
                yield self._strike(What.CONFIRM_DOWN, node)
            case _:
                what = self.chance.choice((What.ONLINE, What.OFFLINE, What.MIGRATE, What.MIGRATE, What.ALERT_YES,
                                           What.ALERT_NO))
                target = self.chance.choice((*self.nodes, "")) if what in {What.ONLINE, What.MIGRATE} else ""
                yield self._strike(what, "", resource, detail=target)

    def _remake(self, _node: str, resource: str) -> Iterator[Strike]:
        yield self._strike(What.REMAKE, "", resource, amount=self.chance.choice((0.0, 0.5)))
