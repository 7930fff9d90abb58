"""Templates: a resource's configuration with blanks, and the form that asks for them.

A template's scripts hold placeholders of the form ``@NAME@``. Making a resource replaces each by the parameter of
that name; ``@RESOURCE@`` is the resource's own name. What the administrator then sees and edits is plain bash, as in
the original, and a template that changes later does not change the resources made from it.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from stanchion.model.ids import TemplateName
from stanchion.model.resource import Machine, Monitoring, Policies, Scripts


class ParameterKind(StrEnum):
    """What an answer looks like: any harmless text, a name, a number, or the whole path of a file."""

    TEXT = "text"
    NAME = "name"
    NUMBER = "number"
    PATH = "path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One blank of a template: its placeholder's name, what to ask for, and the answer that fits most sites.

    ``default`` may hold ``@RESOURCE@``. ``required`` means that an empty answer is refused; ``choices`` empty means
    that every answer of its ``kind`` will do. ``help`` says more than the label, where more is to be said.
    """

    name: str
    label: str
    default: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    kind: ParameterKind = ParameterKind.TEXT
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A resource's configuration with blanks. ``files`` and ``machine.name`` may hold placeholders too."""

    name: TemplateName
    title: str
    description: str
    scripts: Scripts
    parameters: tuple[Parameter, ...] = ()
    machine: Machine = field(default_factory=Machine)
    live: bool = False
    files: tuple[str, ...] = ()
    monitoring: Monitoring = field(default_factory=Monitoring)
    policies: Policies = field(default_factory=Policies)
