"""How full nodes are and would be: two bars for each, the upper one now, the lower one after the proposals."""

from collections.abc import Sequence
from dataclasses import dataclass

from stanchion.web.pictures.shares import LABEL, NUMBER, WIDTH, cut

ROW = 38.0
THICK = 13.0
HOT = 0.8
OVERFULL = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, and the percentage behind it."""

    y: float
    width: float
    tone: str
    title: str
    number: str
    number_x: float
    faint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A node's two bars."""

    label: str
    y: float
    bars: tuple[Bar, Bar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """All rows; ``hot_x`` is where the line stands beyond which a node is called hot."""

    width: float
    height: float
    left: float
    thick: float
    hot_x: float
    rows: tuple[Row, ...]


def levels(of: Sequence[tuple[str, float, float]]) -> Levels:
    """Lay the bars out: nodes with their levels now and then. The scale goes to 100 %, or to the fullest beyond it."""
    top = max((OVERFULL, *(max(before, after) for _, before, after in of)))
    unit = (WIDTH - LABEL - NUMBER) / top
    return Levels(width=WIDTH, height=ROW * len(of) + 4, left=LABEL, thick=THICK, hot_x=round(LABEL + HOT * unit, 1),
                  rows=tuple(_row(node, before, after, index * ROW, unit)
                             for index, (node, before, after) in enumerate(of)))


def tone(level: float) -> str:
    """Give the colour's name for a level."""
    return "bad" if level > OVERFULL else "warning" if level > HOT else "good"


def _row(node: str, before: float, after: float, y: float, unit: float) -> Row:
    then = _bar(f"{node} after the proposals", after, y + 4 + THICK + 2, unit, faint=True)
    return Row(label=cut(node), y=y, bars=(_bar(f"{node} now", before, y + 4, unit), then))


def _bar(said: str, level: float, y: float, unit: float, *, faint: bool = False) -> Bar:
    number = f"{100 * level:.0f} %"
    return Bar(y=y, width=round(level * unit, 1), tone=tone(level), title=f"{said}: {number}", number=number,
               number_x=round(LABEL + level * unit + 6, 1), faint=faint)
