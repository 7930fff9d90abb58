"""Templates of one's own: what is wrong with one, and how a resource that exists becomes one.

A template is judged by making a resource from it, with every blank that has no answer of its own filled in by one that
fits; what is wrong with that resource would be wrong with every other one.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from stanchion.model.errors import InvalidInput
from stanchion.model.ids import NodeName, TemplateName
from stanchion.model.resource import Machine, ResourceSpec, ScriptKind, Scripts
from stanchion.model.template import Parameter, ParameterKind, Template
from stanchion.plan import making

LONGEST_TITLE, LONGEST_TEXT, MOST_PARAMETERS = 80, 2000, 50
TRIAL = "trial"

_NAME = re.compile(r"[A-Za-z0-9_]{1,63}", re.ASCII)
_PARAMETER = re.compile(r"[A-Z][A-Z0-9_]{0,39}", re.ASCII)
_FITS = {ParameterKind.TEXT: "x", ParameterKind.NAME: "x", ParameterKind.NUMBER: "1", ParameterKind.PATH: "/x"}


def faults(template: Template, nodes: Collection[NodeName]) -> tuple[str, ...]:
    """Give every fault of a template as one sentence."""
    told = (*_own_faults(template), *_parameter_faults(template))
    if told:
        return told
    answers = {each.name: each.choices[0] if each.choices else _FITS[each.kind]
               for each in template.parameters if each.required and not each.default}
    try:
        trial = making.make(template, TRIAL, answers, by="", at_s=0.0)
    except InvalidInput as fault:
        return (str(fault),)
    return making.faults(trial, nodes)


def _own_faults(template: Template) -> Iterator[str]:
    if not _NAME.fullmatch(template.name):
        yield (f"the template's name {template.name!r} is not possible: 1 to 63 letters (A-Z, a-z), digits and "
               "underscores")
    if not template.title.isprintable():
        yield "the template's title must be one line of letters that can be printed"
    for what, text, most in (("title", template.title, LONGEST_TITLE), ("description", template.description,
                                                                         LONGEST_TEXT)):
        if len(text) > most:
            yield f"the template's {what} has {len(text)} letters; at most {most} are possible"
    if len(template.parameters) > MOST_PARAMETERS:
        yield f"the template asks for {len(template.parameters)} parameters; at most {MOST_PARAMETERS} are possible"


def _parameter_faults(template: Template) -> Iterator[str]:
    seen: set[str] = set()
    for each in template.parameters[:MOST_PARAMETERS + 1]:
        if not _PARAMETER.fullmatch(each.name) or each.name == "RESOURCE":
            yield (f"the parameter's name {each.name!r} is not possible: capital letters, digits and underscores, and "
                   "not RESOURCE, which is the resource's own name")
        if each.name in seen:
            yield f"the parameter {each.name} is asked for twice"
        seen.add(each.name)
        if not each.label.isprintable():
            yield f"the label of the parameter {each.name} must be one line of letters that can be printed"
        if not each.label or max(map(len, (each.label, each.help))) > LONGEST_TEXT:
            yield f"the parameter {each.name} needs a label, and its label and help at most {LONGEST_TEXT} letters"


def used_by(template: TemplateName, specs: Mapping[str, ResourceSpec]) -> tuple[str, ...]:
    """Name the resources that were made from the template."""
    return tuple(sorted(name for name, spec in specs.items() if spec.template == template))


def of_resource(spec: ResourceSpec, origin: Template | None, name: str, title: str) -> Template:
    """Make a template of a resource.

    Where its scripts still are what the template that it was made from gives, the form is that template's, with the
    resource's answers as the defaults. Else the resource's name becomes the one blank, wherever it stands as a word.
    """
    word = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(spec.name)}(?![A-Za-z0-9_])")

    def blank(text: str) -> str:
        return word.sub("@RESOURCE@", text)

    fresh = Template(
        name=TemplateName(name), title=title or f"Like {spec.name}", description=f"Made of the resource {spec.name}.",
        scripts=spec.scripts, machine=spec.machine, live=spec.live, files=spec.files, monitoring=spec.monitoring,
        policies=spec.policies)
    if origin is not None and _still(spec, origin):
        answered = tuple(_answered(each, blank(spec.parameters.get(each.name, each.default)))
                         for each in origin.parameters)
        return replace(fresh, scripts=origin.scripts, machine=origin.machine, files=origin.files, parameters=answered)
    texts = {kind.value: replace(spec.scripts.of(kind), text=blank(spec.scripts.of(kind).text)) for kind in ScriptKind}
    return replace(fresh, scripts=Scripts(**texts), files=tuple(map(blank, spec.files)),
                   machine=Machine(kind=spec.machine.kind, name=blank(spec.machine.name)))


def _still(spec: ResourceSpec, origin: Template) -> bool:
    """Whether the resource's scripts are still what its template makes of its answers."""
    known = {each.name for each in origin.parameters}
    answers = {key: value for key, value in spec.parameters.items() if key in known}
    try:
        made = making.make(origin, spec.name, answers, by="", at_s=0.0)
    except InvalidInput:
        return False
    return (made.scripts, made.files, made.machine) == (spec.scripts, spec.files, spec.machine)


def _answered(asked: Parameter, answer: str) -> Parameter:
    return replace(asked, default=answer)
