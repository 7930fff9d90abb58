"""How well a cluster is, and what about: the words in which the console, the command line and neighbours say it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from stanchion.model.ids import NodeName, ResourceName


class Health(StrEnum):
    """NORMAL: nothing is amiss. ATTENTION: something needs a look. CRITICAL: something that should run does not."""

    NORMAL = "normal"
    ATTENTION = "attention"
    CRITICAL = "critical"


GRAVITY = (Health.CRITICAL, Health.ATTENTION, Health.NORMAL)
"""The worst first."""


class Answer(StrEnum):
    """What somebody can do about a finding: answer yes or no to an alert, or give an order."""

    YES = "yes"
    NO = "no"
    OFFLINE = "offline"
    CONFIRM_DOWN = "confirm-down"
    RELEASE = "release"
    RESUME = "resume"
    UP = "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is amiss. ``text`` is the sentence about it, ``kind`` what such things have in common.

    ``since_s`` is when it began, 0 where nobody knows.
    """

    health: Health
    kind: str
    about: Literal["cluster", "node", "resource"]
    text: str
    resource: ResourceName | None = None
    node: NodeName | None = None
    answers: tuple[Answer, ...] = ()
    since_s: float = 0.0
