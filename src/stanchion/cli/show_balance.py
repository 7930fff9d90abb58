"""How the balance looks to people: a bar for each node, then the proposals with what each brings."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from stanchion.cli.show import table_of
from stanchion.wire.balance import BalanceInfo, ProposalInfo
from stanchion.wire.standing import BalancingInfo

BAR = 30
"""So many letters a full node's bar has."""


def proposals(of: BalanceInfo) -> RenderableType:
    """Show how full the nodes are and would be, and which moves are proposed."""
    parts: list[RenderableType] = [Text(f"{of.text[:1].upper()}{of.text[1:]}.")]
    if of.nodes:
        table = table_of("Node", "Full", "", "Then")
        for node in of.nodes:
            table.add_row(Text(node.node), percent(node.before), Text(_bar(node.before)), percent(node.after))
        parts.append(Padding(table, (1, 0, 0, 0), expand=False))
    if of.proposals:
        table = table_of("No.", "Move", "From", "To", "How", "Gain", "Why")
        for number, each in enumerate(of.proposals, 1):
            table.add_row(str(number), *_move(each))
        parts += [Padding(table, (1, 0, 1, 0), expand=False),
                  Text("`stanchion balance --apply` lets these moves be made, one after the other.")]
    parts += [Text(f"{why.text[:1].upper()}{why.text[1:]}.") for why in of.held_back]
    parts += [asked(of.under_way)] if of.under_way is not None else []
    when = f"By itself, at {of.schedule}" if of.schedule != "off" else "Nothing by itself: `balance` is off"
    parts.append(Text(f"{when}.", style="dim"))
    return Group(*parts)


def asked(of: BalancingInfo) -> RenderableType:
    """Show the moves that are asked for and not begun yet."""
    waits = f" The next one waits: {of.waits}." if of.waits else ""
    moves = "; ".join(f"{each.resource} to {each.target}" for each in of.left)
    return Text(f"{counted(len(of.left), 'move')} asked for by {of.by}: {moves}.{waits}")


def counted(number: int, word: str) -> str:
    """Say how many there are."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def percent(level: float) -> str:
    """Show a level in points of a hundred."""
    return f"{100 * level:.0f} %"


def _bar(level: float) -> str:
    return "█" * round(BAR * min(level, 1.0))


def _move(each: ProposalInfo) -> tuple[str | Text, ...]:
    names = ", ".join(move.resource for move in each.migrations)
    first = each.migrations[0]
    how = "live" if all(move.live for move in each.migrations) else "with an interruption"
    return Text(names), first.source, first.target, how, f"{100 * each.gain:+.0f}", each.reason.text
