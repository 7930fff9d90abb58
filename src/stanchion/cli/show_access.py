"""How users, their sessions, API tokens and the audit are shown to people."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stanchion.cli.show import instant
from stanchion.wire import access

SHORT = 12
"""So much of a session's id is shown; it names the session as well."""


def users(of: access.UserList) -> RenderableType:
    """Show all users, and who is invited."""
    if not of.users and not of.invitations:
        return Text("no users; `stanchion user invite NAME --role administrator` makes the first one")
    table = _table("User", "Role", "From", "Sessions", "Made", "By")
    for each in of.users:
        name = Text(f"{each.name} (locked)", style="red") if each.locked else Text(each.name)
        table.add_row(name, each.role, each.origin, str(each.sessions), instant(each.made_at), each.by or "-")
    waiting = [Text(f"{each.user} is invited as {each.role}, until {instant(each.expires_at)}", style="dim")
               for each in of.invitations]
    return Group(table, *waiting) if of.users else Group(*waiting)


def one_user(of: access.UserInfo) -> RenderableType:
    """Say what a user is now."""
    return Text(f"{of.name}: {of.role}{', locked' if of.locked else ''}")


def sessions(of: access.SignInList) -> RenderableType:
    """Show sessions."""
    if not of.sign_ins:
        return Text("nobody is signed in")
    table = _table("Session", "User", "From", "Since", "Last seen", "Until", "Browser")
    for each in of.sign_ins:
        table.add_row(each.id[:SHORT], each.user, each.address, instant(each.made_at), instant(each.seen_at),
                      instant(each.expires_at), each.agent or "-")
    return table


def tokens(of: access.ApiTokenList) -> RenderableType:
    """Show API tokens, without their secrets."""
    if not of.tokens:
        return Text("no API tokens")
    table = _table("Token", "Role", "Orders to", "Made by", "Made", "Until")
    for each in of.tokens:
        until = "for ever" if each.expires_at is None else instant(each.expires_at)
        table.add_row(each.name, each.role, ", ".join(each.resources) or "all", each.by, instant(each.made_at),
                      Text(f"{until} (expired)", style="red") if each.expired else until)
    return table


def audit(of: access.AuditPage) -> RenderableType:
    """Show what was done, the newest last."""
    if not of.entries:
        return Text("nothing was done")
    table = _table("When", "Node", "What")
    for each in of.entries:
        about = "".join((f" [{each.object}]" if each.object else "", f" - {each.why}" if each.why else ""))
        table.add_row(instant(each.at), each.node or "-", Text(f"{each.what}{about}"))
    return table


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, header_style="bold", pad_edge=False)
