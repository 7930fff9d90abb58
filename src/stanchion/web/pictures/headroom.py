"""How full nodes are, and how full a loss would make them: a bar for each node, the whole width is a full node."""

from collections.abc import Mapping, Sequence

from stanchion.web.pictures.shares import LABEL, ROW, WIDTH, Bars, Piece, Row, cut

NUMBER = 110.0
TIGHT = 0.9
"""A node that is filled beyond this is drawn as one that needs a look."""


def headroom(now: Mapping[str, float], after: Mapping[str, float], lost: Sequence[str]) -> Bars:
    """Lay the bars out: how full each node is now, and behind it what the loss would add."""
    rows = tuple(_row(node, level, after.get(node), index * ROW, lost=node in lost)
                 for index, (node, level) in enumerate(now.items()))
    return Bars(width=WIDTH, height=ROW * len(rows), rows=rows)


def _row(node: str, now: float, after: float | None, y: float, *, lost: bool) -> Row:
    unit = WIDTH - LABEL - NUMBER
    more = max(0.0, (after or 0.0) - now)
    drawn = [(min(now, 1.0), "bad" if lost else "good", f"{node}: {percent(now)} now" + (", and lost" if lost else ""))]
    if more:
        drawn.append((min(more, 1.0 - min(now, 1.0)), "warning" if (after or 0.0) > TIGHT else "busy",
                      f"{node}: {percent(after or 0.0)} after the loss"))
    pieces, x = [], LABEL
    for share, tone, title in drawn:
        pieces.append(Piece(x=round(x, 1), width=round(share * unit, 1), tone=tone, title=title))
        x += share * unit
    then = "lost" if lost else percent(now if after is None else after)
    return Row(label=cut(node), y=y, number=f"{percent(now)} → {then}", number_x=round(x + 6, 1), pieces=tuple(pieces),
               said=f"{percent(now)} now, {then}{'' if lost else ' then'}")


def percent(level: float) -> str:
    """Say a share of a node as percent."""
    return f"{100 * level:.0f} %"
