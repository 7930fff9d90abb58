"""Saving configuration: making, changing and deleting resources as guarded transactions.

A configuration is judged before it is written (``plan.making.faults`` for its sense, the lint for its scripts), and
what is written names the revision that it was made from. Two operators who edit the same resource therefore never
overwrite each other unseen: the second is told who saved before, and when.
"""

from collections.abc import Iterable
from dataclasses import replace

from stanchion.api import finding, ruling, saving
from stanchion.api.services import Services
from stanchion.model.cluster import Held, Key, Kind
from stanchion.model.errors import AlreadyExists, InvalidInput, NotNow, Stale
from stanchion.model.history import Entry
from stanchion.model.ids import NOTHING, NodeName, ResourceName
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import ResourceSpec, ScriptKind, Scripts
from stanchion.model.state import ResourceState, State
from stanchion.model.transaction import Conflict, Guard, Put, Transaction
from stanchion.plan import binding, making
from stanchion.wire import replies
from stanchion.wire.requests import ResourceChange, ResourceCreate
from stanchion.wire.scripts import Restore

SAVE_TRIES = 8
"""So often an edit is tried again when the resource itself changed meanwhile, not its configuration."""

DELETABLE = frozenset({State.OFFLINE, State.UNASSIGNED})
"""States in which nothing of a resource can be running, by anybody's word."""


async def create(here: Services, asked: ResourceCreate, by: str) -> tuple[ResourceName, tuple[str, ...]]:
    """Make a resource from a template, Offline; give its name and the lint's warnings.

    Raises ``AlreadyExists``, ``NotFound`` for the template, ``InvalidInput`` for any fault.
    """
    spec = planned(here, asked, by)
    return spec.name, await _add(here, spec, reason(Why.CREATED, spec.template))


def planned(here: Services, asked: ResourceCreate, by: str) -> ResourceSpec:
    """Give what would be made of a request, not judged yet; nothing is written. Raises as ``create`` does."""
    view = here.view()
    found = finding.match(asked.name, view.specs)
    if found is not None:
        raise taken(found)
    template = view.templates[finding.template(view, asked.template)].value
    made = making.make(template, asked.name, asked.parameters, by=by, at_s=here.clock.now().wall_s)
    return replace(changed(made, asked.overrides, finding.known_nodes(view)),
                   saved_why=saving.said(asked.overrides.why))


async def add(here: Services, spec: ResourceSpec, by: str) -> tuple[str, ...]:
    """Make a resource that came as a document, Offline; give the lint's warnings."""
    return await _add(here, replace(spec, saved_why="imported"), reason(Why.SPEC_IMPORTED, by))


async def _add(here: Services, spec: ResourceSpec, why: Reason) -> tuple[str, ...]:
    warnings, now = await judge(here, spec, ScriptKind), here.clock.now().wall_s
    state = ResourceState(name=spec.name, state=State.OFFLINE, reason=why, since_s=now)
    answer = await here.store.commit(Transaction(
        guards=(Guard(Key(Kind.SPEC, spec.name), NOTHING), Guard(Key(Kind.STATE, spec.name), NOTHING)),
        puts=(Put(spec), Put(state)),
        history=(_entry(here, spec.name, why, now),),
    ))
    if isinstance(answer, Conflict):
        raise taken(spec.name)
    await here.catch_up(answer.revision)
    return warnings


async def edit(here: Services, name: ResourceName, change: ResourceChange, seen: int | None,
               by: str) -> tuple[str, ...]:
    """Change a resource's configuration; give the lint's warnings about the scripts that were changed.

    ``seen`` is the revision that the editor was looking at; None: whatever stands there now. Raises ``Stale`` when
    another was saved meanwhile, ``InvalidInput`` for any fault.
    """
    why = saving.said(change.why)
    held, at_once = _seen(here, name, seen), change.at_once
    spec = changed(held.value, change, finding.known_nodes(here.view()))
    told = saving.reason_of(by, why)
    if spec == held.value:
        if not at_once:
            return ()
        told = reason(Why.SPEC_APPLIED, by)
    return await _save(here, held, replace(spec, saved_why=why), by, told, at_once=at_once)


async def restore(here: Services, name: ResourceName, asked: Restore, seen: int | None, by: str) -> tuple[str, ...]:
    """Save a past configuration anew, or one script of it; give the lint's warnings.

    Raises ``NotFound`` for a revision that is not kept, ``Stale`` and ``InvalidInput`` as an edit does.
    """
    why = saving.said(asked.why)
    held = _seen(here, name, seen)
    past = await saving.revision(here, name, asked.revision)
    spec = past
    if asked.script is not None:
        spec = replace(held.value, scripts=replace(held.value.scripts, **{
            asked.script.value: past.scripts.of(asked.script)}))
    told = reason(Why.SPEC_RESTORED, by, asked.revision)
    return await _save(here, held, replace(spec, saved_why=why or f"as in revision {asked.revision}"), by, told,
                       at_once=asked.at_once)


def _seen(here: Services, name: ResourceName, seen: int | None) -> Held[ResourceSpec]:
    held = here.view().specs[name]
    if seen is not None and seen != held.revision:
        raise _stale(held)
    return held


