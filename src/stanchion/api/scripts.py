"""Routes for scripts as things of their own: the revisions of a configuration, the lint, and tests."""

from collections.abc import Sequence

from fastapi import APIRouter, status

from stanchion.api import edits, finding, ordering, saving, telling
from stanchion.api.parameters import ResourceNamed, RevisionNamed
from stanchion.api.resources import detail
from stanchion.api.revisions import IfMatch, seen
from stanchion.api.services import By, Here
from stanchion.model.orders import Verb
from stanchion.model.resource import ResourceSpec, ScriptKind
from stanchion.plan import binding
from stanchion.wire import replies, scripts

router = APIRouter(tags=["scripts"])

PARTS = ("monitoring", "policies", "preferred", "files", "machine", "live", "parameters", "size")


@router.post("/lint")
async def lint(here: Here, asked: scripts.LintOrder) -> scripts.LintReport:
    """Read a script as saving does, without saving it."""
    errors, warnings = await here.lint.check(asked.text)
    return scripts.LintReport(errors=errors, warnings=warnings)


@router.get("/resources/{name}/revisions")
async def revisions(here: Here, name: ResourceNamed) -> scripts.RevisionList:
    """List the revisions of its configuration that are kept, the newest first."""
    view = here.view()
    found = finding.resource(view, name)
    held, goes_by = view.specs[found], binding.effective(view, found)
    past = [(held.revision, held.value), *((each.revision, each.spec) for each in await saving.past(here, found))]
    state = view.states.get(found)
    is_loaded = state is not None and goes_by is not None and binding.is_bound(state.value)
    loaded = goes_by.revision if is_loaded and goes_by is not None else None
    return scripts.RevisionList(resource=found, revisions=tuple(
        scripts.RevisionInfo(
            revision=number, saved_by=spec.saved_by, saved_at=replies.instant(spec.saved_at_s), why=spec.saved_why,
            current=number == held.revision, loaded=number == loaded, changed=_changed(spec, past[at + 1:]))
        for at, (number, spec) in enumerate(past)))


@router.get("/resources/{name}/revisions/{number}")
async def revision(here: Here, name: ResourceNamed, number: RevisionNamed) -> scripts.RevisionDetail:
    """Tell one revision with everything in it."""
    found = finding.resource(here.view(), name)
    spec = await saving.revision(here, found, number)
    return scripts.RevisionDetail(
        **telling.configuration(spec.scripts, spec.machine, spec.monitoring, spec.policies),
        resource=found, revision=number, saved_by=spec.saved_by, saved_at=replies.instant(spec.saved_at_s),
        why=spec.saved_why, template=spec.template, live=spec.live, files=spec.files, preferred=spec.preferred,
        size=telling.size_info(spec.size), parameters=dict(spec.parameters))


@router.post("/resources/{name}/restore")
async def restore(here: Here, by: By, name: ResourceNamed, asked: scripts.Restore,
                  if_match: IfMatch = None) -> replies.Saved:
    """Save a past revision anew: all of it, or one script. Nothing of what stands now is lost."""
    found = finding.resource(here.view(), name)
    warnings = await edits.restore(here, found, asked, seen(if_match), by)
    return replies.Saved(resource=await detail(here, found), warnings=warnings)


@router.post("/resources/{name}/scripts/{script}/test", status_code=status.HTTP_202_ACCEPTED)
async def test(here: Here, by: By, name: ResourceNamed, script: ScriptKind,
               asked: scripts.TestOrder) -> replies.IntentInfo:
    """Try a script on a node. Its run is kept under the order's ``operation``, with what it told."""
    view = here.view()
    found = finding.resource(view, name)
    held = view.states.get(found)
    where = held.value.node if held is not None and binding.is_bound(held.value) else None
    node = finding.node(view, asked.node) if asked.node else where or here.node
    return await ordering.take(here, Verb.TEST, by, resource=found, node=node, script=script, dry=asked.dry)


def _changed(spec: ResourceSpec, before: Sequence[tuple[int, ResourceSpec]]) -> tuple[str, ...]:
    """Name the parts in which a configuration differs from the one before it."""
    if not before:
        return ()
    old = before[0][1]
    texts = (f"{kind} script" for kind in ScriptKind if spec.scripts.of(kind) != old.scripts.of(kind))
    return (*texts, *(part for part in PARTS if getattr(spec, part) != getattr(old, part)))
