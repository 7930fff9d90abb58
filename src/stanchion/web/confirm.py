"""Asking before a machine is stopped: a page that names what will happen, with one button that does it.

The form is sent once more, as it was, with ``confirmed`` added; so this works without scripts and for any form.
"""

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from stanchion.api.gate import UNCHANGED
from stanchion.api.services import Services
from stanchion.web import render, shell, visit
from stanchion.web.forms import Entered

TYPED = "typed"
"""The field for a name that has to be typed."""


async def ask(here: Services, request: Request, entered: Entered, *, title: str, happens: Sequence[str], button: str,
              back: str, typed: str = "") -> Response:
    """Answer a form with the question whether that is wanted; ``happens`` says what it means, a sentence each.

    ``typed``: a name that has to be typed for it, where a slip of the hand would be too bad; see ``given``.
    """
    who = await visit.visitor(here, request)
    wrong = f"That is not {typed}; nothing was done." if typed and entered.on("confirmed") else ""
    context = {**shell.around(here, who, request), "title": title, "happens": happens, "button": button,
               "back": back if back.startswith("/console") else "/console/",
               "action": request.url.path, "fields": entered.pairs, "entered": entered, "typed": typed, "error": wrong}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
    return HTMLResponse(render.template("confirm.html").render(context), status, {UNCHANGED: "1"})


def given(entered: Entered, typed: str = "") -> bool:
    """Tell whether the question was answered: by the button, and with the name where that had to be typed."""
    return entered.on("confirmed") and (not typed or entered[TYPED].strip() == typed)
