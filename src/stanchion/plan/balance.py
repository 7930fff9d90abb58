"""Balance: which moves would leave fewer nodes hot, and what each of them brings. Proposals, never actions.

A node's *level* is the greater of its shares of memory and of processors (``capacity.level``). The *gain* of a move is
by how much the machine's node is emptier after it than before: the level of the node that it leaves, before, less the
level of the node that it comes to, with it. Three kinds of move are worth making:

- *Evening*: a machine whose operator wishes for no node goes where it gains ``LEAST_GAIN``.
- *Relieving*: a machine leaves a node that its operator prefers, if that is fuller than ``COMFORT`` and it gains
  ``LEAVING_GAIN``.
- *Returning*: a machine goes to a node that its operator prefers. That is a gain by itself, as long as that node does
  not become fuller than ``COMFORT`` by it, or than the one that it leaves.

So every move makes the cluster better in one fixed order: first by the levels above ``COMFORT``, then by the wishes,
then by all levels, the highest first. No move can undo what an earlier one was made for, and the search ends where
nothing is left to gain: asked again after all of its moves, it proposes nothing.

Each move is judged by ``placement`` on a copy of the view in which those before it are made. The search is greedy, the
same for the same view, and bounded (``MOST_MOVES``, ``MOST_TRIES``).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from stanchion.model.balance import Migration
from stanchion.model.cluster import Change, ClusterView, Key, Kind
from stanchion.model.ids import Moment, NodeName
from stanchion.model.reasons import Reason, Why, reason
from stanchion.plan import placement
from stanchion.plan.change import UNWRITTEN
from stanchion.plan.scales import DIGITS, Host, Load, copied, weighed

COMFORT = 0.8
"""A node that is less full than this is left alone for the sake of the operators' wishes."""

LEAST_GAIN = 0.05
"""A machine moves only where its node is then so much emptier: five points of a hundred."""

LEAVING_GAIN = 0.2
"""So much a machine must gain to leave a node that its operator prefers."""

LEAST_FALL = 0.0025
"""The node that a machine leaves must get so much emptier by it; less is not worth a move."""

