"""A map of the cluster: a box for each node, in it a mark for each machine, arrows for machines that move.

Few machines are drawn with their names, many as small squares; both have the colour of their state, and a lost node is
crossed out. Machines that no node holds stand in a box of their own, below.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stanchion.model.state import State
from stanchion.web.pictures.shares import cut
from stanchion.web.render import TONES, count
from stanchion.wire.replies import NodeInfo, ResourceInfo

WIDTH = 960.0
GAP = 28.0
HEAD = 28.0
PAD = 8.0
NAMED = 12
"""Up to so many machines on the fullest node are drawn with their names."""
PILL = 22.0
SQUARE = 13.0
PER_ROW = 5
FEW = 3
LETTERS, LETTERS_FEW = 24, 14
"""How much of a node's name is drawn where there are few of them beside each other, and where there are many."""
UP = frozenset({"up", "joining", "leaving"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A machine: where it is drawn, and how."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    name: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node, or the place of what no node holds. ``lost``: it is crossed out."""

    name: str
    label: str
    x: float
    y: float
    width: float
    height: float
    tone: str
    title: str
    lost: bool
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """Machines on their way from one node to another: a curve from one point to another, bent over a third."""

    path: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterMap:
    """The whole drawing; ``named``: the machines bear their names."""

    width: float
    height: float
    named: bool
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, slots=True)
class _Grid:
    columns: int
    box: float
    named: bool

    @property
    def per_row(self) -> int:
        return 1 if self.named else max(int((self.box - 2 * PAD) / SQUARE), 1)

    def height(self, machines: int) -> float:
        step = PILL if self.named else SQUARE
        return HEAD + max(math.ceil(machines / self.per_row), 1) * step + PAD


def cluster_map(nodes: Sequence[NodeInfo], resources: Iterable[ResourceInfo]) -> ClusterMap:
    """Lay the map out; boxes of one row are equally high."""
    places = _places(nodes, resources)
    columns = max(1, min(len(nodes), PER_ROW))
    fullest = max(map(len, places.values()), default=0)
    grid = _Grid(columns, round((WIDTH - GAP * (columns - 1)) / columns, 1), fullest <= NAMED)
    boxes, y = [], 4.0
    for begin in range(0, len(nodes), columns):
        row = nodes[begin:begin + columns]
        height = max(grid.height(len(places[node.name])) for node in row)
        boxes += [_box(node, places[node.name], grid, (index * (grid.box + GAP), y), height)
                  for index, node in enumerate(row)]
        y += height + GAP
    if places[""]:
        wide = _Grid(1, WIDTH, named=False)
        boxes.append(_nowhere(places[""], wide, y))
        y += boxes[-1].height + GAP
    return ClusterMap(width=WIDTH, height=round(y - GAP + 4, 1), named=grid.named, boxes=tuple(boxes),
                      arrows=_arrows({box.name: box for box in boxes}, resources))


def _places(nodes: Sequence[NodeInfo], resources: Iterable[ResourceInfo]) -> Mapping[str, list[ResourceInfo]]:
    """Sort the machines by their nodes, each once; what no node holds, though it should run, stands under ``""``."""
    places: dict[str, list[ResourceInfo]] = {"": []}
    holders: dict[str, list[str]] = {}
    for node in nodes:
        places[node.name] = []
        for name in node.resources:
            holders.setdefault(name, []).append(node.name)
    for of in resources:
        held = holders.get(of.name, [])
        if held:
            places[of.node if of.node in held else held[0]].append(of)
        elif of.state is not State.OFFLINE:
            places[""].append(of)
    return places


def _box(node: NodeInfo, held: Sequence[ResourceInfo], grid: _Grid, place: tuple[float, float], height: float) -> Box:
    x, y = place
    label = cut(node.name, LETTERS if grid.columns <= FEW else LETTERS_FEW) + (" ★" if node.master else "")
    return Box(name=node.name, label=label, x=round(x, 1), y=round(y, 1), width=grid.box, height=round(height, 1),
               tone=_tone(node), lost=node.state not in UP, marks=_marks(held, grid, x + PAD, y + HEAD),
               title=f"{node.name}: {node.state}, {count(len(held), 'machine')}{', the master' if node.master else ''}")


def _nowhere(held: Sequence[ResourceInfo], grid: _Grid, y: float) -> Box:
    return Box(name="", label="on no node", x=0.0, y=round(y, 1), width=WIDTH, height=round(grid.height(len(held)), 1),
               tone="line", title=f"on no node: {count(len(held), 'machine')}", lost=False,
               marks=_marks(held, grid, PAD, y + HEAD))


def _tone(node: NodeInfo) -> str:
    if node.state == "down":
        return "bad"
    return "line" if node.state == "up" and node.quarantine is None and node.emptying is None else "warning"


def _marks(held: Sequence[ResourceInfo], grid: _Grid, x: float, y: float) -> tuple[Mark, ...]:
    if grid.named:
        return tuple(Mark(x=round(x, 1), y=round(y + index * PILL, 1), width=round(grid.box - 2 * PAD, 1),
                          height=PILL - 4, tone=TONES[of.state], name=cut(of.name, int((grid.box - 2 * PAD) / 8)),
                          title=f"{of.name}: {of.state}") for index, of in enumerate(held))
    return tuple(Mark(x=round(x + index % grid.per_row * SQUARE, 1), y=round(y + index // grid.per_row * SQUARE, 1),
                      width=SQUARE - 3, height=SQUARE - 3, tone=TONES[of.state], name="",
                      title=f"{of.name}: {of.state}") for index, of in enumerate(held))


def _arrows(boxes: Mapping[str, Box], resources: Iterable[ResourceInfo]) -> tuple[Arrow, ...]:
    moving: dict[tuple[str, str], list[str]] = {}
    for of in resources:
        source, target = of.node, of.move.target if of.move else None
        if source in boxes and target in boxes and source is not None and target is not None and source != target:
            moving.setdefault((source, target), []).append(of.name)
    return tuple(Arrow(path=_curve(boxes[source], boxes[target]),
                       title=f"{', '.join(names)}: from {source} to {target}")
                 for (source, target), names in sorted(moving.items()))


def _curve(source: Box, target: Box) -> str:
    """Draw from the head of one box to that of the other, bent so that there and back are two lines."""
    x1, y1 = _toward(source, target)
    x2, y2 = _toward(target, source)
    bend = 0.15
    middle_x, middle_y = (x1 + x2) / 2 + (y2 - y1) * bend, (y1 + y2) / 2 - (x2 - x1) * bend
    return f"M {x1:.1f} {y1:.1f} Q {middle_x:.1f} {middle_y:.1f} {x2:.1f} {y2:.1f}"


def _toward(box: Box, other: Box) -> tuple[float, float]:
    """Give the point of a box's edge, at the height of its head, that is nearest to another."""
    y = box.y + HEAD / 2
    if other.x > box.x:
        return box.x + box.width, y
    if other.x < box.x:
        return box.x, y
    return box.x + box.width / 2, box.y + box.height if other.y > box.y else box.y
