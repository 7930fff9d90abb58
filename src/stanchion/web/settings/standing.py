"""The forms of what holds the whole cluster back: pausing it, stopping it, and ending either."""

from fastapi import APIRouter, Request, Response

from stanchion.api import standing
from stanchion.api.ruling import present
from stanchion.api.services import Here, Services
from stanchion.model.errors import StanchionError
from stanchion.web import confirm, fields, forms, visit
from stanchion.web.settings import page
from stanchion.wire.standing import DownOrder, PauseOrder

router = APIRouter()


@router.post("/settings/pause")
async def pause(here: Here, request: Request) -> Response:
    """Pause the cluster: for a time, until an instant, or until it is resumed."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        for_s = fields.duration(entered, "for", "The time of the pause") if entered["for"].strip() else None
        until = f"{entered['until']}{'' if entered['until'].endswith('Z') else 'Z'}" if entered["until"] else None
        order = forms.shaped(PauseOrder, for_s=for_s, until=until, why=entered["why"])
        await standing.pause(here, who.name, order)
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section="pause")
    return forms.done(f"{page.PATH}#pause", "The cluster is paused: it begins nothing by itself.")


@router.post("/settings/resume")
async def resume(here: Here, request: Request) -> Response:
    """End the pause."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        await standing.resume(here, who.name)
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section="pause")
    return forms.done(f"{page.PATH}#pause", "The pause has ended: the cluster acts by itself again.")


@router.post("/settings/down")
async def down(here: Here, request: Request) -> Response:
    """Stop the whole cluster, after a question that names every resource that stops."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    name = present(here.view()).value.cluster
    if not confirm.given(entered, name):
        return await confirm.ask(here, request, entered, title="Stop the whole cluster?", happens=_ends(here),
                                 button="Stop the whole cluster", back=f"{page.PATH}#down", typed=name)
    try:
        await standing.down(here, who.name, forms.shaped(DownOrder, why=entered["why"]))
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section="down")
    return forms.done(f"{page.PATH}#down", "The whole cluster is being stopped.")


@router.post("/settings/up")
async def up(here: Here, request: Request) -> Response:
    """Start the stopped cluster again."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    try:
        await standing.up(here, who.name)
    except StanchionError as problem:
        return await page.refused(here, request, who, entered, problem, section="down")
    return forms.done(f"{page.PATH}#down", "The cluster starts: its nodes join, resources load by their start mode.")


def _ends(here: Services) -> list[str]:
    """Say what stopping the cluster means, resource by resource and then for the nodes."""
    view = here.view()
    running = sorted((name, held.value.node) for name, held in view.states.items() if held.value.node is not None)
    ends = [f"{name} is shut down on {node} by its unload script." for name, node in running]
    nodes = ", ".join(sorted(view.live))
    return [*(ends or ["No resource is loaded, so none is shut down."]),
            f"Then every node leaves the cluster ({nodes}).",
            "Nothing is started by itself until somebody starts the cluster again, or a host restarts."]
