"""Who may do what: the one table of all routes, of the API and of the console, with the least role that each needs.

The gate asks this table before a request reaches any code. What does not stand here is refused, also to
administrators; so a forgotten row shows at the first try, and never as a hole. A row that ends in ``/*`` stands for all
paths below it; a row that is more exact comes before it.

The rule: a viewer sees everything but secrets; an operator gives orders to what is configured, which can stop a
machine but never change what it is; an administrator changes what is configured, and says what he knows of the world
(that a node is down). Scripts run as root, so they are administrators' work.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from starlette.routing import compile_path

from stanchion.api.access.principal import Principal
from stanchion.model.access import Role

OPEN = ("/", "/favicon.ico", "/v1/health", "/v1/join", "/console/sign-in", "/console/sign-in/*", "/console/first/*",
        "/console/static/*")
"""What is answered to anybody; who joins has a token of another kind."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

VIEWER = """
    GET /v1/openapi.json  GET /v1/health  GET /v1/join  POST /v1/join
    GET /v1/cluster  GET /v1/overview  GET /v1/status  GET /v1/timing  GET /v1/standing  GET /v1/settings
    GET /v1/groups  GET /v1/priorities  GET /v1/nodes  GET /v1/nodes/{name}  GET /v1/fence-agents  GET /v1/etcd-members
    GET /v1/templates  GET /v1/templates/{name}  GET /v1/templates/{name}/form  GET /v1/templates/{name}/document
    GET /v1/resources  GET /v1/resources/{name}  GET /v1/resources/{name}/explain  GET /v1/resources/{name}/runs
    GET /v1/resources/{name}/places  GET /v1/resources/{name}/process
    GET /v1/resources/{name}/files  GET /v1/resources/{name}/files/here  GET /v1/resources/{name}/host
    GET /v1/resources/{name}/preflight
    GET /v1/resources/{name}/runs/{script}/{operation:path}  GET /v1/resources/{name}/story
    GET /v1/resources/{name}/revisions  GET /v1/resources/{name}/revisions/{number}
    GET /v1/events  GET /v1/events/stream  GET /v1/events/{name}/why  GET /v1/incidents  GET /v1/intents/{name}
    GET /v1/me  PUT /v1/me/password  GET /v1/sign-ins  DELETE /v1/sign-ins/{name}
    GET /v1/notification  GET /v1/report  GET /v1/stats  GET /v1/export
    POST /v1/lint  POST /v1/monitoring/describe
    GET /v1/neighbours  GET /v1/neighbours/health
    GET /v1/what-if  GET /v1/what-if/node-dies/{name}  GET /v1/what-if/drain/{name}  GET /v1/what-if/migrate/{name}
    GET /v1/balance
    GET /v1/what-if/nodes  GET /v1/guarantee
"""

OPERATOR = """
    POST /v1/orders
    POST /v1/resources/{name}/online  POST /v1/resources/{name}/offline  POST /v1/resources/{name}/migrate
    POST /v1/resources/{name}/adopt  POST /v1/resources/{name}/alert  POST /v1/resources/{name}/end-process
    POST /v1/resources/{name}/scripts/{script}/test
    POST /v1/nodes/{name}/drain  POST /v1/nodes/{name}/undrain  POST /v1/nodes/{name}/hand-over
    PUT /v1/pause  DELETE /v1/pause  POST /v1/balance  DELETE /v1/balance
"""

ADMINISTRATOR = """
    POST /v1/resources  PATCH /v1/resources/{name}  DELETE /v1/resources/{name}  POST /v1/resources/{name}/restore
    POST /v1/resources/{name}/template  POST /v1/resources/{name}/distribute
    GET /v1/resources/{name}/files/content  POST /v1/resources/{name}/files/fetch
    POST /v1/templates  PUT /v1/templates/{name}  POST /v1/templates/{name}/clone  DELETE /v1/templates/{name}
    PATCH /v1/settings  PUT /v1/groups/{name}  DELETE /v1/groups/{name}  PUT /v1/priorities
    PATCH /v1/notification  POST /v1/notification/test  DELETE /v1/stats  POST /v1/import
    PATCH /v1/nodes/{name}  DELETE /v1/nodes/{name}  POST /v1/nodes/{name}/fence-test
    POST /v1/nodes/{name}/leave  POST /v1/nodes/{name}/join  POST /v1/nodes/{name}/release
    POST /v1/nodes/{name}/confirm-down
    POST /v1/down  POST /v1/up  POST /v1/neighbours  DELETE /v1/neighbours/{name}
    GET /v1/users  POST /v1/users  PATCH /v1/users/{name}  DELETE /v1/users/{name}
    DELETE /v1/users/{name}/sign-ins  GET /v1/tokens  POST /v1/tokens  DELETE /v1/tokens/{name}  GET /v1/audit
    GET /v1/join-tokens  POST /v1/join-tokens  DELETE /v1/join-tokens/{name}  POST /v1/certificates
"""

