"""Somebody who signs in: what the tests of access share."""

from typing import Any

import httpx2

from stanchion.api.access import people, sessions
from stanchion.api.access.identity import COOKIE
from stanchion.api.access.principal import Principal
from stanchion.api.services import Services
from stanchion.model.access import Role
from stanchion.wire.access import InviteOrder
from surface import World

PASSWORD = "correct horse battery"
HOST = Principal(name="root", role=Role.ADMINISTRATOR, how="cluster", address="127.0.0.1")
"""Who holds the cluster's token, on the host itself."""


def here(world: World) -> Services:
    """Give the agent's services, as pages get them."""
    services: Services = world.app().state.services
    return services


def browser(world: World, cookie: str, **headers: str) -> httpx2.AsyncClient:
    """Speak HTTP as a page of the console does."""
    said = {"Cookie": f"{COOKIE}={cookie}", "Sec-Fetch-Site": "same-origin"} | {
        name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(world.app()), base_url="http://node1", headers=said)


async def person(world: World, name: str = "anna", role: Role = Role.ADMINISTRATOR, *,
                 password: str = PASSWORD) -> str:
    """Make a user by the one-time link; give his first cookie."""
    made = await people.invite(here(world), HOST, InviteOrder(name=name, role=role))
    return await people.accept(here(world), made.path.removeprefix(people.FIRST), password, "10.0.0.9", "Firefox")


async def sign_in(world: World, name: str = "anna", password: str = PASSWORD, address: str = "10.0.0.9") -> str:
    """Sign somebody in."""
    return await sessions.sign_in(here(world), name, password, address, "Firefox")


async def token(world: World, role: Role = Role.VIEWER, **more: Any) -> str:
    """Make an API token."""
    async with world.http() as http:
        answer = await http.post("/v1/tokens", json={"name": f"by-{role}-{len(more)}", "role": role, **more})
    assert answer.status_code == 201, answer.text
    text: str = answer.json()["token"]
    return text
