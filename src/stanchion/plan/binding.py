"""Which configuration a resource goes by: the newest, but with the scripts that it was loaded with until its next load.

As in the original, the scripts of a resource that is loaded change only with the next load. It *binds* itself to a
revision when its node claims the load, before any script has run; whoever saves other scripts meanwhile leaves the
bound ones in the view (``Bound``). Modes, monitoring and preferred nodes are nothing that a script put up: they count
at once. A *comatose* resource takes what is saved at once: nothing is healthy there that could be taken down wrongly,
and mending its unload script is what an operator is there for.
"""

from dataclasses import replace

from stanchion.model.cluster import ClusterView, Held, Key, Kind, Record
from stanchion.model.history import Entry
from stanchion.model.ids import NOTHING, ResourceName, Revision
from stanchion.model.past import Bound, Past
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import ResourceState, State, holders
from stanchion.model.transaction import Guard, Put, Transaction


def is_bound(state: ResourceState) -> bool:
    """Whether the resource goes by what it was loaded with: a node holds it, and began to load it."""
    return bool(holders(state)) and not (state.state is State.LOADING and state.session is None)


def bound(view: ClusterView, name: ResourceName) -> Bound | None:
    """Give what the resource was loaded with, where newer scripts wait for its next load."""
    state, kept = view.states.get(name), view.bounds.get(name)
    if state is None or kept is None or not is_bound(state.value):
        return None
    return kept.value if kept.value.revision == state.value.spec_revision else None


def effective(view: ClusterView, name: ResourceName) -> Held[ResourceSpec] | None:
    """Give the configuration that the resource goes by now."""
    newest, kept = view.specs.get(name), bound(view, name)
    if newest is None or kept is None:
        return newest
    return Held(replace(newest.value, scripts=kept.scripts, files=kept.files), Revision(kept.revision))


def saved(view: ClusterView, held: Held[ResourceSpec], spec: ResourceSpec, entry: Entry, *,
           at_once: bool = False) -> Transaction:
    """Make the transaction that saves ``spec`` in place of ``held``, guarded by everything that it rests on."""
    name = spec.name
    puts: list[Record] = [spec]
    deletes: list[Key] = []
    guards = [Guard(Key(Kind.SPEC, name), held.revision)]
    if held.value != replace(spec, saved_by=held.value.saved_by, saved_at_s=held.value.saved_at_s,
                             saved_why=held.value.saved_why):
        puts.append(Past(resource=name, revision=held.revision, spec=held.value))
    else:
        puts.remove(spec)  # only what counts changes, not what is saved
    touched = (spec.scripts, spec.files) != (held.value.scripts, held.value.files)
    state, kept = view.states.get(name), view.bounds.get(name)
    if touched or at_once:
        guards.append(Guard(Key(Kind.STATE, name), NOTHING if state is None else state.revision))
        guards.append(Guard(Key(Kind.BOUND, name), NOTHING if kept is None else kept.revision))
        now = bound(view, name)
        used = (held.value.scripts, held.value.files) if now is None else (now.scripts, now.files)
        loaded = state is not None and is_bound(state.value) and state.value.state is not State.COMATOSE
        waits = loaded and not at_once and (spec.scripts, spec.files) != used
        if waits and now is None and state is not None:
            puts.append(Bound(resource=name, revision=state.value.spec_revision, scripts=used[0], files=used[1]))
        elif not waits and kept is not None:
            deletes.append(Key(Kind.BOUND, name))
    return Transaction(guards=tuple(guards), puts=tuple(map(Put, puts)), deletes=tuple(deletes), history=(entry,))
