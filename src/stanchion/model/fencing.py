"""Fencing: the devices that can switch a host off, and the record of an attempt.

A device is an agent program of the host and its parameters, as ``fence-agents`` define them. Only the power *state*
that a device reports proves anything: a command that ended well proves nothing, and a host that was off already is
as good as one that was just switched off.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stanchion.model.ids import NodeName, SessionId


class Power(StrEnum):
    """What a fence device reports."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceDevice:
    """One way to switch a host off: the agent's name (``fence_ipmilan``) and its parameters."""

    agent: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 20.0


class Protection(StrEnum):
    """What can prove that a node stopped although it says nothing any more."""

    NOTHING = "nothing"
    SELF_FENCE = "self-fence"
    DEVICE = "fence device"
    BOTH = "both"


class Attempt(StrEnum):
    """How far the fencing of a session has come; a success is a proof, and needs no state of its own."""

    ASKED = "asked"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fencing:
    """The order to switch off the host of this session. ``text`` says what went wrong at the last try."""

    node: NodeName
    session: SessionId
    attempt: Attempt = Attempt.ASKED
    tries: int = 1
    at_s: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Senses:
    """What the master itself perceives, beside what the store says: the sessions that nobody hears.

    Sessions and not nodes: a node that has just joined anew is not the one that fell silent. Perception alone never
    starts a machine; it only makes a fence device begin early. ``unattended``: an order to fence the master itself
    stands, and for a while, by the master's own clock, no deputy has cared for it.
    """

    silent: frozenset[SessionId] = frozenset()
    unattended: bool = False
