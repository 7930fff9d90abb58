"""How the cluster at a glance looks to people: its health in a sentence, what needs somebody, then node by node."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from stanchion.cli.show import COLOURS, NODE_COLOURS, table_of
from stanchion.model.health import Answer, Health
from stanchion.model.state import State
from stanchion.wire import overview as wire

HEALTH_COLOURS = {Health.NORMAL: "green", Health.ATTENTION: "yellow", Health.CRITICAL: "bold red"}
LISTED = 20
"""So many findings are told one by one; `--output json` tells all."""

COMMANDS = {Answer.YES: "alert {0} yes", Answer.NO: "alert {0} no", Answer.OFFLINE: "offline {0}",
            Answer.CONFIRM_DOWN: "node confirm-down {0}", Answer.RELEASE: "node release {0}",
            Answer.RESUME: "resume", Answer.UP: "up"}


def overview(of: wire.Overview) -> RenderableType:
    """Show the health, the findings with what can be done about them, the nodes, and the orders under way."""
    parts: list[RenderableType] = [Text(of.text, style=HEALTH_COLOURS[of.health])]
    if of.alerts:
        parts.append(Padding(Group(*(_finding(one) for one in of.alerts[:LISTED])), (1, 0, 0, 0)))
        if len(of.alerts) > LISTED:
            parts.append(Text(f"and {len(of.alerts) - LISTED} more"))
    table = table_of("Node", "State", "Runs", "What protects it")
    for node in of.nodes:
        word = f"{node.state} (master)" if node.master else node.state
        table.add_row(Text(node.name), Text(word, style=NODE_COLOURS.get(node.state, "yellow")),
                      str(sum(one.state is State.RUNNING for one in node.resources)), Text(node.protection))
    counts = Text("  ").join(Text(f"{one.count} {one.state}", style=COLOURS[one.state]) for one in of.counts)
    parts += [Padding(table, (1, 0, 0, 0)), *((Padding(counts, (1, 0, 0, 0)),) if of.counts else ())]
    parts += [Text(f"{order.by} ordered: {order.verb} {order.resource or order.node or ''}: {order.outcome}")
              for order in of.orders]
    return Group(*parts)


def _finding(of: wire.FindingInfo) -> RenderableType:
    subject = of.resource or of.node or ""
    commands = " | ".join("stanchion " + COMMANDS[answer].format(subject) for answer in of.answers)
    text = Text(of.text, style=HEALTH_COLOURS[of.health])
    return text.append(f"\n  {commands}", style="dim") if commands else text
