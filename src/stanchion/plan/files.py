"""Whether a resource's configuration files are the same everywhere: what each host told, put beside one of them.

One node is the measure: the one where the machine runs, else the first in the order of the resource's nodes that has
the file. Content, owner and mode are compared for people; a move asks for the content alone, because a machine does not
notice the rest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stanchion.model.cluster import ClusterView
from stanchion.model.files import FileFact, Standing
from stanchion.model.ids import NodeName, ResourceName
from stanchion.plan import binding, placement

Told = Mapping[NodeName, tuple[FileFact, ...] | str]
"""What each node told of the files, or why it could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One file on one node, beside the measure. ``text`` says in one sentence what is not right; empty: nothing."""

    node: NodeName
    path: str
    standing: Standing
    fact: FileFact
    text: str = ""


def named(view: ClusterView, name: ResourceName) -> tuple[str, ...]:
    """Name the files of a resource: those that it goes by now, then those that it will go by from its next load on."""
    now, saved = binding.effective(view, name), view.specs.get(name)
    both = (*(now.value.files if now else ()), *(saved.value.files if saved else ()))
    return tuple(dict.fromkeys(both))


def current(view: ClusterView, name: ResourceName) -> NodeName | None:
    """Give the node where the resource is, or None."""
    state = view.states.get(name)
    return state.value.node if state is not None and binding.is_bound(state.value) else None


def concerned(view: ClusterView, name: ResourceName) -> tuple[NodeName, ...]:
    """Give the nodes on which the files must stand, the measure of all first: where it is, then those it may go to."""
    listed = placement.order(view, view.specs[name].value)
    may = [node for node in listed if node in view.nodes and not view.nodes[node].value.witness]
    here = current(view, name)
    return tuple(dict.fromkeys((*([here] if here else ()), *may)))


def compare(paths: Sequence[str], nodes: Sequence[NodeName], told: Told) -> tuple[Compared, ...]:
    """Put every file on every node beside the first of these nodes that has it."""
    return tuple(each for path in paths for each in _one(path, nodes, told))


def differences(source: NodeName, files: Iterable[FileFact], resource: ResourceName, mine: NodeName) -> str:
    """Say what on the source itself stands in the way of comparing; empty: nothing."""
    for fact in files:
        if fact.is_missing:
            return (f"the file {fact.path} is missing on {source}, where it runs; "
                    f"`stanchion resource distribute {resource} --from {mine}` brings it there")
        if fact.fault:
            return f"the file {fact.path} on {source} cannot be compared: {fact.fault}"
    return ""


def _one(path: str, nodes: Sequence[NodeName], told: Told) -> Iterable[Compared]:
    facts = {node: _of(path, told.get(node, "it was not asked")) for node in nodes}
    measure = next((node for node, fact in facts.items() if isinstance(fact, FileFact) and fact.digest), None)
    for node, fact in facts.items():
        if isinstance(fact, str):
            yield Compared(node=node, path=path, standing=Standing.UNASKED, fact=FileFact(path=path),
                           text=f"{node} cannot be asked about {path}: {fact}")
        elif fact.is_missing:
            yield Compared(node=node, path=path, standing=Standing.MISSING, fact=fact,
                           text=f"{path} is missing on {node}")
        elif fact.fault:
            yield Compared(node=node, path=path, standing=Standing.UNASKED, fact=fact,
                           text=f"{path} on {node} cannot be compared: {fact.fault}")
        else:
            assert measure is not None
            beside = facts[measure]
            assert isinstance(beside, FileFact)
            what = _differs(fact, beside, measure)
            yield Compared(node=node, path=path, standing=Standing.DIFFERS if what else Standing.SAME, fact=fact,
                           text=f"{path} on {node} differs from the one on {measure}: {what}" if what else "")


def _of(path: str, told: tuple[FileFact, ...] | str) -> FileFact | str:
    if isinstance(told, str):
        return told
    return next((fact for fact in told if fact.path == path), "it does not know that file yet")


def _differs(fact: FileFact, beside: FileFact, measure: NodeName) -> str:
    """Say what differs from the measure, in the order of what matters; empty: nothing."""
    parts = []
    if fact.digest != beside.digest:
        sizes = f"{fact.size} bytes, on {measure} {beside.size}"
        parts.append(f"other content ({sizes if fact.size != beside.size else f'{fact.size} bytes on both'})")
    if fact.owner != beside.owner:
        parts.append(f"owner {fact.owner}, on {measure} {beside.owner}")
    if fact.mode != beside.mode:
        parts.append(f"mode {fact.mode:04o}, on {measure} {beside.mode:04o}")
    return "; ".join(parts)
