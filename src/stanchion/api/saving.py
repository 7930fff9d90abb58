"""What belongs to a saved configuration: why it was saved, and the ones before it, which can be read and restored.

``plan.binding`` makes the transaction of an edit; here is what surrounds it: what operators say about it, reading the
configurations that were, and keeping their number bounded.
"""

from stanchion.api.services import Services
from stanchion.model.cluster import Kind
from stanchion.model.errors import InvalidInput, NotFound
from stanchion.model.ids import ResourceName, Revision
from stanchion.model.past import Past, past_name
from stanchion.model.reasons import Reason, Why, reason
from stanchion.model.resource import ResourceSpec
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
