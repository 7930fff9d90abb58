"""The wizard's data: everything that there is to ask when a resource is made from a template, page by page.

The original's wizard asks for a name and a template, and whoever ticks *Define Additional Properties* is asked for
scripts, policies, preferred nodes and monitoring too. So does this form, and for the room that the machine takes; what
an answer looks like is told with it, so a console needs to know nothing of resources to ask for one.
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from stanchion.model.capacity import LARGEST_CPUS, LARGEST_MIB
from stanchion.model.resource import Monitoring, Policies, ScriptKind
from stanchion.model.template import Parameter, ParameterKind, Template
from stanchion.plan import making
from stanchion.wire.documents import FieldInfo, Form, FormPage
from stanchion.wire.requests import MonitoringChange, PoliciesChange

NAME = FieldInfo(name="name", label="Name", kind="name", required=True, pattern="[A-Za-z0-9_]{1,63}",
                 help="1 to 63 letters, digits and underscores. Where the machine, its configuration file and its "
                      "mount point bear the same name, nothing else has to be filled in.")

LABELS: Mapping[str, str] = {
    "start": "Start mode", "failover": "Failover mode", "failback": "Failback mode",
    "failback_live": "Fail back live", "follows_master": "Resource Follows Master", "ignore_quorum": "Ignore Quorum",
    "priority": "Priority", "restart_after_failed_migration": "Start again after a failed live migration",
    "gives_way": "Gives way", "moves_per_hour": "Automatic moves per hour", "load_failure": "When loading fails",
    "retry_comatose": "Try again what is comatose because loading failed",
    "enabled": "Enable Resource Monitoring",
    "interval_s": "Polling Interval", "max_failures": "Maximum Local Failures", "window_s": "Time Interval",
    "action": "Failure action",
}
"""What the original calls them, where it has them; any other field is called by its name."""

BOUNDS: Mapping[str, tuple[float, float]] = {
    "priority": (0, making.HIGHEST_PRIORITY), "max_failures": (1, making.MOST_FAILURES), "moves_per_hour": (0, 3600),
}


MEASURED = "0: as its configuration says where it is loaded."
SIZE = (
    FieldInfo(name="overrides.size.memory_mib", label="Memory, in MiB", kind="number", default=0, least=0,
              most=LARGEST_MIB, help=MEASURED),
    FieldInfo(name="overrides.size.cpus", label="Processors", kind="decimal", default=0.0, least=0, most=LARGEST_CPUS,
              help=MEASURED),
)
"""The room that a machine takes, where that should not be measured; asked with the nodes that it may go to."""


def form(of: Template, nodes: tuple[str, ...]) -> Form:
    """Give the form of a template. ``nodes`` are those that the cluster knows."""
    preferred = FieldInfo(name="overrides.preferred", label="Preferred nodes, in their order", kind="nodes",
                          choices=nodes, help="None: all nodes, also those that join later.")
    return Form(template=of.name, pages=(
        FormPage(title="Resource", additional=False, fields=(NAME, *map(_parameter, of.parameters))),
        *_scripts(of),
        FormPage(title="Policies", additional=True, fields=tuple(_settings("policies", PoliciesChange, of.policies))),
        FormPage(title="Preferred Nodes", additional=True, fields=(preferred, *SIZE)),
        FormPage(title="Monitoring", additional=True,
                 fields=tuple(_settings("monitoring", MonitoringChange, of.monitoring))),
    ))


def _parameter(of: Parameter) -> FieldInfo:
    return FieldInfo(
        name=f"parameters.{of.name}", label=of.label, kind="choice" if of.choices else of.kind.value,
        default=of.default, help=of.help, required=of.required, choices=of.choices,
        pattern="" if of.kind is ParameterKind.TEXT else making.SHAPES[of.kind].pattern)


def _scripts(of: Template) -> Iterator[FormPage]:
    for kind in ScriptKind:
        script, here = of.scripts.of(kind), f"overrides.scripts.{kind}"
        yield FormPage(title=f"{kind.title()} Script", additional=True, fields=(
            FieldInfo(name=f"{here}.text", label=f"{kind.title()} script", kind="script", default=script.text,
                      required=kind in {ScriptKind.LOAD, ScriptKind.UNLOAD},
                      help="@NAME@ stands for the answer to the parameter NAME, @RESOURCE@ for the resource's name; "
                           "leave the script out of the request to have them filled in."),
            FieldInfo(name=f"{here}.timeout_s", label=f"{kind.title()} script timeout", kind="seconds",
                      default=script.timeout_s, least=0, most=making.LONGEST_S)))


def _settings(part: str, shape: Any, of: Policies | Monitoring) -> Iterator[FieldInfo]:
    for name, field in shape.model_fields.items():
        default, bounds = getattr(of, name, None), BOUNDS.get(name, (None, None))
        if default is None:
            continue
        shared = {"name": f"overrides.{part}.{name}", "label": LABELS.get(name, name.replace("_", " "))}
        choices = next((tuple(kind) for kind in get_args(field.annotation) if hasattr(kind, "__members__")), ())
        if choices:
            yield FieldInfo(**shared, kind="choice", default=str(default), choices=tuple(map(str, choices)))
        elif isinstance(default, bool):
            yield FieldInfo(**shared, kind="flag", default=default)
        elif name.endswith("_s"):
            yield FieldInfo(**shared, kind="seconds", default=default, least=0, most=making.LONGEST_S)
        elif isinstance(default, int | float):
            yield FieldInfo(**shared, kind="number", default=default, least=bounds[0], most=bounds[1])
