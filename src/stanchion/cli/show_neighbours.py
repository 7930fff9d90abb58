"""How other clusters look to people: one line each, the word for its health first."""

from rich.console import RenderableType
from rich.text import Text

from stanchion.cli.show import table_of
from stanchion.wire import neighbours as wire

COLOURS = {"normal": "green", "attention": "yellow", "critical": "bold red", "unreachable": "bold red"}


def health(of: wire.NeighbourHealthList) -> RenderableType:
    """Show how well each other cluster is."""
    if not of.neighbours:
        return Text("There is no other cluster yet: stanchion neighbour add NAME URL --api-token FILE")
    table = table_of("Cluster", "Health", "Nodes", "Runs", "In words")
    for one in of.neighbours:
        seen = one.health != "unreachable"
        table.add_row(Text(one.name), Text(one.health, style=COLOURS[one.health]),
                      f"{one.nodes_up} of {one.nodes}" if seen else "-",
                      f"{one.running} of {one.resources}" if seen else "-", Text(one.text))
    return table


def added(of: wire.NeighbourInfo) -> RenderableType:
    """Say that it was added, and what its addresses are believed by."""
    secure = any(url.startswith("https:") for url in of.urls)
    by = "the certificate that was given" if of.trusted else "the authorities that the asking host trusts"
    how = f"believed by {by}" if secure else "over plain HTTP: its token can be read on the way"
    return Text(f"{of.name} is looked at, at {' or '.join(of.urls)}, {how}")
