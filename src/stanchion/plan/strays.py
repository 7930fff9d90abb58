"""Strays: a machine that runs where nobody sent it bars its resource from starting anywhere else.

The record of a stray (``model.stray``) is written by the agent that finds it and taken away by the same agent when the
machine is gone, or belongs there by then. The master takes it away when the life of the node in which it was seen
provably runs nothing any more: a host that is off runs no strays. It is never leased: an ended lease alone proves
nothing.

A sighting on a node that holds the resource says nothing; so a stray is resolved by stopping it by hand, or by bringing
the resource online where it runs: the load looks first, and adopts it.
"""

from collections.abc import Mapping
from dataclasses import replace

from stanchion.model.actions import Decision
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Session
from stanchion.model.history import Entry, Severity
from stanchion.model.ids import NOTHING, Moment, NodeName, ResourceName
from stanchion.model.reasons import Reason, Why, reason, sentence
from stanchion.model.resource import MachineKind, ResourceSpec
from stanchion.model.state import Presence, holders
from stanchion.model.stray import Sighting, Stray
from stanchion.model.transaction import Guard, Put, Transaction
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
            return reason(Why.NODE_STRAY, node, name, seen.node)
    return None


def guard(view: ClusterView, name: ResourceName) -> Guard:
    """The decision rests on what is known of the resource's strays."""
    held = view.strays.get(name)
    return Guard(Key(Kind.STRAY, name), NOTHING if held is None else held.revision)


def sought(view: ClusterView) -> tuple[ResourceSpec, ...]:
    """Give the machines that every agent looks for on its host: those that a hypervisor can be asked for."""
    return tuple(held.value for _, held in sorted(view.specs.items())
                 if held.value.machine.kind is not MachineKind.SCRIPT)


def sighted(view: ClusterView, mine: Session, found: Found, now: Moment) -> tuple[Transaction, ...]:
    """Write down what a look round this host found: what is astray here, and what is not any more.

    A machine that could not be seen stays what it was.
    """
    live = view.live.get(mine.node)
    if live is None or live.value.session != mine.id:
        return ()
    changes = []
    known = {spec.name for spec in sought(view)}
    for name in sorted(found.keys() & known | set(view.strays) - known):
        presence, text = found[name] if name in known else (Presence.ABSENT, "")
        before = _seen_on(view, name, mine.node)
        after = before
        if mine.node in holding(view, name) or presence is Presence.ABSENT:
            after = None
        elif presence is Presence.RUNNING:
            after = Sighting(node=mine.node, session=mine.id, text=text,
                             since_s=now.wall_s if before is None else before.since_s)
        if (before and before.session) != (after and after.session):
            why = None
            if before is None:
                why = reason(Why.STRAY_SEEN, mine.node, text)
            elif after is None:
                why = reason(Why.STRAY_OURS if presence is Presence.RUNNING else Why.STRAY_GONE, mine.node)
            change = _rewritten(view, name, mine.node, after, told=why, now=now, by=mine.node)
            state = view.states.get(name)
            rests = (Guard(Key(Kind.LIVE, mine.node), live.revision),
                     Guard(Key(Kind.STATE, name), NOTHING if state is None else state.revision))
            changes.append(replace(change, guards=(*change.guards, *rests)))
    return tuple(changes)


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
