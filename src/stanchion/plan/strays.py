"""Strays: a machine that runs where nobody sent it bars its resource from starting anywhere else.

So does storage that the resource takes for itself (``plan.storage``) and that is in use on a host that does not hold
it: a volume group that is active there, a file system that is mounted. It may be loaded on that very host, unless
another one used the storage meanwhile: then what this one knows of it is out of date, and it must let go first.

The record of a stray (``model.stray``) is written by the agent that finds it and taken away by the same agent when the
machine is gone, or belongs there by then. The master takes it away when the life of the node in which it was seen
provably runs nothing any more: a host that is off runs no strays. It is never leased: an ended lease alone proves
nothing.

A sighting on a node that holds the resource says nothing; so a stray is resolved by stopping it by hand, or by bringing
the resource online where it runs: the load looks first, and adopts it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Session
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NOTHING, Moment, NodeName, ResourceName
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import MachineKind, ResourceSpec
from stanchion.model.state import Presence, holders
from stanchion.model.storage import InUse
from stanchion.model.stray import Sighting, Stray
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan import storage
from stanchion.plan.binding import effective
from stanchion.plan.membership import Fate, fate, proof_of

Found = Mapping[ResourceName, tuple[Presence, str]]
"""What a look round a host found of each machine, and what was seen, for people."""


def places(view: ClusterView, name: ResourceName) -> tuple[Sighting, ...]:
    """Give where the resource runs although nobody sent it there."""
    held = view.strays.get(name)
    here = holding(view, name)
    return () if held is None else tuple(seen for seen in held.value.sightings if seen.node not in here)


def holding(view: ClusterView, name: ResourceName) -> tuple[NodeName, ...]:
    """Name the nodes that may execute the resource by right."""
    state = view.states.get(name)
    return () if state is None else holders(state.value)


def astray_on(view: ClusterView, node: NodeName) -> tuple[ResourceName, ...]:
    """Name the resources that run on the node although nobody sent them there."""
    return tuple(name for name in sorted(view.strays) if any(seen.node == node for seen in places(view, name)))


def bar(view: ClusterView, name: ResourceName, node: NodeName) -> Reason | None:
    """Say which stray keeps the resource from starting on the node, or None.

    On the very node where it runs it may be loaded, which adopts it, unless another node holds the resource.
    """
    held = holding(view, name)
    for seen in places(view, name):
        if seen.node != node or held:
            why = Why.NODE_STRAY if seen.machine else Why.NODE_STORAGE
            return reason(why, node, name, seen.node, *(() if seen.machine else (seen.text,)))
        if seen.beside and not seen.machine:
            return reason(Why.NODE_STORAGE_OLD, node, name, seen.text)
    return None


def stands(seen: Sighting) -> Reason:
    """Say what is astray there, and what resolves it."""
    return reason(Why.STRAY_STANDS, seen.node) if seen.machine else reason(Why.STORAGE_STANDS, seen.node, seen.text)


def guard(view: ClusterView, name: ResourceName) -> Guard:
    """The decision rests on what is known of the resource's strays."""
    held = view.strays.get(name)
    return Guard(Key(Kind.STRAY, name), NOTHING if held is None else held.revision)


def sought(view: ClusterView) -> tuple[ResourceSpec, ...]:
    """Give the machines that every agent looks for on its host: those that a hypervisor can be asked for."""
    return tuple(held.value for _, held in sorted(view.specs.items())
                 if held.value.machine.kind is not MachineKind.SCRIPT)


def owners(view: ClusterView) -> tuple[ResourceSpec, ...]:
    """Give the resources that take storage for themselves alone, as they go by now."""
    specs = (effective(view, name) for name in sorted(view.specs))
    return tuple(held.value for held in specs if held is not None and storage.claimed(held.value))


def watched(view: ClusterView) -> tuple[ResourceSpec, ...]:
    """Give the resources of which something can be astray on a host."""
    return tuple({spec.name: spec for spec in (*sought(view), *owners(view))}.values())


def sighted(view: ClusterView, mine: Session, found: Found, now: Moment, *,
            stored: Mapping[ResourceName, str] | None = None) -> tuple[Transaction, ...]:
    """Write down what a look round this host found: what is astray here, and what is not any more.

    ``stored`` says what storage of each resource is in use here (``astray_storage``); None: that is not known. What
    could not be seen stays what it was.
    """
    live = view.live.get(mine.node)
    if live is None or live.value.session != mine.id:
        return ()
    changes = []
    for name in sorted(_worth_judging(view, found, stored or {})):
        before, after = _seen_on(view, name, mine.node), None
        machine = found.get(name, (Presence.ABSENT, ""))
        if (takes := _watched_for(view, name)) is not None:
            things = (stored or {}).get(name) if takes or stored is None else ""
            after = _judged(view, name, mine, before, machine=machine, stored=things, now=now)
        if _counts(before) != _counts(after):
            why = _news(before, after, mine.node, here=machine[0], ours=mine.node in holding(view, name))
            change = _rewritten(view, name, mine.node, after, told=why, now=now, by=mine.node)
            state = view.states.get(name)
            rests = (Guard(Key(Kind.LIVE, mine.node), live.revision),
                     Guard(Key(Kind.STATE, name), NOTHING if state is None else state.revision))
            changes.append(replace(change, guards=(*change.guards, *rests)))
    return tuple(changes)


