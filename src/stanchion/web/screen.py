"""A page: its template, and the look at the cluster that fills it.

One URL answers twice. A browser gets the page. The page's own script asks the same URL for an event stream and gets
what changes on it, so filter and order stand in the URL once and hold for both. The page names the frame that it was
rendered from; the stream begins with what has changed since, or with everything where that frame is forgotten.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from stanchion.api import access
from stanchion.api.access.principal import Principal
from stanchion.api.services import Here, Services
from stanchion.model.errors import StanchionError, StoreUnavailable
from stanchion.web import live, render, shell, visit
from stanchion.web.live import Frame

Look = Callable[[Services, Principal, Request], Awaitable[dict[str, Any]]]
"""Looks at the cluster for a page: gives what its template names. Raises ``NotFound`` and the like."""

SETTLE_S = 0.05
"""Changes within this time are shown together."""
LOOK_AGAIN_S = 5.0
"""How soon a page is looked at again when nothing changed in the store: some things are known to this node alone."""
SHARE = 4.0
"""All streams together may take a quarter of the event loop's time: the agent renews its lease beside them."""
PING_S = 10.0
AGAIN = "event: again\ndata: -\n\n"
"""Tells a browser to ask for the whole page, which says why: who looks may not look on, or what he looks at is no more.

An error's status would not do: a browser only sees that there is no stream, and takes the node for dead."""
FRAMES = 64
"""So many frames of pages are remembered until their streams begin."""

_frames: OrderedDict[str, Frame] = OrderedDict()
_open: set[object] = set()
"""The streams that are open now."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One page of the console. ``template`` extends ``layout.html``; ``path`` is that of its URL, below the console.

    A page that is ``still`` shows one moment and stays as it is; only what stands around it goes with the time.
    """

    template: str
    look: Look
    path: str
    still: bool = False

    async def context(self, here: Services, request: Request) -> dict[str, Any]:
        """Look at everything that the page shows."""
        who = await visit.visitor(here, request)
        return {**shell.around(here, who, request), **await self.look(here, who, request)}

    async def answer(self, here: Services, request: Request, status: int = 200, **more: Any) -> Response:
        """Answer with the page; ``more`` is what was entered and refused, say."""
        context = {**await self.context(here, request), "own_url": self._own_url(request), **more}
        # Pages are written beside the event loop: the agent's lease is renewed in it.
        context["frame"] = _keep(here, await asyncio.to_thread(live.frame, self.template, context))
        answer = HTMLResponse(await asyncio.to_thread(render.template(self.template).render, context), status)
        shell.take_notice(answer, request)
        return answer

    def _own_url(self, request: Request) -> str:
        """Give the URL of the page itself, also where a form that was sent somewhere else is answered with it."""
        query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
        given = request.path_params
        path = "/".join(quote(str(given.get(part[1:-1].partition(":")[0], ""))) if part[:1] == "{" else part
                        for part in self.path.split("/"))
        return f"/console{path}{query}"

    async def changes(self, here: Services, request: Request) -> AsyncIterator[str]:
        """Give the page's event stream: what changed, as it changes."""
        mine = object()
        _open.add(mine)
        try:
            async for told in self._changes(here, request):
                yield told
        finally:
            _open.discard(mine)

    async def _changes(self, here: Services, request: Request) -> AsyncIterator[str]:
        resumed = "last-event-id" in request.headers
        shown = None if resumed else _frames.pop(request.query_params.get("frame", ""), None)
        silent_s = 0.0
        yield "retry: 1000\n\n"
        while True:
            revision, began_s = here.view().revision, time.monotonic()
            if not await visit.stays(here, request):
                yield AGAIN
                return
            try:
                now = await self._frame(here, request)
            except StanchionError:
                yield AGAIN
                return
            told = live.difference(shown, now)
            shown, took_s = now, time.monotonic() - began_s
            if told:
                silent_s = 0.0
                yield f"id: {revision}\ndata: {told}\n\n"
            patience_s = now.look_again_s or LOOK_AGAIN_S
            changed = await here.wait_until(_beyond(revision), patience_s)
            silent_s += 0.0 if changed else patience_s
            if silent_s >= PING_S:
                silent_s = 0.0
                yield ": still here\n\n"
            await asyncio.sleep(max(SETTLE_S, SHARE * took_s * len(_open)))

    async def _frame(self, here: Services, request: Request) -> Frame:
        """Render the live parts; where the store does not answer, those around the page, which say so."""
        if self.still:
            return live.frame("layout.html", shell.around(here, access.of(request), request))
        try:
            return await asyncio.to_thread(live.frame, self.template, await self.context(here, request))
        except StoreUnavailable:
            return live.frame("layout.html", shell.around(here, access.of(request), request))


def show(router: APIRouter, path: str, template: str, look: Look, *, still: bool = False) -> Screen:
    """Add a page to the console at a path; give it, for the forms on it."""
    screen = Screen(template, look, path, still)

    @router.get(path, name=template.removesuffix(".html"))
    async def page(here: Here, request: Request) -> Response:
        if "text/event-stream" in request.headers.get("accept", ""):
            return StreamingResponse(screen.changes(here, request), media_type="text/event-stream",
                                     headers={"cache-control": "no-store"})
        return await screen.answer(here, request)

    return screen


def _keep(here: Services, frame: Frame) -> str:
    name = here.chance.token()
    _frames[name] = frame
    while len(_frames) > FRAMES:
        _frames.popitem(last=False)
    return name


def _beyond(revision: int) -> Callable[[Any], bool]:
    return lambda view: view.revision > revision


def queried(request: Request, *names: str) -> Mapping[str, str]:
    """Give what the URL says for each name; empty where it says nothing."""
    return {name: request.query_params.get(name, "").strip() for name in names}
