"""Waves: which decisions of one round can be written at the same time.

The store answers many as fast as one, so five hundred machines must not wait for each other. Written at the same time
are decisions about resources that have nothing to do with each other: none of them writes what another one writes or
rests on, and their resources are not tied by a group. All else keeps its place: the waves follow one another, and a
decision about anything but resources (who is a member, what is proven) is a wave of its own, because history is read
in the order in which it was written.
"""

from collections.abc import Iterable, Iterator

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Key, Kind
from stanchion.model.ids import ResourceName
from stanchion.model.transaction import touched

AT_ONCE = 16
"""So many decisions are on their way to the store at most."""


def waves(view: ClusterView, decisions: Iterable[Decision], most: int = AT_ONCE) -> Iterator[tuple[Decision, ...]]:
    """Cut a round into waves, in its order. A wave is complete in the store before the next one begins."""
    wave: list[Decision] = []
    written: set[Key] = set()
    rests: set[Key] = set()
    for decision in decisions:
        mine = touched(decision.transaction) | _tied(view, decision)
        on = {guard.key for guard in decision.transaction.guards}
        alone = not any(key.kind is Kind.STATE for key in mine)
        if wave and (alone or len(wave) == most or mine & (written | rests) or on & written):
            yield tuple(wave)
            wave, written, rests = [], set(), set()
        wave.append(decision)
        written |= mine
        rests |= on
        if alone:
            yield tuple(wave)
            wave, written, rests = [], set(), set()
    if wave:
        yield tuple(wave)


def _tied(view: ClusterView, decision: Decision) -> set[Key]:
    """Name the records of the resources that share a group with one of the decision's."""
    groups = view.settings.value.groups if view.settings else ()
    names = {key.name for key in touched(decision.transaction) if key.kind is Kind.STATE}
    tied: set[ResourceName] = set().union(*(group.members for group in groups if names & set(group.members)))
    return {Key(Kind.STATE, name) for name in tied}
