"""What changed on a page: its live parts, compared with those that the browser shows.

A page's live parts are elements with an id: the template's blocks named ``live_...``, and the rows of its lists. All
of them together are a *frame*. The stream renders a frame after each change of the cluster and sends what differs from
the last one it sent. Nothing is remembered about events: whoever was away gets the whole frame, and has missed nothing.

A row is rendered once for all who look at it: its HTML depends on nothing but its template and its values.
"""

import json
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from markupsafe import Markup

from stanchion.web import render

REMEMBERED = 20_000
"""So many rows are remembered; a cluster has at most a few thousand."""

_rendered: OrderedDict[Hashable, tuple[Any, Markup]] = OrderedDict()
_writing = Lock()
"""Pages are written in several threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of a list, in order, each with the id of its element and what it shows.

    ``template`` renders one row from ``row`` and from what all rows share, ``common``; its outermost element must have
    ``element`` as its id. ``id`` is that of the element around the rows.
    """

    id: str
    template: str
    rows: tuple[tuple[str, Any], ...]
    common: Mapping[str, Any] = field(default_factory=dict)

    def html(self) -> Markup:
        """Render all rows, for the page."""
        return Markup("").join(self.parts().values())

    def parts(self) -> dict[str, Markup]:
        """Render the rows that changed since they were last rendered, for anybody; give all of them."""
        shared = tuple(sorted(self.common.items()))
        return {element: self._row(element, value, shared) for element, value in self.rows}

    def _row(self, element: str, value: Any, shared: tuple[Any, ...]) -> Markup:
        key = (self.template, element, shared)
        with _writing:
            known = _rendered.get(key)
            if known is not None:
                _rendered.move_to_end(key)
        if known is not None and known[0] == value:
            return known[1]
        text = render.template(self.template).render(row=value, element=element, **self.common)
        html = Markup(text)  # noqa: S704 - the template engine has escaped what needs it
        with _writing:
            _rendered[key] = (value, html)
            if len(_rendered) > REMEMBERED:
                _rendered.popitem(last=False)
        return html


@dataclass(frozen=True, slots=True)
class Frame:
    """The live parts of a page at one moment: HTML by the element's id, and the order of the rows of each list."""

    parts: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    look_again_s: float | None = None
    """How soon to look again although nothing changed in the store, where the page says so: something runs."""


def frame(template: str, context: Mapping[str, Any]) -> Frame:
    """Render the live parts of a page."""
    parts: dict[str, str] = dict(render.blocks(render.template(template), context))
    lists: dict[str, tuple[str, ...]] = {}
    for rows in context.values():
        if isinstance(rows, Rows):
            parts |= rows.parts()
            lists[rows.id] = tuple(element for element, _ in rows.rows)
    return Frame(parts, lists, context.get("look_again_s"))


def difference(shown: Frame | None, now: Frame) -> str:
    """Say as JSON what has to change in a browser that shows one frame; empty: nothing. ``None``: unknown, so all."""
    old = shown or Frame()
    parts = {name: html for name, html in now.parts.items() if old.parts.get(name) != html}
    lists = {name: order for name, order in now.lists.items() if shown is None or old.lists.get(name) != order}
    if not parts and not lists:
        return ""
    return json.dumps({"parts": parts, "lists": lists}, separators=(",", ":"))
