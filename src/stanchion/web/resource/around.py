"""What stands above all tabs of a resource: its name, its state and why, and the ways to the tabs."""

from typing import Any
from urllib.parse import quote

from fastapi import Request

from stanchion.api import resources as api
from stanchion.api.services import Services

TABS = (("Details", ""), ("Scripts", "/scripts"), ("Monitoring", "/monitoring"), ("Preferred Nodes", "/preferred"),
        ("Policies", "/policies"), ("Runs", "/runs"), ("Events", "/events"))
"""The tabs in the order of the original's properties, each with its path below the resource's."""


def path_of(name: str, tab: str = "") -> str:
    """Give the path of a resource's page, or of one of its tabs."""
    return f"/console/resources/{quote(name, safe='')}{tab}"


async def around(here: Services, request: Request, tab: str) -> dict[str, Any]:
    """Give what every tab names; ``tab`` is the path of the one that is shown. Raises ``NotFound``."""
    resource = await api.detail(here, str(request.path_params["name"]))
    at = path_of(resource.name)
    return {"resource": resource, "at": at, "tabs": tuple((title, f"{at}{path}", path == tab) for title, path in TABS)}
