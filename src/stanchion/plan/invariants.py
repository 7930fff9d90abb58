"""What must always hold, checked before every decision is written, in production too.

The master would rather stop than write a decision that could start a second copy: a violation raises
``BrokenInvariant``, the agent dies, its watchdog is not fed, and another node decides. The rules are those of
``docs/safety.md``; the simulator checks them on whole histories, this module on one decision.
"""

from collections import Counter
from collections.abc import Sequence

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView
from stanchion.model.errors import BrokenInvariant
from stanchion.model.ids import NodeName, SessionId
from stanchion.model.index import claimants
from stanchion.model.reasons import Why, sentence
from stanchion.model.state import Phase, ResourceState, State, holders
from stanchion.plan import capacity, strays
from stanchion.plan.lifecycle import story
from stanchion.plan.membership import Fate, fate


def check(view: ClusterView, decision: Decision) -> None:
    """Raise ``BrokenInvariant`` if it could start a second copy, takes lives back, or promises memory twice."""
    changed = []
    for put in decision.transaction.puts:
        after = put.record
        if not isinstance(after, ResourceState) or after.name not in view.states:
            continue
        before = view.states[after.name].value
        changed.append((before, after))
        if after.lives < before.lives:
            raise BrokenInvariant(f"lives would fall: {story(before)}")
        _check_strays(view, before, after)
        for node, session in _released(before, after):
            if fate(view, node, session) is not Fate.PROVEN:
                raise BrokenInvariant(f"nothing proves that {node} ({session}) stopped: {story(before)}, "
                                      f"to become {story(after)}")
    _check_memory(view, changed)


def _check_memory(view: ClusterView, changed: Sequence[tuple[ResourceState, ResourceState]]) -> None:
    """A machine is sent to a node that has less memory left than it needs; one that runs there already is adopted."""
    taken: Counter[NodeName] = Counter()
    for before, after in changed:
        need = capacity.needs(view, after.name).memory_mib
        taken.update(dict.fromkeys(claimants(after), need))
        taken.subtract(dict.fromkeys(claimants(before), need))
    for before, after in changed:
        need = capacity.needs(view, after.name).memory_mib
        for node in set(claimants(after)) - set(claimants(before)):
            room = capacity.usable(view, node).memory_mib
            wanted = capacity.promised(view, node).memory_mib + taken[node]
            if need and room and wanted > room and after.reason.why is not Why.ADOPT_ASKED:
                raise BrokenInvariant(f"{wanted} MiB would be promised on {node}, where machines may have {room}: "
                                      f"{story(before)}, to become {story(after)}")


def _check_strays(view: ClusterView, before: ResourceState, after: ResourceState) -> None:
    """A start, or a move, to a node while the same machine is a stray elsewhere."""
    aims = {after.node} if after.state is State.LOADING else {after.move.target} if after.move is not None else set()
    for node in aims - set(holders(before)) - {None}:
        astray = None if node is None else strays.bar(view, after.name, node)
        if astray is not None:
            raise BrokenInvariant(f"{sentence(astray)}: {story(before)}, to become {story(after)}")


def _released(before: ResourceState, after: ResourceState) -> tuple[tuple[NodeName, SessionId], ...]:
    """Name the sessions in which the machine may be executing and which the decision would let go of."""
    kept = set(holders(after)) if after.session is not None else set()
    claims = [(before.node, before.session)] if before.node is not None and holders(before) else []
    if before.state is State.COMATOSE and before.move is not None:
        claims.append((before.move.target, before.move.session))
    if before.state is State.MIGRATING and before.move is not None:
        if before.move.phase is Phase.IN:
            claims = []
        claims.append((before.move.target, before.move.session))
        if after.state is State.LOADING and after.node == before.move.target:
            # The target itself looks before it loads, and adopts what it finds.
            claims.pop()
        elif after.state is State.RUNNING:
            claims.pop()
    return tuple((node, session) for node, session in claims if session is not None and node not in kept)
