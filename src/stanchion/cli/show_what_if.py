"""How the future looks to people: the sentences first, then a table of what becomes of each resource."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from stanchion.cli.show import COLOURS, table_of
from stanchion.model.foresight import How
from stanchion.wire import what_if
from stanchion.wire.guarantee import GuaranteeInfo

HOW = {How.STAYS: "runs on", How.LIVE: "moves live", How.RESTARTS: "is interrupted", How.ASKS: "asks first",
       How.WAITS: "waits", How.RESTS: "stays down"}


def answer(of: what_if.WhatIfInfo) -> RenderableType:
    """Show what would happen, in words, then resource by resource in the order in which it begins."""
    words = Group(*(Text(sentence) for sentence in of.sentences))
    if not of.resources:
        return words
    table = table_of("When", "Resource", "From", "To", "How", "Then")
    for one in of.resources:
        table.add_row(str(one.turn or "-"), Text(one.resource), one.source or "-", one.node or "-", HOW[one.how],
                      Text(one.after, style=COLOURS[one.after]))
    return Group(words, Padding(table, (1, 0, 0, 0), expand=False))


def losses(of: what_if.LossList) -> RenderableType:
    """Show for each node what its loss would mean, and what every other node would run."""
    nodes = [number.node for number in of.numbers]
    table = table_of("If it dies", *nodes, "What becomes of what it holds")
    table.add_row("(now)", *(str(number.running) for number in of.numbers), Text("running now", style="dim"))
    for one in of.losses:
        running = {number.node: number.running for number in one.numbers}
        after = [str(running[node]) if node in running else "-" for node in nodes]
        table.add_row(Text(one.node), *after, Text(one.text, style="" if one.placed == one.held else "yellow"))
    return table


def guarantee(of: GuaranteeInfo) -> RenderableType:
    """Show what the cluster survives, and how full each node is now and would be after the hardest loss."""
    words = Group(*(Text(sentence) for sentence in of.sentences))
    table = table_of("Node", "now", *(f"without {' and '.join(each.lost)}" for each in of.answers if each.lost))
    for now in of.levels:
        after = [{level.node: level.level for level in each.levels}.get(now.node) for each in of.answers if each.lost]
        table.add_row(Text(now.node), f"{100 * now.level:.0f} %",
                      *("-" if level is None else f"{100 * level:.0f} %" for level in after))
    return Group(words, Padding(table, (1, 0, 0, 0), expand=False))
