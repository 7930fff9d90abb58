"""A route for forms: what a monitor configuration would do, before it is saved."""

from dataclasses import replace

from fastapi import APIRouter

from stanchion.api import finding
from stanchion.api.services import Here
from stanchion.model.cluster import ClusterView
from stanchion.model.errors import InvalidInput
from stanchion.model.ids import ResourceName, TemplateName
from stanchion.model.resource import ResourceSpec, Script, Scripts
from stanchion.plan import making, monitoring_told
from stanchion.wire.monitoring import MonitoringDraft, MonitoringText

router = APIRouter(prefix="/monitoring", tags=["resources"])

ANY_SCRIPT = Script(text="exit 0\n", timeout_s=60.0)


@router.post("/describe")
async def describe(here: Here, draft: MonitoringDraft) -> MonitoringText:
    """Tell in words what a monitor configuration would do, and what is wrong with it. Nothing is saved."""
    view = here.view()
    spec = _drafted(view, _base(view, draft), draft)
    faults = making.monitoring_faults(spec.monitoring)
    return MonitoringText(text="" if faults else monitoring_told.describe(view, spec), faults=faults)


def _base(view: ClusterView, draft: MonitoringDraft) -> ResourceSpec:
    if draft.resource is not None and draft.template is not None:
        raise InvalidInput("name a resource or a template, not both")
    if draft.resource is not None:
        return view.specs[finding.resource(view, draft.resource)].value
    if draft.template is not None:
        of = view.templates[finding.template(view, draft.template)].value
        return ResourceSpec(name=ResourceName(""), template=of.name, scripts=of.scripts, monitoring=of.monitoring,
                            policies=of.policies)
    return ResourceSpec(name=ResourceName(""), template=TemplateName(""), scripts=Scripts(monitor=ANY_SCRIPT))


def _drafted(view: ClusterView, spec: ResourceSpec, draft: MonitoringDraft) -> ResourceSpec:
    script = spec.scripts.monitor
    if draft.script is not None:
        script = replace(script, text=ANY_SCRIPT.text if draft.script else "")
    if draft.timeout_s is not None:
        script = replace(script, timeout_s=draft.timeout_s)
    preferred = spec.preferred if draft.preferred is None else tuple(
        finding.node(view, node) for node in draft.preferred)
    return replace(spec, monitoring=replace(spec.monitoring, **draft.monitoring.model_dump(exclude_none=True)),
                   preferred=preferred, scripts=replace(spec.scripts, monitor=script))
