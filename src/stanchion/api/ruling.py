"""Saving what holds for the whole cluster: settings, groups, and the order in which resources load.

All of it is judged before it is written and guarded by the revision that it was made from, like a resource's
configuration (``edits``). Settings and groups stand in one record, so the second of two operators who change any of it
at once is told who was first. A group rests on its members' preferred nodes too, so their revisions are guarded too.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from stanchion.api import finding, saving
from stanchion.api.services import Services
from stanchion.model.balance import OFF, window
from stanchion.model.cluster import ClusterView, Held, Key, Kind, Settings
from stanchion.model.errors import InvalidInput, NotFound, NotNow, Stale
from stanchion.model.groups import Group
from stanchion.model.history import Entry
from stanchion.model.ids import ResourceName
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import ResourceSpec
from stanchion.model.transaction import Conflict, Guard, Put, Transaction
from stanchion.plan import binding as bindings
from stanchion.plan import grouping
from stanchion.plan.making import HIGHEST_PRIORITY, LONGEST_S
from stanchion.wire import replies
from stanchion.wire.ruling import GroupChange, SettingsChange

HISTORY_LEAST, HISTORY_MOST = 100, 1_000_000


def present(view: ClusterView) -> Held[Settings]:
    """Give the settings. Raises ``NotNow`` where the agent has not seen them yet."""
    if view.settings is None:
        raise NotNow("this agent has not seen the cluster's settings yet; repeat in a moment, or ask another node")
    return view.settings


async def save_settings(here: Services, change: SettingsChange, seen: int | None, by: str) -> None:
    """Change the cluster's settings. Raises ``InvalidInput`` for any fault, ``Stale`` when they changed meanwhile."""
    view = here.view()
    held = present(view)
    after = replace(held.value, **change.model_dump(exclude_none=True))
    found = (*_faults(after, len(view.nodes)), *_survival_faults(held.value, after, view))
    if found:
        raise InvalidInput(", and ".join(found))
    told = ", ".join(f"{name} {value}" for name, value in change.model_dump(mode="json", exclude_none=True).items())
    if told:
        await _save(here, held, replace(after, saved_by=by), reason(Why.SETTINGS_SAVED, by, told), seen=seen)


def _faults(of: Settings, nodes: int) -> Iterator[str]:
    if not 1 <= of.quorum_nodes <= max(nodes, 1):
        yield f"quorum_nodes is {of.quorum_nodes}; it must be 1 to {max(nodes, 1)}, the number of nodes"
    if not math.isfinite(of.quorum_timeout_s) or not 0 <= of.quorum_timeout_s <= LONGEST_S:
        yield f"quorum_timeout_s is {of.quorum_timeout_s:g}; it must be 0 to {LONGEST_S:g} (a day)"
    if not HISTORY_LEAST <= of.history_kept <= HISTORY_MOST:
        yield f"history_kept is {of.history_kept}; it must be {HISTORY_LEAST} to {HISTORY_MOST} lines"
    if of.balance != OFF and window(of.balance) is None:
        yield f"balance is {of.balance}; it must be off, or a time of each day, like 22:00-06:00"


def _survival_faults(before: Settings, after: Settings, view: ClusterView) -> Iterator[str]:
    """Judge how many nodes may be lost, when that changes: a node may have been removed since it was set."""
    most = max(0, sum(not held.value.witness for held in view.nodes.values()) - 1)
    if after.survives != before.survives and not 0 <= after.survives <= most:
        yield f"survives is {after.survives}; it must be 0 to {most}, fewer than the nodes that hold machines"


async def save_group(here: Services, name: str, change: GroupChange, seen: int | None, by: str) -> tuple[str, ...]:
    """Make a group or change it; give what may not be meant. Raises ``InvalidInput`` for any fault, ``Stale``."""
    view = here.view()
    held = present(view)
    old = finding.match(name, [group.name for group in held.value.groups])
    members = tuple(finding.match(member, view.specs) or ResourceName(member) for member in change.members)
    group = Group(name=old or name, bond=change.bond, members=members)
    groups = tuple(group if each.name == old else each for each in held.value.groups)
    groups = groups if old is not None else (*groups, group)
    specs = {spec: there.value for spec, there in view.specs.items()}
    found = grouping.faults(groups, specs)
    if found:
        raise InvalidInput(", and ".join(found))
    why = reason(Why.GROUP_SAVED, by, group.name, ", ".join(group.members), group.bond)
    guards = [Guard(Key(Kind.SPEC, member), view.specs[member].revision) for member in _tied(groups)]
    await _save(here, held, replace(held.value, groups=groups, saved_by=by), why, seen=seen, guards=guards)
    return grouping.doubts(view, (group,), finding.known_nodes(view))


async def delete_group(here: Services, name: str, seen: int | None, by: str) -> None:
    """Delete a group; its members stay where they are. Raises ``NotFound``, ``Stale``."""
    held = present(here.view())
    found = finding.match(name, [group.name for group in held.value.groups])
    if found is None:
        raise NotFound(f"there is no group {name}; `stanchion group list` lists them")
    groups = tuple(group for group in held.value.groups if group.name != found)
    await _save(here, held, replace(held.value, groups=groups, saved_by=by), reason(Why.GROUP_DELETED, by, found),
                seen=seen)


