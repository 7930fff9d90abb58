"""Routes for resources: their configuration, the orders for them, their explanation and their scripts' runs."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from stanchion.api import edits, finding, history, ordering, revisions, telling
from stanchion.api.parameters import OperationNamed, ResourceNamed
from stanchion.api.revisions import IfMatch
from stanchion.api.services import By, Here, Services
from stanchion.model.errors import NotFound
from stanchion.model.orders import Verb
from stanchion.model.resource import ScriptKind
from stanchion.plan import explain as explaining
from stanchion.wire import replies, requests

router = APIRouter(prefix="/resources", tags=["resources"])


@router.get("")
async def resources(here: Here) -> replies.ResourceList:
    """List all resources."""
    view = here.view()
    return replies.ResourceList(resources=tuple(
        replies.ResourceInfo(**telling.resource_fields(view, name, here.process_of(name)))
        for name in telling.shown_resources(view)))


@router.post("", status_code=status.HTTP_201_CREATED)
async def create(here: Here, by: By, asked: requests.ResourceCreate, response: Response) -> replies.Saved:
    """Make a resource from a template. It begins Offline; order it online next."""
    name, warnings = await edits.create(here, asked, by)
    response.headers["Location"] = f"/v1/resources/{name}"
    return replies.Saved(resource=await detail(here, name), warnings=warnings)


@router.get("/{name}")
async def show(here: Here, name: ResourceNamed, response: Response) -> replies.ResourceDetail:
    """Tell one resource with its configuration and the last run of each of its scripts."""
    told = await detail(here, name)
    revisions.mark(response, told.spec_revision)
    return told


@router.patch("/{name}")
async def edit(here: Here, by: By, name: ResourceNamed, change: requests.ResourceChange,
               if_match: IfMatch = None) -> replies.Saved:
    """Change a resource's configuration; what is left out stays.

    A resource that is loaded goes by the scripts that it was loaded with until its next load, unless ``at_once``.
    """
    found = finding.resource(here.view(), name)
    warnings = await edits.edit(here, found, change, revisions.seen(if_match), by)
    return replies.Saved(resource=await detail(here, found), warnings=warnings)


@router.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT)
async def delete(here: Here, by: By, name: ResourceNamed) -> None:
    """Delete a resource that is offline or unassigned. The runs of its scripts stay in the history's bounds."""
    await edits.delete(here, finding.resource(here.view(), name), by)


@router.post("/{name}/online", status_code=status.HTTP_202_ACCEPTED)
async def online(here: Here, by: By, name: ResourceNamed,
                 order: requests.OnlineOrder | None = None) -> replies.IntentInfo:
    """Bring it online, on the first preferred node that can hold it or on the node that is named."""
    view = here.view()
    node = finding.node(view, order.node) if order and order.node else None
    return await ordering.take(here, Verb.ONLINE, by, resource=finding.resource(view, name), node=node)


@router.post("/{name}/offline", status_code=status.HTTP_202_ACCEPTED)
async def offline(here: Here, by: By, name: ResourceNamed) -> replies.IntentInfo:
    """Take it offline by its unload script."""
    return await ordering.take(here, Verb.OFFLINE, by, resource=finding.resource(here.view(), name))


@router.post("/{name}/migrate", status_code=status.HTTP_202_ACCEPTED)
async def migrate(here: Here, by: By, name: ResourceNamed, order: requests.MigrateOrder) -> replies.IntentInfo:
    """Move it to another node, live where its scripts can."""
    view = here.view()
    return await ordering.take(here, Verb.MIGRATE, by, resource=finding.resource(view, name),
                               node=finding.node(view, order.node), live=order.live)


@router.post("/{name}/adopt", status_code=status.HTTP_202_ACCEPTED)
async def adopt(here: Here, by: By, name: ResourceNamed, order: requests.AdoptOrder) -> replies.IntentInfo:
    """Take it over where it runs already, without a restart. Where it is not found running, nothing changes."""
    view = here.view()
    return await ordering.take(here, Verb.ADOPT, by, resource=finding.resource(view, name),
                               node=finding.node(view, order.node))


@router.post("/{name}/alert", status_code=status.HTTP_202_ACCEPTED)
async def alert(here: Here, by: By, name: ResourceNamed, order: requests.AlertOrder) -> replies.IntentInfo:
    """Answer the question that its alert asks."""
    verb = Verb.ALERT_YES if order.answer == "yes" else Verb.ALERT_NO
    return await ordering.take(here, verb, by, resource=finding.resource(here.view(), name))


@router.post("/{name}/end-process", status_code=status.HTTP_202_ACCEPTED)
async def end_process(here: Here, by: By, name: ResourceNamed) -> replies.IntentInfo:
    """End the script of it that runs now: TERM, then KILL, to the whole process group."""
    return await ordering.end_process(here, finding.resource(here.view(), name), by)


@router.get("/{name}/explain")
async def explain(here: Here, name: ResourceNamed) -> replies.Explanation:
    """Tell why it is where it is, and where it would go."""
    view = here.view()
    found = finding.resource(view, name)
    return replies.Explanation(resource=found, answers=tuple(
        replies.AnswerInfo(question=answer.question, reasons=tuple(map(telling.reason_info, answer.reasons)))
        for answer in explaining.explain(view, found, here.clock.now())))


@router.get("/{name}/runs")
async def runs(
    here: Here, name: ResourceNamed,
    script: Annotated[ScriptKind | None, Query(description="only runs of this script")] = None,
    *,
    output: Annotated[bool, Query(description="give the output of each run too")] = False,
    limit: Annotated[int, Query(ge=1, le=500, description="so many at most")] = 50,
) -> replies.RunList:
    """List the runs of its scripts, the newest first."""
    found = await history.runs(here.store, finding.resource(here.view(), name), script)
    return replies.RunList(runs=tuple(telling.run_info(run, output=output) for run in found[:limit]))


@router.get("/{name}/runs/{script}/{operation:path}")
async def run(here: Here, name: ResourceNamed, script: ScriptKind, operation: OperationNamed) -> replies.RunInfo:
    """Tell one run with its output."""
    found = finding.resource(here.view(), name)
    for one in await history.runs(here.store, found, script):
        if one.operation == operation:
            return telling.run_info(one, output=True)
    raise NotFound(f"the {script} script of {found} has no run {operation}; `stanchion runs {found}` lists them")


async def detail(here: Services, name: str) -> replies.ResourceDetail:
    """Tell one resource with its configuration. Raises ``NotFound``."""
    found = finding.resource(here.view(), name)
    if found not in here.view().states:
        raise NotFound(f"{found} is being made or deleted at this moment; look again")
    last = await history.last_runs(here.store, found)
    return telling.resource_detail(here.view(), found, here.process_of(found), last)