async def _save(here: Services, held: Held[ResourceSpec], spec: ResourceSpec, by: str, why: Reason, *,
                at_once: bool) -> tuple[str, ...]:
    """Judge a configuration and save it in place of ``held``; a resource that only changed its state is tried again."""
    name = spec.name
    warnings = await judge(here, spec, (kind for kind in ScriptKind if spec.scripts.of(kind)
                                        != held.value.scripts.of(kind)))
    for _ in range(SAVE_TRIES):
        view, now = here.view(), here.clock.now().wall_s
        if found := ruling.judge(view, spec):
            # Judged again in every round: a group may have been saved meanwhile, which is what ``guard`` finds out.
            raise InvalidInput(", and ".join(found))
        wanted = binding.saved(view, held, replace(spec, saved_by=by, saved_at_s=now), _entry(here, name, why, now),
                               at_once=at_once)
        answer = await here.store.commit(replace(wanted, guards=(*wanted.guards, *ruling.guard(view, name))))
        await here.catch_up(answer.revision)
        if not isinstance(answer, Conflict):
            await saving.trim(here, name)
            return warnings
        if answer.key.kind is Kind.SPEC:
            break
    else:
        raise NotNow(f"{name} changes again and again at this moment; repeat the edit when it has settled")
    raise _stale(here.view().specs.get(name, held))


async def delete(here: Services, name: ResourceName, by: str) -> None:
    """Delete a resource that runs nowhere. Raises ``NotNow`` in any other state."""
    view, now = here.view(), here.clock.now().wall_s
    spec, state = view.specs[name], view.states.get(name)
    if state is not None and state.value.state not in DELETABLE:
        raise NotNow(f"{name} is {state.value.state}, and only an offline resource can be deleted; "
                     f"take it offline first: stanchion offline {name}")
    if groups := ruling.binding(view, name):
        raise NotNow(f"{name} is a member of the group {' and '.join(groups)}; take it out of there first: "
                     f"stanchion group edit {groups[0]}")
    guards = [Guard(Key(Kind.SPEC, name), spec.revision), *ruling.guard(view, name)]
    guards.append(Guard(Key(Kind.STATE, name), NOTHING if state is None else state.revision))
    answer = await here.store.commit(Transaction(
        guards=tuple(guards),
        deletes=(Key(Kind.SPEC, name), Key(Kind.STATE, name), Key(Kind.BOUND, name)),
        history=(_entry(here, name, reason(Why.DELETED, by), now),),
    ))
    if isinstance(answer, Conflict):
        raise NotNow(f"{name} changed just now; look at it again, then repeat")
    await saving.trim(here, name, keep=0)
    await here.catch_up(answer.revision)


def changed(spec: ResourceSpec, change: ResourceChange, nodes: Iterable[NodeName]) -> ResourceSpec:
    """Apply a change; what it leaves out stays. Node names are put into the cluster's own spelling."""
    texts = {
        kind.value: replace(spec.scripts.of(kind), **part.model_dump(exclude_none=True))
        for kind, part in change.scripts.items()
    }
    known = list(nodes)
    preferred = spec.preferred
    if change.preferred is not None:
        preferred = tuple(finding.match(name, known) or NodeName(name) for name in change.preferred)
    scripts: Scripts = replace(spec.scripts, **texts)
    return replace(
        spec,
        scripts=scripts,
        monitoring=replace(spec.monitoring, **change.monitoring.model_dump(exclude_none=True)),
        policies=replace(spec.policies, **change.policies.model_dump(exclude_none=True)),
        preferred=preferred,
        files=spec.files if change.files is None else change.files,
        size=replace(spec.size, **change.size.model_dump(exclude_none=True)),
    )


async def judge(here: Services, spec: ResourceSpec, kinds: Iterable[ScriptKind]) -> tuple[str, ...]:
    """Give the lint's warnings; raises ``InvalidInput`` with one sentence for everything that forbids saving."""
    view = here.view()
    faults = list(making.faults(spec, finding.known_nodes(view)))
    if twin := making.twin(spec, (held.value for held in view.specs.values())):
        faults.append(twin)
    faults.extend(ruling.judge(view, spec))
    warnings: list[str] = []
    for kind in kinds:
        text = spec.scripts.of(kind).text
        if text.strip():
            errors, doubts = await here.lint.check(text)
            faults.extend(f"the {kind} script is not valid, {_clause(error)}" for error in errors)
            warnings.extend(f"{kind} script, {_clause(doubt)}" for doubt in doubts)
    if faults:
        raise InvalidInput(", and ".join(faults))
    return tuple(warnings)


def _clause(said: str) -> str:
    """Make a sentence of the lint part of a longer one."""
    return f"{said[:1].lower()}{said[1:].removesuffix('.')}"


def _entry(here: Services, name: ResourceName, why: Reason, now: float) -> Entry:
    return Entry(at_s=now, reason=why, by=here.node, resource=name)


def taken(name: ResourceName) -> AlreadyExists:
    """Say that there is a resource of that name."""
    return AlreadyExists(f"there is a resource {name} already (names must differ by more than case); "
                         "choose another name")


def _stale(held: Held[ResourceSpec]) -> Stale:
    when = replies.instant(held.value.saved_at_s)
    at = f" at {when:%Y-%m-%d %H:%M:%S} UTC" if when else ""
    return Stale(f"the resource {held.value.name} was saved by {held.value.saved_by or 'somebody'}{at}, after you had "
                 f"read it; read it again (it stands at revision {held.revision} now), then repeat the edit")