def judge(view: ClusterView, spec: ResourceSpec) -> tuple[str, ...]:
    """Say what a resource's new configuration contradicts among the groups that it is in."""
    specs = {name: held.value for name, held in view.specs.items()} | {spec.name: spec}
    groups = view.settings.value.groups if view.settings else ()
    if spec.name not in _tied(groups):
        return ()
    return grouping.faults(groups, specs)


def guard(view: ClusterView, name: ResourceName) -> tuple[Guard, ...]:
    """Guard the groups, where what is saved of this resource rests on them."""
    if view.settings is None or name not in _tied(view.settings.value.groups):
        return ()
    return (Guard(Key(Kind.SETTINGS), view.settings.revision),)


def binding(view: ClusterView, name: ResourceName) -> tuple[str, ...]:
    """Name the groups that a resource is in."""
    groups = view.settings.value.groups if view.settings else ()
    return tuple(group.name for group in groups if name in group.members)


def by_priority(view: ClusterView) -> tuple[ResourceName, ...]:
    """Give all resources in the order in which they load."""
    return tuple(sorted(view.specs, key=lambda name: (-view.specs[name].value.policies.priority, name)))


def revision_of(view: ClusterView) -> int:
    """Give the revision of the priorities: that of the configuration that was saved last."""
    return max((held.revision for held in view.specs.values()), default=0)


async def save_priorities(here: Services, named: Sequence[str], seen: int | None, by: str) -> None:
    """Put these resources first, in this order; none: make all equal.

    Raises ``NotFound`` for an unknown name, ``InvalidInput`` for one that is named twice, ``Stale``.
    """
    view, now = here.view(), here.clock.now().wall_s
    if seen is not None and seen != revision_of(view):
        raise _overtaken(view)
    first = [finding.resource(view, name) for name in named]
    for index, name in enumerate(first):
        if name in first[:index]:
            raise InvalidInput(f"{name} is named twice in the order")
    wanted = _numbers(view, first)
    changed = {name: number for name, number in wanted.items()
               if view.specs[name].value.policies.priority != number}
    if not changed:
        return
    entry = Entry(at_s=now, reason=reason(Why.PRIORITIES_SAVED, by), by=here.node)
    parts = [_prioritized(view, name, number, entry, by) for name, number in changed.items()]
    answer = await here.store.commit(Transaction(
        guards=tuple(Guard(Key(Kind.SPEC, name), held.revision) for name, held in view.specs.items()),
        puts=tuple(put for part in parts for put in part.puts), history=(entry,)))
    await here.catch_up(answer.revision)
    if isinstance(answer, Conflict):
        raise _overtaken(here.view())
    for name in changed:
        await saving.trim(here, name)


def _prioritized(view: ClusterView, name: ResourceName, number: int, entry: Entry, by: str) -> Transaction:
    """Save one resource with its new number, and keep its configuration as it was."""
    held = view.specs[name]
    spec = replace(held.value, policies=replace(held.value.policies, priority=number), saved_by=by,
                   saved_at_s=entry.at_s, saved_why="its place in the order of loading")
    return bindings.saved(view, held, spec, entry, at_once=False)


def _numbers(view: ClusterView, first: Sequence[ResourceName]) -> dict[ResourceName, int]:
    """Give each resource its number: the named ones count down to just above the highest of the others."""
    if not first:
        return dict.fromkeys(view.specs, 0)
    rest = {name: view.specs[name].value.policies.priority for name in view.specs if name not in first}
    top = max(rest.values(), default=0)
    if top + len(first) > HIGHEST_PRIORITY:
        ranks = {number: rank for rank, number in enumerate(sorted(set(rest.values())))}
        rest = {name: ranks[number] for name, number in rest.items()}
        top = max(rest.values(), default=0)
    return rest | {name: top + len(first) - index for index, name in enumerate(first)}


async def _save(here: Services, held: Held[Settings], after: Settings, why: Reason, *, seen: int | None,
                guards: Iterable[Guard] = ()) -> None:
    if seen is not None and seen != held.revision:
        raise _stale(held)
    now = here.clock.now().wall_s
    answer = await here.store.commit(Transaction(
        guards=(Guard(Key(Kind.SETTINGS), held.revision), *guards),
        puts=(Put(replace(after, saved_at_s=now)),),
        history=(Entry(at_s=now, reason=why, by=here.node),)))
    if isinstance(answer, Conflict):
        await here.catch_up(answer.revision)
        raise _stale(present(here.view()))
    await here.catch_up(answer.revision)


def _tied(groups: Iterable[Group]) -> tuple[ResourceName, ...]:
    return tuple(dict.fromkeys(member for group in groups for member in group.members))


def _stale(held: Held[Settings]) -> Stale:
    when = replies.instant(held.value.saved_at_s)
    at = f" at {when:%Y-%m-%d %H:%M:%S} UTC" if when else ""
    return Stale(f"the cluster's settings were saved by {held.value.saved_by or 'somebody'}{at}, after you had read "
                 f"them; read them again (they stand at revision {held.revision} now), then repeat the change")


def _overtaken(view: ClusterView) -> Stale:
    last = max((held for held in view.specs.values()), key=lambda held: held.revision).value
    return Stale(f"the resource {last.name} was saved by {last.saved_by or 'somebody'} after you had read the order; "
                 f"read it again (it stands at revision {revision_of(view)} now), then repeat the change")
