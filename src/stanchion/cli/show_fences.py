"""How fence agents and tried fence devices look to people."""

from rich.console import Group, RenderableType
from rich.text import Text

from stanchion.cli.show import table_of
from stanchion.model.fencing import Power
from stanchion.wire import fencing

COLOURS = {Power.ON: "green", Power.OFF: "yellow", Power.UNKNOWN: "bold red"}


def tested(of: fencing.FenceTest) -> RenderableType:
    """Show what each device reported, as the node that asked it saw it."""
    table = table_of("Fence device", "Power", "Result", "It said")
    for one in of.devices:
        power = Text(", then ").join(Text(step, style=COLOURS[step]) for step in one.steps)
        result = Text("well", style="green") if one.well else Text("WRONG", style="bold red")
        table.add_row(Text(one.agent), power, result, Text(one.text or "-"))
    cycled = of.really and all(len(one.steps) > 1 for one in of.devices)
    what = "was switched off and on again" if cycled else "was asked for its power state"
    return Group(Text(f"{of.node} {what}, from {of.by}."), Text(), table)


def agents(of: fencing.FenceAgentList) -> RenderableType:
    """Show the installed agents, one a line."""
    if not of.agents:
        return Text(f"{of.node} has no fence agent; the packages of your distribution are called fence-agents.")
    table = table_of(f"Fence agent on {of.node}", "What it says of itself")
    for one in of.agents:
        table.add_row(Text(one.name), Text(one.description or "-"))
    return table
