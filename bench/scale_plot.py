"""The tables of ``bench/scale`` as Markdown, and its picture: how each figure grows with the cluster."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "scale.svg"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 60, 250, 30, 60
COLOURS = ("#1565c0", "#c62828", "#2e7d32", "#6a1b9a", "#ef6c00", "#00838f")

Found = Mapping[str, Any]
Row = tuple[str, Callable[[Found], Sequence[float]], int]


def idle(name: str, times: float = 1.0) -> Callable[[Found], Sequence[float]]:
    """Take a figure from the windows of the cluster at rest."""
    return lambda found: [window.get(name, 0.0) * times for window in found["idle"]]


def lost(wanted: int, name: str, times: float = 1.0) -> Callable[[Found], Sequence[float]]:
    """Take a figure from the mass failovers of so many machines."""
    return lambda found: [each[name] * times for each in found["failovers"] if each["wanted"] == wanted]


def operations(found: Found) -> list[float]:
    """Count what the ordinary member asks of the store, for each second."""
    names = ("commits", "renewals", "reads", "trims", "leases", "snapshots")
    return [sum(window.get(f"member {name}", 0.0) for name in names) for window in found["idle"]]


def rows(losses: Sequence[int]) -> list[Row]:
    """Name what is told of each size, with its digits."""
    told: list[Row] = [
        ("first view at the start, s", lambda found: [each["first_view_s"] for each in found["first"]], 2),
        ("longest stall of the loop in it, s", lambda found: [each["stall_s"] for each in found["first"]], 2),
        ("at rest: etcd, transactions/s", idle("transactions"), 0),
        ("at rest: etcd, events to 6 watches/s", idle("watched"), 0),
        ("at rest: etcd, KiB/s to clients", idle("sent_bytes", 1 / 1024), 0),
        ("at rest: etcd's first member, % of a core", idle("etcd1 CPU", 100), 1),
        ("at rest: master, MiB", idle("master MiB"), 0),
        ("at rest: master, % of a core", idle("master CPU", 100), 1),
        ("at rest: member with 100 machines, MiB", idle("member MiB"), 0),
        ("at rest: member with 100 machines, % of a core", idle("member CPU", 100), 1),
        ("at rest: that member's calls to the store/s", operations, 1),
        ("`/v1/status`, s", lambda found: found["pages"]["/v1/status"], 3),
        ("`/v1/resources`, s", lambda found: found["pages"]["/v1/resources"], 3),
        ("`/v1/overview`, s", lambda found: found["pages"]["/v1/overview"], 3),
    ]
    for wanted in losses:
        head = f"{wanted:,} lost: "
        told += [
            (f"{head}proof to the first load, s", lost(wanted, "proof to first"), 2),
            (f"{head}proof to the last load, s", lost(wanted, "proof to last"), 2),
            (f"{head}proof until all run, s", lost(wanted, "proof to running"), 2),
            (f"{head}etcd, transactions/s", lost(wanted, "transactions"), 0),
            (f"{head}master, % of a core", lost(wanted, "master CPU", 100), 0),
            (f"{head}master, longest stall, s", lost(wanted, "master stall"), 2),
            (f"{head}member, % of a core", lost(wanted, "member CPU", 100), 0),
            (f"{head}member, longest stall, s", lost(wanted, "member stall"), 2),
        ]
    return told


def three(values: Sequence[float], digits: int) -> str:
    """Write minimum, median and maximum."""
    if not values:
        return "-"
    return " / ".join(f"{pick(values):.{digits}f}" for pick in (min, statistics.median, max))


def show(results: Sequence[Found]) -> None:
    """Print the table of all sizes, and draw how they grow."""
    losses = sorted({int(each["wanted"]) for found in results for each in found["failovers"]})
    sizes = [f"{found['nodes']} x {found['machines']:,}" for found in results]
    print(f"| min / median / max | {' | '.join(sizes)} |\n|---|{'---|' * len(sizes)}")
    for head, take, digits in rows(losses):
        print(f"| {head} | {' | '.join(three(take(found), digits) for found in results)} |")
    if len(results) > 1:
        PICTURE.write_text(drawn(results, losses), encoding="utf-8")
        print(f"\nDrawn: {PICTURE}")


def drawn(results: Sequence[Found], losses: Sequence[int]) -> str:
    """Draw the medians beside those of the smallest cluster, over its number of machines; dashed is linear growth."""
    lines = {"first view, s": rows(())[0][1], "master, MiB": idle("master MiB"),
             "master at rest, CPU": idle("master CPU"), "member at rest, CPU": idle("member CPU"),
             "etcd, transactions/s": idle("transactions")}
    if losses:
        lines[f"{losses[0]} lost: until the last load"] = lost(losses[0], "proof to last")
    counts = [found["machines"] for found in results]
    most = max(counts) / min(counts)

    def place(times_x: float, times_y: float) -> tuple[float, float]:
        wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        across, up = math.log(times_x) / math.log(most), math.log(max(times_y, 0.5) / 0.5) / math.log(most * 2)
        return LEFT + wide * across, HEIGHT - BOTTOM - high * min(up, 1.0)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
             '<title>How each figure grows with the cluster</title><g font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
             text(LEFT, 18, f"times the figure of {counts[0]:,} machines; both axes logarithmic"),
             line([place(1, 1), place(most, most)], "#888888", dashed=True)]
    for count, found in zip(counts, results, strict=True):
        x, y = place(count / counts[0], 0.5)
        parts.append(text(x - 30, y + 20, f"{count:,}") + text(x - 30, y + 36, f"{found['nodes']} nodes"))
    for times in (1, 2, 5, 10):
        x, y = place(1, times)
        parts.append(text(x - 34, y + 4, f"{times} x") + line([(x, y), place(most, times)], "#dddddd"))
    labels = [(place(most, most)[1], "linear growth", "#888888")]
    for colour, (name, take) in zip(COLOURS, lines.items(), strict=False):
        medians = [statistics.median(values) if (values := take(found)) else math.nan for found in results]
        points = [place(count / counts[0], median / medians[0])
                  for count, median in zip(counts, medians, strict=True) if medians[0] and not math.isnan(median)]
        parts.append(line(points, colour))
        labels.append((points[-1][1], f"{name} ({medians[-1] / medians[0]:.1f} x)", colour))
    below = 0.0
    for y, words, colour in sorted(labels):
        below = max(y + 4, below + 16)
        parts.append(text(WIDTH - RIGHT + 8, below, words, colour))
    return "\n".join([*parts, "</g></svg>\n"])


def text(x: float, y: float, words: str, colour: str = "#333333") -> str:
    """Write words into the picture."""
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}">{words}</text>'


def line(points: Sequence[tuple[float, float]], colour: str, *, dashed: bool = False) -> str:
    """Draw a line into the picture."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="6 5"' if dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'
