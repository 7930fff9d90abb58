"""Jinja2's door: templates, and the words in which instants, durations and states are shown.

Everything that is put into a page is escaped by the template engine, and a value that a template names and the page
lacks is an error, not an empty place. Instants are written in UTC inside ``<time>``; the browser shows them in its
viewer's own zone.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template, nodes, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from stanchion.model.access import Role
from stanchion.model.orders import Verb
from stanchion.model.state import State
from stanchion.wire import capacity
from stanchion.wire.replies import ReasonInfo

NOTHING = "\N{EN DASH}"
"""What stands where there is nothing to show."""

TONES: dict[State, str] = {
    State.RUNNING: "good",
    State.LOADING: "busy",
    State.UNLOADING: "busy",
    State.MIGRATING: "busy",
    State.OFFLINE: "quiet",
    State.QUORUM_WAIT: "warning",
    State.ALERT: "warning",
    State.UNASSIGNED: "bad",
    State.COMATOSE: "bad",
}
"""How each state is coloured. The colour repeats what the word says and never says anything alone."""


def template(name: str) -> Template:
    """Give a template of the console."""
    return _environment().get_template(name)


def check() -> None:
    """Read all templates, so that one that is broken shows at once. Raises what Jinja2 raises."""
    for name in _environment().list_templates():
        template(name)


def blocks(of: Template, context: Mapping[str, Any]) -> dict[str, str]:
    """Render the live blocks of a page, each by itself: those whose names begin with ``live_``."""
    given = of.new_context(dict(context))
    # What a page redefines stands first; the blocks of what it extends come by inheritance.
    for parent in _ancestors(of.name or ""):
        given.blocks |= {name: [*given.blocks.get(name, []), block] for name, block in parent.blocks.items()}
    return {name: "".join(chain[0](given)) for name, chain in given.blocks.items() if name.startswith("live_")}


@cache
def _ancestors(name: str) -> tuple[Template, ...]:
    """Give the templates that one extends, the nearest first."""
    environment = _environment()
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    extends = environment.parse(source).find(nodes.Extends)
    if extends is None:
        return ()
    parent = str(extends.template.as_const())
    return (template(parent), *_ancestors(parent))


@cache
def _environment() -> Environment:
    # The report is written once, for the console and for who has none.
    loader = ChoiceLoader([PackageLoader("stanchion.web", "templates"), PackageLoader("stanchion.api", "pages")])
    # What was read at the start stays: a package that is upgraded brings pages that the running agent cannot fill.
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True, auto_reload=False)
    environment.filters |= {"instant": instant, "duration": duration, "seconds": seconds, "tone": tone, "count": count,
                            "mib": capacity.mib, "size": capacity.said, "memory": capacity.memory,
                            "reason": said, "coded": coded, "leads": leads, "begun": _begun}
    environment.globals["may"] = _may
    return environment


def instant(at: datetime | float | None) -> str:
    """Show an instant; the browser turns it into its viewer's zone."""
    if at is None or at == 0:
        return NOTHING
    when = (datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else at).astimezone(UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(f"{when:%Y-%m-%dT%H:%M:%S.%f}"[:23] + "Z",
                                                              f"{when:%Y-%m-%d %H:%M:%S}")


def leads(address: str) -> str:
    """Give an address that a link may lead to, an agent's or a page's; one of any other kind leads nowhere."""
    page = address.startswith("/") and not address.startswith("//")
    return address if page or address.startswith(("https://", "http://")) else "#"


def duration(value_s: float) -> str:
    """Show a time that somebody set, in the largest unit that divides it."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if value_s >= size and value_s % size == 0:
            return f"{value_s / size:g} {unit}"
    return f"{value_s:g} s"


def seconds(value_s: float | None) -> str:
    """Show a measured time."""
    return NOTHING if value_s is None else f"{value_s:.1f} s"


def count(number: int, one: str, many: str = "") -> str:
    """Show a number of things: ``1 node``, ``3 nodes``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def tone(state: State | str) -> str:
    """Give the colour's name of a state."""
    return TONES.get(State(state), "quiet")


def said(reason: ReasonInfo | None) -> str:
    """Give a reason's sentence, as a sentence; a name that it begins with stays as it is spelled."""
    if reason is None or not reason.text:
        return ""
    named = reason.text.split(" ", 1)[0].rstrip(":,;") in set(reason.operands) - set(Verb)
    first = reason.text[0] if named else reason.text[0].upper()
    return f"{first}{reason.text[1:]}{'' if reason.text[-1] in '.!?' else '.'}"


def coded(text: str) -> str:
    """Show what stands between backticks as what is typed."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return text
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts))


@pass_context
def _begun(context: Context, text: str) -> str:
    """Begin a sentence with a capital, but a name that stands in the page's address as it is spelled."""
    names = str(context.get("path", "")).split("/")[3:]
    return text if text.split(" ", 1)[0] in names else f"{text[:1].upper()}{text[1:]}"


@pass_context
def _may(context: Context, role: str) -> bool:
    """Tell a template whether the viewer's role covers another."""
    who = context.get("who")
    return who is not None and who.role.covers(Role(role))
