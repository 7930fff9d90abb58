"""The cluster's history and the record of every script run: the only sources for console, audit and explain.

Entries are written in the same transaction as the change that they tell of, so nothing happens without a line and no
line tells of what did not happen.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from stanchion.model.ids import NodeName, OperationId, ResourceName
from stanchion.model.reasons import Reason, Why
from stanchion.model.resource import ScriptKind
from stanchion.model.state import State


class Severity(StrEnum):
    """How much an entry asks of people."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


FOR_AUDIT = frozenset({Why.AUDIT, Why.SIGNED_IN, Why.SIGN_IN_REFUSED})
"""What is written down for the audit alone: it is no event of the cluster, and nobody is notified of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the history.

    ``cause`` names what led to it: an intent, the session that was lost or joined, or an earlier operation.
    ``operation`` is what the resource was, or is now, being taken through. ``plan.story`` follows both.
    """

    at_s: float
    reason: Reason
    severity: Severity = Severity.INFO
    by: NodeName | None = None
    node: NodeName | None = None
    resource: ResourceName | None = None
    before: State | None = None
    after: State | None = None
    cause: str = ""
    operation: OperationId | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the history with its name there, which grows with time."""

    id: str
    entry: Entry


class RunEnd(StrEnum):
    """How a script's run ended. ``OVERDUE``: past its timeout; its process is not killed and may still run."""

    EXITED = "exited"
    KILLED = "killed"
    OVERDUE = "overdue"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one script. ``output`` is bounded: its head and its tail. ``command`` is the failing command line.

    ``code`` is the script's exit code; a process ended by signal N has 128 + N, as in the shell.
    """

    resource: ResourceName
    script: ScriptKind
    operation: OperationId
    node: NodeName
    started_at_s: float
    ended_at_s: float
    end: RunEnd
    code: int
    command: str = ""
    output: str = field(default="", repr=False)
    pid: int = 0
