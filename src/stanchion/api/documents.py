"""Between documents and records: the same thing, once as people write it down and once as the store keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from stanchion.api import finding
from stanchion.model.capacity import Size
from stanchion.model.ids import NodeName, ResourceName, TemplateName
from stanchion.model.resource import (
    Machine,
    Monitoring,
    Policies,
    ResourceSpec,
    Script,
    ScriptKind,
    Scripts,
)
from stanchion.model.template import Parameter, Template
from stanchion.wire.capacity import SizeDocument
from stanchion.wire.documents import MachineDocument, ParameterDocument, ResourceDocument, TemplateDocument
from stanchion.wire.requests import MonitoringChange, PoliciesChange, ScriptChange

IMPORTED = TemplateName("imported")
"""What stands in place of the template of a resource that came without one."""


def spec_of(of: ResourceDocument, nodes: Iterable[NodeName], *, by: str, at_s: float) -> ResourceSpec:
    """Read a resource. Node names are put into the cluster's own spelling."""
    known = list(nodes)
    return ResourceSpec(
        name=ResourceName(of.name), template=TemplateName(of.template) or IMPORTED, scripts=_scripts(of.scripts),
        machine=Machine(kind=of.machine.kind, name=of.machine.name), live=of.live, files=of.files,
        monitoring=replace(Monitoring(), **of.monitoring.model_dump(exclude_none=True)),
        policies=replace(Policies(), **of.policies.model_dump(exclude_none=True)),
        preferred=tuple(finding.match(name, known) or NodeName(name) for name in of.preferred),
        parameters=dict(of.parameters), size=Size(**of.size.model_dump()), saved_by=by, saved_at_s=at_s)


def template_of(of: TemplateDocument) -> Template:
    """Read a template."""
    return Template(
        name=TemplateName(of.name), title=of.title or of.name, description=of.description,
        scripts=_scripts(of.scripts), machine=Machine(kind=of.machine.kind, name=of.machine.name), live=of.live,
        files=of.files, parameters=tuple(Parameter(**each.model_dump()) for each in of.parameters),
        monitoring=replace(Monitoring(), **of.monitoring.model_dump(exclude_none=True)),
        policies=replace(Policies(), **of.policies.model_dump(exclude_none=True)))


def resource_document(of: ResourceSpec) -> ResourceDocument:
    """Write a resource down."""
    return ResourceDocument(
        name=of.name, template=of.template, live=of.live, machine=_machine(of.machine), files=of.files,
        preferred=of.preferred, parameters=dict(of.parameters), scripts=_texts(of.scripts),
        policies=_policies(of.policies), monitoring=_monitoring(of.monitoring),
        size=SizeDocument(memory_mib=of.size.memory_mib, cpus=of.size.cpus))


def template_document(of: Template) -> TemplateDocument:
    """Write a template down."""
    return TemplateDocument(
        name=of.name, title=of.title, description=of.description, live=of.live, machine=_machine(of.machine),
        files=of.files, scripts=_texts(of.scripts), policies=_policies(of.policies),
        monitoring=_monitoring(of.monitoring),
        parameters=tuple(ParameterDocument.model_validate(each, from_attributes=True) for each in of.parameters))


def _scripts(of: Mapping[ScriptKind, ScriptChange]) -> Scripts:
    blank = Scripts()
    return Scripts(**{kind.value: _script(of.get(kind), blank.of(kind)) for kind in ScriptKind})


def _script(of: ScriptChange | None, default: Script) -> Script:
    return default if of is None else replace(default, **of.model_dump(exclude_none=True))


def _texts(of: Scripts) -> dict[ScriptKind, ScriptChange]:
    """Write scripts down; one that is not there is left out, unless its timeout was set all the same."""
    blank = Scripts()
    return {kind: ScriptChange(text=of.of(kind).text, timeout_s=of.of(kind).timeout_s) for kind in ScriptKind
            if of.of(kind) != blank.of(kind)}


def _machine(of: Machine) -> MachineDocument:
    return MachineDocument(kind=of.kind, name=of.name)


def _policies(of: Policies) -> PoliciesChange:
    known = PoliciesChange.model_fields
    return PoliciesChange(**{name: getattr(of, name) for name in known if hasattr(of, name)})


def _monitoring(of: Monitoring) -> MonitoringChange:
    return MonitoringChange.model_validate(of, from_attributes=True)
