"""What a node's host has for machines: shown as it was measured, and set where that should not count."""

from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import nodes as api
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.web import forms, screen, visit
from stanchion.web.forms import Entered
from stanchion.web.needs import node_page
from stanchion.wire.capacity import SizeChange, SizeInfo
from stanchion.wire.requests import NodeChange

router = APIRouter()

MEMORY, PROCESSORS = "the memory", "the processors"


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at what an operator set, and at what was measured."""
    del who
    node = await api.show(here, request.path_params["name"], Response())
    return {"node": node, "revision": str(node.revision),
            "now": {"memory_mib": figure(node.capacity.memory_mib), "cpus": figure(node.capacity.cpus),
                    "reserve_mib": figure(node.reserve.memory_mib), "reserve_cpus": figure(node.reserve.cpus)}}


page = screen.show(router, "/nodes/{name}/capacity", "capacity.html", look)


@router.post("/nodes/{name}/capacity")
async def save(here: Here, request: Request, name: str) -> Response:
    """Save what an operator says of a host; what is empty is measured."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        change = forms.shaped(NodeChange, capacity=size(entered, "memory_mib", "cpus"),
                              reserve=size(entered, "reserve_mib", "reserve_cpus"))
        saved = await api.edit(here, who.name, name, change, f'"{entered["revision"]}"')
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered, now=entered,
                                 revision=entered["revision"])
    return forms.done(node_page(saved.name), f"Saved. What counts for {saved.name} stands here.")


def size(entered: Entered, memory: str, cpus: str) -> SizeChange:
    """Read a size from these two fields; an empty one gives what was measured its say. Raises ``InvalidInput``."""
    mib = entered.number(memory, MEMORY) if entered[memory].strip() else 0.0
    if not mib.is_integer():
        raise InvalidInput(f"{MEMORY} must be a whole number of MiB, not {entered[memory]!r}")
    number = entered.number(cpus, PROCESSORS) if entered[cpus].strip() else 0.0
    return forms.shaped(SizeChange, memory_mib=int(mib), cpus=number)


def figure(of: float) -> str:
    """Give what stands in a field; empty for what is measured."""
    return f"{of:.10g}" if of else ""


def fields(of: SizeInfo) -> dict[str, str]:
    """Give what stands in the two fields of a size."""
    return {"memory_mib": figure(of.memory_mib), "cpus": figure(of.cpus)}
