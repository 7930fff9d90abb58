"""Asking before a machine is stopped: a page that names what will happen, with one button that does it.

The form is sent once more, as it was, with ``confirmed`` added; so this works without scripts and for any form.
"""

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from stanchion.api.services import Services
from stanchion.web import render, shell, visit
from stanchion.web.forms import Entered


async def ask(here: Services, request: Request, entered: Entered, *, title: str, happens: Sequence[str], button: str,
              back: str) -> Response:
    """Answer a form with the question whether that is wanted; ``happens`` says what it means, a sentence each."""
    who = await visit.visitor(here, request)
    context = {**shell.around(here, who, request), "title": title, "happens": happens, "button": button, "back": back,
               "action": request.url.path, "fields": entered.pairs}
    return HTMLResponse(render.template("confirm.html").render(context), HTTPStatus.OK)
