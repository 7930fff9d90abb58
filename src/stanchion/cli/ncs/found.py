"""What reading somebody else's files gives: documents, and remarks about what is not in them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stanchion.wire.documents import ResourceDocument, TemplateDocument

TEMPLATE_MARK = "_template"
"""Templates of the original are named like this at their end."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that an operator should know. ``lost``: it is not taken over."""

    about: str
    text: str
    lost: bool = False


@dataclass(slots=True)
class Found:
    """What was read so far."""

    resources: "list[ResourceDocument]" = field(default_factory=list)
    templates: "list[TemplateDocument]" = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def note(self, about: str, text: str) -> None:
        """Keep something worth knowing."""
        self.remarks.append(Remark(about, text))

    def lose(self, about: str, text: str) -> None:
        """Keep that something is not taken over, and why."""
        self.remarks.append(Remark(about, text, lost=True))
