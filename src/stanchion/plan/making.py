"""Making a resource from a template, and every fault that a configuration can have, as sentences.

A template's scripts hold blanks of the form ``@NAME@`` (see ``model/template.py``). What fills them becomes part of a
bash script that runs as root, and ``exit_on_error`` lets the shell evaluate its words a second time; quoting once is
therefore not enough. So a value may hold only characters that mean nothing to a shell, however often it reads them.
Nobody needs more for names, paths, addresses and numbers; whoever does edits the script.

``faults`` judges the finished configuration, also one that was edited by hand. It gives *all* faults at once, because
nobody likes to find them one by one; a configuration without faults may be saved.
"""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from stanchion.model.capacity import LARGEST_CPUS, LARGEST_MIB, Size
from stanchion.model.errors import InvalidInput
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.resource import Machine, MachineKind, Monitoring, ResourceSpec, Script, ScriptKind, Scripts
from stanchion.model.template import Parameter, ParameterKind, Template
from stanchion.plan import storage

LONGEST_S = 86_400.0
"""The longest timeout or interval that makes sense: a day."""

MOST_FAILURES = 1000
HIGHEST_PRIORITY = 65_535

_NAME = re.compile(r"[A-Za-z0-9_]{1,63}", re.ASCII)
_HARMLESS = re.compile(r"[A-Za-z0-9_@%+=:,./-]*", re.ASCII)
_BLANK = re.compile(r"@([A-Z][A-Z0-9_]*)@")

SHAPES: Mapping[ParameterKind, re.Pattern[str]] = {
    ParameterKind.TEXT: _HARMLESS,
    ParameterKind.NAME: re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", re.ASCII),
    ParameterKind.NUMBER: re.compile(r"[0-9]{1,9}", re.ASCII),
    ParameterKind.PATH: re.compile(r"/[A-Za-z0-9_@%+=:,./-]*", re.ASCII),
}
"""What the answer to a parameter of each kind looks like."""

SHAPED: Mapping[ParameterKind, str] = {
    ParameterKind.TEXT: "letters, digits and _ @ % + = : , . / -",
    ParameterKind.NAME: "a name: letters, digits and _ . + -",
    ParameterKind.NUMBER: "a whole number",
    ParameterKind.PATH: "a whole path, beginning with /",
}

MOST_SCRIPT_BYTES = 128 * 1024
"""All scripts of a resource together: every revision of it is kept in the store."""


def make(template: Template, name: str, parameters: Mapping[str, str], *, by: str, at_s: float) -> ResourceSpec:
    """Fill a template's blanks. Parameters that are left out take their defaults.

    Raises ``InvalidInput`` for a bad name, a parameter that the template does not know, an answer that is missing,
    not among its choices, or not harmless in a script, and for a blank that the template's form does not ask for.
    """
    if fault := name_fault(name):
        raise InvalidInput(fault)
    answers = _answers(template, name, parameters)

    def filled(text: str) -> str:
        return _BLANK.sub(lambda blank: _answer_to(blank[1], answers, template), text)

    def script(kind: ScriptKind) -> Script:
        blank = template.scripts.of(kind)
        return Script(text=filled(blank.text), timeout_s=blank.timeout_s)

    return ResourceSpec(
        name=ResourceName(name),
        template=template.name,
        scripts=Scripts(**{kind.value: script(kind) for kind in ScriptKind}),
        machine=Machine(kind=template.machine.kind, name=filled(template.machine.name)),
        live=template.live,
        files=tuple(filled(path) for path in template.files),
        monitoring=template.monitoring,
        policies=template.policies,
        parameters={key: value for key, value in answers.items() if key != "RESOURCE"},
        saved_by=by,
        saved_at_s=at_s,
    )


def _answers(template: Template, name: str, parameters: Mapping[str, str]) -> dict[str, str]:
    known = {parameter.name for parameter in template.parameters}
    for unknown in sorted(parameters.keys() - known):
        listed = ", ".join(sorted(known)) or "none"
        raise InvalidInput(f"template {template.name} has no parameter {unknown}; it has: {listed}")
    answers = {"RESOURCE": name}
    for parameter in template.parameters:
        value = parameters.get(parameter.name, parameter.default.replace("@RESOURCE@", name)).strip()
        _check_answer(parameter, value)
        answers[parameter.name] = value
    return answers


def _check_answer(parameter: Parameter, value: str) -> None:
    asked = f"parameter {parameter.name} ({parameter.label})"
    if not value and parameter.required:
        raise InvalidInput(f"{asked} must not be empty")
    if value and parameter.choices and value not in parameter.choices:
        raise InvalidInput(f"{asked} cannot be {value!r}; choose one of: {', '.join(parameter.choices)}")
    if not _HARMLESS.fullmatch(value) or value.startswith("-"):
        raise InvalidInput(f"{asked} cannot be {value!r}: it becomes part of a script, so only letters, digits and "
                           "_ @ % + = : , . / - may stand in it, and not a - in front")
    if value and not SHAPES[parameter.kind].fullmatch(value):
        raise InvalidInput(f"{asked} cannot be {value!r}: it must be {SHAPED[parameter.kind]}")


def _answer_to(blank: str, answers: Mapping[str, str], template: Template) -> str:
    if blank not in answers:
        raise InvalidInput(f"template {template.name} has a blank @{blank}@ that its form does not ask for")
    return answers[blank]


