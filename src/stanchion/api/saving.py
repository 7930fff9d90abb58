"""What belongs to a saved configuration: the one before it is kept, and a resource that runs goes by its old scripts.

``change`` makes the transaction of an edit. It keeps the configuration that it replaces (``model.past``), and for a
resource that is loaded it leaves the scripts that it was loaded with in the view until its next load, unless the
operator wants the new ones to count at once. A *comatose* resource takes what is saved at once: nothing is healthy
there that could be taken down wrongly, and mending its unload script is what an operator is there for.
"""

from dataclasses import replace

from stanchion.api.services import Services
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Record
from stanchion.model.errors import InvalidInput, NotFound
from stanchion.model.history import Entry
from stanchion.model.ids import NOTHING, ResourceName, Revision
from stanchion.model.past import Bound, Past, past_name
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import ResourceSpec
from stanchion.model.state import State
from stanchion.model.transaction import Guard, Put, Transaction
from stanchion.plan import binding

REVISIONS_KEPT = 50
"""So many past configurations are kept of each resource."""

LONGEST_WHY = 200


def said(why: str) -> str:
    """Put what an operator says about a change on one line. Raises ``InvalidInput`` when it is too long."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in why).split())
    if len(line) > LONGEST_WHY:
        raise InvalidInput(f"the reason has {len(line)} letters; say it in at most {LONGEST_WHY}")
    return line


def reason_of(by: str, why: str) -> Reason:
    """Tell an edit for the history."""
    return reason(Why.SPEC_SAVED_WHY, by, why) if why else reason(Why.SPEC_SAVED, by)


def change(view: ClusterView, held: Held[ResourceSpec], spec: ResourceSpec, entry: Entry, *,
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
        now = binding.bound(view, name)
        used = (held.value.scripts, held.value.files) if now is None else (now.scripts, now.files)
        loaded = state is not None and binding.is_bound(state.value) and state.value.state is not State.COMATOSE
        waits = loaded and not at_once and (spec.scripts, spec.files) != used
        if waits and now is None and state is not None:
            puts.append(Bound(resource=name, revision=state.value.spec_revision, scripts=used[0], files=used[1]))
        elif not waits and kept is not None:
            deletes.append(Key(Kind.BOUND, name))
    return Transaction(guards=tuple(guards), puts=tuple(map(Put, puts)), deletes=tuple(deletes), history=(entry,))


async def past(here: Services, name: ResourceName) -> list[Past]:
    """Read the past configurations of a resource, the newest first."""
    found = await here.store.records(Kind.PAST, prefix=f"{name}/", limit=REVISIONS_KEPT * 2, newest_first=True)
    return [held.value for _, held in found if isinstance(held.value, Past)]


async def revision(here: Services, name: ResourceName, number: int) -> ResourceSpec:
    """Read one configuration of a resource, past or present. Raises ``NotFound``."""
    view = here.view()
    if view.specs[name].revision == number:
        return view.specs[name].value
    found = await here.store.records(Kind.PAST, prefix=past_name(name, number), limit=1)
    for _, held in found:
        if isinstance(held.value, Past):
            return held.value.spec
    kept = binding.effective(view, name)
    if kept is not None and kept.revision == Revision(number):
        return kept.value
    raise NotFound(f"{name} has no revision {number} (any more); `stanchion script list {name}` lists them")


async def trim(here: Services, name: ResourceName, *, keep: int = REVISIONS_KEPT) -> None:
    """Remove the oldest past configurations beyond those that are kept."""
    await here.store.trim(Kind.PAST, prefix=f"{name}/", keep=keep)
