"""Bars made of shares: one row for each thing, one piece of its bar for each kind, as long as its number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

LABEL = 130.0
NUMBER = 50.0
WIDTH = 560.0
ROW = 26.0
THICK = 16.0
LETTERS = 17
"""A label of more letters is cut; the whole one stands beside the picture."""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a row: how many, what they are called, and the colour's name."""

    number: int
    word: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A drawn share."""

    x: float
    width: float
    tone: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A drawn row; ``number`` stands behind its bar."""

    label: str
    y: float
    number: str
    number_x: float
    pieces: tuple[Piece, ...]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """All rows; ``width`` and ``height`` of the whole drawing."""

    width: float
    height: float
    rows: tuple[Row, ...]


def bars(of: Sequence[tuple[str, Sequence[Share]]], say: Callable[[int], str] = str) -> Bars:
    """Lay bars out; the longest takes all the room there is. ``say`` writes a number with its unit."""
    longest = max((sum(share.number for share in shares) for _, shares in of), default=0)
    unit = (WIDTH - LABEL - NUMBER) / max(longest, 1)
    return Bars(width=WIDTH, height=ROW * len(of),
                rows=tuple(_row(label, shares, index * ROW, unit, say) for index, (label, shares) in enumerate(of)))


def _row(label: str, shares: Sequence[Share], y: float, unit: float, say: Callable[[int], str]) -> Row:
    pieces, x = [], LABEL
    there = [share for share in shares if share.number]
    for share in there:
        width = share.number * unit
        pieces.append(Piece(x=round(x, 1), width=round(width, 1), tone=share.tone,
                            title=f"{label}: {say(share.number)} {share.word}"))
        x += width
    total = sum(share.number for share in there)
    return Row(label=cut(label), y=y, number=say(total), number_x=round(x + 6, 1), pieces=tuple(pieces),
               said=", ".join(f"{say(share.number)} {share.word}" for share in there) or "nothing")


def cut(name: str, letters: int = LETTERS) -> str:
    """Cut a long name, and show that it is cut."""
    return name if len(name) <= letters else f"{name[:letters - 1]}…"
