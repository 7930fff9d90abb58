"""Saving what an operator says of a node: how it can be switched off, what its host has, and what is kept for the host.

All of one request is written at once, or nothing of it, and names the revision of the node that it was made from.
"""

from collections.abc import Iterator
from dataclasses import replace

from stanchion.api import fencing, finding
from stanchion.api.services import Services
from stanchion.model.capacity import NOTHING_KNOWN
from stanchion.model.cluster import ClusterView, Key, Kind, Node
from stanchion.model.errors import InvalidInput
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NodeName
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.transaction import Conflict, Guard, Put, Transaction
from stanchion.plan.making import size_faults
from stanchion.wire.requests import NodeChange


async def save(here: Services, name: NodeName, change: NodeChange, seen: int | None, by: str) -> None:
    """Save a change of a node; ``seen`` is the revision that the editor was looking at, None: whatever stands there.

    Raises ``Stale`` when the node was changed meanwhile, ``InvalidInput`` for any fault.
    """
    held = finding.record(here.view(), name)
    if seen is not None and seen != held.revision:
        raise finding.changed(name)
    after, told = _sized(here.view(), held.value, change, by)
    if change.fence is not None:
        after, more = fencing.saved(here.view(), after, change.fence, by)
        told = (*told, *more)
    if not told:
        return
    now = here.clock.now().wall_s
    answer = await here.store.commit(Transaction(
        guards=(Guard(Key(Kind.NODE, name), held.revision),), puts=(Put(after),),
        history=tuple(Entry(at_s=now, reason=why, severity=severity, by=here.node, node=name)
                      for why, severity in told)))
    await here.catch_up(answer.revision)
    if isinstance(answer, Conflict):
        raise finding.changed(name)


def _sized(view: ClusterView, of: Node, change: NodeChange,
           by: str) -> tuple[Node, tuple[tuple[Reason, Severity], ...]]:
    after = replace(of, capacity=replace(of.capacity, **change.capacity.model_dump(exclude_none=True)),
                    reserve=replace(of.reserve, **change.reserve.model_dump(exclude_none=True)))
    if found := tuple(_faults(view, after)):
        raise InvalidInput(", and ".join(found))
    parts = {"memory": after.capacity.memory_mib, "processors": after.capacity.cpus,
             "memory kept for the host": after.reserve.memory_mib, "processors kept for the host": after.reserve.cpus}
    said = ", ".join(f"{what} {size:g}{' MiB' if 'memory' in what else ''}" for what, size in parts.items() if size)
    why = reason(Why.CAPACITY_SAVED, by, of.name, said or "as measured")
    return after, () if after == of else ((why, Severity.INFO),)


def _faults(view: ClusterView, after: Node) -> Iterator[str]:
    yield from size_faults(after.capacity, after.name)
    yield from size_faults(after.reserve, f"what is kept on {after.name} for the host")
    session = view.sessions.get(after.name)
    whole = after.capacity.over(NOTHING_KNOWN if session is None else session.value.capacity)
    if 0 < whole.memory_mib <= after.reserve.memory_mib:
        yield (f"{after.reserve.memory_mib} MiB cannot be kept on {after.name} for the host, because it has "
               f"{whole.memory_mib} MiB and nothing would be left for machines")
    if 0 < whole.cpus <= after.reserve.cpus:
        yield (f"{after.reserve.cpus:g} processors cannot be kept on {after.name} for the host, because it has "
               f"{whole.cpus:g} and none would be left for machines")