def faults(spec: ResourceSpec, nodes: Collection[NodeName]) -> tuple[str, ...]:
    """Give every fault of a configuration as one sentence; ``nodes`` are the nodes that the cluster knows."""
    return (
        *_identity_faults(spec),
        *_script_faults(spec),
        *monitoring_faults(spec.monitoring),
        *_policy_faults(spec),
        *_preferred_faults(spec, nodes),
        *size_faults(spec.size, "the machine"),
    )


def twin(spec: ResourceSpec, others: Iterable[ResourceSpec]) -> str:
    """Say which other resource has the same machine or storage; empty: none. Each of two would be right to use it."""
    claim = storage.claimed(spec)
    for other in others:
        if other.name == spec.name:
            continue
        if spec.machine.kind is not MachineKind.SCRIPT and other.machine == spec.machine:
            return f"the machine {spec.machine.name} belongs to the resource {other.name} already"
        if claim and (same := storage.shared(claim, storage.claimed(other))):
            return (f"its load script takes {same} for itself, which belongs to the resource {other.name} already (a "
                    "single volume of a group is taken by lvchange)")
    return ""


def name_fault(name: str) -> str:
    """Say what is wrong with a resource's name; empty: nothing."""
    if _NAME.fullmatch(name):
        return ""
    return f"the name {name!r} is not possible: 1 to 63 letters (A-Z, a-z), digits and underscores"


def _identity_faults(spec: ResourceSpec) -> Iterator[str]:
    if fault := name_fault(spec.name):
        yield fault
    kind, machine = spec.machine.kind, spec.machine.name
    if kind is MachineKind.SCRIPT:
        if not spec.scripts.monitor.text.strip():
            yield "without a hypervisor to ask, the monitor script must tell whether it runs, and it is empty"
    elif not machine or not _HARMLESS.fullmatch(machine) or machine.startswith("-"):
        yield f"the machine's name {machine!r} is not possible: letters, digits and _ @ % + = : , . / -"
    for path in spec.files:
        if not path.startswith("/") or "\n" in path or "\0" in path:
            yield f"the file {path!r} must be named by its whole path, beginning with /"


def _script_faults(spec: ResourceSpec) -> Iterator[str]:
    size = sum(len(spec.scripts.of(kind).text.encode("utf-8", "replace")) for kind in ScriptKind)
    if size > MOST_SCRIPT_BYTES:
        yield f"the scripts have {size} bytes together; at most {MOST_SCRIPT_BYTES} are possible"
    for kind in ScriptKind:
        script = spec.scripts.of(kind)
        if kind in {ScriptKind.LOAD, ScriptKind.UNLOAD} and not script.text.strip():
            yield f"the {kind} script is empty"
        if "\r" in script.text or "\0" in script.text:
            yield f"the {kind} script holds carriage returns or null characters; bash reads only plain Unix text"
        yield from _duration_faults(f"the timeout of the {kind} script", script.timeout_s)
    unwatched = spec.machine.kind is not MachineKind.SCRIPT and not spec.scripts.monitor.text.strip()
    if spec.monitoring.enabled and unwatched:
        yield "monitoring is enabled, but the monitor script is empty"
    if spec.live and spec.machine.kind is MachineKind.QEMU and not spec.scripts.prepare.text.strip():
        yield "a QEMU machine migrates live only with a prepare script, which opens the door on the other node"


def _duration_faults(what: str, seconds: float) -> Iterator[str]:
    if not math.isfinite(seconds) or not 0 < seconds <= LONGEST_S:
        yield f"{what} is {seconds:g} s; it must be more than 0 and at most {LONGEST_S:g} s (a day)"


def size_faults(size: Size, of: str) -> Iterator[str]:
    """Say what is wrong with a size that somebody set for a machine or a host, as clauses."""
    if not 0 <= size.memory_mib <= LARGEST_MIB:
        yield f"the memory of {of} is {size.memory_mib} MiB; it must be 0 (as measured) to {LARGEST_MIB} MiB"
    if not 0 <= size.cpus <= LARGEST_CPUS:
        yield f"the processors of {of} are {size.cpus:g}; they must be 0 (as measured) to {LARGEST_CPUS}"


def monitoring_faults(monitoring: Monitoring) -> tuple[str, ...]:
    """Give one clause for everything that forbids saving this monitor configuration."""
    return tuple(_monitoring_faults(monitoring))


def _monitoring_faults(monitoring: Monitoring) -> Iterator[str]:
    yield from _duration_faults("the polling interval", monitoring.interval_s)
    yield from _duration_faults("the time interval for local failures", monitoring.window_s)
    if not 1 <= monitoring.max_failures <= MOST_FAILURES:
        yield f"the maximum of local failures is {monitoring.max_failures}; it must be 1 to {MOST_FAILURES}"


def _policy_faults(spec: ResourceSpec) -> Iterator[str]:
    policies = spec.policies
    if not 0 <= policies.priority <= HIGHEST_PRIORITY:
        yield f"the priority is {policies.priority}; it must be 0 to {HIGHEST_PRIORITY}"
    if policies.moves_per_hour < 0:
        yield f"the automatic moves per hour are {policies.moves_per_hour}; they cannot be fewer than 0"
    if policies.failback_live and not spec.live:
        yield "failback cannot be live, because its scripts cannot migrate live"


def _preferred_faults(spec: ResourceSpec, nodes: Collection[NodeName]) -> Iterator[str]:
    known = ", ".join(sorted(nodes)) or "none"
    seen: set[NodeName] = set()
    for node in spec.preferred:
        if node in seen:
            yield f"node {node} is listed twice among the preferred nodes"
        elif node not in nodes:
            yield f"the preferred node {node} is unknown; known nodes: {known}"
        seen.add(node)