MOST_MOVES = 500
MOST_TRIES = 50_000
"""So often placement is asked at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How uneven the cluster is: the levels of its fullest and of its emptiest node. 1.0: all room is taken."""

    highest: float = 0.0
    lowest: float = 0.0

    @property
    def spread(self) -> float:
        """The difference between the two."""
        return round(self.highest - self.lowest, DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One move, with all that has to come along, the leader first. ``why`` is the sentence about its gain.

    ``left`` and ``reached`` are the levels of the two nodes, before and after; ``before`` and ``after`` measure the
    whole cluster.
    """

    migrations: tuple[Migration, ...]
    gain: float
    why: Reason
    left: tuple[float, float]
    reached: tuple[float, float]
    before: Measure
    after: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """How uneven the cluster is, what is proposed, in order, and how it would be then.

    ``levels`` and ``after`` are those of the nodes on the scales. ``held_back`` says why the node that stays the
    fullest is not relieved any further. ``more``: there may be more to gain, but the search was ended.
    """

    now: Measure
    then: Measure
    levels: Mapping[NodeName, float]
    after: Mapping[NodeName, float]
    proposals: tuple[Proposal, ...] = ()
    held_back: tuple[Reason, ...] = ()
    more: bool = False


def proposals(view: ClusterView, now: Moment, *, cold: bool = False, most: int = MOST_MOVES) -> Balance:
    """Search for moves that are worth making. ``cold``: machines that cannot move live are moved too."""
    hosts = weighed(view, now, cold=cold)
    search = _Search(view=view, hosts=copied(hosts), most=most)
    search.run()
    return told(view, hosts, search.moves, more=search.ended)


@dataclass(frozen=True, slots=True)
class Move:
    """A load and where it goes; ``source`` is where it is then."""

    load: Load
    source: NodeName
    target: NodeName


def told(view: ClusterView, hosts: dict[NodeName, Host], moves: list[Move], *, more: bool) -> Balance:
    """Make these moves once more, without the detours, and tell what each brings."""
    levels = {name: host.level for name, host in hosts.items()}
    play = Play(view=view, hosts=copied(hosts))
    found = tuple(_proposal(play, move) for move in straightened(view, moves))
    return Balance(now=_measure(levels.values()), then=play.measure(), levels=levels, proposals=found, more=more,
                   after={name: host.level for name, host in play.hosts.items()}, held_back=_held_back(play))


def straightened(view: ClusterView, moves: list[Move]) -> list[Move]:
    """Let what moves twice go where it ends up at once, or stay where it was; where it can only go so, leave it."""
    for names, hops in Counter(move.load.names for move in moves).items():
        if hops > 1:
            first, *_, last = (move for move in moves if move.load.names == names)
            straight = [replace(last, source=first.source) if move is last else move for move in moves
                        if move.load.names != names or (move is last and first.source != last.target)]
            moves = straight if _feasible(view, straight) else moves
    return moves


def _feasible(view: ClusterView, moves: list[Move]) -> bool:
    for move in moves:
        after = moved(view, move.load, move.target)
        if after is None:
            return False
        view = after
    return True


def moved(view: ClusterView, load: Load, target: NodeName) -> ClusterView | None:
    """Give the view after a load went to a node; None: it may not."""
    for name in load.names:
        if placement.rejection(view, view.specs[name].value, target) is not None:
            return None
        after = replace(view.states[name].value, node=target, session=view.session_of(target))
        view = view.apply([Change(Key(Kind.STATE, name), after, UNWRITTEN)], view.revision)
    return view


@dataclass(slots=True, kw_only=True)
class Play:
    """A copy of the cluster in which moves are tried."""

    view: ClusterView
    hosts: dict[NodeName, Host]

    def make(self, load: Load, source: Host, target: Host, after: ClusterView) -> None:
        """Make a move that leads to that view."""
        self.view = after
        source.taken, target.taken = source.taken.minus(load.size), target.taken.plus(load.size)
        target.loads[load.names[0]] = source.loads.pop(load.names[0])

    def measure(self) -> Measure:
        """Measure how uneven the copy is now."""
        return _measure(host.level for host in self.hosts.values())


@dataclass(slots=True, kw_only=True)
class _Search(Play):
    """The greedy search: relieve what is hot, return what may return, even out the rest, until nothing is left."""

    most: int
    moves: list[Move] = field(default_factory=list)
    tries: int = 0

    @property
    def ended(self) -> bool:
        """Whether it was ended before it was through."""
        return len(self.moves) >= self.most or self.tries >= MOST_TRIES

    def run(self) -> None:
        """Search until a whole round finds nothing."""
        before = -1
        while before != len(self.moves) and not self.ended:
            before = len(self.moves)
            self._even(above=COMFORT)
            self._return()
            self._even(above=0.0)

    def _even(self, *, above: float) -> None:
        """Take from the fullest node what brings most, as long as a node fuller than ``above`` gives something."""
        stuck: set[NodeName] = set()
        while not self.ended:
            coolest = sorted(self.hosts.values(), key=lambda host: (host.level, host.name))
            source = next((host for host in reversed(coolest) if host.name not in stuck and host.level > above), None)
            if source is None:
                return
            if self._best(source, coolest):
                stuck.discard(source.name)
            else:
                stuck.add(source.name)

    def _best(self, source: Host, coolest: list[Host]) -> bool:
        """Make the move off a node that brings most: live before cold, then by the fuller one of both nodes."""
        level = source.level
        falls = {name: round(level - source.level_without(load.size), DIGITS) for name, load in source.loads.items()}
        best: tuple[float, Load, Host, ClusterView] | None = None
        for load in sorted(source.loads.values(), key=lambda load: (
                not load.live, -falls[load.names[0]], load.size.memory_mib, load.names)):
            fall = falls[load.names[0]]
            if best is not None and (best[1].live is not load.live or fall <= best[0]):
                break
            if fall < LEAST_FALL:
                continue
            for target, gain in self._worth(load, source, level, coolest):
                drop = min(fall, gain)
                if best is not None and drop <= best[0]:
                    continue
                after = self._tried(load, target)
                if after is not None:
                    best = drop, load, target, after
                    if drop == fall:
                        break
        if best is not None:
            self._make(best[1], source, best[2], best[3])
        return best is not None

    def _worth(self, load: Load, source: Host, level: float, coolest: list[Host]) -> Iterator[tuple[Host, float]]:
        """Give the nodes that are worth the move, the coolest first, with what it gains."""
        here = load.rank(source.name)
        for target in coolest:
            if level - target.level < LEAST_GAIN or self.ended:
                return
            if target is source or (load.ranks is not None and target.name not in load.ranks):
                continue
            gain = round(level - target.level_with(load.size), DIGITS)
            leaves = load.rank(target.name) > here
            if gain >= (LEAVING_GAIN if leaves else LEAST_GAIN) and (not leaves or level > COMFORT):
                yield target, gain

    def _return(self) -> None:
        """Let whatever may return to a node that its operator prefers do so."""
        for source in list(self.hosts.values()):
            for load in list(source.loads.values()):
                here = load.rank(source.name)
                for node in sorted(load.ranks, key=load.rank) if load.ranks and here else ():
                    if self.ended or load.rank(node) >= here:
                        break
                    target = self.hosts.get(node)
                    if target is not None and _welcome(load, source, target) and self._take(load, source, target):
                        break

    def _take(self, load: Load, source: Host, target: Host) -> bool:
        after = self._tried(load, target)
        if after is not None:
            self._make(load, source, target, after)
        return after is not None

    def _tried(self, load: Load, target: Host) -> ClusterView | None:
        self.tries += 1
        return moved(self.view, load, target.name)

    def _make(self, load: Load, source: Host, target: Host, after: ClusterView) -> None:
        self.make(load, source, target, after)
        self.moves.append(Move(load, source.name, target.name))


def _welcome(load: Load, source: Host, target: Host) -> bool:
    """Tell whether a preferred node can take a load back without becoming hot, or hotter than where it is."""
    after = target.level_with(load.size)
    return after <= COMFORT or round(source.level - after, DIGITS) >= LEAST_GAIN


def _measure(levels: Iterable[float]) -> Measure:
    found = tuple(levels)
    return Measure(highest=max(found, default=0.0), lowest=min(found, default=0.0))


def _proposal(play: Play, move: Move) -> Proposal:
    """Make a move on the copy, and tell of it."""
    load, source, target = move.load, play.hosts[move.source], play.hosts[move.target]
    before, left, reached = play.measure(), source.level, target.level
    play.make(load, source, target, moved(play.view, load, target.name) or play.view)
    kind = (Why.BALANCE_RETURNS if load.rank(target.name) < load.rank(source.name) else
            Why.BALANCE_RELIEVES if load.rank(target.name) > load.rank(source.name) else Why.BALANCE_EVENS)
    return Proposal(
        migrations=tuple(Migration(resource=name, source=source.name, target=target.name,
                                   live=play.view.specs[name].value.live) for name in load.names),
        gain=round(left - target.level, DIGITS), left=(left, source.level), reached=(reached, target.level),
        why=reason(kind, source.name, percent(left), target.name, percent(target.level)),
        before=before, after=play.measure())


def percent(level: float) -> str:
    """Give a level in points of a hundred."""
    return f"{100 * level:.0f}"


def _held_back(play: Play) -> tuple[Reason, ...]:
    """Say why the fullest node is not relieved any further, unless the others are as full."""
    fullest = max(play.hosts.values(), key=lambda host: (host.level, host.name), default=None)
    if fullest is None or play.measure().spread < LEAST_GAIN:
        return ()
    told = [reason(why, fullest.name, count) for why, count in sorted(fullest.stays.items())]
    if fullest.loads:
        told.append(reason(Why.STAYS_BEST, fullest.name, sum(len(load.names) for load in fullest.loads.values()),
                           percent(LEAST_GAIN)))
    return tuple(told)