def _worth_judging(view: ClusterView, found: Found, stored: Mapping[ResourceName, str]) -> Iterator[ResourceName]:
    """Name those of which there may be news: of most there is nothing here, and nothing was here before."""
    here = {name for name, (presence, _) in found.items() if presence is not Presence.ABSENT}
    for name in {*here, *(name for name, told in stored.items() if told), *view.strays}:
        takes = _watched_for(view, name)
        machine = takes is not None and view.specs[name].value.machine.kind is not MachineKind.SCRIPT
        if name in view.strays if takes is None else name in found or (name in stored and not machine):
            yield name


def _watched_for(view: ClusterView, name: ResourceName) -> bool | None:
    """Tell whether a resource takes storage for itself; None: of this one nothing can be astray on a host."""
    spec = effective(view, name)
    takes = spec is not None and bool(storage.claimed(spec.value))
    machine = name in view.specs and view.specs[name].value.machine.kind is not MachineKind.SCRIPT
    return takes if takes or machine else None


def astray_storage(view: ClusterView, me: NodeName, here: InUse) -> dict[ResourceName, str]:
    """Say of each resource that takes storage what of it is in use on this node without right; empty: nothing."""
    return {spec.name: "" if me in holding(view, spec.name) else left(view, me, spec, here) for spec in owners(view)}


def left(view: ClusterView, me: NodeName, spec: ResourceSpec, here: InUse) -> str:
    """Say what of a resource's storage is in use on this node; what others take that are held here is theirs."""
    things = storage.in_use(storage.claimed(spec), here)
    if not things:
        return ""
    theirs = (storage.in_use(storage.claimed(other), here) for other in owners(view)
              if other.name != spec.name and me in holding(view, other.name))
    return storage.told(things.difference(*theirs))


def _judged(view: ClusterView, name: ResourceName, mine: Session, before: Sighting | None, *,
            machine: tuple[Presence, str], stored: str | None, now: Moment) -> Sighting | None:
    """Say what is astray here: the machine, or else its storage."""
    presence, text = machine
    if mine.node in holding(view, name):
        return None
    if presence is Presence.RUNNING:
        since_s = before.since_s if before is not None and before.machine else now.wall_s
        return Sighting(node=mine.node, session=mine.id, since_s=since_s, text=text)
    known_before = before is not None and not before.machine
    if presence is Presence.UNKNOWN or (stored is None and known_before):
        return before
    if not stored:
        return None
    since_s, beside = (before.since_s, before.beside) if before is not None and known_before else (now.wall_s, False)
    return Sighting(node=mine.node, session=mine.id, since_s=since_s, text=stored, machine=False,
                    beside=beside or bool(holding(view, name)))


def _counts(of: Sighting | None) -> tuple[object, ...] | None:
    """Give what of a sighting is worth another record; what a hypervisor says of a machine changes all the time."""
    return None if of is None else (of.session, of.machine, of.beside, "" if of.machine else of.text)


def _news(before: Sighting | None, after: Sighting | None, node: NodeName, *, here: Presence,
          ours: bool) -> Reason | None:
    """Say what is new for people, if anything is."""
    if after is not None:
        if before is not None and before.machine == after.machine:
            return None
        return reason(Why.STRAY_SEEN if after.machine else Why.STORAGE_SEEN, node, after.text)
    if before is None:
        return None
    if before.machine:
        return reason(Why.STRAY_OURS if ours and here is Presence.RUNNING else Why.STRAY_GONE, node)
    return reason(Why.STORAGE_OURS if ours else Why.STORAGE_GONE, node)


def judge(view: ClusterView, me: Session, now: Moment) -> tuple[Decision, ...]:
    """Take away the records of strays whose host provably runs nothing any more, or whose resource was deleted."""
    decisions = []
    for name, held in sorted(view.strays.items()):
        for seen in held.value.sightings:
            rests: tuple[Guard, ...] = ()
            if name not in view.specs:
                # It may be made anew in this moment, and its machine still runs there.
                why, rests = reason(Why.DELETED, "an operator"), (Guard(Key(Kind.SPEC, name), NOTHING),)
            elif fate(view, seen.node, seen.session) is Fate.PROVEN:
                why = reason(Why.STRAY_PROVEN, seen.node, sentence(proof_of(view, seen.node, seen.session)))
            else:
                continue
            change = _rewritten(view, name, seen.node, None, told=why, now=now, by=me.node)
            decisions.append(Decision(transaction=replace(change, guards=(*change.guards, *rests)), why=why))
            break
    return tuple(decisions)


def _seen_on(view: ClusterView, name: ResourceName, node: NodeName) -> Sighting | None:
    held = view.strays.get(name)
    seen = () if held is None else held.value.sightings
    return next((each for each in seen if each.node == node), None)


def _rewritten(view: ClusterView, name: ResourceName, node: NodeName, after: Sighting | None, *, told: Reason | None,
               now: Moment, by: NodeName) -> Transaction:
    """Put a node's sighting into the resource's record, or take it out; the last one takes the record along."""
    held: Held[Stray] | None = view.strays.get(name)
    others = [each for each in (held.value.sightings if held else ()) if each.node != node]
    sightings = tuple(sorted((*others, *([after] if after else [])), key=lambda each: each.node))
    severity = Severity.CRITICAL if after is not None else Severity.INFO
    history = () if told is None else (
        Entry(at_s=now.wall_s, reason=told, severity=severity, by=by, node=node, resource=name),)
    return Transaction(guards=(guard(view, name),), history=history,
                       puts=(Put(Stray(resource=name, sightings=sightings)),) if sightings else (),
                       deletes=() if sightings else (Key(Kind.STRAY, name),))
