"""Counting what is heard and what is not: the heartbeat statistics of one agent.

A gap between two signs of life of one session that is longer than the beat means that some were missed. A node that
begins a new session begins anew: what lay between the two was no silence. Counting changes nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stanchion.model.cluster import Session
from stanchion.model.ids import NodeName, SessionId
from stanchion.model.statistics import Calls, Statistics, Voice
from stanchion.ports import Clock


@dataclass(slots=True)
class _Ear:
    """What was heard of one node so far."""

    session: SessionId
    last_s: float
    heard: int = 0
    missed: int = 0
    longest_s: float = 0.0


class Tally:
    """The counts of one agent; ``calls`` are those to the store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ears: dict[NodeName, _Ear] = {}
        self._since_s = clock.now().wall_s
        self._calls = Calls()

    def heard(self, of: Session) -> None:
        """A sign of life of that session came."""
        now_s = self._clock.now().mono_s
        ear = self._ears.setdefault(of.node, _Ear(of.id, now_s))
        if ear.session == of.id:
            ear.missed += _missed(now_s - ear.last_s, of.timing.beat_s)
            ear.longest_s = max(ear.longest_s, now_s - ear.last_s)
        ear.session, ear.last_s, ear.heard = of.id, now_s, ear.heard + 1

    def called(self, took_s: float, *, answered: bool) -> None:
        """A call to the store ended."""
        so_far = self._calls
        self._calls = Calls(answered=so_far.answered + answered, failed=so_far.failed + (not answered),
                            longest_s=max(so_far.longest_s, took_s))

    def clear(self) -> None:
        """Begin to count anew."""
        self._ears.clear()
        self._since_s, self._calls = self._clock.now().wall_s, Calls()

    def told(self, members: Mapping[SessionId, Session]) -> Statistics:
        """Give the counts as they are now; a silence that lasts counts too, where more is due."""
        now_s = self._clock.now().mono_s
        return Statistics(since_s=self._since_s, calls=self._calls, voices=tuple(
            _voice(node, ear, now_s - ear.last_s, members.get(ear.session))
            for node, ear in sorted(self._ears.items())))


def _voice(node: NodeName, ear: _Ear, ago_s: float, member: Session | None) -> Voice:
    due = 0 if member is None else _missed(ago_s, member.timing.beat_s)
    return Voice(node=node, member=member is not None, heard=ear.heard, missed=ear.missed + due, ago_s=ago_s,
                 longest_s=ear.longest_s if member is None else max(ear.longest_s, ago_s))


def _missed(gap_s: float, beat_s: float) -> int:
    """Count the signs of life that a gap has room for; half a beat late is not missed."""
    return max(0, round(gap_s / beat_s) - 1)
