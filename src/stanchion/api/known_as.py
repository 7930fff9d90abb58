"""What this agent is called: a browser may speak to it only by a name that is its own.

A page of somebody else can let its own name lead to this host's address (DNS rebinding). To the browser both are then
one site, and the page may read whatever answers here. But the browser says in ``Host`` which name it means, and an
address in numbers cannot be made to lead elsewhere. So names are refused that are not ours: ``localhost``, the nodes',
those under which the nodes answer each other, and those in the agent's settings (``names``).

Who shows a token to the API is no browser that was led astray, and who only asks for the health or joins shows nothing
that a page could abuse: they may call the agent whatever they like.
"""

import ipaddress
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from stanchion.api.problems import problem
from stanchion.api.services import Services
from stanchion.model.errors import NotAllowed

ANY_NAME = frozenset({"/v1/health", "/v1/join"})


class KnownAs:
    """ASGI middleware that refuses browsers which mean somebody else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or refuse it with a problem."""
        if scope["type"] != "http" or _may_call_it_anything(scope):
            await self._app(scope, receive, send)
            return
        said = Headers(scope=scope).get("host", "")
        here: Services = scope["app"].state.services
        if is_ours(here, said):
            await self._app(scope, receive, send)
            return
        text = (f"no agent here is called {said or 'nothing'}; open it by its host's address or by the node's name, or "
                "add the name to `names` in the agent's settings")
        await problem(HTTPStatus.MISDIRECTED_REQUEST, text, kind=NotAllowed)(scope, receive, send)


def _may_call_it_anything(scope: Scope) -> bool:
    path = scope["path"]
    scheme = Headers(scope=scope).get("authorization", "").partition(" ")[0].lower()
    return path in ANY_NAME or (scheme == "bearer" and path.startswith("/v1/"))


def is_ours(here: Services, said: str) -> bool:
    """Tell whether a ``Host`` header means this agent, or another one of the cluster."""
    name = _host(f"//{said}")
    if not name:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name in _names(here)
    return True


def _names(here: Services) -> set[str]:
    view = here.view()
    urls = (_host(session.value.url) for session in view.sessions.values())
    return {each.casefold() for each in (here.node, *view.nodes, *here.names, *urls) if each}


def _host(url: str) -> str:
    """Give the host of an address, without its port; empty where there is none that can be read."""
    try:
        return (urlsplit(url).hostname or "").removesuffix(".").casefold()
    except ValueError:
        return ""
