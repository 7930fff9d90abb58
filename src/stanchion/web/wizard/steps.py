"""The steps of the wizard, and the way through them that is open by what was entered."""

from collections.abc import Iterable
from dataclasses import dataclass

from stanchion.web import fields
from stanchion.web.forms import Entered
from stanchion.wire.documents import FieldInfo


@dataclass(frozen=True, slots=True)
class Step:
    """One page. ``asks``: how the paths of its fields begin; ``additional``: only for who wants to define more."""

    key: str
    title: str
    asks: tuple[str, ...] = ()
    additional: bool = False
    of_template: bool = True
    """Whether it is also asked when a template is made."""

    def fields(self, infos: Iterable[FieldInfo]) -> tuple[FieldInfo, ...]:
        """Pick the fields of this step."""
        return tuple(info for info in infos if info.name.startswith(self.asks)) if self.asks else ()


SCRIPT = "overrides.scripts."
STEPS = (
    Step("type", "Type"),
    Step("name", "Name and template"),
    Step("parameters", "Parameters", ("parameters.",), of_template=False),
    Step("load", "Load Script", (f"{SCRIPT}load.",), additional=True),
    Step("unload", "Unload Script", (f"{SCRIPT}unload.",), additional=True),
    Step("monitor", "Monitor Script", (f"{SCRIPT}monitor.", f"{SCRIPT}halt.", f"{SCRIPT}prepare."), additional=True),
    Step("policies", "Policies", ("overrides.policies.",), additional=True),
    Step("nodes", "Preferred Nodes", ("overrides.preferred", "overrides.size."), additional=True, of_template=False),
    Step("monitoring", "Monitoring", ("overrides.monitoring.",), additional=True),
    Step("summary", "Summary"),
)
OWN = ("kind", "name", "title", "template", "online", "additional")
"""The fields of the first two steps."""


def makes_template(entered: Entered) -> bool:
    """Tell whether a template is to be made, not a resource."""
    return entered["kind"] == "template"


def way(entered: Entered, infos: Iterable[FieldInfo]) -> tuple[Step, ...]:
    """Give the steps that are to be gone, in their order."""
    known = tuple(infos)
    of_template, more = makes_template(entered), entered["additional"] == "yes"
    return tuple(step for step in STEPS
                 if (not of_template or step.of_template) and (not step.additional or more)
                 and (not step.asks or not known or step.fields(known)))


def beside(way_there: tuple[Step, ...], key: str, by: int) -> Step:
    """Give the step before or after another one; beyond the ends, the end."""
    at = next((index for index, step in enumerate(way_there) if step.key == key), 0)
    return way_there[max(0, min(at + by, len(way_there) - 1))]


def kept(entered: Entered, step: Step, infos: Iterable[FieldInfo]) -> tuple[tuple[str, str], ...]:
    """Give what travels on beside the step's own fields: whatever was entered that is not a default."""
    own = {"type": {"kind"}, "name": set(OWN) - {"kind"}}.get(step.key, set())
    told = [(name, entered[name]) for name in OWN if name in entered and name not in own]
    here = {info.name for info in step.fields(infos)}
    for info in infos:
        if info.name in here or not fields.differs(info, entered):
            continue
        if info.kind == "nodes":
            told += [(info.name, node) for node in entered.all(info.name)]
        else:
            told.append((info.name, entered[info.name]))
        if info.kind == "seconds":
            told.append((info.name + fields.UNIT, entered[info.name + fields.UNIT] or "s"))
    return tuple(told)
