"""Export and import: resources and templates as documents, out of this cluster and into it.

What is to be imported is looked at first: the same judgement tells, document by document, what would be made, what is
here already, and what would be refused. Only then comes the button that does it. Nothing is kept on the server in
between; the documents travel in the form.
"""

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from stanchion.api import importing
from stanchion.api.access.principal import Principal
from stanchion.api.gate import UNCHANGED
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import InvalidInput, StanchionError
from stanchion.web import forms, screen, visit
from stanchion.web.forms import Entered
from stanchion.wire import written

router = APIRouter()

MOST_YAML_BYTES = 256 * 1024
"""Reading YAML takes long, and the agent renews its lease beside it; JSON is read at once."""

MOST_IN_YAML = 200
"""So many documents are written as YAML, for the same reason."""

TONES = {"made": "good", "would be made": "good", "same": "quiet", "refused": "bad"}


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Ask for the documents."""
    del who, request
    view = here.view()
    return {"report": None, "did": False, "tones": TONES,
            "forms": ("yaml", "json") if len(view.specs) + len(view.templates) <= MOST_IN_YAML else ("json",)}


page = screen.show(router, "/import", "import.html", look)


@router.post("/import")
async def take(here: Here, request: Request) -> Response:
    """Import documents; or only tell what would become of them."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    did = entered["do"] == "import"
    try:
        text = _text(entered)
        bundle = await asyncio.to_thread(written.bundle, text.encode(), "what you gave",
                                         most_yaml_bytes=MOST_YAML_BYTES)
        report = await importing.take(here, who.name, bundle, response=Response(), dry_run=not did)
    except StanchionError as problem:
        told = str(problem)
        return await page.answer(here, request, status_of(problem), error=f"{told[:1].upper()}{told[1:]}.",
                                 entered=Entered([("text", _kept(entered))]))
    ready = sum(each.outcome in {"made", "would be made"} for each in report.items)
    answer = await page.answer(here, request, report=report, did=did, ready=ready, entered=Entered([("text", text)]))
    visit.about(request, ", ".join(each.name for each in report.items if each.outcome == "made"))
    if not did:
        answer.headers[UNCHANGED] = "1"
    return answer


@router.get("/export")
async def export(here: Here, request: Request, form: Literal["yaml", "json"] = "yaml") -> Response:
    """Give documents as a file: those that the URL names, or all."""
    await visit.visitor(here, request)
    names, asked = request.query_params.getlist("resource"), request.query_params.getlist("template")
    bundle = await importing.export(here, names or None, asked or None)
    if form == "yaml" and (many := len(bundle.resources) + len(bundle.templates)) > MOST_IN_YAML:
        raise InvalidInput(f"{many} documents are too many to be written as YAML here; take them as JSON, or let "
                           "`stanchion export` write them")
    text = await asyncio.to_thread(written.written, bundle, form)
    called = "-".join((*names, *asked)) if len(names) + len(asked) == 1 else "stanchion"
    safe = "".join(letter for letter in called if letter.isascii() and (letter.isalnum() or letter in "_-"))
    return Response(text, media_type=f"application/{form}",
                    headers={"content-disposition": f'attachment; filename="{safe}.{form}"'})


def _kept(entered: Entered) -> str:
    return entered["file"] if entered["file"].strip() else entered["text"]


def _text(entered: Entered) -> str:
    text = _kept(entered)
    if not text.strip():
        raise InvalidInput("nothing was given; choose a file, or paste what is to be imported")
    return text
