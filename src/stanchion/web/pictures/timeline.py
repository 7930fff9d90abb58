"""The failover of a lost node as bars: from its last sign of life until each resource ran again.

All bars begin at the same instant and share one scale in seconds: detecting and proving are the node's, deciding and
loading each resource's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stanchion.model.state import State
from stanchion.web.pictures.shares import cut
from stanchion.wire.stories import IncidentInfo, RecoveryInfo

LABEL = 150.0
WIDTH = 760.0
END = 70.0
ROW = 26.0
SCALE = 26.0
MOST = 16
"""So many bars are drawn: those that took longest."""
STEPS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
TICKS = 8

PHASES = (("detect", "warning"), ("prove", "bad"), ("decide", "line"), ("load", "busy"))
"""The parts of a failover in their order, with their colours' names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One phase of one bar."""

    x: float
    width: float
    phase: str
    tone: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What became of one resource, in time. ``end`` says how long it took, or how it stands."""

    name: str
    y: float
    parts: tuple[Part, ...]
    end: str
    end_x: float


@dataclass(frozen=True, slots=True)
class Tick:
    """An instant on the scale."""

    x: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The whole drawing. ``left_out`` bars are not drawn."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    left_out: int = 0


def timeline(of: IncidentInfo) -> Timeline:
    """Lay the bars of a failover out, the longest first."""
    slowest = sorted(of.recoveries, key=lambda one: (one.total_s is not None, -(one.total_s or 0.0), one.resource))
    shown = slowest[:MOST]
    longest_s = max((sum(_lengths(of, one)) for one in shown), default=sum(_lengths(of, None)))
    unit = (WIDTH - LABEL - END) / (longest_s or 1.0)
    bars = tuple(_bar(of, one, SCALE + index * ROW, unit) for index, one in enumerate(shown))
    return Timeline(width=WIDTH, height=SCALE + ROW * len(bars), bars=bars, ticks=_ticks(longest_s, unit),
                    left_out=len(slowest) - len(shown))


def _lengths(of: IncidentInfo, one: RecoveryInfo | None) -> tuple[float, ...]:
    own = (0.0, 0.0) if one is None else (one.decide_s, one.load_s or 0.0)
    return (of.detect_s or 0.0, of.prove_s or 0.0, *own)


def _bar(of: IncidentInfo, one: RecoveryInfo, y: float, unit: float) -> Bar:
    parts, x = [], LABEL
    for (phase, tone), length_s in zip(PHASES, _lengths(of, one), strict=True):
        if length_s > 0:
            parts.append(Part(x=round(x, 1), width=round(length_s * unit, 1), phase=phase, tone=tone,
                              title=f"{one.resource}: {phase} {length_s:.1f} s"))
        x += length_s * unit
    took = "" if one.total_s is None else f"{one.total_s:.1f} s"
    end = took if one.state is State.RUNNING else f"{one.state} {took}".strip()
    return Bar(name=cut(one.resource), y=y, parts=tuple(parts), end=end, end_x=round(x + 6, 1))


def _ticks(longest_s: float, unit: float) -> tuple[Tick, ...]:
    if longest_s <= 0:
        return ()
    step_s = next((step for step in STEPS_S if longest_s / step <= TICKS), longest_s / TICKS)
    return tuple(Tick(round(LABEL + number * step_s * unit, 1), f"{number * step_s:g} s")
                 for number in range(int(longest_s / step_s) + 1))


def phases_said(of: IncidentInfo) -> Sequence[tuple[str, str, float | None]]:
    """Say in words what the node's own phases were: their name, their meaning, their length in seconds."""
    return (("detect", "from its last sign of life until the cluster said that it is lost", of.detect_s),
            ("prove", "until it was proven that nothing runs there any more", of.prove_s))


