"""The health of a cluster in one sentence, with the reasons for it, from one look."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from stanchion.model.state import State
from stanchion.web.needs import Need, silent
from stanchion.web.render import count
from stanchion.wire.replies import Status

NAMED = 6
"""So many are named in one reason."""


@dataclass(frozen=True, slots=True)
class Health:
    """How well it is: the sentence, the colour's name, and a reason each for what is not as it should be."""

    tone: Literal["good", "warning", "bad"]
    text: str
    reasons: tuple[str, ...] = ()


def health(of: Status, needs: Sequence[Need]) -> Health:
    """Judge one look at a cluster."""
    states = Counter(each.state for each in of.resources)
    up = sum(1 for node in of.nodes if node.state == "up")
    wanted = count(len(of.resources) - states[State.OFFLINE], "machine")
    running = f"{states[State.RUNNING]:,} of {wanted} that should run"
    reasons = tuple(_reasons(of, states, needs))
    if of.cluster.master is None or any(need.tone == "bad" and need.kind in DOWN for need in needs):
        return Health("bad", f"Not everything that should run does: {running} do, on {count(up, 'node')}.", reasons)
    if reasons:
        return Health("warning", f"{_first(running)} run, on {count(up, 'node')}; something needs a look.", reasons)
    if not states[State.RUNNING]:
        return Health("good", f"All is well: {count(up, 'node')} up, and no machine is to run.")
    return Health("good", f"All is well: {running} do, on {count(up, 'node')}.")


DOWN = frozenset({"comatose", "unassigned", "silent host"})
"""The needs that mean that something is down, or may be."""


def _first(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _reasons(of: Status, states: Counter[State], needs: Sequence[Need]) -> Iterator[str]:
    if of.cluster.master is None:
        yield "No node is the master, so nothing is decided until one is."
    kinds = Counter(need.kind for need in needs)
    for kind, number in sorted(kinds.items(), key=lambda pair: (pair[0] not in DOWN, pair[0])):
        named = [need.about for need in needs if need.kind == kind]
        more = f" and {number - NAMED} more" if number > NAMED else ""
        yield f"{_first(kind)}: {', '.join(named[:NAMED])}{more}."
    if states[State.QUORUM_WAIT]:
        yield f"{count(states[State.QUORUM_WAIT], 'machine')} wait for the start-up quorum."
    for node in of.nodes:
        if node.state == "down" and not silent(node):
            why = f", proven to have stopped ({node.proof})" if node.proof else ", and has never joined"
            yield f"Node {node.name} is down{why}."
        if node.emptying is not None:
            yield f"Node {node.name} is being emptied ({node.emptying.because})."
    if of.cluster.pause:
        yield f"The cluster is paused by {of.cluster.pause.by}."
