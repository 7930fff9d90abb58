"""Drawing a life from a seed: the cluster, the mix of weather, and the strikes.

The same seed gives the same life, on every machine and in every process. A drawer (``_power``, ``_agents`` ...) gives
a few strikes that belong together: an agent that goes also comes back, at any later time, while other things happen.
What must not be drawn is a world in which the promise is impossible: an operator who confirms a node down that runs
(``life`` refuses that), or a watchdog that breaks while its host is cut off (so does ``life``).
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count as numbers
from random import Random

from stanchion.model.resource import FailbackMode, FailureAction, MachineKind, ScriptKind
from stanchion.model.timing import CLOCK_RATE_ERROR, TIMINGS, Profile
from stanchion.sim.blackout import blackouts
from stanchion.sim.strikes import COMES_BACK, FAULTS, Cue, Life, Part, Role, Strike, What
from stanchion.sim.verbs import verbs

SHORT_STRIKES = 14
LONG_S = 1800.0
"""How long the chaos of a long life lasts at least, in seconds."""

PAUSES_S = (0.01, 0.1, 0.5, 2.0, 9.0)
LONG_PAUSES_S = (10.0, 30.0, 60.0)
AWAY_S = (0.0, 0.2, 1.0, 3.0, 4.5, 5.9, 7.0, 12.0)
"""Absences that matter with the default profile; the others' are as much longer or shorter as their lease."""

MOMENTS_S = (0.0, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.02, 0.06, 0.2)
"""How soon after its cue an ambush falls: a word takes a millisecond each way, a script a twentieth of a second."""

PROFILES = (*(Profile.DEFAULT,) * 5, *(Profile.TOLERANT,) * 4, Profile.FAST)
ALONE_SHARE = 0.08
"""So many lives hold nothing but short absences of agents: these alone may touch no machine (I6)."""


BY_HAND_SHARE = 0.2
"""In so many lives somebody starts machines by hand."""

MEMORY_SHARE = 0.4
"""In so many lives it is known how much memory machines take and hosts have."""


def draw(seed: int, *, nodes: int | None = None, strikes: int | None = None, short: bool = False,
         alone: bool = False) -> Life:
    """Draw a life. ``short``: minutes of chaos instead of half an hour. ``alone``: absences of agents, and no more."""
    chance = Random(seed)  # the one source of all that happens  # noqa: S311 - weather, not secrets
    count = chance.choice((2, 2, 3, 3, 3, 4))
    cluster = tuple("abcdefghijklmnopqrstuvwxyz"[:nodes or count])
    resources = ("web", "db", "mail")[:chance.choice((1, 2, 2, 3))]
    profile = chance.choice(PROFILES)
    alone = chance.random() < ALONE_SHARE or alone
    parts = tuple(_part(chance, name, cluster, steady=alone) for name in resources)
    devices = tuple(node for node in cluster if chance.random() < 0.5 and not alone)  # noqa: PLR2004 - half of them
    bare = tuple(node for node in cluster if chance.random() < 0.2 and not alone)  # noqa: PLR2004 - some
    apart = resources[:2] if len(resources) > 1 and chance.random() < 0.25 else ()  # noqa: PLR2004 - a fourth
    drawer = _Drawer(chance, cluster, resources, profile, short=short)
    wanted = strikes if strikes is not None else SHORT_STRIKES if short else None
    weather = list(drawer.absences(wanted, 0.7 * TIMINGS[profile].halt_s) if alone else drawer.chaos(wanted))
    by_hand = () if alone else _by_hand(seed, cluster, resources, weather[-1].at_s if weather else 0.0)
    dark = () if alone else blackouts(seed, cluster, weather[-1].at_s if weather else 0.0, TIMINGS[profile].lease_s)
    ordered = () if alone else verbs(seed, cluster, weather[-1].at_s if weather else 0.0)
    rooms, parts = ((), parts) if alone else _memory(seed, cluster, parts)
    return Life(seed=seed, nodes=cluster, parts=parts, devices=devices, bare=bare, apart=apart, profile=profile,
                rates=_rates(chance, cluster), rooms=rooms,
                strikes=tuple(sorted((*weather, *by_hand, *dark, *ordered), key=lambda strike: strike.at_s)))


