"""The fence devices of a node: entered, saved, and tried.

A device is one set of fields; parameters are lines of ``name=value``, as fence agents document them. A secret is shown
masked, and what comes back masked stays what it is. Who saves names the revision that he was shown, so that two
administrators do not overwrite each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from stanchion.api import nodes as api
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.web import confirm, forms, render, screen, shell, visit
from stanchion.web.forms import Entered
from stanchion.web.needs import node_page
from stanchion.web.seldom import Seldom
from stanchion.wire.fencing import FenceAgentList
from stanchion.wire.replies import FenceDeviceInfo
from stanchion.wire.requests import FenceDeviceChange, FenceTestOrder, NodeChange

router = APIRouter()

AGENTS_FRESH_S = 600.0
TIMEOUT_S = "20"


@dataclass(frozen=True, slots=True)
class Device:
    """The fields of one device, as they stand in the form."""

    agent: str = ""
    parameters: str = ""
    timeout: str = TIMEOUT_S


async def _agents(here: Services) -> FenceAgentList:
    return await api.fence_agents(here)


agents = Seldom(_agents, fresh_s=AGENTS_FRESH_S)


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at a node's devices, and one that may be added."""
    del who
    node = await api.show(here, request.path_params["name"], Response())
    installed = await agents.answer(here)
    return {"node": node, "agents": installed, "revision": str(node.revision),
            "devices": (*map(_device, node.fence), Device())}


page = screen.show(router, "/nodes/{name}/fence", "fence.html", look)


@router.post("/nodes/{name}/fence")
async def save(here: Here, request: Request, name: str) -> Response:
    """Save the devices, in the order in which they are tried."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        change = forms.shaped(NodeChange, fence=tuple(_changes(entered)))
        saved = await api.edit(here, who.name, name, change, f'"{entered["revision"]}"')
    except StanchionError as problem:
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered,
                                 devices=tuple(_entered(entered)), revision=entered["revision"])
    return forms.done(node_page(saved.name), f"The fence devices of {saved.name} are saved. Try them now: only a test "
                                             "tells whether they work.")


@router.post("/nodes/{name}/fence-test")
async def test(here: Here, request: Request, name: str) -> Response:
    """Ask the devices for the power state; ``really``: let them switch the host off and on again."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    node = await api.show(here, name, Response())
    really = entered.on("really")
    if really and not confirm.given(entered, node.name):
        return await confirm.ask(here, request, entered, title=f"Switch {node.name} off and on again?", happens=[
            f"Each fence device of {node.name} switches its host off, then on again: it stops as if its power failed.",
            "This is refused where the node holds anything, is the master, or answers this page itself.",
        ], button=f"Switch {node.name} off and on", back=node_page(node.name), typed=node.name)
    visit.about(request, f"{node.name}{', switched off and on' if really else ''}")
    try:
        told = await api.fence_test(here, who.name, node.name, FenceTestOrder(really=really))
    except StanchionError as problem:
        return forms.refused(node_page(node.name), problem)
    context = {**shell.around(here, who, request), "test": told, "path": "/console/nodes/"}
    return HTMLResponse(render.template("fence_test.html").render(context))


def _device(of: FenceDeviceInfo) -> Device:
    return Device(of.agent, "\n".join(f"{name}={value}" for name, value in of.parameters.items()), f"{of.timeout_s:g}")


def _entered(entered: Entered) -> Iterator[Device]:
    """Give the devices as they were entered; there is always an empty one behind them."""
    yield from (Device(*each) for each in zip(entered.all("agent"), entered.all("parameters"), entered.all("timeout"),
                                              strict=False))
    if not entered.all("agent") or entered.all("agent")[-1].strip():
        yield Device()


def _changes(entered: Entered) -> Iterator[FenceDeviceChange]:
    """Read the devices; one without an agent and without parameters is none. Raises ``InvalidInput``."""
    for of in _entered(entered):
        agent = of.agent.strip()
        if not agent and not of.parameters.strip():
            continue
        if not agent:
            raise InvalidInput("a device has parameters but no fence agent; name the agent, or empty its parameters")
        timeout = Entered([("timeout", of.timeout)])
        yield forms.shaped(FenceDeviceChange, agent=agent, parameters=_parameters(of),
                           timeout_s=timeout.number("timeout", f"the timeout of {agent}"))


def _parameters(of: Device) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, of.parameters.splitlines())):
        name, equals, value = line.partition("=")
        if not equals:
            raise InvalidInput(f"{of.agent}: a line of the parameters has no `=`; write name=value, one a line")
        if name.strip() in found:
            raise InvalidInput(f"{of.agent}: the parameter {name.strip()} stands there twice")
        found[name.strip()] = value.strip()
    return found
