"""Resources and templates as documents: what export writes and import reads, one format for both.

A document says what a thing *is*: it knows nothing of states, revisions or the cluster that it came from. What it
leaves out has the product's default. A resource's document is complete without its template.
"""

from typing import Annotated, Literal

from pydantic import Field

from stanchion.model.resource import MachineKind, ScriptKind
from stanchion.model.template import ParameterKind
from stanchion.wire.bounds import (
    MOST_ITEMS,
    VALUE_SHAPE,
    Flag,
    HostPath,
    Line,
    Name,
    NewName,
    ParameterName,
    Text,
    Value,
)
from stanchion.wire.capacity import SizeDocument
from stanchion.wire.replies import Reply
from stanchion.wire.requests import MonitoringChange, PoliciesChange, Request, ScriptChange

FORMAT: Literal["stanchion/1"] = "stanchion/1"

MOST_DOCUMENTS = 2000

Files = Annotated[tuple[HostPath, ...], Field(max_length=MOST_ITEMS)]


class MachineDocument(Request):
    """How the machine is looked for on a host."""

    kind: MachineKind = MachineKind.SCRIPT
    name: Annotated[Value, Field(json_schema_extra={"pattern": VALUE_SHAPE})] = ""


class ResourceDocument(Request):
    """A resource. ``template`` is where it came from, for people; the template need not exist."""

    name: NewName
    template: Name = ""
    live: Flag = False
    machine: MachineDocument = MachineDocument()
    files: Files = ()
    preferred: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS)] = ()
    parameters: Annotated[dict[Name, Value], Field(max_length=MOST_ITEMS)] = Field(default_factory=dict)
    size: SizeDocument = SizeDocument()
    policies: PoliciesChange = PoliciesChange()
    monitoring: MonitoringChange = MonitoringChange()
    scripts: dict[ScriptKind, ScriptChange] = Field(default_factory=dict)


class ParameterDocument(Request):
    """One blank of a template's form."""

    name: ParameterName
    label: Text
    default: Value = ""
    required: Flag = False
    choices: Annotated[tuple[Value, ...], Field(max_length=MOST_ITEMS)] = ()
    kind: ParameterKind = ParameterKind.TEXT
    help: Text = ""


class TemplateDocument(Request):
    """A template: scripts with blanks of the form ``@NAME@``, and the form that asks for them."""

    name: NewName
    title: Line = ""
    description: Text = ""
    live: Flag = False
    machine: MachineDocument = MachineDocument()
    files: Annotated[tuple[Value, ...], Field(max_length=MOST_ITEMS)] = ()
    parameters: Annotated[tuple[ParameterDocument, ...], Field(max_length=MOST_ITEMS)] = ()
    policies: PoliciesChange = PoliciesChange()
    monitoring: MonitoringChange = MonitoringChange()
    scripts: dict[ScriptKind, ScriptChange] = Field(default_factory=dict)


class Bundle(Request):
    """A file of export: any number of both. Two things of one kind never have the same name."""

    format: Literal["stanchion/1"] = FORMAT
    templates: Annotated[tuple[TemplateDocument, ...], Field(max_length=MOST_ITEMS)] = ()
    resources: Annotated[tuple[ResourceDocument, ...], Field(max_length=MOST_DOCUMENTS)] = ()


class CloneOrder(Request):
    """Make a template that is like another one, or like a resource, under this name."""

    name: NewName
    title: Line = ""


class ImportItem(Reply):
    """What became of one document, or would become of it.

    ``made``: it is there now. ``same``: it was there already, just like this. ``refused``: ``text`` says why.
    """

    kind: Literal["template", "resource"]
    name: str
    outcome: Literal["made", "would be made", "same", "refused"]
    text: str = ""
    warnings: tuple[str, ...] = ()


class ImportReport(Reply):
    """What became of the documents, in their order, templates first."""

    items: tuple[ImportItem, ...]


class FieldInfo(Reply):
    """One field of a form: what to ask for, what an answer looks like, and what stands there before anybody types.

    ``kind``: text, name, number (a whole one), decimal, path, script, choice, flag, seconds or nodes. ``pattern`` is a
    regular expression that every answer fits; ``least`` and ``most`` bound a number.
    """

    name: str
    label: str
    kind: str
    default: str | float | bool | tuple[str, ...] = ""
    help: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    pattern: str = ""
    least: float | None = None
    most: float | None = None


class FormPage(Reply):
    """One page of the wizard. ``additional``: shown only to who wants to define additional properties."""

    title: str
    additional: bool
    fields: tuple[FieldInfo, ...]


class Form(Reply):
    """Everything that there is to ask when a resource is made from a template.

    A field's ``name`` is its path in the request that makes the resource (``ResourceCreate``).
    """

    template: str
    pages: tuple[FormPage, ...]