def _rates(chance: Random, nodes: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Let clocks be wrong in every other life, by no more than the timers allow for against the store's."""
    if chance.random() < 0.5:  # noqa: PLR2004 - every other
        return ()
    wrong = (-CLOCK_RATE_ERROR, -CLOCK_RATE_ERROR, 0.0, 0.5 * CLOCK_RATE_ERROR, CLOCK_RATE_ERROR)
    return tuple((node, 1.0 + chance.choice(wrong)) for node in nodes)


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


def _memory(seed: int, nodes: tuple[str, ...],
            parts: tuple[Part, ...]) -> tuple[tuple[tuple[str, int], ...], tuple[Part, ...]]:
    """Let memory be known and sometimes short, in some lives; drawn apart from all that the seed says else."""
    chance = Random(f"{seed} memory")  # noqa: S311 - weather, not secrets
    if chance.random() >= MEMORY_SHARE:
        return (), parts
    rooms = tuple((node, chance.choice((1024, 2048, 2048, 3072))) for node in nodes)
    known = rooms if chance.random() < 0.7 else rooms[1:]  # noqa: PLR2004 - of one nobody knows, now and then
    return known, tuple(replace(part, memory_mib=chance.choice((0, 512, 1024, 1024, 1536, 2048)),
                                measured=chance.random() < 0.4) for part in parts)  # noqa: PLR2004 - rather often


class _Drawer:
    """Draws strikes, and remembers roughly what is wrong, so that it is also made well again."""

    def __init__(self, chance: Random, nodes: tuple[str, ...], resources: tuple[str, ...], profile: Profile, *,
                 short: bool) -> None:
        self.chance = chance
        self.nodes = nodes
        self.resources = resources
        self.short = short
        self.lease_s = TIMINGS[profile].lease_s
        self.slowness = self.lease_s / TIMINGS[Profile.DEFAULT].lease_s
        self.down: set[str] = set()
        self.cut: set[str] = set()
        self.at_s = 0.0

    def chaos(self, count: int | None) -> Iterator[Strike]:
        """Draw from a mix of weather that is drawn first: that many times, or until it has lasted long enough."""
        kinds = ((self._power, 3), (self._agents, 5), (self._lines, 5), (self._air, 3), (self._scripts, 4),
                 (self._watchdogs, 2), (self._devices, 2), (self._hosts, 2), (self._orders, 7), (self._remake, 1),
                 (self._moves, 5), (self._ambushes, 5), (self._masters, 4))
        mix = [kind for kind in kinds if self.chance.random() < 0.5]  # noqa: PLR2004 - half of them
        mix = mix or [kinds[1], kinds[8]]
        drawers, weights = [kind for kind, _ in mix], [weight for _, weight in mix]
        for number in numbers():
            if count is None and self.at_s >= LONG_S:
                yield Strike(at_s=LONG_S, what=What.SCRIPTS_WELL)
                return
            if number == count:
                return
            kind = self.chance.choices(drawers, weights)[0]
            yield from kind(self.chance.choice(self.nodes), self.chance.choice(self.resources))
            self.at_s += self.chance.choice(PAUSES_S) * max(1.0, self.slowness)
            if not self.short and self.chance.random() < 0.35:  # noqa: PLR2004 - a long pause now and then
                self.at_s += self.chance.choice(LONG_PAUSES_S)

    def absences(self, count: int | None, longest_s: float) -> Iterator[Strike]:
        """Draw short absences of agents, several at once, and nothing else."""
        for node in self.nodes:
            at_s = 0.0
            for number in numbers():
                if at_s > LONG_S if count is None else number >= max(1, count // 4):
                    break
                gone = self.chance.choice(tuple(COMES_BACK))
                away_s = self.chance.choice((0.0, 0.1, 1.0, longest_s))
                yield Strike(at_s=at_s, what=gone, node=node)
                yield Strike(at_s=at_s + away_s, what=COMES_BACK[gone], node=node)
                at_s += away_s + self.chance.choice((0.3, 1.0, 3.0) if count is not None else (0.3, 1.0, 3.0, 60.0))

    def _away_s(self) -> float:
        """Draw how long something is away: nothing to it, or about as long as matters."""
        return round(self.chance.choice(AWAY_S) * self.slowness, 6)

    def _strike(self, what: What, node: str = "", resource: str = "", *, later_s: float = 0.0, amount: float = 0.0,
                detail: str = "") -> Strike:
        return Strike(at_s=round(self.at_s + later_s, 6), what=what, node=node, resource=resource, amount=amount,
                      detail=detail)

    def _trap(self, cue: Cue, what: What, node: str, resource: str = "") -> Strike:
        """Let something that comes back lie in wait."""
        lasts_s = self.chance.choice((self._away_s(), round(self.lease_s * 1.2, 6)))
        return Strike(at_s=round(self.at_s, 6), what=what, node=node, resource=resource, cue=cue, lasts_s=lasts_s,
                      amount=self.chance.choice((0.5, 2.0)) * self.slowness if what is What.SLOW else 0.0,
                      after_s=self.chance.choice(MOMENTS_S))

    def _moves(self, _node: str, resource: str) -> Iterator[Strike]:
        """Order a move, and let one of those who take part be hit in the middle of it; a script may take its time."""
        target = self.chance.choice(self.nodes)
        if self.chance.random() < 0.4:  # noqa: PLR2004 - often
            kind = self.chance.choice((ScriptKind.PREPARE, ScriptKind.UNLOAD, ScriptKind.UNLOAD, ScriptKind.LOAD))
            yield self._strike(What.SCRIPT, "", resource, detail=f"{kind} {self.chance.choice(tuple(FAULTS))}")
        cue = self.chance.choice((Cue.PREPARE, Cue.PREPARE, Cue.OUT, Cue.OUT, Cue.IN, Cue.IN, Cue.ABORT, Cue.LOADING,
                                  Cue.CLAIMED, Cue.UNLOADING))
        ends = (Role.SOURCE, Role.TARGET) if cue in {Cue.PREPARE, Cue.OUT, Cue.IN, Cue.ABORT} else (Role.HOLDER,) * 2
        for node in self.chance.choice(((ends[0],), (ends[1],), (Role.MASTER,), ends)):
            what = self.chance.choice((What.POWER_OFF, What.POWER_OFF, What.PAUSE, What.KILL, What.CUT))
            yield self._trap(cue, what, node, resource)
        yield self._strike(What.MIGRATE, "", resource, detail=target)
        if self.chance.random() < 0.3:  # noqa: PLR2004 - now and then
            yield self._strike(What.SCRIPTS_WELL, later_s=self._away_s())

    def _ambushes(self, node: str, resource: str) -> Iterator[Strike]:
        """Let anything lie in wait for anything."""
        cue = self.chance.choice(tuple(Cue))
        what = self.chance.choice((What.POWER_OFF, What.PAUSE, What.PAUSE, What.KILL, What.END, What.CUT, What.SLOW,
                                   What.DEAF, What.OUTAGE, What.COMPACT, What.DISK_FULL))
        whom = self.chance.choice((Role.MASTER, Role.HOLDER, Role.IT, node))
        yield self._trap(cue, what, whom)
        if self.chance.random() < 0.5:  # noqa: PLR2004 - half
            yield from self._orders(node, resource)

    def _masters(self, node: str, resource: str) -> Iterator[Strike]:
        """Hold the master up between its decision and its write, for longer than it remains the master."""
        cue = self.chance.choice((Cue.ORDERED, Cue.ORDERED, Cue.JOINED, Cue.LOST, Cue.RUNNING))
        what = self.chance.choice((What.PAUSE, What.PAUSE, What.SLOW))
        yield Strike(at_s=round(self.at_s, 6), what=what, node=Role.MASTER, cue=cue, resource="",
                     after_s=self.chance.choice((0.001, 0.0012, 0.0015, 0.0018, 0.002, 0.003)),
                     amount=2.2 * self.lease_s if what is What.SLOW else 0.0,
                     lasts_s=round(self.lease_s * self.chance.choice((0.6, 1.1, 1.5)), 6))
        yield from self._orders(node, resource)
        self.at_s += self.chance.choice((0.0, 0.5, 1.0)) * self.lease_s
        yield from self._orders(node, self.chance.choice(self.resources))

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
        away_s = self._away_s()
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
                yield self._strike(What.SLOW, self.chance.choice((node, node, "")),
                                   amount=self.chance.choice((0.002, 0.1, 0.5, 2.0, 5.0)) * self.slowness,
                                   detail=str(share))
            case 5:
                yield self._strike(What.COMPACT)
            case _:
                away_s = self.chance.choice((0.3, 1.0, 3.0, 5.0, 20.0)) * self.slowness
                yield self._strike(What.OUTAGE)
                yield self._strike(What.BACK, later_s=away_s)

    def _air(self, node: str, _resource: str) -> Iterator[Strike]:
        """Cut signs of life: one way, both ways, or a whole node; with or without its line to the store."""
        other = self.chance.choice((*self.nodes, "", ""))
        yield self._strike(What.DEAF, node, detail="" if other == node else other)
        if self.chance.random() < 0.3:  # noqa: PLR2004 - a whole partition
            self.cut.add(node)
            yield self._strike(What.CUT, node)
        yield self._strike(What.HEAR, node, later_s=self.chance.choice((1.0, 3.0, 8.0, 30.0)) * self.slowness)
        if self.chance.random() < 0.3:  # noqa: PLR2004 - now and then
            yield self._strike(What.HAZE, amount=self.chance.choice((0.0, 0.05, 1.0)),
                               detail=self.chance.choice(("0.1", "0.5")))

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
        what = self.chance.choice((What.DEVICE_DEAD, What.DEVICE_LAME, What.DEVICE_LAME, What.DEVICE_CRIES,
                                   What.DEVICE_WELL, What.DEVICE_SLOW))
        slow = what is What.DEVICE_SLOW
        yield self._strike(what, "" if slow else node, amount=self.chance.choice((0.2, 1.0, 7.0)) if slow else 0.0)

    def _hosts(self, node: str, _resource: str) -> Iterator[Strike]:
        what = self.chance.choice((What.DISK_FULL, What.DISK_WELL, What.CLOCK))
        if what is What.CLOCK:
            whose = self.chance.choice(("", node))
            yield self._strike(what, whose, amount=self.chance.choice((-3600.0, -5.0, 0.0, 5.0, 3600.0)))
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
