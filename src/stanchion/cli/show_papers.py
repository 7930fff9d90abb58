"""How a node's part in a cluster of hosts is shown: its vote, its role, and until when its certificate is good."""

from datetime import UTC, datetime, timedelta

from rich.text import Text

from stanchion.wire import replies

WARN = timedelta(days=30)
"""How long before its end a certificate is shown as something to look after: agents renew theirs by themselves then."""


def node_rows(of: replies.NodeInfo) -> list[tuple[str, Text]]:
    """Give the lines about it; none for a node of one machine."""
    rows = [("Role", Text("witness: votes, never holds a resource"))] if of.witness else []
    if of.etcd:
        rows.append(("Member of etcd", Text(of.etcd)))
    if of.trusted_until is not None:
        rows.append(("Certificate", _certificate(of.name, of.trusted_until)))
    return rows


def _certificate(name: str, until: datetime) -> Text:
    left = until - datetime.now(UTC)
    day = f"{until:%Y-%m-%d}"
    if left < timedelta(0):
        return Text(f"expired on {day}: run `stanchion cert renew` on {name}", style="bold red")
    if left < WARN:
        return Text(f"until {day}, in {left.days} days: its agent has not renewed it; run `stanchion cert renew` on "
                    f"{name}", style="yellow")
    return Text(f"until {day}")
