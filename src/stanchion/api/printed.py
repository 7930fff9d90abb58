"""The report as one HTML page: no script, no request to anybody, and readable on paper.

Jinja2 has its door here and nowhere else. Everything that is put into the page is escaped by the template engine, and
a value that a template names and a report lacks is an error, not an empty place.
"""

from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from stanchion.model.resource import ScriptKind
from stanchion.wire.report import Report


def page(report: Report) -> str:
    """Write the report as a page."""
    return _template().render(report=report, script_kinds=tuple(ScriptKind))


@cache
def _template() -> Template:
    environment = Environment(loader=PackageLoader("stanchion.api", "pages"), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"instant": instant, "seconds": seconds, "duration": duration}
    return environment.get_template("report.html")


def instant(at: datetime | None) -> str:
    """Show an instant in UTC: a report is read anywhere."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "-"


def seconds(value: float | None) -> str:
    """Show a measured time."""
    return "-" if value is None else f"{value:.1f} s"


def duration(value: float) -> str:
    """Show a time that somebody set, in the largest unit that divides it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if value >= size and value % size == 0:
            return f"{value / size:g} {unit}"
    return f"{value:g} s"
