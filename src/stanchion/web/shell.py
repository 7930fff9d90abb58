"""What stands around every page: the cluster's name and health, what holds all of it back, and the other pages."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fastapi import Request, Response

from stanchion.api import telling
from stanchion.api.access.principal import Principal
from stanchion.api.services import Services
from stanchion.model.access import Role
from stanchion.web.forms import NOTICE, Entered


@dataclass(frozen=True, slots=True)
class Way:
    """A way to a page: where it leads, what it is called, and the least role of who can use what is there."""

    path: str
    title: str
    role: Role = Role.VIEWER


WAYS = (
    Way("/console/", "Overview"),
    Way("/console/resources", "Resources"),
    Way("/console/nodes", "Nodes"),
    Way("/console/alerts", "Alerts"),
    Way("/console/events", "Events"),
    Way("/console/what-if", "What if"),
    Way("/console/balance", "Balance"),
    Way("/console/templates", "Templates"),
    Way("/console/settings", "Settings"),
    Way("/console/report", "Report"),
    Way("/console/clusters", "My Clusters"),
    Way("/console/users", "Users and tokens", Role.ADMINISTRATOR),
    Way("/console/audit", "Audit", Role.ADMINISTRATOR),
)


def around(here: Services, who: Principal | None, request: Request) -> dict[str, Any]:
    """Give what the layout names."""
    view = here.view()
    notice = unquote(request.cookies.get(NOTICE, ""))
    return {
        "who": who,
        "cluster": telling.cluster_info(view, here.node, here.version, store_away=here.store_away()),
        "alerts": sum(1 for held in view.states.values() if held.value.alert is not None),
        "ways": tuple(way for way in WAYS if who is not None and who.role.covers(way.role)),
        "path": request.url.path,
        "url": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "notice": notice[1:],
        "notice_good": notice[:1] == "+",
        "frame": "",
        "own_url": "",
        "error": "",
        "entered": Entered([]),
    }


def take_notice(answer: Response, request: Request) -> None:
    """Forget the notice that this page shows."""
    if NOTICE in request.cookies:
        answer.delete_cookie(NOTICE, path="/", secure=True, httponly=True, samesite="strict")
