"""A resource's configuration files on its page: whether they are the same on every node, and a button that copies them.

Other agents are asked for it, so the page asks seldom and waits for nobody: what is not known yet comes a moment later.
"""

from functools import lru_cache, partial

from fastapi import APIRouter, Request, Response

from stanchion.api import files as api
from stanchion.api.services import Here, Services
from stanchion.model.errors import StanchionError
from stanchion.web import confirm, forms, visit
from stanchion.web.resource.around import path_of
from stanchion.web.seldom import Seldom
from stanchion.wire.files import DistributeOrder, DistributeReport, FileReport

router = APIRouter()

KEPT = 256
FRESH_S = 15.0
"""How long an answer is good: files change without the cluster."""


@lru_cache(KEPT)
def _asked(name: str) -> Seldom[FileReport]:
    return Seldom(partial(_ask, name=name), FRESH_S)


async def _ask(here: Services, *, name: str) -> FileReport:
    return await api.files(here, name)


async def told(here: Services, name: str) -> FileReport | None:
    """Tell what is known of the files; None: nothing yet."""
    return await _asked(name).answer(here)


@router.post("/resources/{name}/distribute")
async def distribute(here: Here, request: Request, name: str) -> Response:
    """Copy the files, after saying which would be written where."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    back = path_of(name)
    try:
        if not entered.on("confirmed"):
            would = await api.distribute(here, who.name, name, DistributeOrder(dry=True))
            return await confirm.ask(
                here, request, entered, title=f"Distribute the configuration files of {would.resource}?",
                happens=_happens(would), button="Distribute", back=back)
        done = await api.distribute(here, who.name, name, DistributeOrder())
    except StanchionError as problem:
        return forms.refused(back, problem)
    _asked.cache_clear()
    wrong = [each.text for each in done.results if each.outcome == "failed"]
    written = sum(each.outcome == "written" for each in done.results)
    if wrong:
        return forms.done(back, f"{written} files written; not all: {'; '.join(wrong)}.", good=False)
    return forms.done(back, f"{written} files written from {done.source}; all are the same now.")


def _happens(would: DistributeReport) -> tuple[str, ...]:
    """Say what a distribution would do, a sentence each."""
    return (f"The files are copied from {would.source} by the agents; no machine is started, stopped or moved.",
            *(f"{each.text}." for each in would.results),
            "The old version of each file that is written stays beside it, as FILE.stanchion-TIME.")
