"""All routes of an application, its mounted ones too: what the tests of permits walk."""

from collections.abc import Iterator

from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Give every (method, path) that the application answers; below a mount of files there is ``/*``."""
    yield from _walk(app.routes, "")


def _walk(routes: list[BaseRoute], above: str) -> Iterator[tuple[str, str]]:
    for route in routes:
        if isinstance(route, Mount):
            path = f"{above}{route.path}"
            if route.routes:
                yield from _walk(list(route.routes), path)
            else:
                yield "GET", f"{path}/*"
        elif hasattr(route, "effective_candidates"):  # a router that was included, which the framework keeps apart
            yield from _walk(route.effective_candidates(), above)
        else:
            of = getattr(route, "starlette_route", None) or route
            for method in sorted(of.methods - {"HEAD", "OPTIONS"}):
                yield method, f"{above}{of.path}"
