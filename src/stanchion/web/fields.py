"""Fields of forms that the API describes: shown with what was entered or stands there, and read back.

``api.forms`` tells what there is to ask, each field with its path in the request that it becomes part of, as in
``overrides.monitoring.interval_s``. That path is the field's name on the page, too, so that everything entered is put
together into a request without a word about what the fields mean. Durations are entered with a unit beside them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stanchion.model.errors import InvalidInput
from stanchion.web.forms import Entered
from stanchion.wire.documents import FieldInfo

UNITS: Mapping[str, int] = {"s": 1, "min": 60, "h": 3600}
UNIT = ":unit"
"""What the name of a duration's unit ends with."""

Value = str | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A field on a page: what it asks, what stands in it, and of a duration the unit."""

    info: FieldInfo
    value: str = ""
    unit: str = "s"
    values: tuple[str, ...] = ()
    """The nodes that are chosen, in their order."""

    @property
    def units(self) -> tuple[str, ...]:
        """The units to choose from."""
        return tuple(UNITS)


def shown(info: FieldInfo, entered: Entered) -> Shown:
    """Show a field with what was entered, else with its default."""
    if info.name in entered:
        return Shown(info, entered[info.name], entered[info.name + UNIT] or "s", _chosen(info, entered))
    default = info.default
    match info.kind:
        case "flag":
            return Shown(info, "yes" if default else "no")
        case "seconds":
            assert isinstance(default, int | float)
            return Shown(info, *in_unit(default))
        case "nodes":
            return Shown(info, values=default if isinstance(default, tuple) else ())
    return Shown(info, f"{default:g}" if isinstance(default, int | float) else str(default))


def value(info: FieldInfo, entered: Entered) -> Value:
    """Read what was entered into a field. Raises ``InvalidInput`` where it is no number but should be."""
    match info.kind:
        case "flag":
            return entered[info.name] == "yes"
        case "seconds":
            return duration(entered, info.name, info.label)
        case "number" if not isinstance(info.default, str):  # a parameter's number is a text that goes into a script
            number = entered.number(info.name, info.label)
            if not number.is_integer():
                raise InvalidInput(f"{info.label} must be a whole number, not {entered[info.name]!r}")
            return int(number)
        case "decimal":
            return entered.number(info.name, info.label)
        case "nodes":
            return _chosen(info, entered)
    return entered[info.name]


def duration(entered: Entered, name: str, label: str) -> float:
    """Read a duration with its unit, in seconds. Raises ``InvalidInput``."""
    unit = entered[name + UNIT] or "s"
    if unit not in UNITS:
        raise InvalidInput(f"{label} is given in {', '.join(UNITS)}, not in {unit!r}")
    return entered.number(name, label) * UNITS[unit]


def in_unit(value_s: float) -> tuple[str, str]:
    """Give a duration as a number and the largest unit that divides it."""
    for unit, size in reversed(list(UNITS.items())):
        if value_s >= size and value_s % size == 0:
            return f"{value_s / size:g}", unit
    return f"{value_s:g}", "s"


def changes(infos: Iterable[FieldInfo], entered: Entered) -> dict[str, Value]:
    """Give what was entered and differs from the default, by the field's path. Raises ``InvalidInput``."""
    read = ((info, value(info, entered)) for info in infos if info.name in entered)
    return {info.name: now for info, now in read if now != (info.default or type(now)())}


def differs(info: FieldInfo, entered: Entered) -> bool:
    """Tell whether a field was filled in with anything but its default; what cannot be read does differ."""
    try:
        return bool(changes((info,), entered))
    except InvalidInput:
        return info.name in entered


def nested(flat: Mapping[str, Value]) -> dict[str, Any]:
    """Put values together by their paths: ``{"a.b": 1}`` becomes ``{"a": {"b": 1}}``."""
    whole: dict[str, Any] = {}
    for path, each in flat.items():
        *parents, last = path.split(".")
        place = whole
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = each
    return whole


def _chosen(info: FieldInfo, entered: Entered) -> tuple[str, ...]:
    return tuple(each for each in entered.all(info.name) if each) if info.kind == "nodes" else ()
