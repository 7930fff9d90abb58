"""How stories and incidents look to people: sentences that go on to the right, and a table of seconds."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from stanchion.cli.show import COLOURS, SEVERITY_COLOURS, instant, table_of
from stanchion.wire import stories

DEEPEST = 8
"""So many steps go further to the right each; the rest stay below one another."""


def story(of: stories.StoryInfo) -> RenderableType:
    """Show what led to what, each step further to the right, with the seconds since the one before."""
    parts: list[RenderableType] = []
    for depth, step in enumerate(of.steps):
        gap = f"{instant(step.at)}  " if not depth else f"+{step.after_s:.1f} s  "
        line = Text(gap, style="dim").append(Text(step.text, style=SEVERITY_COLOURS[step.severity] or "default"))
        parts.append(Padding(line, (0, 0, 0, 2 * min(depth, DEEPEST)), expand=False))
    return Group(*parts)


def incidents(of: stories.IncidentList) -> RenderableType:
    """Show each lost node with what became of its resources."""
    if not of.incidents:
        return Text("No node was lost in the time that the history covers.")
    parts: list[RenderableType] = []
    for one in of.incidents:
        proof = one.proof.text if one.proof else "nothing proves yet that it stopped"
        more = "" if one.over else " (not over yet)"
        parts.append(Text(f"{instant(one.at)}  node {one.node} was lost: {proof}{more}",
                          style="bold" if one.proof else "bold red"))
        parts.append(Padding(_recoveries(one), (0, 0, 1, 2), expand=False))
    return Group(*parts)


def _recoveries(of: stories.IncidentInfo) -> RenderableType:
    if not of.recoveries:
        return Text("It held nothing." if of.proof else "What it held waits for a proof.")
    table = table_of("Resource", "Node", "Detect", "Prove", "Decide", "Load", "Together", "Now")
    for one in of.recoveries:
        times = (of.detect_s, of.prove_s, one.decide_s, one.load_s, one.total_s)
        table.add_row(Text(one.resource), Text(one.node or "-"), *map(_seconds, times),
                      Text(one.state, style=COLOURS[one.state]))
    return table


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"
