"""How revisions, forms and the lint look to people."""

import json
from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from stanchion.cli import show
from stanchion.wire import documents, scripts
from stanchion.wire.capacity import SizeInfo, said


def revisions(of: scripts.RevisionList) -> RenderableType:
    """Show revisions, one a line, the newest first."""
    table = show.table_of("Revision", "Saved", "By", "Changed", "Why")
    for one in of.revisions:
        marks = ", ".join(word for word, so in (("newest", one.current), ("loaded", one.loaded)) if so)
        number = Text(str(one.revision)).append(f" ({marks})" if marks else "", "green")
        table.add_row(number, show.instant(one.saved_at), Text(one.saved_by or "-"),
                      Text(", ".join(one.changed) or "-"), Text(one.why or "-"))
    return table


def revision(of: scripts.RevisionDetail) -> RenderableType:
    """Show one revision with everything in it."""
    saved = f"{of.revision}, saved {show.instant(of.saved_at)} by {of.saved_by or '-'}"
    rows: list[tuple[str, RenderableType]] = [
        ("Resource", Text(of.resource)),
        ("Revision", Text(saved + (f": {of.why}" if of.why else ""))),
        ("Template", Text(of.template)),
        ("Preferred nodes", Text(", ".join(of.preferred) or "all nodes")),
        ("Size", Text(said(of.size) if of.size != SizeInfo() else "as measured")),
        ("Files", Text("\n".join(of.files) or "-")),
        *show.settings_of(of.monitoring, of.policies),
    ]
    return Group(show.facts(rows), show.scripts_of(of.scripts))


def form(of: documents.Form) -> RenderableType:
    """Show a form, page by page."""
    parts: list[RenderableType] = []
    for page in of.pages:
        title = page.title + (" (additional properties)" if page.additional else "")
        table = show.table_of("Field", "Kind", "Default", "Asks for")
        for field in page.fields:
            default = "(the template's script)" if field.kind == "script" and field.default else field.default
            asks = field.label + (f" ({', '.join(field.choices)})" if field.choices else "")
            table.add_row(Text(field.name.removeprefix("overrides.")), field.kind,
                          Text(_default(default) or ("required" if field.required else "-")), Text(asks))
        parts += [Text(f"\n{title}" if parts else title, style="bold"), table]
    return Group(*parts)


def _default(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def lint(name: str, of: scripts.LintReport) -> RenderableType:
    """Show what the lint found in one script."""
    lines = [Text(f"{name}: {error}", style="bold red") for error in of.errors]
    lines += [Text(f"{name}: {warning}", style="yellow") for warning in of.warnings]
    return Group(*lines) if lines else Text(f"{name}: nothing to find fault with")


def as_json(of: Mapping[str, scripts.LintReport]) -> str:
    """Write what the lint found as JSON."""
    return json.dumps({name: report.model_dump(mode="json") for name, report in of.items()}, indent=2)
