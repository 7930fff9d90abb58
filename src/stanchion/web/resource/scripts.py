"""Scripts: each in an editor, saved with who, when and why, and tried before it is needed.

The page works without scripts of its own: the editor is a plain field that its script makes better, the lint is also
asked by a button, and a test shows its result wherever the page is looked at.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from stanchion.api import events, telling, whereabouts
from stanchion.api import resources as api
from stanchion.api import scripts as script_api
from stanchion.api.access.principal import Principal
from stanchion.api.problems import status_of
from stanchion.api.services import Here, Services
from stanchion.model.errors import NotFound, StanchionError
from stanchion.model.ids import IntentId, NodeName, ResourceName
from stanchion.model.orders import Intent, Verb
from stanchion.model.resource import ScriptKind
from stanchion.plan import orders as planned
from stanchion.web import fields, forms, screen, visit
from stanchion.web.forms import Entered
from stanchion.web.render import said
from stanchion.web.resource import words
from stanchion.web.resource.around import around, path_of
from stanchion.web.resource.details import AGAIN_S
from stanchion.wire.replies import IntentInfo, ResourceDetail, RunInfo
from stanchion.wire.requests import ResourceChange, ScriptChange
from stanchion.wire.scripts import LintOrder, LintReport, TestOrder

router = APIRouter()

PURPOSES = {
    ScriptKind.LOAD: "Starts the machine, or takes it over in a live migration.",
    ScriptKind.UNLOAD: "Shuts the machine down, or sends it away in a live migration.",
    ScriptKind.MONITOR: "Tells whether the machine is well: code 0 means that it is.",
    ScriptKind.HALT: "Ends the machine at once, without grace, when its host lost the cluster.",
    ScriptKind.PREPARE: "Lets the target of a live migration get ready before the machine is sent.",
}


async def look(here: Services, who: Principal, request: Request) -> dict[str, Any]:
    """Look at one script, at what counts now, and at the test that the URL names."""
    shared = await around(here, request, "/scripts")
    resource: ResourceDetail = shared["resource"]
    kind = _kind(request)
    number, unit = fields.in_unit(resource.scripts[kind].timeout_s)
    order, run, output = await _tried(here, request, resource.name, kind)
    revisions = (await script_api.revisions(here, resource.name)).revisions
    return {
        **shared, "kind": kind, "kinds": tuple(ScriptKind), "purpose": PURPOSES[kind], "script": resource.scripts[kind],
        "number": number, "unit": unit, "units": tuple(fields.UNITS), "findings": None,
        "nodes": tuple(sorted(here.view().live)), "refused": _refusals(here, who.name, resource, kind),
        "order": order, "run": run, "output": output, "words": words,
        "look_again_s": AGAIN_S if order is not None and not order.ended else None,
        "revisions": tuple(each for each in revisions if f"{kind} script" in each.changed or not each.changed),
    }


page = screen.show(router, "/resources/{name}/scripts/{script}", "resource/scripts.html", look)


@router.get("/resources/{name}/scripts")
async def first(name: str) -> Response:
    """Lead to the first of the scripts."""
    return forms.done(path_of(name, "/scripts/load"))


@router.post("/resources/{name}/scripts/{script}")
async def save(here: Here, request: Request, name: str, script: str) -> Response:
    """Save a script with its timeout; or only check it, where that button was pressed."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    kind = _kind(request)
    try:
        if entered["do"] == "check":
            report = await script_api.lint(here, forms.shaped(LintOrder, text=entered["text"]))
            return await page.answer(here, request, entered=entered, findings=report)
        saved = await api.edit(here, who.name, name, _change(entered, kind), f'"{entered["revision"]}"')
    except StanchionError as problem:
        findings = await _findings(here, entered)
        return await page.answer(here, request, status_of(problem), error=str(problem), entered=entered,
                                 findings=findings)
    counts = (f"{saved.resource.name} goes by the one before until its next load."
              if kind in saved.resource.pending_scripts else "It counts from now on.")
    doubts = "".join(f" Doubtful: {doubt}." for doubt in saved.warnings)
    return forms.done(path_of(name, f"/scripts/{script}"), f"The {kind} script is saved. {counts}{doubts}")


@router.post("/resources/{name}/scripts/{script}/test")
async def test(here: Here, request: Request, name: str, script: str) -> Response:
    """Try the saved script on a node, dry or for real."""
    who = await visit.visitor(here, request)
    entered = await forms.read(request)
    back = path_of(name, f"/scripts/{script}")
    try:
        asked = forms.shaped(TestOrder, node=entered["node"] or None, dry=entered["dry"] != "no")
        taken = await script_api.test(here, who.name, name, _kind(request), asked)
    except StanchionError as problem:
        return forms.refused(back, f"Not tried: {problem}.")
    return forms.done(f"{back}?test={taken.id}#live_test")


def _kind(request: Request) -> ScriptKind:
    """Read which script the URL means. Raises ``NotFound``."""
    named = str(request.path_params["script"])
    if named not in set(ScriptKind):
        raise NotFound(f"there is no {named} script; there are {', '.join(ScriptKind)}")
    return ScriptKind(named)


def _change(entered: Entered, kind: ScriptKind) -> ResourceChange:
    """Put what was entered into a change. Raises ``InvalidInput``."""
    part = forms.shaped(ScriptChange, text=entered["text"], timeout_s=fields.duration(entered, "timeout", "Timeout"))
    return forms.shaped(ResourceChange, scripts={kind: part}, why=entered["why"], at_once=entered.on("at_once"))


async def _findings(here: Services, entered: Entered) -> LintReport | None:
    try:
        return await script_api.lint(here, forms.shaped(LintOrder, text=entered["text"]))
    except StanchionError:
        return None


def _refusals(here: Services, by: str, resource: ResourceDetail, kind: ScriptKind) -> dict[str, str]:
    """Say why a test cannot be made now, dry or for real; empty: it can."""
    def why(*, dry: bool) -> str:
        asked = Intent(id=IntentId(""), verb=Verb.TEST, by=by, at_s=0.0, resource=ResourceName(resource.name),
                       node=NodeName(here.node), script=kind, dry=dry)
        found = planned.refusal(here.view(), asked)
        return "" if found is None else said(telling.reason_info(found))

    return {"dry": why(dry=True), "real": why(dry=False)}


async def _tried(here: Services, request: Request, name: str,
                 kind: ScriptKind) -> tuple[IntentInfo | None, RunInfo | None, str]:
    """Give the test that the URL names: the order, the run if it has ended, and else what it has printed so far."""
    asked = request.query_params.get("test", "")
    if not asked:
        return None, None, ""
    try:
        order = await events.intent(here, asked)
    except NotFound:
        return None, None, ""
    if order.operation:
        try:
            return order, await api.run(here, name, kind, order.operation), ""
        except NotFound:
            pass
    process = (await whereabouts.process(here, name)).process
    return order, None, process.output if process is not None and process.script is kind else ""
