"""The places of the original's chapter, section 14.2, counted: every paragraph, step and point that it is made of.

The chapter itself is not part of this tree; its order is. ``places`` names each spot that says something, so that a
test can ask whether any is without a requirement, and another one, where the chapter is at hand, whether a line of it
was left out of this count.

A place is written ``14.2.2 Enabling, step 7.2``: the second paragraph of the seventh step of that part. Plain
paragraphs are ``p1``, points of a list ``point 1``. Each sample script is one place.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """What a part holds: its plain paragraphs, and the paragraphs within each point and each step."""

    paragraphs: int = 0
    points: tuple[int, ...] = ()
    steps: tuple[int, ...] = ()
    sample: bool = False


TITLES = {
    "14.2 Virtual Machines": "14.2",
    "14.2.1 Creating": "14.2.1",
    "14.2.2 Configuring": "14.2.2",
    "Configuring the Load Script": "14.2.2 Load",
    "Configuring the Unload Script": "14.2.2 Unload",
    "Configuring the Monitor Script": "14.2.2 Monitor",
    "Enabling Resource Monitoring": "14.2.2 Enabling",
    "Viewing or Modifying": "14.2.2 Viewing",
    "14.2.3 Setting Up": "14.2.3",
}
"""How the headings of the chapter begin, and how their parts are called here."""

OUTLINE = {
    "14.2": Part(paragraphs=5),
    "14.2.1": Part(paragraphs=5, steps=(2, 1, 1, 1, 1, 1, 2, 1)),
    "14.2.2": Part(paragraphs=4, points=(1, 1, 1, 1)),
    "14.2.2 Load": Part(paragraphs=1, steps=(2, 1)),
    "14.2.2 Sample Xen_Template.load": Part(sample=True),
    "14.2.2 Sample XenLive_Template.load": Part(sample=True),
    "14.2.2 Unload": Part(paragraphs=1, steps=(3, 2, 1)),
    "14.2.2 Sample Xen_Template.unload": Part(sample=True),
    "14.2.2 Sample XenLive_Template.unload": Part(sample=True),
    "14.2.2 Monitor": Part(paragraphs=2),
    "14.2.2 Enabling": Part(paragraphs=1, steps=(1, 1, 1, 2, 2, 2, 4)),
    "14.2.2 Viewing": Part(paragraphs=1, steps=(1, 1, 1, 1, 3, 2)),
    "14.2.2 Sample Xen_Template.monitor": Part(sample=True),
    "14.2.2 Sample XenLive_Template.monitor": Part(sample=True),
    "14.2.3": Part(paragraphs=1, points=(1, 3)),
}
"""All parts in their order."""


def places() -> Iterator[str]:
    """Name every place of the chapter, part by part."""
    for name, part in OUTLINE.items():
        if part.sample:
            yield name
        yield from (f"{name} p{number}" for number in range(1, part.paragraphs + 1))
        yield from _numbered(f"{name}, point", part.points)
        yield from _numbered(f"{name}, step", part.steps)


def _numbered(name: str, of: tuple[int, ...]) -> Iterator[str]:
    for number, paragraphs in enumerate(of, 1):
        yield f"{name} {number}"
        yield from (f"{name} {number}.{paragraph}" for paragraph in range(2, paragraphs + 1))


def read(chapter: str) -> tuple[dict[str, Part], dict[str, str]]:
    """Count the parts of the chapter's text, and give the samples as they are printed in it. No line is passed over."""
    parts: dict[str, list[str]] = {}
    for line in chapter.splitlines():
        if (title := _title(line)) is not None:
            parts[title] = []
        elif line or "Sample" in next(reversed(parts), ""):
            parts[next(reversed(parts))].append(line)
    samples = {name.partition("Sample ")[2]: "\n".join(lines) for name, lines in parts.items() if "Sample" in name}
    return {name: Part(sample=True) if "Sample" in name else _part(lines) for name, lines in parts.items()}, {
        name: f"#!{text.partition('#!')[2].rstrip()}\n" for name, text in samples.items()}


def _title(line: str) -> str | None:
    sample = re.fullmatch(r"Sample (\w+) (Load|Unload|Monitor) Script", line)
    if sample is not None:
        return f"14.2.2 Sample {sample[1]}.{sample[2].lower()}"
    return next((name for begins, name in TITLES.items() if line.startswith(begins)), None)


def _part(lines: list[str]) -> Part:
    """Count one part: what is indented belongs to the point or step before it."""
    paragraphs = 0
    inner: dict[str, list[int]] = {"point": [], "step": []}
    last = "step"
    for line in lines:
        if line.startswith("    "):
            inner[last][-1] += 1
        elif (begins := re.match(r"  (?:(\d+)\.|\u2022) ", line)) is not None:
            last = "step" if begins[1] else "point"
            inner[last].append(1)
        else:
            paragraphs += 1
    return Part(paragraphs=paragraphs, points=tuple(inner["point"]), steps=tuple(inner["step"]))
