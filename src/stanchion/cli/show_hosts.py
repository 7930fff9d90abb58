"""How tokens and members of etcd are shown to people."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stanchion.cli.show import instant
from stanchion.wire import joining


def tokens(of: joining.JoinTokenList) -> RenderableType:
    """Show all tokens, without their secrets."""
    if not of.tokens:
        return Text("no join tokens")
    table = Table("Id", "State", "Made by", "Until", "Used by", box=None, header_style="bold", pad_edge=False)
    for each in of.tokens:
        table.add_row(each.id, each.state, each.by or "-", instant(each.expires_at), each.used_by or "-")
    return table


def members(of: joining.EtcdMemberList) -> RenderableType:
    """Show the members of etcd, and what may fail now."""
    table = Table("Member", "Role", "Health", "For clients", "Version", box=None, header_style="bold", pad_edge=False)
    for each in of.members:
        health = Text(each.fault, style="red") if each.fault else Text("well", style="green")
        table.add_row(each.name or "(not started)", each.role, health, each.url or each.peer, each.version or "-")
    voters = sum(1 for each in of.members if each.role != "learner")
    if of.spare:
        words = f"{of.needed} of {voters} must be well; {of.spare} more may fail."
        style = "dim"
    else:
        words = f"{of.needed} of {voters} must be well: if one more fails, the store stops."
        style = "yellow"
    return Group(table, Text(words, style=style))
