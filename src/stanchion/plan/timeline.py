"""How long a failover took, and where the time went: detect, prove, decide, load.

One function reads the history's lines; the command line, the report and the console show what it gives.

- *detect*: from the last sign of life until the cluster said that the node is lost, as far as the history knows it:
  the whole lease where the lease ran out, the time of suspicion where the node fell silent.
- *prove*: until the first proof that nothing runs there any more.
- *decide*: until the resource was sent to another node; where a person is asked, until the answer.
- *load*: until it ran there, or its load failed.

The instants are those of the hosts that wrote the lines; where their clocks differ, a phase may look shorter or longer,
but never negative.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stanchion.model.history import Entry, Line
from stanchion.model.ids import NodeName, ResourceName
from stanchion.model.reasons import Reason, Why
from stanchion.model.state import State

NOTICED = frozenset({Why.NODE_LOST, Why.FENCE_ASKED})
PROVEN = frozenset({Why.PROOF_FENCED, Why.PROOF_EXPIRED, Why.PROOF_RESET, Why.PROOF_CLEAN, Why.CONFIRM_ASKED})
SETTLED = frozenset({State.RUNNING, State.COMATOSE, State.UNASSIGNED, State.OFFLINE, State.QUORUM_WAIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What became of one resource. ``state`` is how it ended, or how far it is; a phase that has not ended is None.

    ``sent_at_s`` is when it was sent, ``ended_at_s`` when it ran, or its load failed.
    """

    resource: ResourceName
    node: NodeName | None
    state: State
    why: Reason
    line: str
    decide_s: float
    load_s: float | None = None
    total_s: float | None = None
    sent_at_s: float = 0.0
    ended_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A node that was lost. ``line`` is the first that tells of it, ``detect_s`` None where nobody knows.

    ``began_at_s`` is the last sign of life, as far as that is known, ``returned_at_s`` when the node joined again.
    """

    node: NodeName
    session: str
    at_s: float
    line: str
    detect_s: float | None = None
    prove_s: float | None = None
    proof: Reason | None = None
    recoveries: tuple[Recovery, ...] = ()
    began_at_s: float = 0.0
    proven_at_s: float | None = None
    returned_at_s: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is left to come: it is proven or back, and whatever was sent elsewhere has arrived."""
        known = self.proven_at_s is not None or self.returned_at_s is not None
        return known and all(one.ended_at_s is not None for one in self.recoveries)

    @property
    def sent_at_s(self) -> float | None:
        """When the first resource was sent elsewhere."""
        return min((one.sent_at_s for one in self.recoveries), default=None)

    @property
    def ended_at_s(self) -> float | None:
        """When the last resource had arrived, or the proof was there where nothing was held; None: it goes on."""
        ends = [one.ended_at_s for one in self.recoveries if one.ended_at_s is not None]
        return max(ends, default=self.proven_at_s or self.returned_at_s) if self.over else None


def incidents(lines: Iterable[Line]) -> tuple[Incident, ...]:
    """Give the losses of nodes that these lines tell of, the oldest first. ``lines`` are in order."""
    lines = tuple(lines)
    first: dict[str, Line] = {}
    for line in lines:
        if line.entry.resource is None and line.entry.reason.why in NOTICED and line.entry.cause:
            first.setdefault(line.entry.cause, line)
    return tuple(_incident(lines, session, line) for session, line in first.items())


def _incident(lines: Sequence[Line], session: str, noticed: Line) -> Incident:
    at_s = noticed.entry.at_s
    proof = next((line.entry for line in lines if line.entry.resource is None and line.entry.cause == session
                  and line.entry.reason.why in PROVEN), None)
    detect_s = _detected(noticed.entry)
    proven_s = proof.at_s if proof else at_s
    began_s = at_s - (detect_s or 0.0)
    back = next((line.entry for line in lines if line.id > noticed.id and line.entry.node == noticed.entry.node
                 and line.entry.reason.why is Why.NODE_JOINED), None)
    found = {line.entry.resource: line for line in reversed(lines) if line.entry.resource is not None
             and line.entry.cause == session and line.id > noticed.id}
    return Incident(
        node=noticed.entry.node or NodeName("?"), session=session, at_s=at_s, line=noticed.id, detect_s=detect_s,
        prove_s=max(0.0, proven_s - at_s) if proof else None, proof=proof.reason if proof else None,
        recoveries=tuple(_recovery(lines, line, began_s, proven_s)
                         for _, line in sorted(found.items(), key=lambda pair: pair[1].id)),
        began_at_s=began_s, proven_at_s=proof.at_s if proof else None, returned_at_s=back.at_s if back else None)


def _recovery(lines: Sequence[Line], sent: Line, began_s: float, proven_s: float) -> Recovery:
    entry = sent.entry
    if entry.after is State.ALERT:
        sent = _answer(lines, sent) or sent
        entry = sent.entry
    assert entry.resource is not None
    later = (line for line in lines if line.id >= sent.id and line.entry.resource == entry.resource
             and line.entry.operation == entry.operation and line.entry.after is not None)
    end = next((line.entry for line in later if line.entry.after in SETTLED), None)
    state = (end or entry).after or State.OFFLINE
    return Recovery(
        resource=entry.resource, node=(end or entry).node, state=state, why=(end or entry).reason, line=sent.id,
        decide_s=max(0.0, entry.at_s - proven_s), load_s=max(0.0, end.at_s - entry.at_s) if end else None,
        total_s=max(0.0, end.at_s - began_s) if end else None, sent_at_s=entry.at_s,
        ended_at_s=end.at_s if end else None)


def _answer(lines: Sequence[Line], asked: Line) -> Line | None:
    """Find what the question that a resource asked led to: where a person decides, deciding takes until then."""
    return next((line for line in lines if line.id > asked.id and line.entry.resource == asked.entry.resource
                 and line.entry.before is State.ALERT and line.entry.after is not State.ALERT), None)


def _detected(entry: Entry) -> float | None:
    """Read how long nothing had been heard when the loss was told; lines of older versions do not know."""
    try:
        return float(entry.reason.operands[1])
    except (IndexError, ValueError):
        return None
