"""What a monitor configuration will do, in words: for who reads it, and for who is filling its form in.

It says what ``monitoring`` does, number by number, so that nobody has to know whether "maximum 3" means that the third
failure acts or the fourth (it is the third).
"""

from stanchion.model.cluster import ClusterView
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.resource import FailureAction, Monitoring, ResourceSpec
from stanchion.plan import placement
from stanchion.plan.case import has

MINUTE_S, HOUR_S = 60.0, 3600.0


def describe(view: ClusterView, spec: ResourceSpec) -> str:
    """Say what the monitoring of this resource does, with the node that it would be moved to now."""
    return told(spec.monitoring, script=has(spec.scripts.monitor), timeout_s=spec.scripts.monitor.timeout_s,
                moves_per_hour=spec.policies.moves_per_hour, target=_next_node(view, spec))


def told(rule: Monitoring, *, script: bool, timeout_s: float, moves_per_hour: int, target: NodeName | None) -> str:
    """Say what a configuration does. ``target`` is where the resource would be moved to; None: nowhere now."""
    if not rule.enabled:
        return ("Monitoring is off: the monitor script is not run, and a machine that stops by itself is not "
                "brought back.")
    if not script:
        return "Monitoring is on, but there is no monitor script: nothing is run."
    every = f"Every {span(rule.interval_s)} the monitor script runs."
    acts = _action(rule.action, target)
    late = f"A run that takes longer than {span(timeout_s)} does so at once."
    if rule.max_failures == 1:
        return f"{every} The first failure {acts}. {late}{_budget(rule.action, moves_per_hour)}"
    within = f"The {ordinal(rule.max_failures)} failure within {span(rule.window_s)} {acts}."
    before = ("The failure before that restarts it on its node." if rule.max_failures == 2 else  # noqa: PLR2004 - one
              "Each failure before that restarts it on its node.")
    return f"{every} {within} {before} {late}{_budget(rule.action, moves_per_hour)}"


def _action(action: FailureAction, target: NodeName | None) -> str:
    match action:
        case FailureAction.MIGRATE if target is None:
            return ("moves the machine to the next preferred node; now there is none that could take it, so it would "
                    "become comatose")
        case FailureAction.MIGRATE:
            return f"moves the machine to the next preferred node, {target}"
        case FailureAction.REBOOT:
            return "resets the whole host, hard; all that runs there is started elsewhere by its own modes"
        case FailureAction.COMATOSE:
            return "sets it comatose: it is left as it is until somebody looks"


def _budget(action: FailureAction, moves: int) -> str:
    if action is not FailureAction.MIGRATE:
        return ""
    if moves == 0:
        return " The cluster may never move it by itself, so it becomes comatose instead."
    often = "once" if moves == 1 else f"{moves} times"
    return f" It is moved by itself at most {often} within an hour; after that it becomes comatose instead."


def _next_node(view: ClusterView, spec: ResourceSpec) -> NodeName | None:
    held = view.states.get(ResourceName(spec.name))
    listed = placement.order(view, spec)
    here = held.value.node if held is not None and held.value.node else next(iter(listed), None)
    return None if here is None else placement.after(view, spec, here)


def span(seconds: float) -> str:
    """Say a duration in its largest whole unit: ``30 s``, ``10 minutes``, ``1 hour``."""
    for unit, size in (("hour", HOUR_S), ("minute", MINUTE_S)):
        count = seconds / size
        if count >= 1 and count == int(count):
            return f"{count:g} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} s"


def ordinal(number: int) -> str:
    """Say the number of a place: ``1st``, ``2nd``, ``3rd``, ``11th``."""
    tail = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{tail}"
