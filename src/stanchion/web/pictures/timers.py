"""What happens when on a node that has lost the store: the timers of a profile on an axis, and their inequality.

Zero is the moment before the last renewal that succeeded was sent. Up to *halt* the node goes on; then it halts its
machines by itself; at *fence* its watchdog stops the host. What lies between the latest moment of that and the end of
the lease is the margin, and only after it may another node start the same machines.
"""

from dataclasses import dataclass

from stanchion.model.timing import CLOCK_RATE_ERROR, Timing

WIDTH, LEFT, RIGHT = 360, 8, 300
"""In pixels; between left and right lies the time up to the end of the lease."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the time: what happens in it, in seconds and in pixels."""

    what: str
    tone: str
    begin_s: float
    end_s: float | None
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A timer: its name, when it is due, where it stands, and in which of two lines its label goes."""

    name: str
    at_s: float
    x: float
    line: int


@dataclass(frozen=True, slots=True)
class Axis:
    """The picture of one profile; ``words`` is its inequality."""

    spans: tuple[Span, ...]
    marks: tuple[Mark, ...]
    words: str
    width: int = WIDTH


def axis(of: Timing) -> Axis:
    """Draw the timers of a profile, each profile on a scale of its own."""
    worst_s = of.fence_s + of.granularity_s + CLOCK_RATE_ERROR * of.lease_s
    edges = (
        ("everything goes on, and the lease is renewed again and again", "good", 0.0, of.halt_s),
        ("the node halts all its machines by itself", "warning", of.halt_s, of.fence_s),
        ("the watchdog resets the host", "bad", of.fence_s, worst_s),
        ("nothing runs there any more: the margin", "line", worst_s, of.lease_s),
    )
    spans = [Span(what, tone, begin, end, _x(begin, of), round(_x(end, of) - _x(begin, of), 1))
             for what, tone, begin, end in edges]
    spans.append(Span("another node may start the machines", "busy", of.lease_s, None, _x(of.lease_s, of),
                      WIDTH - RIGHT))
    timers = (("renew", of.renew_s), ("halt", of.halt_s), ("fence", of.fence_s), ("lease", of.lease_s))
    marks = tuple(Mark(name, at_s, _x(at_s, of), index % 2) for index, (name, at_s) in enumerate(timers))
    words = (f"renew {of.renew_s:g} s < halt {of.halt_s:g} s < fence {of.fence_s:g} s, and fence + "
             f"{of.granularity_s:g} s for a late watchdog + {CLOCK_RATE_ERROR * of.lease_s:g} s for clocks that drift "
             f"= {worst_s:g} s < lease {of.lease_s:g} s")
    return Axis(tuple(spans), marks, words)


def _x(at_s: float, of: Timing) -> float:
    return round(LEFT + (RIGHT - LEFT) * at_s / of.lease_s, 1)
