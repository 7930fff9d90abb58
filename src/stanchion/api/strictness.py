"""The headers of every answer of the API: data, and nothing else, whoever shows it to a browser.

A browser that is made to open an answer as a page must neither guess what it is, nor run anything of it, nor keep it:
answers hold tokens, scripts, and whatever machines printed. An answer that says otherwise by itself is left as it is.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}


class Strictness:
    """ASGI middleware that puts them on answers that are no pages of the console."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, and its answer back."""
        if scope["type"] != "http" or scope["path"].startswith("/console"):  # its pages have headers of their own
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(
                    (name, value) for name, value in HEADERS.items() if name not in known)]
            await send(message)

        await self._app(scope, receive, told)
