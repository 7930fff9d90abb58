"""How settings, groups and priorities look to people."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stanchion.cli.show import duration, instant, table_of
from stanchion.model.balance import OFF
from stanchion.model.capacity import Admission
from stanchion.model.standing import Shutdown
from stanchion.wire import ruling

_SHUTDOWN = {
    Shutdown.MIGRATE: "migrate: live to other nodes where the scripts can, else unload and load there",
    Shutdown.FAILOVER: "failover: unload, then load on other nodes",
    Shutdown.FREEZE: "freeze: unload, and load there again when the host is back",
}


def settings(of: ruling.SettingsInfo) -> RenderableType:
    """Show the settings of the cluster."""
    table = Table.grid(padding=(0, 2))
    saved = f"by {of.saved_by}, {instant(of.saved_at)}" if of.saved_by else "-"
    for name, value in (
        ("Cluster", of.cluster), ("Profile", of.profile.value), ("Quorum nodes", str(of.quorum_nodes)),
        ("Quorum timeout", duration(of.quorum_timeout_s)), ("History kept", f"{of.history_kept} lines"),
        ("Shutdown", _SHUTDOWN[of.shutdown]), ("Survives", _survives(of)), ("Balance", _balance(of)),
        ("Groups", ", ".join(group.name for group in of.groups) or "-"), ("Saved", saved),
        ("Revision", str(of.revision)),
    ):
        table.add_row(Text(name, style="dim"), Text(value))
    if not of.other_timers:
        return table
    return Group(table, Text(), Text(f"Still by other timers, until they leave and join again: "
                                     f"{', '.join(of.other_timers)}."))


def _balance(of: ruling.SettingsInfo) -> str:
    """Say when the cluster evens the nodes out by itself."""
    return f"by itself at {of.balance}, by the master's clock" if of.balance != OFF else "nothing by itself"


def _survives(of: ruling.SettingsInfo) -> str:
    """Say what the cluster guarantees, and what becomes of orders that would break it."""
    if not of.survives:
        return "nothing is guaranteed"
    lost = "the loss of any node" if of.survives == 1 else f"the loss of any {of.survives} nodes at once"
    warns = of.admission is Admission.WARN
    return f"{lost}; an order that would break this is {'carried out with a warning' if warns else 'refused'}"


def groups(of: ruling.GroupList) -> RenderableType:
    """Show groups, one a line."""
    if not of.groups:
        return Text("There are no groups. `stanchion group create` makes one.")
    table = table_of("Group", "Kept", "Resources")
    for group in of.groups:
        table.add_row(group.name, group.bond.value, ", ".join(group.members))
    return table


def priorities(of: ruling.PriorityList) -> RenderableType:
    """Show resources in the order in which they load."""
    if not of.resources:
        return Text("There are no resources. `stanchion resource create` makes one.")
    table = table_of("Resource", "Priority")
    for each in of.resources:
        table.add_row(each.resource, str(each.priority))
    return table
