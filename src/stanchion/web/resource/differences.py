"""What differs between two revisions of a configuration: scripts line by line, settings one by one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from stanchion.api.forms import LABELS
from stanchion.model.resource import ScriptKind
from stanchion.web.render import duration
from stanchion.wire.capacity import SizeInfo, said
from stanchion.wire.scripts import RevisionDetail

AROUND = 3
"""So many lines that are the same are shown around those that differ."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a difference: taken out, put in, the same in both, or left out here; numbers count from 1."""

    kind: Literal["out", "in", "same", "gap"]
    text: str = ""
    old: int | None = None
    new: int | None = None

    @property
    def sign(self) -> str:
        """What stands before it."""
        return {"out": "-", "in": "+", "same": " ", "gap": "…"}[self.kind]


@dataclass(frozen=True, slots=True)
class ScriptDifference:
    """What differs in one script: its lines, and its timeout if that does."""

    kind: ScriptKind
    lines: tuple[Line, ...]
    timeout: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that differs, by the name that forms give it."""

    name: str
    before: str
    after: str


def lines(before: str, after: str) -> tuple[Line, ...]:
    """Give the lines that differ between two texts, with some around them; none: the texts are the same."""
    old, new = before.splitlines(), after.splitlines()
    found: list[Line] = []
    last = 0
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND):
        if group[0][1] > last:
            found.append(Line("gap"))
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                found += [Line("same", text, old_from + at + 1, new_from + at + 1)
                          for at, text in enumerate(old[old_from:old_to])]
                continue
            found += [Line("out", text, old=old_from + at + 1) for at, text in enumerate(old[old_from:old_to])]
            found += [Line("in", text, new=new_from + at + 1) for at, text in enumerate(new[new_from:new_to])]
        last = group[-1][2]
    return (*found, Line("gap")) if found and last < len(old) else tuple(found)


def scripts(before: RevisionDetail, after: RevisionDetail) -> tuple[ScriptDifference, ...]:
    """Give the scripts that differ."""
    pairs = ((kind, before.scripts[kind], after.scripts[kind]) for kind in ScriptKind)
    return tuple(
        ScriptDifference(kind, lines(old.text, new.text), None if old.timeout_s == new.timeout_s else (
            duration(old.timeout_s), duration(new.timeout_s)))
        for kind, old, new in pairs if old != new)


def settings(before: RevisionDetail, after: RevisionDetail) -> tuple[Setting, ...]:
    """Give everything but the scripts that differs."""
    old, new = dict(_flat(before)), dict(_flat(after))
    return tuple(Setting(name, old.get(name, "not set"), new.get(name, "not set"))
                 for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name))


def _flat(of: RevisionDetail) -> Iterator[tuple[str, str]]:
    for part in (of.monitoring, of.policies):
        for name, value in part.model_dump(mode="json").items():
            yield LABELS.get(name, name.replace("_", " ")), _said(name, value)
    yield "Preferred Nodes", ", ".join(of.preferred) or "all nodes"
    yield "Memory and processors", said(of.size) if of.size != SizeInfo() else "as measured"
    yield "Files", ", ".join(of.files) or "none"
    yield "Machine", f"{of.machine.kind} {of.machine.name}".strip()
    yield "Live migration", _said("live", of.live)
    yield from _parameters(of.parameters)


def _parameters(of: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in of.items():
        yield f"Parameter {name}", value or "empty"


def _said(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return duration(float(value)) if name.endswith("_s") else str(value)
