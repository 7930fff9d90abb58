"""The list of nodes, and what concerns them together: strays, how a host comes in, and the members of etcd."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from stanchion.api import admission, clusters, members
from stanchion.api import nodes as api
from stanchion.api import resources as resource_api
from stanchion.api.access.principal import Principal
from stanchion.api.services import Here, Services
from stanchion.model.access import Role
from stanchion.model.errors import NotNow, StanchionError
from stanchion.web import fields, forms, render, screen, shell, visit
from stanchion.web.needs import unproven
from stanchion.web.seldom import Seldom
from stanchion.wire.joining import EtcdMemberList, JoinTokenInfo, JoinTokenOrder
from stanchion.wire.replies import NodeInfo
from stanchion.wire.requests import AdoptOrder

router = APIRouter()

HOUR_S = 3600.0
ETCD_FRESH_S = 10.0
"""Whether the members of etcd are well is asked anew after so long."""


@dataclass(frozen=True, slots=True)
class Row:
    """A node in the list."""

    node: NodeInfo
    unproven: bool


@dataclass(frozen=True, slots=True)
class StrayRow:
    """A machine that runs where nobody sent it, or only its storage that is in use there."""

    resource: str
    node: str
    since: Any
    text: str
    machine: bool


async def _voters(here: Services) -> EtcdMemberList | str:
    """Give the members of etcd, or why there are none to tell of."""
    try:
        return await members.members(here)
    except StanchionError as problem:
        return str(problem)


voters = Seldom(_voters, fresh_s=ETCD_FRESH_S)


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at all nodes."""
    del request
    found = (await api.nodes(here)).nodes
    astray = tuple(StrayRow(of.name, seen.node, seen.since, seen.text, seen.machine)
                   for of in clusters.status_of(here).resources for seen in of.strays)
    told = await voters.answer(here)
    return {
        "rows": tuple(Row(node, unproven(node)) for node in found), "astray": astray,
        "etcd": told if isinstance(told, EtcdMemberList) else None, "etcd_text": told if isinstance(told, str) else "",
        "tokens": await _tokens(here, who), "valid": ("1", "h"),
    }


page = screen.show(router, "/nodes", "nodes.html", look)


async def _tokens(here: Services, who: Principal) -> tuple[JoinTokenInfo, ...]:
    """Give the join tokens to whom the API would tell them."""
    return (await admission.list_tokens(here)).tokens if who.role.covers(Role.ADMINISTRATOR) else ()


@router.post("/join-tokens")
async def make_token(here: Here, request: Request) -> Response:
    """Make a join token, and show it this once."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        valid_s = fields.duration(entered, "valid", "how long it is good") if entered["valid"] else HOUR_S
        made = await admission.make_token(here, who.name, forms.shaped(JoinTokenOrder, valid_s=valid_s))
    except StanchionError as problem:
        return await page.answer(here, request, HTTPStatus.CONFLICT if isinstance(problem, NotNow) else
                                 HTTPStatus.UNPROCESSABLE_ENTITY, entered=entered,
                                 error=str(problem).replace("`valid_s`", "its time, in seconds,"),
                                 valid=(entered["valid"], entered["valid:unit"]))
    context = {**shell.around(here, who, request), "made": made, "path": "/console/nodes/"}
    return HTMLResponse(render.template("join_token.html").render(context), HTTPStatus.CREATED)


@router.post("/join-tokens/{name}/revoke")
async def revoke_token(here: Here, request: Request, name: str) -> Response:
    """Revoke a join token; nothing that runs is touched by it."""
    who = await visit.visitor(here, request)
    try:
        await admission.revoke_token(here, who.name, name)
    except StanchionError as problem:
        return forms.refused("/console/nodes#joining", problem)
    return forms.done("/console/nodes#joining", f"The join token {name} is revoked: nobody can join with it any more.")


@router.post("/nodes/{name}/adopt")
async def adopt(here: Here, request: Request, name: str) -> Response:
    """Take a stray over where it runs, without a restart."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    back, of = entered["back"] or "/console/nodes", entered["resource"]
    try:
        await resource_api.adopt(here, who.name, of, forms.shaped(AdoptOrder, node=name))
    except StanchionError as problem:
        return forms.refused(back, f"{of}: {problem}.")
    return forms.done(back, f"Ordered: {of} is adopted where it runs, on {name}.")
