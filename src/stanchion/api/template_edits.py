"""Saving templates: judged like resources, guarded by the revision that they were made from.

A template is only read when a resource is made from it, so nothing that exists is changed by what becomes of it. One
from which resources were made is not deleted all the same: their origin would name something that is not there, and a
second template of that name could be taken for it.
"""

from stanchion.api import finding
from stanchion.api.services import Services
from stanchion.model.cluster import Held, Key, Kind
from stanchion.model.errors import AlreadyExists, InvalidInput, NotNow, Stale
from stanchion.model.history import Entry
from stanchion.model.ids import NOTHING, Revision, TemplateName
from stanchion.model.reasons import Why, reason
from stanchion.model.resource import ScriptKind
from stanchion.model.template import Template
from stanchion.model.transaction import Conflict, Guard, Put, Transaction
from stanchion.plan import templating

SHOWN = 3
"""So many of the resources that use a template are named; the others are counted."""


async def create(here: Services, template: Template, by: str) -> tuple[str, ...]:
    """Save a new template; give the lint's warnings. Raises ``AlreadyExists`` or ``InvalidInput``."""
    taken = finding.match(template.name, here.view().templates)
    if taken is not None:
        raise _taken(taken)
    warnings = await judge(here, template)
    answer = await _write(here, template, NOTHING, by)
    if answer is not None:
        raise _taken(template.name)
    return warnings


async def replace_with(here: Services, name: TemplateName, template: Template, seen: int | None,
                       by: str) -> tuple[str, ...]:
    """Save a template in place of the one that stands there. Raises ``Stale`` when that changed meanwhile."""
    held = here.view().templates[name]
    if template.name != name:
        raise InvalidInput(f"the document is named {template.name}, not {name}; to have both, clone it first: "
                           f"stanchion template clone {name} {template.name}")
    if seen is not None and seen != held.revision:
        raise _stale(held)
    warnings = await judge(here, template)
    if await _write(here, template, held.revision, by) is not None:
        raise _stale(held)
    return warnings


async def delete(here: Services, name: TemplateName, by: str) -> None:
    """Delete a template that no resource was made from. Raises ``NotNow``."""
    view = here.view()
    held = view.templates[name]
    users = templating.used_by(name, {key: each.value for key, each in view.specs.items()})
    if users:
        more = f" and {len(users) - SHOWN} more" if len(users) > SHOWN else ""
        raise NotNow(f"{name} is in use: {', '.join(users[:SHOWN])}{more} came from it; it costs nothing to keep it, "
                     "and editing it changes none of them")
    answer = await here.store.commit(Transaction(
        guards=(Guard(Key(Kind.TEMPLATE, name), held.revision),), deletes=(Key(Kind.TEMPLATE, name),),
        history=(Entry(at_s=here.clock.now().wall_s, reason=reason(Why.TEMPLATE_DELETED, by, name), by=here.node),)))
    if isinstance(answer, Conflict):
        raise _stale(held)
    await here.catch_up(answer.revision)


async def judge(here: Services, template: Template) -> tuple[str, ...]:
    """Give the lint's warnings; raises ``InvalidInput`` with one sentence for everything that forbids saving."""
    found = list(templating.faults(template, finding.known_nodes(here.view())))
    warnings: list[str] = []
    for kind in ScriptKind:
        text = template.scripts.of(kind).text
        if text.strip() and not found:
            errors, doubts = await here.lint.check(text)
            found.extend(f"the {kind} script is not valid: {error.removesuffix('.')}" for error in errors)
            warnings.extend(f"{kind} script: {doubt.removesuffix('.')}" for doubt in doubts)
    if found:
        raise InvalidInput(", and ".join(found))
    return tuple(warnings)


async def _write(here: Services, template: Template, before: Revision, by: str) -> Conflict | None:
    entry = Entry(at_s=here.clock.now().wall_s, reason=reason(Why.TEMPLATE_SAVED, by, template.name), by=here.node)
    answer = await here.store.commit(Transaction(
        guards=(Guard(Key(Kind.TEMPLATE, template.name), before),), puts=(Put(template),), history=(entry,)))
    await here.catch_up(answer.revision)
    return answer if isinstance(answer, Conflict) else None


def _taken(name: TemplateName) -> AlreadyExists:
    return AlreadyExists(f"there is a template {name} already (names must differ by more than case); "
                         "choose another name")


def _stale(held: Held[Template]) -> Stale:
    return Stale(f"the template {held.value.name} was saved by somebody after you had read it; read it again, then "
                 "repeat the edit")
