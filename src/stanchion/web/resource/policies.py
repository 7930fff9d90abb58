"""Policies: when a resource starts, moves and comes back by itself, each with a line that says what it means."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import resources as api
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import StanchionError
from stanchion.web import capacity, forms, screen, visit
from stanchion.web.forms import Entered
from stanchion.web.resource.around import around, path_of
from stanchion.wire.replies import ResourceDetail
from stanchion.wire.requests import PoliciesChange, ResourceChange

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Mode:
    """A choice of one: its name in the policies, its label, and what each value means."""

    name: str
    label: str
    values: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A box or a number: its name in the policies, its label, and what it means."""

    name: str
    label: str
    means: str


MODES = (
    Mode("start", "Start mode", (
        ("AUTO", "AUTO", "It starts by itself when the cluster comes up."),
        ("MANUAL", "MANUAL", "It asks first: an alert waits for your answer."))),
    Mode("failover", "Failover mode", (
        ("AUTO", "AUTO", "When its node is lost, it starts on the next of its nodes by itself."),
        ("MANUAL", "MANUAL", "When its node is lost, it asks first."))),
    Mode("failback", "Failback mode", (
        ("AUTO", "AUTO", "When the first of its nodes is back, it returns there by itself."),
        ("MANUAL", "MANUAL", "When the first of its nodes is back, it asks first."),
        ("DISABLE", "DISABLE", "It stays where it is."))),
    Mode("load_failure", "When its load fails", (
        ("comatose", "Comatose", "It is left as it is, until somebody looks."),
        ("next_node", "Try the next node", "It is cleaned up there and tried on the next of its nodes."))),
    Mode("retry_comatose", "When it is comatose because its load failed", (
        ("never", "Leave it", "Nothing happens by itself."),
        ("backoff", "Try again", "It is tried again by itself, after longer and longer times."))),
)

BOXES = (
    Setting("failback_live", "Fail back live", "A failback moves the machine while it runs, where its scripts can."),
    Setting("follows_master", "Resource Follows Master", "It runs on the master node, and moves when that changes."),
    Setting("ignore_quorum", "Ignore Quorum", "It starts before enough nodes are up for the cluster's quorum."),
    Setting("gives_way", "Gives way", "It may be moved, or unloaded until there is room again, when one of a higher "
            "priority finds no memory."),
    Setting("restart_after_failed_migration", "Start again after a failed live migration",
            "Where a live migration ended the machine, it is started anew; else it is comatose."),
)

NUMBERS = (
    Setting("priority", "Priority", "0 to 65535; of several that are to be loaded, the highest comes first."),
    Setting("moves_per_hour", "Automatic moves per hour",
            "So often the cluster may move it by itself within an hour; after that it becomes comatose instead."),
)


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at the policies."""
    del who
    shared = await around(here, request, "/policies")
    resource: ResourceDetail = shared["resource"]
    return {**shared, "modes": MODES, "boxes": BOXES, "numbers": NUMBERS,
            "now": resource.policies.model_dump(mode="json"),
            "size": capacity.fields(resource.size), "files": "\n".join(resource.files)}


page = screen.show(router, "/resources/{name}/policies", "resource/policies.html", look)


@router.post("/resources/{name}/policies")
async def save(here: Here, request: Request, name: str) -> Response:
    """Save the policies and the files."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        await api.edit(here, who.name, name, _change(entered), f'"{entered["revision"]}"')
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered)
    return forms.done(path_of(name, "/policies"), "Saved. The modes count from now on.")


def _change(entered: Entered) -> ResourceChange:
    """Put what was entered into a change. Raises ``InvalidInput``."""
    policies = forms.shaped(
        PoliciesChange,
        **{mode.name: entered[mode.name] for mode in MODES},
        **{box.name: entered.on(box.name) for box in BOXES},
        **{number.name: entered.number(number.name, number.label) for number in NUMBERS})
    files = tuple(line.strip() for line in entered["files"].splitlines() if line.strip())
    return forms.shaped(ResourceChange, policies=policies, files=files, why=entered["why"],
                        size=capacity.size(entered, "memory_mib", "cpus"))
