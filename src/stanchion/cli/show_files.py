"""How configuration files and the checks before a live migration are shown to people."""

from rich.console import Group, RenderableType
from rich.text import Text

from stanchion.cli.show import instant, table_of
from stanchion.model.files import Standing, Verdict
from stanchion.wire import files as wire

STANDINGS = {Standing.SAME: "green", Standing.DIFFERS: "red", Standing.MISSING: "red", Standing.UNASKED: "yellow"}
VERDICTS = {Verdict.WELL: "green", Verdict.DOUBTFUL: "yellow", Verdict.REFUSED: "red", Verdict.UNKNOWN: "dim"}
OUTCOMES = {"written": "green", "would be written": "yellow", "same": "dim", "failed": "red"}


def files(of: wire.FileReport) -> RenderableType:
    """Show every file on every node, then each difference in a sentence."""
    if not of.files:
        return Text(of.text)
    table = table_of("File", "Node", "There it is", "Bytes", "SHA-256", "Owner", "Mode", "Changed")
    for one in of.files:
        table.add_row(Text(one.path), one.node, Text(one.standing, style=STANDINGS[one.standing]),
                      "-" if one.size is None else str(one.size), one.sha256[:12] or "-", one.owner or "-",
                      one.mode or "-", instant(one.modified_at))
    sentences = [Text(f"{one.text}.") for one in of.files if one.text]
    return Group(table, *sentences, Text(f"{of.text[:1].upper()}{of.text[1:]}."))


def distributed(of: wire.DistributeReport) -> RenderableType:
    """Show what became of every file on every node."""
    if not of.results:
        return Text(f"{of.resource} has no other node to copy to from {of.source}")
    return Group(*(Text(f"{one.text}.", style=OUTCOMES[one.outcome]) for one in of.results))


def preflight(of: wire.Preflight) -> RenderableType:
    """Show each check with its sentence."""
    table = table_of("Check", "Verdict", "Why")
    for one in of.checks:
        table.add_row(one.check, Text(one.verdict, style=VERDICTS[one.verdict]), Text(f"{one.text}."))
    return Group(Text(f"{of.resource} from {of.source} to {of.target}, live: {of.verdict}"), table)
