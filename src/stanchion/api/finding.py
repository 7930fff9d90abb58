"""Names are found without regard to case and kept as they were written (as in the original)."""

from collections.abc import Iterable
from typing import TypeVar

from stanchion.model.cluster import ClusterView, Held, Node
from stanchion.model.errors import NotFound, NotNow, Stale
from stanchion.model.ids import NodeName, ResourceName, TemplateName
from stanchion.model.reasons import Why, reason, sentence

Name = TypeVar("Name", bound=str)


def match(asked: str, known: Iterable[Name]) -> Name | None:
    """Find a name among the known ones: as written, else in any case."""
    names = list(known)
    folded = asked.casefold()
    exact = (name for name in names if name == asked)
    return next(exact, None) or next((name for name in names if name.casefold() == folded), None)


def known_nodes(view: ClusterView) -> tuple[NodeName, ...]:
    """Name every node that the cluster knows, in order."""
    return tuple(sorted({*view.nodes, *view.live}))


def resource(view: ClusterView, asked: str) -> ResourceName:
    """Find a resource; raises ``NotFound``."""
    found = match(asked, view.specs)
    if found is None:
        raise NotFound(sentence(reason(Why.UNKNOWN_RESOURCE, asked)))
    return found


def node(view: ClusterView, asked: str) -> NodeName:
    """Find a node; raises ``NotFound``."""
    found = match(asked, known_nodes(view))
    if found is None:
        raise NotFound(sentence(reason(Why.UNKNOWN_NODE, asked)))
    return found


def template(view: ClusterView, asked: str) -> TemplateName:
    """Find a template; raises ``NotFound``."""
    found = match(asked, view.templates)
    if found is None:
        raise NotFound(f"there is no template {asked}; `stanchion template list` lists them")
    return found


def record(view: ClusterView, name: NodeName) -> Held[Node]:
    """Give a node's record. Raises ``NotNow`` where only its lease still lives."""
    held = view.nodes.get(name)
    if held is None:
        raise NotNow(f"{name} was removed from the cluster and only its lease still lives; look again in a moment")
    return held


def changed(name: NodeName) -> Stale:
    """Say that somebody was faster to change a node."""
    return Stale(f"node {name} was changed after you had read it; read it again, then repeat")