CONSOLE_VIEWER = """
    GET /console/*
    POST /console/sign-out  POST /console/me/password  POST /console/sign-ins/{name}/end
"""
CONSOLE_OPERATOR = """
    POST /console/resources/{name}/orders  POST /console/resources/{name}/scripts/{script}/test
    POST /console/resources/orders  POST /console/alerts/{name}
    POST /console/nodes/{name}/drain  POST /console/nodes/{name}/undrain  POST /console/nodes/{name}/hand-over
    POST /console/nodes/{name}/adopt
    POST /console/settings/pause  POST /console/settings/resume
    POST /console/balance  POST /console/balance/stop
"""
CONSOLE_ADMINISTRATOR = """
    GET /console/new  POST /console/new  GET /console/import  POST /console/import
    POST /console/templates  POST /console/templates/{name}/clone  POST /console/templates/{name}/delete
    GET /console/templates/{name}/edit  POST /console/templates/{name}/edit
    POST /console/nodes/{name}/leave  POST /console/nodes/{name}/join  POST /console/nodes/{name}/release
    POST /console/nodes/{name}/confirm-down  POST /console/nodes/{name}/remove
    GET /console/nodes/{name}/capacity  POST /console/nodes/{name}/capacity
    GET /console/nodes/{name}/fence  POST /console/nodes/{name}/fence  POST /console/nodes/{name}/fence-test
    POST /console/join-tokens  POST /console/join-tokens/{name}/revoke
    POST /console/clusters  POST /console/clusters/{name}/remove
    POST /console/settings/policies  POST /console/settings/quorum  POST /console/settings/protocol
    POST /console/settings/priorities  POST /console/settings/groups  POST /console/settings/groups/delete
    POST /console/settings/notification  POST /console/settings/notification/test
    POST /console/settings/down  POST /console/settings/up
    GET /console/users  GET /console/users/*  POST /console/users  POST /console/users/{name}/{verb}
    POST /console/tokens  POST /console/tokens/{name}/revoke  GET /console/audit  GET /console/audit/*
    POST /console/resources/{name}/delete  POST /console/resources/{name}/template
    POST /console/resources/{name}/scripts/{script}  POST /console/resources/{name}/restore
    POST /console/resources/{name}/monitoring  POST /console/resources/{name}/preferred
    POST /console/resources/{name}/policies  POST /console/resources/{name}/distribute
"""

READS = frozenset({("POST", "/v1/lint"), ("POST", "/v1/monitoring/describe")})
"""What changes nothing although its method may."""


def _rows(role: Role, *texts: str) -> Iterable[tuple[tuple[str, str], Role]]:
    for text in texts:
        words = text.split()
        yield from ((pair, role) for pair in zip(words[::2], words[1::2], strict=True))


PERMITS: Mapping[tuple[str, str], Role] = dict(
    (*_rows(Role.VIEWER, VIEWER, CONSOLE_VIEWER), *_rows(Role.OPERATOR, OPERATOR, CONSOLE_OPERATOR),
     *_rows(Role.ADMINISTRATOR, ADMINISTRATOR, CONSOLE_ADMINISTRATOR)))
"""The least role for each method and route."""


@dataclass(frozen=True, slots=True)
class Row:
    """The row of the table that a request falls under, and what its path says."""

    method: str
    route: str
    role: Role
    parts: Mapping[str, Any]

    @property
    def changes(self) -> bool:
        """Whether it may change anything."""
        return self.method not in SAFE and (self.method, self.route) not in READS


def open_to_all(path: str) -> bool:
    """Tell whether a path is answered to anybody."""
    return any(path.startswith(each[:-1]) if each.endswith("/*") else path == each for each in OPEN)


def row(method: str, path: str) -> Row | None:
    """Find the row for a request: the most exact one. None: there is none.

    Where a path falls under several rows without ``/*``, the highest of their roles is needed: whichever of the routes
    the framework chooses, nobody comes in by the lesser one.
    """
    method = "GET" if method == "HEAD" else method
    found = [(route, match, role) for route, pattern, role in _by_method(method) if (match := pattern.match(path))]
    if not found:
        return None
    route, match, role = found[0]
    exact = [each for other, _, each in found if not other.endswith("/*")]
    return Row(method, route, max(exact or [role], key=list(Role).index), match.groupdict())


def refusal(who: Principal | None, needed: Row | None) -> str:
    """Say why somebody may not do this, in one sentence; empty: he may. None has to sign in first."""
    if needed is None:
        return "nobody may do this: it stands in no table of permits"
    if who is None:
        return ""
    if not who.role.covers(needed.role):
        mine, yours = _a(needed.role), _a(who.role)
        return f"this needs {mine}, and {who.name} is {yours}; an administrator can give another role"
    if who.resources and needed.changes:
        asked = str(needed.parts.get("name", "")).casefold()
        named = {each.casefold() for each in who.resources}
        if not needed.route.startswith("/v1/resources/{name}/") or asked not in named:
            return (f"{who.name} may give orders to {', '.join(who.resources)} alone; an administrator can make "
                    "another API token")
    return ""


@cache
def _by_method(method: str) -> tuple[tuple[str, Any, Role], ...]:
    """Give the rows of a method, the more exact first: the fewer parameters, the longer the text before them."""
    routes = sorted((route for of, route in PERMITS if of == method),
                    key=lambda route: (route.endswith("/*"), route.count("{"), -len(route)))
    return tuple((route, compile_path(_starred(route))[0], PERMITS[method, route]) for route in routes)


def _starred(route: str) -> str:
    return f"{route[:-1]}{{rest:path}}" if route.endswith("/*") else route


def _a(role: Role) -> str:
    return f"{'a' if role is Role.VIEWER else 'an'} {role}"
